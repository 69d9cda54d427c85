"""Columns of print plugins: CSV with a header line, and aligned text (reference 6.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from collector.nfacctd.flows.primitives import FLOWS, PRIMITIVES, is_custom
from collector.nfacctd.outputs.encoding import Fields
from collector.nfacctd.settings import Plugin

# Names of columns where they are not those of `aggregate`, in capitals.
_TITLES = {
    "src_host": "SRC_IP",
    "dst_host": "DST_IP",
    "tcpflags": "TCP_FLAGS",
    "proto": "PROTOCOL",
    "std_comm": "COMMS",
    "ext_comm": "ECOMMS",
    "lrg_comm": "LCOMMS",
    "src_std_comm": "SRC_COMMS",
    "src_ext_comm": "SRC_ECOMMS",
    "src_lrg_comm": "SRC_LCOMMS",
    "local_pref": "PREF",
    "src_local_pref": "SRC_PREF",
    "src_host_country": "SH_COUNTRY",
    "dst_host_country": "DH_COUNTRY",
    "src_host_pocode": "SH_POCODE",
    "dst_host_pocode": "DH_POCODE",
    "post_nat_src_host": "POST_NAT_SRC_IP",
    "post_nat_dst_host": "POST_NAT_DST_IP",
    "tunnel_src_host": "TUNNEL_SRC_IP",
    "tunnel_dst_host": "TUNNEL_DST_IP",
    "tunnel_tcpflags": "TUNNEL_TCP_FLAGS",
    "tunnel_proto": "TUNNEL_PROTOCOL",
}
_TITLES_OF_TWO = {
    "src_host_coords": ("SH_LAT", "SH_LON"),
    "dst_host_coords": ("DH_LAT", "DH_LON"),
    # The origin is a key of JSON only.
    "mpls_vpn_rd": ("MPLS_VPN_RD",),
}

# Columns are in JSON's order but for these groups, which stand before or behind another primitive.
_ROUTE_ORDER = (
    *("std_comm", "ext_comm", "lrg_comm", "src_std_comm", "src_ext_comm", "src_lrg_comm"),
    *("as_path", "src_as_path", "local_pref", "src_local_pref", "med", "src_med"),
    *("src_roa", "dst_roa", "peer_src_as"),
)
_GEO_ORDER = (
    *("tos", "src_host_country", "dst_host_country", "src_host_pocode", "dst_host_pocode"),
    *("src_host_coords", "dst_host_coords"),
)
_EXPORT_ORDER = ("timestamp_arrival", "timestamp_export")

_COUNTER_WIDTH, _TIME_WIDTH, _ADDRESS_WIDTH, _TEXT_WIDTH, _LEAST_WIDTH = 20, 29, 45, 22, 10


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, the key of records in JSON's shape, and its width in aligned text."""

    title: str
    key: str
    width: int


def print_columns(plugin: Plugin) -> tuple[Column, ...]:
    """Choose the columns of a plugin, in their order."""
    wanted = set(plugin.aggregate)
    names = [name for name in _column_order() if name in wanted]
    columns = [column for name in names for column in _columns(name)]
    if plugin.stitching:
        at = sum(len(_columns(name)) for name in names if _is_before_min_max(name))
        columns[at:at] = [
            Column(key.upper(), key, _TIME_WIDTH) for key in ("timestamp_min", "timestamp_max")
        ]
    columns += [
        Column(name.upper(), name, _TEXT_WIDTH) for name in plugin.aggregate if is_custom(name)
    ]
    if not plugin.output.startswith("event_"):
        counters = ["packets", *([FLOWS] if FLOWS in wanted else []), "bytes"]
        columns += [Column(key.upper(), key, _COUNTER_WIDTH) for key in counters]
    return tuple(columns)


def csv_row(separator: str) -> Callable[[Sequence[str], Sequence[Column]], bytes]:
    """Give what writes a row of CSV. Nothing is quoted: nfacctd's readers expect no quotes."""
    return lambda values, _columns: separator.join(values).encode()


def aligned_row(values: Sequence[str], columns: Sequence[Column]) -> bytes:
    """Write a row of aligned text; a value that is too long moves the rest of its row."""
    cells = [value.ljust(column.width) for value, column in zip(values, columns, strict=True)]
    return "  ".join(cells).rstrip().encode()


def cells(fields: Fields, columns: Sequence[Column]) -> list[str]:
    """Write the values of a record; 0 for counters that it does not have."""
    return [_cell(fields.get(column.key, "0")) for column in columns]


def _cell(value: Any) -> str:
    match value:
        case str():
            return value
        case None:
            return "0"
        case list():
            return "_".join(map(str, value))
        case dict():
            return ",".join(f"{key}%{text}" for key, text in value.items())
    return str(value)


def _column_order() -> list[str]:
    order = list(PRIMITIVES)
    for group in (_ROUTE_ORDER, _GEO_ORDER, _EXPORT_ORDER):
        anchor = group[-1] if group is _ROUTE_ORDER else group[0]
        order = [name for name in order if name not in group or name == anchor]
        at = order.index(anchor)
        order[at : at + 1] = group
    return order


def _is_before_min_max(name: str) -> bool:
    order = _column_order()
    return order.index(name) <= order.index(_EXPORT_ORDER[-1])


def _columns(name: str) -> list[Column]:
    keys = PRIMITIVES[name].keys
    titles = _TITLES_OF_TWO.get(name, (_TITLES.get(name, name.upper()),))
    return [
        Column(title, key.name, max(len(title), _width(key.name, key.type)))
        for title, key in zip(titles, keys, strict=False)
    ]


def _width(key: str, type_: str) -> int:
    if key.startswith("timestamp"):
        return _TIME_WIDTH
    if "ip_" in key.replace("ip_proto", "") or key.startswith("net_"):
        return _ADDRESS_WIDTH
    return _TEXT_WIDTH if type_ in ("strings", "string") and "proto" not in key else _LEAST_WIDTH
