"""Community patterns of rules: parts of a community, with dots for any character."""

from collector.nfacctd.maps.columns import Pieces
from collector.nfacctd.maps.conditions import Condition, EndsLike, Equals, OneOf

_MAX_PATTERNS = 16


def communities(property_: str, text: str) -> Condition:
    """Read ``65000:1,65000:2..``: one of a flow's communities is like one of these.

    nfacctd looks for a pattern anywhere in a community, so ``65000:1`` also finds 65000:10 and
    165000:1. Dots stand for characters up to the community's end, and for nothing less.

    Raises:
        ValueError: there are too many patterns, or an empty one.
    """
    patterns = text.split(",")
    if len(patterns) > _MAX_PATTERNS:
        raise ValueError(f"{len(patterns)} communities, and {_MAX_PATTERNS} are the most")
    if not all(patterns):
        raise ValueError(f"{text!r} has an empty community")
    return OneOf(tuple(_like(property_, pattern) for pattern in patterns))


def _like(property_: str, pattern: str) -> Condition:
    if "." in pattern:
        return EndsLike(property_, pattern)
    return Equals(Pieces(property_, len(pattern)), pattern)
