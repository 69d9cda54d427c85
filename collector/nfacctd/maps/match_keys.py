"""MATCH keys of nfacctd's rules: how their values read, what of a flow they look at (5.4).

A flow is a mapping of these properties (None or missing where it has none):

    ip                  exporter: address as text (IPv4 dotted, IPv6 as RFC 5952 writes it)
    in, out             interfaces: IE 10 / 14, else 252 / 253
    source_id           observation domain; NetFlow v5: engine_id
    engine_type         NetFlow v5
    flowset_id          Set ID of the data, which is its template's
    nexthop             IE 15, address; bgp_nexthop: 18, 63, top label's address, or the route's
    sample_type         "flow-ipv4", "flow-mpls-ipv6", "flow-vlan-ipv4" ..., "event", "option"
    is_bi_flow, is_nel, is_nsel     bool
    direction, nat_event, fwd_status, ip_proto, src_port, dst_port, tcp_flags, vlan, cvlan     int
    src_mac, dst_mac    lower case, with colons
    src_net, dst_net    addresses of the flow
    mpls_pw_id, mpls_vpn_id_in, mpls_vpn_id_out, mpls_label_bottom     int
    mpls_vpn_id         int, or a tuple of which any will do
    src_as, dst_as, peer_src_as, peer_dst_as, local_pref, src_local_pref     int
    comms, src_comms    tuple of texts, "65000:1"
    src_roa, dst_roa    "u", "i", "v", "o", "O"
    mpls_vpn_rd         "0:64512:1", of the route to the destination
and those that `flow_filter` names.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from collector.nfacctd.maps import values
from collector.nfacctd.maps.columns import AnyOf, Derived, LeadingBits, Plain
from collector.nfacctd.maps.communities import communities
from collector.nfacctd.maps.conditions import Condition, Differs, Equals
from collector.nfacctd.maps.flow_filter import FlowFilter
from collector.nfacctd.maps.ip_protocols import protocol_number
from collector.nfacctd.maps.route_distinguisher import rd_text

_U8, _U16, _U32 = 0xFF, 0xFFFF, 0xFFFF_FFFF
_SAMPLE_TYPES = ("flow-ipv4", "flow-ipv6", "flow-mpls-ipv4", "flow-mpls-ipv6", "event", "option")
_ROA_STATES = "uivoO"
_FORWARDING_CLASS = 0xC0  # RFC 7270 section 4.12: the upper two bits; the others say why


@dataclass(frozen=True, slots=True)
class MatchKey:
    """How the value of one key becomes a condition."""

    read: Callable[[str], Condition]  # raises ValueError
    negatable: bool = True
    absent_never: bool = False  # without the property a negation does not match either

    def condition(self, text: str) -> Condition:
        """Read a value, negated where it begins with a minus sign.

        Raises:
            ValueError: it is none of this key.
        """
        if not text.startswith("-"):
            return self.read(text)
        if not self.negatable:
            raise ValueError("cannot be negated")
        return Differs(self.read(text[1:]), self.absent_never)


def _integer(property_: str, high: int, absent: int | None = None) -> MatchKey:
    column = Plain(property_, absent)
    return MatchKey(lambda text: Equals(column, values.number(text, high)))


def _text(property_: str, read: Callable[[str], Hashable], absent: str | None = None) -> MatchKey:
    column = Plain(property_, absent)
    return MatchKey(lambda text: Equals(column, read(text)))


def _switch(property_: str) -> MatchKey:
    column = Derived(property_, bool)
    return MatchKey(lambda text: Equals(column, values.switch(text)))


def _prefix(property_: str, negatable: bool) -> MatchKey:
    host = Plain(property_)

    def read(text: str) -> Condition:
        prefix = values.prefix(text)
        if prefix.length == values.width_of(prefix.version):
            return Equals(host, values.address(text.partition("/")[0]))
        return Equals(LeadingBits(property_, prefix.version, prefix.length), prefix.bits)

    return MatchKey(read, negatable)


def _communities(property_: str) -> MatchKey:
    return MatchKey(lambda text: communities(property_, text), negatable=False)


def _forwarding_class(status: object) -> int | None:
    return None if status is None else int(status) & _FORWARDING_CLASS


def _is_traffic(sample_type: object) -> bool:
    return sample_type is not None and str(sample_type).startswith("flow")


def _sample_type(text: str) -> Condition:
    if text == "flow":
        return Equals(_TRAFFIC, True)
    if text not in _SAMPLE_TYPES:
        raise ValueError(f"{text!r} is none of flow, {', '.join(_SAMPLE_TYPES)}")
    return Equals(Plain("sample_type"), text)


def _forwarding_status(text: str) -> Condition:
    status = values.number(text, _U8)
    if status & _FORWARDING_CLASS == status:  # a class without a reason stands for all of it
        return Equals(_FORWARDING, status)
    return Equals(Plain("fwd_status"), status)


def _roa(text: str) -> str:
    if len(text) != 1 or text not in _ROA_STATES:
        raise ValueError(f"{text!r} is none of {', '.join(_ROA_STATES)}")
    return text


def _tcp_flags(text: str) -> Condition:
    try:
        flags = int(text.removeprefix("0x"), 16)
    except ValueError:
        flags = -1
    if not 0 <= flags <= _U16:
        raise ValueError(f"{text!r} are no TCP flags in hex digits")
    return Equals(Plain("tcp_flags"), flags)


_TRAFFIC = Derived("sample_type", _is_traffic)
_FORWARDING = Derived("fwd_status", _forwarding_class)
_MULTICAST = Derived("dst_mac", values.is_group_mac)
_PROTOCOL = Plain("ip_proto")

IP = _prefix("ip", negatable=False)
IN = _integer("in", _U32)
OUT = _integer("out", _U32)
FILTER = MatchKey(FlowFilter, negatable=False)
BGP_NEXTHOP = _text("bgp_nexthop", values.address)
MPLS_VPN_ID = MatchKey(lambda text: Equals(AnyOf("mpls_vpn_id"), values.number(text, _U32, 1)))
MPLS_LABEL_BOTTOM = _integer("mpls_label_bottom", _U32)

# Where nfacctd reads 0 out of a record without the field, absent is 0.
PRE_TAG_KEYS: Mapping[str, MatchKey] = {
    "ip": IP,
    "in": IN,
    "out": OUT,
    "engine_type": _integer("engine_type", _U8),
    "engine_id": _integer("source_id", _U32),
    "source_id": _integer("source_id", _U32),
    "flowset_id": _integer("flowset_id", _U16),
    "nexthop": _text("nexthop", values.address),
    "bgp_nexthop": BGP_NEXTHOP,
    "filter": FILTER,
    "sample_type": MatchKey(_sample_type),
    "is_bi_flow": _switch("is_bi_flow"),
    "is_nel": _switch("is_nel"),
    "is_nsel": _switch("is_nsel"),
    "is_multicast": MatchKey(lambda text: Equals(_MULTICAST, values.switch(text))),
    "direction": _integer("direction", _U8, absent=0),
    "nat_event": _integer("nat_event", _U8, absent=0),
    "fwd_status": MatchKey(_forwarding_status, absent_never=True),
    "fwdstatus": MatchKey(_forwarding_status, absent_never=True),
    "src_mac": _text("src_mac", values.mac),
    "dst_mac": _text("dst_mac", values.mac),
    "vlan": _integer("vlan", 4096, absent=0),
    "cvlan": _integer("cvlan", 4096, absent=0),
    "src_net": _prefix("src_net", negatable=True),
    "dst_net": _prefix("dst_net", negatable=True),
    "ip_proto": MatchKey(lambda text: Equals(_PROTOCOL, protocol_number(text))),
    "src_port": _integer("src_port", _U16),
    "dst_port": _integer("dst_port", _U16),
    "tcp_flags": MatchKey(_tcp_flags),
    "mpls_pw_id": _integer("mpls_pw_id", _U32, absent=0),
    "mpls_vpn_id_in": _integer("mpls_vpn_id_in", _U32),
    "mpls_vpn_id_out": _integer("mpls_vpn_id_out", _U32),
    "src_as": _integer("src_as", _U32, absent=0),
    "dst_as": _integer("dst_as", _U32, absent=0),
    "peer_src_as": _integer("peer_src_as", _U32, absent=0),
    "peer_dst_as": _integer("peer_dst_as", _U32, absent=0),
    "local_pref": _integer("local_pref", _U32, absent=0),
    "src_local_pref": _integer("src_local_pref", _U32, absent=0),
    "comms": _communities("comms"),
    "src_comms": _communities("src_comms"),
    "src_roa": _text("src_roa", _roa, absent="u"),
    "dst_roa": _text("dst_roa", _roa, absent="u"),
    "mpls_vpn_rd": _text("mpls_vpn_rd", rd_text),
}
