"""Encode BMP messages (RFC 7854, RFC 8671, RFC 9069) as a router would."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

_COMMON = struct.Struct("!BIB")
_PER_PEER = struct.Struct("!BB8s16sI4sII")
_ROUTE_MONITORING, _STATISTICS, _PEER_DOWN, _PEER_UP = 0, 1, 2, 3
_INITIATION, _TERMINATION, _ROUTE_MIRRORING = 4, 5, 6
_IPV6_PEER, _POST_POLICY, _LEGACY_AS_PATH, _ADJ_RIB_OUT, _FILTERED = 0x80, 0x40, 0x20, 0x10, 0x80
_TABLE_NAME = 3  # Peer Up TLV, RFC 9069 section 5.2.1
_BGP_PORT = 179

LOC_RIB = 3
"""The peer type of a router's own table (RFC 9069 section 4.1)."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A BGP peer of the simulated router and one of its tables; of type 3 it is its Loc-RIB.

    A Loc-RIB has no address, no policy and no direction, only ``filtered``.
    """

    address: str = "0.0.0.0"
    as_number: int = 0
    bgp_id: str = "0.0.0.0"
    type: int = 0
    distinguisher: bytes = bytes(8)
    post_policy: bool = False
    adj_rib_out: bool = False
    as_size: int = 4
    filtered: bool = False

    def header(self, time_s: float = 0) -> bytes:
        """The per-peer header, 42 octets (RFC 7854 section 4.2); time 0 is unknown."""
        seconds, fraction = divmod(time_s, 1)
        return _PER_PEER.pack(
            self.type,
            self._flags(),
            self.distinguisher,
            ip_address(self.address).packed.rjust(16, b"\0"),
            self.as_number,
            ip_address(self.bgp_id).packed,
            int(seconds),
            int(fraction * 1e6),
        )

    def _flags(self) -> int:
        if self.type == LOC_RIB:
            return _FILTERED if self.filtered else 0
        return (
            (_IPV6_PEER if ip_address(self.address).version == 6 else 0)
            | (_POST_POLICY if self.post_policy else 0)
            | (_LEGACY_AS_PATH if self.as_size == 2 else 0)
            | (_ADJ_RIB_OUT if self.adj_rib_out else 0)
        )


def initiation(system_name: str, description: str = "simulated router") -> bytes:
    """The first message of a session."""
    return _message(_INITIATION, _tlv(1, description.encode()) + _tlv(2, system_name.encode()))


def termination(reason: int = 0) -> bytes:
    """The last message of a session (RFC 7854 section 4.5)."""
    return _message(_TERMINATION, _tlv(1, struct.pack("!H", reason)))


def peer_up(
    peer: Peer,
    local_address: str,
    sent_open: bytes,
    received_open: bytes,
    time_s: float = 0,
    table_name: str = "",
) -> bytes:
    """A peering came up; the OPENs are whole BGP messages. A Loc-RIB's table has a name."""
    local, remote_port = ip_address(local_address).packed.rjust(16, b"\0"), 30_000
    ports = struct.pack("!HH", _BGP_PORT, remote_port)
    if peer.type == LOC_RIB:
        local, ports = bytes(16), bytes(4)  # RFC 9069 section 5.2
    body = peer.header(time_s) + local + ports + sent_open + received_open
    return _message(
        _PEER_UP, body + (_tlv(_TABLE_NAME, table_name.encode()) if table_name else b"")
    )


def peer_down(peer: Peer, reason: int = 4, time_s: float = 0, data: bytes = b"") -> bytes:
    """A peering went down; ``data`` is what the reason carries, as a NOTIFICATION for 1 and 3."""
    return _message(_PEER_DOWN, peer.header(time_s) + bytes((reason,)) + data)


def route_monitoring(peer: Peer, update: bytes, time_s: float = 0) -> bytes:
    """An UPDATE (a whole BGP message) of a peer's table."""
    return _message(_ROUTE_MONITORING, peer.header(time_s) + update)


def route_mirroring(peer: Peer, messages: Iterable[bytes], time_s: float = 0) -> bytes:
    """BGP messages exactly as the peer sent them."""
    return _message(_ROUTE_MIRRORING, peer.header(time_s) + b"".join(_tlv(0, m) for m in messages))


def statistics(peer: Peer, values: Iterable[tuple[int, bytes]], time_s: float = 0) -> bytes:
    """A Statistics Report: (type, value of 4 or 8 octets, or with AFI and SAFI before it)."""
    tlvs = [_tlv(kind, value) for kind, value in values]
    body = peer.header(time_s) + struct.pack("!I", len(tlvs)) + b"".join(tlvs)
    return _message(_STATISTICS, body)


def _message(kind: int, body: bytes) -> bytes:
    return _COMMON.pack(3, _COMMON.size + len(body), kind) + body


def _tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value
