"""Keys of maps, of lookup files, and of where AS numbers, prefixes and paths come from.

Facts: reference sections 4.6, 4.7, 5.4, 5.5 and 8; defaults are those of `settings.py`.
"""

from collector.nfacctd.keys import Feature, Key, Scope, Treatment
from collector.nfacctd.read_values import (
    Reader,
    existing_file,
    flag,
    integer,
    names,
    one_of,
    renamed,
    words,
)

_HONOURED, _SUPERSEDED = Treatment.HONOURED, Treatment.SUPERSEDED
_NO_EFFECT, _NOT_SUPPORTED = Treatment.NO_EFFECT, Treatment.NOT_SUPPORTED


def _core(name: str, field: str, told: str, read: Reader, needs: Feature | None = None) -> Key:
    return Key(name, _HONOURED, told, read, f"core.{field}", needs=needs)


def _other(name: str, treatment: Treatment, told: str, read: Reader = words) -> Key:
    return Key(name, treatment, told, read)


def _networks(name: str, field: str, told: str, read: Reader) -> Key:
    return Key(name, _HONOURED, told, read, f"networks.{field}")


MAP_KEYS = (
    _core(
        "aggregate_primitives", "aggregate_primitives", "primitives beside nfacctd's", existing_file
    ),
    _core("flow_to_rd_map", "flow_to_rd_map", "RDs by its rules", existing_file),
    _core("sampling_map", "sampling_map", "sampling rates by its rules", existing_file),
    _core(
        "bmp_agent_map",
        "agent_map",
        "whose routes answer for whose flows",
        existing_file,
        Feature.ROUTES,
    ),
    _core("maps_refresh", "maps_refresh", "maps read again on SIGUSR2", flag),
    _other("maps_entries", _SUPERSEDED, "maps may have any number of rows", str),
    _other("maps_row_len", _SUPERSEDED, "rows may be of any length", str),
    _other("maps_index", _SUPERSEDED, "maps are always indexed", flag),
    _networks("networks_file", "file", "prefixes and AS numbers by its rows", existing_file),
    _networks("networks_file_filter", "filter", "0 for hosts outside of the file", flag),
    _networks("networks_file_no_lpm", "no_lpm", "the file before longer prefixes", flag),
    _networks(
        "networks_no_mask_if_zero",
        "no_mask_if_zero",
        "whole addresses where the mask is 0",
        flag,
    ),
    _networks("networks_mask", "mask", "prefixes of {value} bits", integer(1, 128)),
    _other("networks_cache_entries", _SUPERSEDED, "lookups need no cache", str),
    *(
        Key(
            f"{kind}_file",
            _NOT_SUPPORTED,
            f"all values of {kind} stay as they are, not only those of the file",
            scope=Scope.PLUGIN,
        )
        for kind in ("ports", "protos", "tos")
    ),
    *(
        Key(
            name,
            _NOT_SUPPORTED,
            "no GeoIP database is read: countries, codes and coordinates stay empty",
            needs=Feature.GEO,
        )
        for name in ("geoip_ipv4_file", "geoip_ipv6_file", "geoipv2_file")
    ),
)

_AS_SOURCES = {
    "bgp": "bmp",
    "false": "netflow",
    "sflow": "netflow",
    "true": "file",
    "fallback": "longest",
}
_SOURCE_WORDS = ("netflow", "file", "bmp", "longest", *_AS_SOURCES)
_PATTERNS = ("stdcomm_pattern", "extcomm_pattern", "lrgcomm_pattern")
_NO_MAP = "the map that says them is not read: values stay empty"
_FROM_ROUTES = "of the route back to the source"

ROUTE_KEYS = (
    _core(
        "nfacctd_as",
        "as_source",
        "AS numbers and paths of {value}",
        renamed(one_of(*_SOURCE_WORDS), _AS_SOURCES),
    ),
    _core(
        "nfacctd_net",
        "net_source",
        "prefixes and next hops of {value}",
        renamed(
            one_of(
                *_SOURCE_WORDS,
                "mask",
                unsupported={
                    "igp": "there is no IGP daemon: prefixes stay empty",
                    "bgp-ls": "there is no BGP-LS: prefixes stay empty",
                },
            ),
            _AS_SOURCES,
        ),
    ),
    _core(
        "bgp_peer_src_as_type",
        "peer_src_as_type",
        "peer_src_as of {value}",
        renamed(
            one_of("netflow", "sflow", "bgp", unsupported={"map": _NO_MAP}), {"sflow": "netflow"}
        ),
        Feature.ROUTES,
    ),
    *(
        _core(
            f"bgp_src_{what}_type",
            f"src_{what}_from_bgp",
            f"src_{what} {_FROM_ROUTES}",
            renamed(
                one_of(
                    "bgp",
                    unsupported={"map": _NO_MAP} if what in ("local_pref", "med") else {},
                ),
                {"bgp": True},
            ),
            Feature.ROUTES,
        )
        for what in ("std_comm", "ext_comm", "lrg_comm", "as_path", "local_pref", "med", "roa")
    ),
    *(
        _other(f"bgp_{what}_map", _NO_EFFECT, f"bgp_{what}_type is not map")
        for what in ("peer_src_as", "src_local_pref", "src_med")
    ),
    _core(
        "bgp_aspath_radius",
        "aspath_radius",
        "paths of {value} hops at most",
        integer(1),
    ),
    *(
        _core(f"bgp_{what}", what, "only communities that match", names, Feature.ROUTES)
        for what in _PATTERNS
    ),
    *(
        _core(
            f"bgp_{what}_to_asn",
            f"{what}_to_asn",
            "AS numbers of own prefixes",
            names,
            Feature.ROUTES,
        )
        for what in ("stdcomm_pattern", "lrgcomm_pattern")
    ),
    _core(
        "bgp_peer_as_skip_subas",
        "peer_as_skip_subas",
        "peer AS behind those of a confederation",
        flag,
        Feature.ROUTES,
    ),
    Key(
        "bgp_follow_default",
        _NOT_SUPPORTED,
        "flows that match only a default route have that route's fields, not those of the router "
        "it leads to",
        str,
        needs=Feature.ROUTES,
    ),
    *(
        _other(name, _NO_EFFECT, "it follows sessions of bgp_daemon, not of BMP", str)
        for name in ("bgp_follow_nexthop", "bgp_follow_nexthop_external")
    ),
    Key(
        "bgp_disable_router_id_check",
        _NOT_SUPPORTED,
        "a router is still found by its BGP identifier too",
        flag,
        needs=Feature.ROUTES,
    ),
    Key(
        "tmp_bgp_lookup_compare_ports",
        _NOT_SUPPORTED,
        "a router is still found by its address alone",
        flag,
        needs=Feature.ROUTES,
    ),
    *(
        Key(
            name,
            _NOT_SUPPORTED,
            'routes are not validated: roa_dst and roa_src stay "u", BMP records have no roa',
        )
        for name in ("rpki_roas_file", "rpki_rtr_cache")
    ),
    *(
        _other(f"rpki_rtr_cache_{end}", _NO_EFFECT, "there is no session to an RTR cache", str)
        for end in ("version", "pipe_size", "ipprec")
    ),
)

LOOKUP_KEYS = MAP_KEYS + ROUTE_KEYS
