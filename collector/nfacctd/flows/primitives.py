"""Flow primitives: all names of `aggregate`, their keys, order and types (reference 1.2).

The table is in the order of JSON keys. `raw` names the raw columns that a primitive is made of.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a record. ``type`` is Avro's, of what the conf encodes as text or number:
    "long", "int", "double", "string", "strings" (an array), "map" (of strings).
    """

    name: str
    type: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Primitive:
    """One name of `aggregate`."""

    name: str
    keys: tuple[Key, ...]
    raw: tuple[str, ...]


def _of(name: str, key: str, type: str, *raw: str) -> Primitive:
    return Primitive(name, (Key(key, type),), raw or (name,))


def _longs(*names: str) -> list[Primitive]:
    return [_of(name, name, "long") for name in names]


def _texts(*names: str) -> list[Primitive]:
    return [_of(name, name, "string") for name in names]


_HOSTS = (
    _of("src_host", "ip_src", "string", "src_host", "seen"),
    _of("src_net", "net_src", "string", "src_net", "seen"),
    _of("dst_host", "ip_dst", "string", "dst_host", "seen"),
    _of("dst_net", "net_dst", "string", "dst_net", "seen"),
)
_GEO = tuple(
    primitive
    for kind, keys, type in (
        ("country", ("country_ip_{}",), "string"),
        ("pocode", ("pocode_ip_{}",), "string"),
        ("coords", ("lat_ip_{}", "lon_ip_{}"), "double"),
    )
    for primitive in (
        Primitive(
            f"{end}_host_{kind}",
            tuple(Key(key.format(end), type) for key in keys),
            (),  # no database: always empty
        )
        for end in ("src", "dst")
    )
)
_VRF_NAMES = tuple(_texts("vrf_name", "ingress_vrf_name", "egress_vrf_name"))
_INTERFACE_NAMES = (
    _of("in_iface_name", "iface_name_in", "string"),
    _of("out_iface_name", "iface_name_out", "string"),
)

_BEFORE_TIMES = (
    *_longs("tag", "tag2"),
    *_texts("label", "class"),
    _of("src_mac", "mac_src", "string"),
    _of("dst_mac", "mac_dst", "string"),
    *_longs("vlan"),
    _of("in_vlan", "vlan_in", "long"),
    _of("out_vlan", "vlan_out", "long"),
    _of("in_cvlan", "cvlan_in", "long"),
    _of("out_cvlan", "cvlan_out", "long"),
    *_longs("cos"),
    *_texts("etype"),
    _of("src_as", "as_src", "long"),
    _of("dst_as", "as_dst", "long"),
    _of("std_comm", "comms", "string"),
    _of("ext_comm", "ecomms", "string"),
    _of("lrg_comm", "lcomms", "string"),
    *_texts("as_path"),
    *_longs("local_pref", "med"),
    _of("dst_roa", "roa_dst", "string"),
    _of("peer_src_as", "peer_as_src", "long"),
    _of("peer_dst_as", "peer_as_dst", "long"),
    _of("peer_src_ip", "peer_ip_src", "string"),
    _of("peer_dst_ip", "peer_ip_dst", "string", "peer_dst_ip", "seen"),
    _of("src_std_comm", "comms_src", "string"),
    _of("src_ext_comm", "ecomms_src", "string"),
    _of("src_lrg_comm", "lcomms_src", "string"),
    _of("src_as_path", "as_path_src", "string"),
    _of("src_local_pref", "local_pref_src", "long"),
    _of("src_med", "med_src", "long"),
    _of("src_roa", "roa_src", "string"),
    _of("in_iface", "iface_in", "long"),
    _of("out_iface", "iface_out", "long"),
    Primitive(
        "mpls_vpn_rd",
        (Key("mpls_vpn_rd", "string"), Key("mpls_vpn_rd_origin", "string")),
        ("mpls_vpn_rd", "rd_origin"),
    ),
    *_longs("mpls_pw_id"),
    *_HOSTS,
    _of("src_mask", "mask_src", "long"),
    _of("dst_mask", "mask_dst", "long"),
    _of("src_port", "port_src", "long"),
    _of("dst_port", "port_dst", "long"),
    *_GEO,
    _of("tcpflags", "tcp_flags", "long"),
    *_texts("fwd_status", "mpls_label_stack"),
    _of("srv6_seg_ipv6_list", "srv6_seg_ipv6_list", "strings"),
)
_BEHIND_SEGMENTS = (
    *_longs("path_delay_avg_usec", "path_delay_min_usec", "path_delay_max_usec"),
    _of("proto", "ip_proto", "string"),
    *_longs("tos"),
    _of("flow_label", "flow_label", "int"),
    *_longs("sampling_rate"),
    *_texts("sampling_direction"),
    _of("post_nat_src_host", "post_nat_ip_src", "string"),
    _of("post_nat_dst_host", "post_nat_ip_dst", "string"),
    _of("post_nat_src_port", "post_nat_port_src", "long"),
    _of("post_nat_dst_port", "post_nat_port_dst", "long"),
    *_longs("nat_event", "fw_event", "mpls_label_top", "mpls_label_bottom"),
    _of("tunnel_src_mac", "tunnel_mac_src", "string"),
    _of("tunnel_dst_mac", "tunnel_mac_dst", "string"),
    _of("tunnel_src_host", "tunnel_ip_src", "string", "tunnel_src_host", "seen"),
    _of("tunnel_dst_host", "tunnel_ip_dst", "string", "tunnel_dst_host", "seen"),
    _of("tunnel_proto", "tunnel_ip_proto", "string"),
    *_longs("tunnel_tos"),
    _of("tunnel_flow_label", "tunnel_flow_label", "int"),
    _of("tunnel_src_port", "tunnel_port_src", "long"),
    _of("tunnel_dst_port", "tunnel_port_dst", "long"),
    _of("tunnel_tcpflags", "tunnel_tcp_flags", "string"),
    *_longs("vxlan", "nvgre"),
    *_texts("timestamp_start", "timestamp_end", "timestamp_arrival"),
)
_BEHIND_TIMES = (
    *_longs("export_proto_seqno", "export_proto_version", "export_proto_sysid"),
    *_texts("timestamp_export"),
)

FLOWS = "flows"
"""The one name of `aggregate` that is a counter."""

JSON_ORDER = (_BEFORE_TIMES + _BEHIND_SEGMENTS, _BEHIND_TIMES, _VRF_NAMES + _INTERFACE_NAMES)
"""Before timestamp_min and timestamp_max; between them and custom primitives; after the stamps."""

AVRO_ORDER = (
    _BEFORE_TIMES + _VRF_NAMES + _INTERFACE_NAMES + _BEHIND_SEGMENTS,
    _BEHIND_TIMES,
    (),
)

PRIMITIVES: dict[str, Primitive] = {
    primitive.name: primitive for part in JSON_ORDER for primitive in part
}

ROUTE_TEXTS = {
    "as_path": ("dst_route", "as_path"),
    "std_comm": ("dst_route", "std_comm"),
    "ext_comm": ("dst_route", "ext_comm"),
    "lrg_comm": ("dst_route", "lrg_comm"),
    "local_pref": ("dst_route", "local_pref"),
    "med": ("dst_route", "med"),
    "dst_roa": ("dst_route", "roa"),
    "src_as_path": ("src_route", "as_path"),
    "src_std_comm": ("src_route", "std_comm"),
    "src_ext_comm": ("src_route", "ext_comm"),
    "src_lrg_comm": ("src_route", "lrg_comm"),
    "src_local_pref": ("src_route", "local_pref"),
    "src_med": ("src_route", "med"),
    "src_roa": ("src_route", "roa"),
}
"""Primitives that only routes give: of which direction's route, and which attribute."""


def is_custom(name: str) -> bool:
    """Tell whether a name of `aggregate` is none of the built-in ones."""
    return name not in PRIMITIVES and name != FLOWS


def selected(names: Iterable[str], part: Iterable[Primitive]) -> list[Primitive]:
    """Pick the primitives of one part of the order that `aggregate` names."""
    wanted = set(names)
    return [primitive for primitive in part if primitive.name in wanted]
