"""Path attributes as BGP has them become what the RIB keeps and records show."""

from collections.abc import Sequence
from functools import lru_cache

from collector.protocols.bgp.as_path import (
    AS_CONFED_SEQUENCE,
    AS_CONFED_SET,
    AS_SEQUENCE,
    AS_SET,
    AsPath,
    path_length,
)
from collector.protocols.bgp.attributes import ORIGINS, Attributes, parse_attributes
from collector.protocols.bgp.communities import (
    community_text,
    extended_community_text,
    large_community_text,
)
from collector.rib.paths import Facts, Path

_AS_SIZES = {size: bytes((size,)) for size in (2, 4)}
_community_text = lru_cache(1 << 16)(community_text)
# As routers show them: RFC 5065 section 4 names the segments, nobody their brackets.
_BRACKETS = {AS_SET: "{}", AS_CONFED_SEQUENCE: "()", AS_CONFED_SET: "[]"}


def content_of(as_size: int, attributes: bytes) -> bytes:
    """Make the key of an attribute set: equal octets mean the same only for one AS size."""
    return _AS_SIZES[as_size] + attributes


def facts_of(attributes: Attributes) -> Facts:
    """Take from attributes what the RIB decides by."""
    as_path = attributes.as_path or ()
    return Facts(
        _origin_as(as_path),
        _peer_as(as_path),
        path_length(as_path),
        None if attributes.origin is None else ORIGINS[attributes.origin],
        attributes.local_pref,
        attributes.med,
    )


def read_paths(contents: Sequence[bytes], next_hops: Sequence[str | None]) -> list[Path]:
    """Read paths that the RIB keeps.

    Args:
        contents: as `content_of` made them, of attributes that can be parsed.
        next_hops: text of the next hop of each.
    """
    return list(map(_path, contents, next_hops))


def _path(content: bytes, next_hop: str | None) -> Path:
    attributes = parse_attributes(content[1:], content[0])
    assert isinstance(attributes, Attributes)
    as_path = attributes.as_path or ()
    return Path(
        *facts_of(attributes),
        as_path,
        as_path_text(as_path),
        next_hop,
        tuple(map(_community_text, attributes.communities)),
        tuple(map(large_community_text, attributes.large_communities)),
        tuple(map(extended_community_text, attributes.extended_communities)),
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
