"""Path attributes as BGP has them become what the RIB keeps and records show."""

from collector.protocols.bgp.as_path import (
    AS_CONFED_SEQUENCE,
    AS_CONFED_SET,
    AS_SEQUENCE,
    AS_SET,
    AsPath,
    path_length,
)
from collector.protocols.bgp.attributes import Attributes
from collector.protocols.bgp.communities import (
    community_text,
    extended_community_text,
    large_community_text,
)
from collector.protocols.bgp.next_hop import next_hop
from collector.rib.paths import Path

_ORIGINS = ("igp", "egp", "incomplete")
# As routers show them: RFC 5065 section 4 names the segments, nobody their brackets.
_BRACKETS = {AS_SET: "{}", AS_CONFED_SEQUENCE: "()", AS_CONFED_SET: "[]"}


def path_of(attributes: Attributes, mp_next_hop: bytes | None) -> Path:
    """Make a path of the attributes of an UPDATE.

    Args:
        attributes: of one attribute set.
        mp_next_hop: next hop of MP_REACH_NLRI as on the wire; None for classic IPv4 routes.
    """
    octets = attributes.next_hop if mp_next_hop is None else mp_next_hop
    as_path = attributes.as_path or ()
    return Path(
        as_path=as_path,
        as_path_text=as_path_text(as_path),
        origin_as=_origin_as(as_path),
        peer_as=_peer_as(as_path),
        path_length=path_length(as_path),
        origin=None if attributes.origin is None else _ORIGINS[attributes.origin],
        local_pref=attributes.local_pref,
        med=attributes.med,
        next_hop=next_hop(octets).address if octets else None,
        communities=tuple(map(community_text, attributes.communities)),
        large_communities=tuple(map(large_community_text, attributes.large_communities)),
        extended_communities=tuple(map(extended_community_text, attributes.extended_communities)),
    )


def as_path_text(as_path: AsPath) -> str:
    """Write an AS path: "64500 64501 {64502 64503}"; confederation segments in () and []."""
    parts = []
    for kind, ases in as_path:
        brackets = _BRACKETS.get(kind, "")
        parts.append(f"{brackets[:1]}{' '.join(map(str, ases))}{brackets[1:]}")
    return " ".join(parts)


def _origin_as(as_path: AsPath) -> int:
    return as_path[-1][1][-1] if as_path and as_path[-1][1] else 0


def _peer_as(as_path: AsPath) -> int:
    # Members of our own confederation come first, and are not the neighbour.
    for kind, ases in as_path:
        if kind in (AS_SEQUENCE, AS_SET) and ases:
            return ases[0]
    return 0
