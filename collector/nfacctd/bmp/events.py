"""What nfacctd says of a BMP message that is no route: the body of its record (reference 3.3).

Keys stand in nfacctd's order; keys of things that are not there are left out.
"""

from collections.abc import Iterable
from socket import AF_INET, inet_ntop
from typing import Any

from collector.nfacctd.bmp.quirks import FAMILY_STATISTICS, IS_FILTERED_OF_PEER_DOWN, signed
from collector.nfacctd.bmp.routes import peer_name, peer_rd
from collector.protocols.bmp.information import Information
from collector.protocols.bmp.messages import Initiation, PeerDown, PeerUp, Termination
from collector.protocols.bmp.per_peer import (
    ADJ_RIB_IN_POST,
    ADJ_RIB_IN_PRE,
    ADJ_RIB_OUT_POST,
    ADJ_RIB_OUT_PRE,
    LOC_RIB,
    PeerHeader,
)

Fields = dict[str, Any]

RD_OF_NLRI, RD_OF_PEER = "bgp", "bmp"  # values of rd_origin

_RIB_TYPES = {
    ADJ_RIB_IN_PRE: "Adj-Rib-In Pre-Policy",
    ADJ_RIB_IN_POST: "Adj-Rib-In Post-Policy",
    ADJ_RIB_OUT_PRE: "Adj-Rib-Out Pre-Policy",
    ADJ_RIB_OUT_POST: "Adj-Rib-Out Post-Policy",
    LOC_RIB: "Loc-Rib",
}
_POST_POLICY = frozenset({ADJ_RIB_IN_POST, ADJ_RIB_OUT_POST})
_ADJ_RIB_OUT = frozenset({ADJ_RIB_OUT_PRE, ADJ_RIB_OUT_POST})

_PEER_TYPES = (
    "Global Instance Peer",
    "RD Instance Peer",
    "Local Instance Peer",
    "Loc-RIB Instance Peer",
)
_UNKNOWN = "Unknown"

_INITIATION_TLVS = {0: "string", 1: "sysdescr", 2: "sysname", 3: "reserved"}
_PEER_UP_TLVS = {
    0: "string",
    1: "reserved",
    2: "reserved",
    3: "vrf_table_name",
    4: "admin_label",
}
_TERMINATION_TLVS = {0: "string", 1: "reason"}
_TERMINATION_REASON = 1
_ENTERPRISE_TLV = 0x8000  # E bit: the value begins with an enterprise number (BMP version 4)
_PEN_OCTETS = 4

_TERMINATIONS = (
    "Session administratively closed",
    "Unspecified reason",
    "Out of resources",
    "Redundant connection",
    "Session permanently administratively closed",
)
_PEER_DOWNS = (
    "Reserved",
    "The local system closed the session",
    "The local system closed the session without a notification message",
    "The remote system closed the session",
    "The remote system closed the session without a notification message",
    "Info for this peer will no longer be sent for configuration reasons",
)
_LOCAL_EVENT = 2  # Peer Down reason whose data is an FSM event code

_COUNTERS = (
    "Number of prefixes rejected by inbound policy",
    "Number of (known) duplicate prefix advertisements",
    "Number of (known) duplicate withdraws",
    "Number of updates invalidated due to CLUSTER_LIST loop",
    "Number of updates invalidated due to AS_PATH loop",
    "Number of updates invalidated due to ORIGINATOR_ID",
    "Number of updates invalidated due to AS_CONFED loop",
    "Number of routes in Adj-RIBs-In",
    "Number of routes in Loc-RIB",
    "Number of routes in per-AFI/SAFI Abj-RIB-In",
    "Number of routes in per-AFI/SAFI Loc-RIB",
    "Number of updates subjected to treat-as-withdraw",
    "Number of prefixes subjected to treat-as-withdraw",
    "Number of duplicate update messages received",
    "Number of routes in Adj-RIBs-Out Pre-Policy",
    "Number of routes in Adj-RIBs-Out Post-Policy",
    "Number of routes in per-AFI/SAFI Abj-RIB-Out Pre-Policy",
    "Number of routes in per-AFI/SAFI Abj-RIB-Out Post-Policy",
)
_COUNTER32, _GAUGE64, _FAMILY = 4, 8, 3  # octets; AFI and SAFI stand before a gauge
_FAMILY_OCTETS = dict.fromkeys((9, 10, 16, 17), _FAMILY)
_COUNTER_OCTETS = dict.fromkeys((7, 8, 14, 15), _GAUGE64) | dict.fromkeys(
    _FAMILY_OCTETS, _FAMILY + _GAUGE64
)


class Bodies:
    """Writes the bodies.

    Args:
        set_pd: `bmp_daemon_set_pd`: a peer's distinguisher goes under "pd", not "rd".
    """

    def __init__(self, set_pd: bool = False) -> None:
        self._rd_key = "pd" if set_pd else "rd"

    def distinguisher(self, header: PeerHeader) -> Fields:
        """The distinguisher of the peer, if it has one."""
        rd = peer_rd(header)
        return {} if rd is None else {self._rd_key: rd, f"{self._rd_key}_origin": RD_OF_PEER}

    def initiation(self, message: Initiation) -> Fields:
        """The body of an "init"."""
        return _information("bmp_init_info", _INITIATION_TLVS, message.information)

    def termination(self, message: Termination) -> Fields:
        """The body of a "term"."""
        tlvs = (
            tlv._replace(value=_reason(tlv.value)) if tlv.type == _TERMINATION_REASON else tlv
            for tlv in message.information
        )
        return _information("bmp_term_info", _TERMINATION_TLVS, tlvs)

    def peer_up(self, message: PeerUp, local_ipv4: bytes) -> Fields:
        """The body of a "peer_up".

        Args:
            local_ipv4: where the local address would be, that a Loc-RIB has none of.
        """
        header = message.peer
        return {
            "peer_ip": peer_name(header)[0],
            "peer_asn": header.as_number,
            "local_as": message.sent_open.as_number,
            "bgp_id": header.bgp_id,
            "peer_type": header.type,
            "peer_type_str": _peer_type(header.type),
            **view_fields(header),
            "local_port": message.local_port,
            "remote_port": message.remote_port,
            "local_ip": message.local_address or inet_ntop(AF_INET, local_ipv4),
            **self.distinguisher(header),
            **_information("bmp_peer_up_info", _PEER_UP_TLVS, message.information),
        }

    def peer_down(self, message: PeerDown) -> Fields:
        """The body of a "peer_down"."""
        header = message.peer
        body = {
            "peer_ip": peer_name(header)[0],
            "peer_asn": header.as_number,
            "bgp_id": header.bgp_id,
            "peer_type": header.type,
            "peer_type_str": _peer_type(header.type),
            **view_fields(header),
            **self.distinguisher(header),
            "reason_type": message.reason,
        }
        body["is_filtered"] = IS_FILTERED_OF_PEER_DOWN
        if message.reason < len(_PEER_DOWNS):
            body["reason_str"] = _PEER_DOWNS[message.reason]
        if message.reason == _LOCAL_EVENT:
            body["reason_loc_code"] = message.fsm_event or 0
        return body

    def statistic(self, header: PeerHeader, kind: int, octets: bytes, in_log: bool) -> Fields:
        """The body of a "stats", of one counter.

        Args:
            kind: its type.
            octets: its value on the wire.
        """
        known = kind < len(_COUNTERS)
        body: Fields = {
            "peer_ip": peer_name(header)[0],
            "peer_asn": header.as_number,
            "bgp_id": header.bgp_id,
            "peer_type": header.type,
            **view_fields(header),
            **self.distinguisher(header),
            "counter_type": kind,
            "counter_type_str": _COUNTERS[kind] if known else _UNKNOWN,
        }
        if not known:
            body["counter_value"] = (_hexadecimal(octets) or None) if in_log else 0
            return body
        if len(octets) != _COUNTER_OCTETS.get(kind, _COUNTER32):
            octets = b""
        if kind in FAMILY_STATISTICS:
            body["afi"], body["safi"] = int.from_bytes(octets[:2]), int.from_bytes(octets[2:3])
        value = octets[_FAMILY_OCTETS.get(kind, 0) :]
        body["counter_value"] = signed(int.from_bytes(value))
        return body


def view_fields(header: PeerHeader) -> Fields:
    """Say which of the router's tables a message is about."""
    fields: Fields = {
        "bmp_rib_type": _RIB_TYPES[header.view],
        "is_filtered": int(header.filtered),
    }
    if header.view == LOC_RIB:
        fields["is_loc"] = 1
    else:
        fields["is_post"] = int(header.view in _POST_POLICY)
        fields["is_out" if header.view in _ADJ_RIB_OUT else "is_in"] = 1
    return fields


def _information(prefix: str, names: dict[int, str], tlvs: Iterable[Information]) -> Fields:
    """Write TLVs; of a type that comes twice the last one counts. Empty ones say nothing."""
    fields: Fields = {}
    for tlv in tlvs:
        name = names.get(tlv.type)
        value = tlv.value
        if name is None:
            name, value = _unknown_tlv(tlv)
        text = value.partition("\0")[0] if isinstance(value, str) else _hexadecimal(value)
        fields[f"{prefix}_{name}"] = text if value else None
    return fields


def are_whole(tlvs: Iterable[Information]) -> bool:
    """Tell whether TLVs that begin with an enterprise number have all of it."""
    return all(len(tlv.value) >= _PEN_OCTETS for tlv in tlvs if tlv.type & _ENTERPRISE_TLV)


def _unknown_tlv(tlv: Information) -> tuple[str, bytes]:
    octets = tlv.value.encode() if isinstance(tlv.value, str) else tlv.value
    if tlv.type & _ENTERPRISE_TLV:
        pen = int.from_bytes(octets[:_PEN_OCTETS])
        return f"{pen}_{tlv.type & ~_ENTERPRISE_TLV}", octets[_PEN_OCTETS:]
    return str(tlv.type), octets


def _hexadecimal(octets: bytes) -> str:
    return octets.hex("-").upper()


def _reason(value: str | int | bytes) -> str:
    """Write the reason of a termination; one that is not of two octets is a number."""
    if isinstance(value, int):
        return _TERMINATIONS[value] if value < len(_TERMINATIONS) else str(value)
    return str(int.from_bytes(value)) if value else ""


def _peer_type(number: int) -> str:
    return _PEER_TYPES[number] if number < len(_PEER_TYPES) else _UNKNOWN
