"""Path attributes as BGP has them become what the RIB keeps and records show."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

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
from collector.protocols.bgp.plain_attributes import read_plain
from collector.rib.paths import Facts, Path

_AS_SIZES = {size: bytes((size,)) for size in (2, 4)}
# As routers show them: RFC 5065 section 4 names the segments, nobody their brackets.
_BRACKETS = {AS_SET: "{}", AS_CONFED_SEQUENCE: "()", AS_CONFED_SET: "[]"}


def content_of(as_size: int, attributes: bytes) -> bytes:
    """Make the key of an attribute set: equal octets mean the same only for one AS size."""
    return _AS_SIZES[as_size] + attributes


def contents_of(as_size: int, attributes: Sequence[bytes]) -> list[bytes]:
    """Make the keys of attribute sets, as `content_of` does."""
    size = _AS_SIZES[as_size]
    return [size + octets for octets in attributes]


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


class AttributeReader:
    """Reads contents, as `content_of` makes them of attributes that can be parsed."""

    def paths(self, contents: Sequence[bytes], next_hops: Sequence[str | None]) -> Iterator[Path]:
        """Read contents, with the next hop of each: about 8 us a path."""
        return map(_path, contents, next_hops)

    def texts(self, contents: Sequence[bytes]) -> dict[str, list[str | None]]:
        """Read the texts of very many contents: about 1 us each where they are plain."""
        read = read_plain([content[1:] for content in contents])
        texts = {
            "as_path_text": _joined(
                " ", pl.Series(read.ases).cast(pl.String).to_list(), read.as_bounds
            ),
            "communities": [
                text or None
                for text in _joined("\n", _community_texts(read.communities), read.community_bounds)
            ],
            "large_communities": [None] * len(contents),
            "extended_communities": [None] * len(contents),
        }
        plain = read.plain & np.fromiter((content[0] == 4 for content in contents), np.bool_)
        for row in np.flatnonzero(~plain).tolist():
            path = _path(contents[row], None)
            texts["as_path_text"][row] = path.as_path_text
            for name in ("communities", "large_communities", "extended_communities"):
                texts[name][row] = "\n".join(getattr(path, name)) or None
        return texts


def _joined(between: str, texts: list[str], bounds: NDArray[np.int64]) -> list[str | None]:
    return [between.join(texts[start:stop]) for start, stop in pairwise(bounds.tolist())]


def _community_texts(communities: NDArray[np.uint32]) -> list[str]:
    high, low = pl.Series(communities >> np.uint32(16)), pl.Series(communities & np.uint32(0xFFFF))
    return (high.cast(pl.String) + ":" + low.cast(pl.String)).to_list()


def _path(content: bytes, next_hop: str | None) -> Path:
    attributes = parse_attributes(content[1:], content[0])
    assert isinstance(attributes, Attributes)
    as_path = attributes.as_path or ()
    return Path(
        *facts_of(attributes),
        as_path,
        as_path_text(as_path),
        next_hop,
        tuple(map(community_text, attributes.communities)),
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
