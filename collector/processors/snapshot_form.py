"""Routes out of the RIB in the form that events of Route Monitoring have."""

from collections.abc import Sequence
from typing import Any

from collector.protocols.bgp.families import SAFI_VPN, carries_prefixes
from collector.protocols.bgp.json_form import route_json
from collector.protocols.bgp.nlri import Nlri
from collector.protocols.bgp.route_distinguisher import rd_text
from collector.rib.paths import Path, Paths
from collector.rib.snapshot import Route


def routes_json(paths: Paths, routes: Sequence[Route]) -> dict[str, Any]:
    """Write routes of one peer, view, route distinguisher, family and path.

    Returns:
        ``peer`` and ``bgp`` as `decode` has them, as far as the RIB keeps them: attributes that
        no lookup needs are in the events of the updates only.
    """
    first = routes[0]
    return {
        "peer": {
            "type": first.peer.type,
            "distinguisher": rd_text(first.peer.distinguisher),
            "address": first.peer.address,
            "bgp_id": first.peer.bgp_id,
            "view": first.view.text,
        },
        "bgp": {
            "announced": [_route_json(route) for route in routes],
            "withdrawn": [],
            "attributes": _attributes_json(paths.path(first.path)),
        },
    }


def _route_json(route: Route) -> dict[str, Any]:
    afi, safi = route.family
    has_prefix = carries_prefixes(afi, safi)
    return route_json(
        Nlri(
            afi,
            safi,
            route.octets if has_prefix else b"",
            route.add_path_id,
            route.rd if safi == SAFI_VPN else None,
            route.labels or None,
            b"" if has_prefix else route.octets,
        )
    )


def _attributes_json(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = {
        "origin": path.origin,
        "as_path": [[kind, list(ases)] for kind, ases in path.as_path],
        "next_hop": path.next_hop,
        "med": path.med,
        "local_pref": path.local_pref,
        "communities": list(path.communities) or None,
        "extended_communities": list(path.extended_communities) or None,
        "large_communities": list(path.large_communities) or None,
    }
    return {name: value for name, value in values.items() if value is not None}
