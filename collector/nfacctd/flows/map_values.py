"""What maps ask of a flow, out of raw columns: once for each distinct combination of a batch.

The properties are those of `maps.match_keys` and `maps.flow_filter`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.nfacctd.flows.flow_type import LAYERS, MPLS, VLAN, WITHOUT_COUNTERS, FlowType
from collector.nfacctd.flows.raw_columns import parts
from collector.nfacctd.flows.route_values import RouteTable
from collector.nfacctd.flows.tables import Frame, OptionsOf
from collector.nfacctd.flows.vrf import flow_rd_text

_V5 = 5
_FAMILIES = {
    FlowType.IPV4: "ipv4",
    FlowType.NETFLOW_V5: "ipv4",
    FlowType.IPV6: "ipv6",
    FlowType.SRV6: "ipv6",
    FlowType.SRV6_IPV4: "ipv6",
    FlowType.SRV6_IPV6: "ipv6",
}
_VERSIONS = {"ipv4": 4, "ipv6": 6}


class Rules(Protocol):
    """A map: which properties its rules look at, and what they say of a flow."""

    keys: frozenset[str]

    def evaluate(self, flow: Mapping[str, object]) -> Any:
        """Return what the rules give."""


@dataclass(frozen=True, slots=True)
class Context:
    """What properties need beside a flow's own columns."""

    names: Sequence[str]  # addresses of exporters, by index
    options_of: OptionsOf
    ignore_exporter_address: bool
    routes: RouteTable | None = None


@dataclass(frozen=True, slots=True)
class _Property:
    """The raw values that a property is made of, and how."""

    raw: tuple[str, ...]
    value: Callable[..., object]  # (context, *columns)


def evaluate(frame: Frame, rules: Rules, context: Context) -> tuple[list[Any], NDArray[np.int64]]:
    """Evaluate a map for a batch.

    Returns:
        What it gives for each distinct combination of the properties that it looks at, and which
        of these each record has, shape (rows,).
    """
    properties = {key: _PROPERTIES[key] for key in rules.keys if key in _PROPERTIES}
    columns = sorted(
        {part for one in properties.values() for raw in one.raw for part in parts(raw)}
    )
    if not columns:
        return [rules.evaluate({})], np.zeros(frame.rows, np.int64)
    asked = pl.DataFrame([frame.get(column).alias(column) for column in columns])
    distinct = asked.unique(maintain_order=True)
    places = {
        key: [columns.index(part) for raw in one.raw for part in parts(raw)]
        for key, one in properties.items()
    }
    given = [
        rules.evaluate(
            {
                key: one.value(context, *(row[place] for place in places[key]))
                for key, one in properties.items()
            }
        )
        for row in distinct.iter_rows()
    ]
    distinct = distinct.with_row_index("number")
    joined = asked.join(distinct, on=columns, how="left", maintain_order="left", nulls_equal=True)
    return given, joined["number"].cast(pl.Int64).to_numpy()


def raw_of(keys: Iterable[str]) -> set[str]:
    """Name the raw values that properties are made of."""
    return {raw for key in keys if key in _PROPERTIES for raw in _PROPERTIES[key].raw}


def exporter_text(context: Context, exporter: int, domain: int) -> str:
    """Give the address that maps know an exporter by: what its options data say, or its own."""
    options = None if context.ignore_exporter_address else context.options_of(exporter)
    told = None if options is None else options.exporter_address(domain)
    return context.names[exporter] if told is None else told


def _address(_: Context, high: int, low: int) -> str | None:
    if high == 0 and low == 0:
        return None
    if high == 0 and low >> 32 == 0xFFFF:
        return inet_ntop(AF_INET, (low & 0xFFFF_FFFF).to_bytes(4))
    return inet_ntop(AF_INET6, (high << 64 | low).to_bytes(16))


def _bgp_next_hop(
    context: Context, high: int, low: int, told_high: int, told_low: int, route: int
) -> str | None:
    if route and context.routes is not None and context.routes[route].next_hop:
        return context.routes[route].next_hop
    return _address(context, high, low) or _address(context, told_high, told_low)


def _number(_: Context, value: int) -> int:
    return value


def _number_where_told(_: Context, value: int, is_told: int) -> int | None:
    return value if is_told else None


def _unless_zero(_: Context, value: int) -> int | None:
    return value or None


def _mac(_: Context, value: int) -> str:
    return value.to_bytes(6).hex(":")


def _engine_type(_: Context, domain: int, version: int) -> int | None:
    return domain >> 8 & 0xFF if version == _V5 else None


def _sample_type(_: Context, flow_type: int) -> str:
    kind = FlowType(flow_type & ~LAYERS)
    if kind in (FlowType.EVENT, FlowType.NAT_EVENT):
        return "event"
    if kind is FlowType.OPTION:
        return "option"
    layers = ["vlan"] * bool(flow_type & VLAN) + ["mpls"] * bool(flow_type & MPLS)
    return "-".join(["flow", *layers, _FAMILIES.get(kind, "link")])


def _is_of(*kinds: FlowType) -> Callable[[Context, int], bool]:
    return lambda _, flow_type: flow_type & ~LAYERS in kinds


def _ip_version(_: Context, flow_type: int) -> int | None:
    kind = FlowType(flow_type & ~LAYERS)
    # To filters an event is a packet of IPv4, whatever its addresses are.
    return 4 if kind in WITHOUT_COUNTERS else _VERSIONS.get(_FAMILIES.get(kind, ""))


def _encapsulation(_: Context, flow_type: int) -> str:
    return "-".join(["vlan"] * bool(flow_type & VLAN) + ["mpls"] * bool(flow_type & MPLS))


def _vrf_ids(_: Context, ingress: int) -> tuple[int, ...] | None:
    return (ingress,) if ingress else None


def _route(attribute: str) -> Callable[[Context, int], object]:
    def value(context: Context, route: int) -> object:
        return getattr(context.routes[route], attribute) if context.routes and route else None

    return value


def _communities(context: Context, route: int) -> tuple[str, ...] | None:
    if not route or context.routes is None:
        return None
    return tuple(context.routes[route].std_comm.split())


def _rd(_: Context, rd: int) -> str:
    return flow_rd_text(rd)


_PROPERTIES: dict[str, _Property] = {
    "ip": _Property(("exporter", "domain"), exporter_text),
    "in": _Property(("in_iface", "has_in_iface"), _number_where_told),
    "out": _Property(("out_iface", "has_out_iface"), _number_where_told),
    "source_id": _Property(("export_proto_sysid",), _number),
    "engine_type": _Property(("domain", "export_proto_version"), _engine_type),
    "flowset_id": _Property(("set_id",), _number),
    "nexthop": _Property(("next_hop",), _address),
    "bgp_nexthop": _Property(("bgp_next_hop", "peer_dst_ip", "dst_route"), _bgp_next_hop),
    "sample_type": _Property(("flow_type",), _sample_type),
    "is_bi_flow": _Property(("bi_flow",), _number),
    "is_nel": _Property(("flow_type",), _is_of(FlowType.NAT_EVENT)),
    "is_nsel": _Property(("flow_type",), _is_of(FlowType.EVENT)),
    "direction": _Property(("direction",), _number),
    "nat_event": _Property(("nat_event",), _number),
    "fwd_status": _Property(("fwd_status",), _unless_zero),
    "ip_proto": _Property(("proto",), _number),
    "src_port": _Property(("src_port",), _number),
    "dst_port": _Property(("dst_port",), _number),
    "tcp_flags": _Property(("tcpflags",), _number),
    "tos": _Property(("tos",), _number),
    "vlan": _Property(("in_vlan",), _number),
    "cvlan": _Property(("in_cvlan",), _number),
    "src_mac": _Property(("src_mac",), _mac),
    "dst_mac": _Property(("dst_mac",), _mac),
    "src_net": _Property(("src_host",), _address),
    "dst_net": _Property(("dst_host",), _address),
    "mpls_pw_id": _Property(("mpls_pw_id",), _number),
    "mpls_vpn_id_in": _Property(("ingress_vrf_id",), _unless_zero),
    "mpls_vpn_id_out": _Property(("egress_vrf_id",), _unless_zero),
    "mpls_vpn_id": _Property(("ingress_vrf_id",), _vrf_ids),
    "mpls_label_top": _Property(("mpls_label_top",), _number),
    "mpls_label_bottom": _Property(("mpls_label_bottom",), _number),
    "src_as": _Property(("src_as",), _number),
    "dst_as": _Property(("dst_as",), _number),
    "peer_src_as": _Property(("peer_src_as",), _number),
    "peer_dst_as": _Property(("peer_dst_as",), _number),
    "local_pref": _Property(("dst_route",), _route("local_pref")),
    "src_local_pref": _Property(("src_route",), _route("local_pref")),
    "comms": _Property(("dst_route",), _communities),
    "src_comms": _Property(("src_route",), _communities),
    "src_roa": _Property(("src_route",), _route("roa")),
    "dst_roa": _Property(("dst_route",), _route("roa")),
    "mpls_vpn_rd": _Property(("mpls_vpn_rd",), _rd),
    "ip_version": _Property(("flow_type",), _ip_version),
    "encapsulation": _Property(("flow_type",), _encapsulation),
}
