"""Raw columns of purged entries to JSON values (reference 1.2, 1.4, 1.5), a column at a time.

Text is made once for each distinct value; where values are lists or maps, records share them.
"""

from collections.abc import Callable, Iterable
from socket import AF_INET6, inet_ntop
from typing import Any

import numpy as np
import polars as pl

from collector.nfacctd.bgp_text import words
from collector.nfacctd.bmp.quirks import words_in_json
from collector.nfacctd.flows.custom import CustomColumn
from collector.nfacctd.flows.flow_type import LAYERS, FlowType, is_ipv6
from collector.nfacctd.flows.forwarding import STATUS_NUMBERS, STATUS_TEXTS
from collector.nfacctd.flows.primitives import PRIMITIVES
from collector.nfacctd.flows.proto_names import PROTOCOL_NAMES, PROTOCOL_NUMBERS
from collector.nfacctd.flows.quirks import next_hop_of_family, tcp_flag_names
from collector.nfacctd.flows.raw_columns import Seen, filled, parts
from collector.nfacctd.flows.stacks import unpack_labels
from collector.nfacctd.flows.stamps import stamp_writer
from collector.nfacctd.flows.vrf import ORIGIN_TEXTS, flow_rd_text
from collector.nfacctd.label_map import label_map
from collector.nfacctd.settings import Plugin, Settings
from collector.records.text import address_text, mac_text

_ADDRESSES = {
    "src_host": Seen.SRC_HOST,
    "src_net": Seen.SRC_HOST,
    "dst_host": Seen.DST_HOST,
    "dst_net": Seen.DST_HOST,
    "tunnel_src_host": Seen.TUNNEL_SRC_HOST,
    "tunnel_dst_host": Seen.TUNNEL_DST_HOST,
    "peer_src_ip": Seen(0),
    "post_nat_src_host": Seen(0),
    "post_nat_dst_host": Seen(0),
}
_MACS = ("src_mac", "dst_mac", "tunnel_src_mac", "tunnel_dst_mac")
_ROUTE_LISTS = ("std_comm", "ext_comm", "lrg_comm", "as_path")
_ROUTE_NUMBERS = ("local_pref", "med")
_ROAS = ("src_roa", "dst_roa")
_TIMES = ("timestamp_start", "timestamp_end", "timestamp_arrival", "timestamp_export")
_NAMES = ("vrf_name", "ingress_vrf_name", "egress_vrf_name", "in_iface_name", "out_iface_name")
_DIRECTIONS = ["u", "i", "e"]
_SEGMENT_OCTETS = 16

Make = Callable[[pl.DataFrame], list[list[Any]]]
"""Makes the values of a primitive's keys: a list for each key, as long as the frame."""


class Texts:
    """The values of all primitives as one plugin writes them."""

    def __init__(self, plugin: Plugin, settings: Settings, *, is_avro: bool) -> None:
        self._settings = settings
        self._words = words if is_avro else words_in_json
        self._stamp = stamp_writer(plugin.timestamps)
        protocols = PROTOCOL_NUMBERS if plugin.num_protos else PROTOCOL_NAMES
        flags = settings.tcpflags_encode_as_array
        statuses = STATUS_TEXTS if settings.fwd_status_encode_as_string else STATUS_NUMBERS
        self._makers: dict[str, Make] = {
            **{name: _addresses(name, seen) for name, seen in _ADDRESSES.items()},
            "peer_dst_ip": _next_hops,
            **{name: _macs(name) for name in _MACS},
            **{name: _names(name) for name in _NAMES},
            **{name: self._times(name) for name in _TIMES},
            "label": self._label(),
            "class": _names("class", empty="unknown"),
            "etype": _each("etype", "{:x}".format),
            "mpls_vpn_rd": _route_distinguishers,
            "tcpflags": _each("tcpflags", tcp_flag_names) if flags else _numbers("tcpflags"),
            "tunnel_tcpflags": _each("tunnel_tcpflags", tcp_flag_names if flags else str),
            "fwd_status": _each("fwd_status", statuses.__getitem__),
            "mpls_label_stack": self._labels(),
            "srv6_seg_ipv6_list": _segments,
            "proto": _each("proto", protocols.__getitem__),
            "tunnel_proto": _each("tunnel_proto", protocols.__getitem__),
            "sampling_direction": _each("sampling_direction", _DIRECTIONS.__getitem__),
            **{name: _names(name, empty="u") for name in _ROAS},
        }
        for prefix in ("", "src_"):
            for name in _ROUTE_LISTS:
                self._makers[prefix + name] = self._route_list(prefix + name)
            for name in _ROUTE_NUMBERS:
                self._makers[prefix + name] = _numbers(prefix + name)

    def values(self, name: str, data: pl.DataFrame) -> list[list[Any]]:
        """Write a primitive: the values of each of its keys, shape (keys, rows)."""
        primitive = PRIMITIVES[name]
        if not primitive.raw:  # of a database that there is none of
            empty = 0.0 if primitive.keys[0].type == "double" else ""
            return [[empty] * data.height for _ in primitive.keys]
        return self._makers.get(name, _numbers(name))(data)

    def stamps(self, data: pl.DataFrame, column: str) -> list[str]:
        """Write a column of microseconds."""
        return _each(column, self._stamp)(data)[0]

    def _times(self, name: str) -> Make:
        return _each(name, self._stamp)

    def _label(self) -> Make:
        if self._settings.pre_tag_label_encode_as_map:
            return _text_lists("label", label_map)
        return _names("label")

    def _labels(self) -> Make:
        as_array = self._settings.mpls_label_stack_encode_as_array

        def write(*stack: int) -> Any:
            labels = unpack_labels(stack)
            if as_array:
                return [f"{place}-{label}" for place, label in enumerate(labels)]
            return "_".join(map(str, labels))

        return lambda data: [_distinct(data, parts("mpls_label_stack"), write)]

    def _route_list(self, name: str) -> Make:
        plain = name.removeprefix("src_")
        encoded = (
            self._settings.as_path_encode_as_array
            if plain == "as_path"
            else self._settings.bgp_comms_encode_as_array
        )
        return _text_lists(name, self._words if encoded else _joined)


def custom_values(column: CustomColumn, data: pl.DataFrame) -> list[str]:
    """Write a custom primitive."""
    zero = b"" if column.dtype == pl.Binary else 0
    known = [
        data[part] if part in data.columns else _constant(data, part, zero, column.dtype)
        for part in column.parts
    ]
    return _distinct(pl.DataFrame(known), column.parts, column.text)


def _constant(data: pl.DataFrame, name: str, value: object, dtype: pl.DataType) -> pl.Series:
    return pl.repeat(value, data.height, dtype=dtype, eager=True).alias(name)


def signed(values: pl.Series) -> list[int]:
    """Write numbers as nfacctd does: those of 64 bits have a sign, in JSON and in Avro."""
    if values.dtype == pl.UInt64:
        values = values.reinterpret(signed=True)
    return values.to_list()


def _numbers(name: str) -> Make:
    return lambda data: [signed(filled(data, name))]


def _names(name: str, empty: str = "") -> Make:
    def make(data: pl.DataFrame) -> list[list[str]]:
        if name not in data.columns:
            return [[empty] * data.height]
        return [[text or empty for text in data[name].to_list()]]

    return make


def _text_lists(name: str, write: Callable[[str], Any]) -> Make:
    def make(data: pl.DataFrame) -> list[list[Any]]:
        if name not in data.columns:
            return [[write("")] * data.height]
        return [_distinct(data, (name,), write)]

    return make


def _each(name: str, write: Callable[[int], Any]) -> Make:
    def make(data: pl.DataFrame) -> list[list[Any]]:
        if name not in data.columns:
            return [[write(0)] * data.height]
        return [_distinct(data, (name,), write)]

    return make


def _distinct(data: pl.DataFrame, columns: Iterable[str], write: Callable[..., Any]) -> list[Any]:
    """Apply a function to each distinct combination, and spread the very same objects."""
    written: dict[Any, Any] = {}
    rows = list(zip(*(filled(data, column).to_list() for column in columns), strict=True))
    for row in rows:
        if row not in written:
            written[row] = write(*row)
    return [written[row] for row in rows]


def _addresses(name: str, seen: Seen) -> Make:
    def make(data: pl.DataFrame) -> list[list[str]]:
        high, low = (filled(data, part).to_numpy() for part in parts(name))
        texts = address_text(high, low).to_list()
        nothing = (high == 0) & (low == 0)
        if seen:
            nothing &= (filled(data, "seen").to_numpy() & np.uint8(seen)) == 0
        for row in np.flatnonzero(nothing).tolist():
            texts[row] = ""
        return [texts]

    return make


def _next_hops(data: pl.DataFrame) -> list[list[str]]:
    (texts,) = _addresses("peer_dst_ip", Seen.PEER_DST_IP)(data)
    types = data["flow_type"].to_numpy() & np.uint8(~LAYERS & 0xFF)
    of_ipv4, of_ipv6 = (types == FlowType.IPV4).tolist(), is_ipv6(types).tolist()
    return [list(map(next_hop_of_family, texts, of_ipv4, of_ipv6))]


def _macs(name: str) -> Make:
    return lambda data: [mac_text(filled(data, name).to_numpy()).to_list()]


def _joined(text: str) -> str:
    return text.replace(" ", "_")


def _route_distinguishers(data: pl.DataFrame) -> list[list[str]]:
    rds = _each("mpls_vpn_rd", flow_rd_text)(data)
    return rds + _each("rd_origin", ORIGIN_TEXTS.__getitem__)(data)


def _segments(data: pl.DataFrame) -> list[list[list[str]]]:
    return _text_lists("srv6_seg_ipv6_list", _segment_texts)(data)


def _segment_texts(octets: bytes | str) -> list[str]:
    return [
        f"{start // _SEGMENT_OCTETS}-{inet_ntop(AF_INET6, octets[start : start + _SEGMENT_OCTETS])}"
        for start in range(0, len(octets), _SEGMENT_OCTETS)
    ]
