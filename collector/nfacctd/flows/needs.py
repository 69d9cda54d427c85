"""Which raw columns a configuration needs: those of its primitives, and what they depend on."""

from collections.abc import Iterable

from collector.nfacctd.flows.map_values import raw_of
from collector.nfacctd.flows.primitives import PRIMITIVES, ROUTE_TEXTS
from collector.nfacctd.settings import Plugin, Settings

_VRF = ("domain", "ingress_vrf_id", "egress_vrf_id", "direction", "record_rd")
# What is filled in, and what it is looked up by.
_SOURCES = {
    "src_net": ("src_host", "src_mask"),
    "dst_net": ("dst_host", "dst_mask"),
    "mpls_vpn_rd": _VRF,
    "rd_origin": _VRF,
    "vrf_name": _VRF,
    "ingress_vrf_name": _VRF,
    "egress_vrf_name": _VRF,
    "in_iface_name": ("domain", "in_iface"),
    "out_iface_name": ("domain", "out_iface"),
    "class": ("domain", "application"),
    "sampling_rate": ("domain", "sampler"),
    "peer_src_ip": ("domain", "record_exporter"),
    "src_route": ("join_src", "flow_src_mask", "src_mask", "mpls_vpn_rd", "peer_dst_ip"),
    "dst_route": ("join_dst", "flow_dst_mask", "dst_mask", "mpls_vpn_rd", "peer_dst_ip"),
}


def needed_columns(
    settings: Settings, map_keys: Iterable[str], *, routes: bool, networks: bool
) -> frozenset[str]:
    """Name the raw columns that plugins, maps and the join ask for, sources included.

    Args:
        settings: of the core and its plugins.
        map_keys: properties that maps look at.
        routes: whether flows are joined with routes.
        networks: whether they are looked up in `networks_file`.
    """
    wanted = {"timestamp_arrival", *raw_of(map_keys)}
    for plugin in settings.plugins:
        wanted |= _of_plugin(plugin, settings)
    if routes:
        wanted |= {"src_route", "dst_route"}
    else:
        wanted -= {"src_route", "dst_route"}
    if networks:
        wanted |= {"src_host", "dst_host", "src_mask", "dst_mask"}
    todo = list(wanted)
    while todo:
        sources = set(_SOURCES.get(todo.pop(), ())) - wanted
        wanted |= sources
        todo += sources
    return frozenset(wanted)


def _of_plugin(plugin: Plugin, settings: Settings) -> set[str]:
    wanted: set[str] = set()
    for name in plugin.aggregate:
        if name in ROUTE_TEXTS:
            wanted.add(ROUTE_TEXTS[name][0])
        elif name in PRIMITIVES:
            wanted |= set(PRIMITIVES[name].raw)
    if settings.renormalize:
        wanted.add("sampling_rate")
    has_times = plugin.history is not None or plugin.stitching
    if has_times and not settings.time_new:
        wanted.add("bin_start")
    if (plugin.stitching or plugin.pro_rating) and not settings.time_new:
        wanted.add("bin_end")
    return wanted
