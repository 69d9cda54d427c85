"""Raw columns of flows: what a primitive is before it is text, and what stands for "not there".

A column that no record of a batch has is left out, and counts as zeros: nfacctd's primitives are
zero until a field fills them, so absent and zero are the same to it. Where they are not, `SEEN`
tells.
"""

from enum import IntFlag

import polars as pl

_U8, _U16, _U32, _U64 = pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64()

ADDRESSES = frozenset(
    {
        *(
            "src_host",
            "dst_host",
            "src_net",
            "dst_net",
            "join_src",
            "join_dst",
            "peer_dst_ip",
            "peer_src_ip",
        ),
        *("record_exporter", "next_hop", "bgp_next_hop", "post_nat_src_host", "post_nat_dst_host"),
        *("tunnel_src_host", "tunnel_dst_host"),
    }
)
"""Two columns each, NAME.hi and NAME.lo, as in `records.flow_batch`; IPv4 as ::ffff:a.b.c.d."""

DTYPES: dict[str, pl.DataType] = {
    # of the message
    "exporter": _U32,  # index in the worker's directory
    "domain": _U32,
    "set_id": _U16,
    "export_proto_version": _U8,
    "export_proto_seqno": _U32,
    "export_proto_sysid": _U32,
    "timestamp_export": pl.Int64(),  # µs, as all times
    "timestamp_arrival": pl.Int64(),
    # of the record
    "flow_type": _U8,  # `flow_type.FlowType`, with LAYERS
    "seen": _U8,  # `Seen`
    **dict.fromkeys(("src_mac", "dst_mac", "tunnel_src_mac", "tunnel_dst_mac"), _U64),
    **dict.fromkeys(("vlan", "in_vlan", "out_vlan", "in_cvlan", "out_cvlan", "etype"), _U16),
    **dict.fromkeys(("src_port", "dst_port", "post_nat_src_port", "post_nat_dst_port"), _U16),
    **dict.fromkeys(("tunnel_src_port", "tunnel_dst_port"), _U16),
    **dict.fromkeys(("cos", "proto", "tos", "tcpflags", "fwd_status"), _U8),
    **dict.fromkeys(("tunnel_proto", "tunnel_tos", "tunnel_tcpflags"), _U8),
    **dict.fromkeys(("direction", "nat_event", "fw_event", "sampling_direction"), _U8),
    **dict.fromkeys(("has_in_iface", "has_out_iface"), _U8),  # 1: the record has one
    "bi_flow": _U8,  # 1: counters of both directions
    **dict.fromkeys(("src_mask", "dst_mask", "flow_src_mask", "flow_dst_mask"), _U8),
    **dict.fromkeys(("src_as", "dst_as", "peer_src_as", "peer_dst_as"), _U32),
    **dict.fromkeys(("in_iface", "out_iface", "flow_label", "tunnel_flow_label"), _U32),
    **dict.fromkeys(("mpls_pw_id", "mpls_label_top", "mpls_label_bottom"), _U32),
    **dict.fromkeys(("ingress_vrf_id", "egress_vrf_id", "vxlan", "nvgre"), _U32),
    **dict.fromkeys((f"mpls_label_stack.{word}" for word in range(4)), _U64),
    "srv6_seg_ipv6_list": pl.Binary(),
    **dict.fromkeys(("path_delay_avg_usec", "path_delay_min_usec", "path_delay_max_usec"), _U32),
    "application": _U64,  # applicationId without its first octet
    "sampler": _U32,
    "record_rate": _U32,
    "record_rd": _U64,
    "record_tag": _U64,
    "record_tag2": _U64,
    "record_label": pl.Binary(),
    "timestamp_start": pl.Int64(),
    "timestamp_end": pl.Int64(),
    "bin_start": pl.Int64(),
    "bin_end": pl.Int64(),
    # filled in by tables and maps
    "tag": _U64,
    "tag2": _U64,
    "label": pl.String(),
    "class": pl.String(),
    "mpls_vpn_rd": _U64,
    "rd_origin": _U8,  # `vrf.Origin`
    **dict.fromkeys(("vrf_name", "ingress_vrf_name", "egress_vrf_name"), pl.String()),
    **dict.fromkeys(("in_iface_name", "out_iface_name"), pl.String()),
    "sampling_rate": _U64,
    "multiplier": _U64,
    "src_route": _U32,  # index into the batch's `RouteTable`, 0: none
    "dst_route": _U32,
    # counters
    "packets": _U64,
    "bytes": _U64,
    "flows": _U64,
}


class Seen(IntFlag):
    """What a record has although its value is zero."""

    SRC_HOST = 1
    DST_HOST = 2
    PEER_DST_IP = 4
    TUNNEL_SRC_HOST = 8
    TUNNEL_DST_HOST = 16
    SAMPLER = 32
    RECORD_RD = 64
    RECORD_RATE = 128


def parts(name: str) -> tuple[str, ...]:
    """Name the columns that hold a raw value."""
    if name in ADDRESSES:
        return (f"{name}.hi", f"{name}.lo")
    if name == "mpls_label_stack":
        return tuple(f"{name}.{word}" for word in range(4))
    return (name,)


def dtype_of(column: str) -> pl.DataType:
    """Tell the type of a column; custom primitives have theirs in `custom.py`."""
    return DTYPES.get(column, _U64)


def of_type(series: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Give a series another type; one that has it stays as it is, which costs nothing."""
    return series if series.dtype == dtype else series.cast(dtype)


def filled(frame: pl.DataFrame, name: str) -> pl.Series:
    """Give a column, zeros where the frame has none."""
    if name in frame.columns:
        return frame[name]
    dtype = dtype_of(name)
    nothing = "" if dtype == pl.String else b"" if dtype == pl.Binary else 0
    return pl.repeat(nothing, frame.height, dtype=dtype, eager=True).alias(name)
