"""Path attributes of many UPDATEs at once, where they have their most usual form.

`parse_attributes` is the rule; this reads ten times as fast what is well formed and plain, and says
which sets it left aside: those with an attribute that is malformed, comes twice or is merged with
another one (AS4_PATH), with more than one AS_SEQUENCE in AS_PATH, or with more attributes than
anyone sends. ASes have 4 octets.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.protocols.bgp.as_path import AS_SEQUENCE
from collector.protocols.bgp.attributes import (
    AS4_AGGREGATOR,
    AS4_PATH,
    EXTENDED_LENGTH,
    MP_REACH_NLRI,
    MP_UNREACH_NLRI,
    NEXT_HOP,
    OPTIONAL,
    OPTIONAL_TRANSITIVE,
    ORIGINS,
    WELL_KNOWN,
)

SPARE_OCTETS = 8
"""So many octets must follow the last set, so that what is cut short there can be read."""

PLAIN_AS_SIZE = 4
"""Octets of an AS in AS_PATH; there is no way to tell from the attributes."""

_MAX_ATTRIBUTES = 24  # a round for each, however few sets have so many
_MAX_TABLED = 255
_ANY_LENGTH = (0, _MAX_TABLED, 1)

# What becomes of an attribute: its value is passed over, or its place is noted, or the set is not
# plain. The places are rows of `Values.starts`.
PASSED_OVER, ORIGIN, AS_PATH, MED, LOCAL_PREF, COMMUNITIES, OTHERS, HOP, REACH, UNREACH = range(10)
_NOT_PLAIN = 10


class _Form(NamedTuple):
    """How a well-formed attribute looks; AIGP (26) is not here, as it is judged by its value."""

    code: int
    place: int
    flags: int
    lengths: tuple[int, int, int]  # the least, the most, of which multiple


_FORMS = (
    _Form(1, ORIGIN, WELL_KNOWN, (1, 1, 1)),
    _Form(2, AS_PATH, WELL_KNOWN, _ANY_LENGTH),
    _Form(NEXT_HOP, HOP, WELL_KNOWN, (4, 4, 1)),
    _Form(4, MED, OPTIONAL, (4, 4, 1)),
    _Form(5, LOCAL_PREF, WELL_KNOWN, (4, 4, 1)),
    _Form(6, PASSED_OVER, WELL_KNOWN, (0, 0, 1)),  # ATOMIC_AGGREGATE
    _Form(7, PASSED_OVER, OPTIONAL_TRANSITIVE, (8, 8, 1)),  # AGGREGATOR
    _Form(8, COMMUNITIES, OPTIONAL_TRANSITIVE, (4, _MAX_TABLED, 4)),
    _Form(9, PASSED_OVER, OPTIONAL, (4, 4, 1)),  # ORIGINATOR_ID
    _Form(10, PASSED_OVER, OPTIONAL, (4, _MAX_TABLED, 4)),  # CLUSTER_LIST
    _Form(MP_REACH_NLRI, REACH, OPTIONAL, _ANY_LENGTH),
    _Form(MP_UNREACH_NLRI, UNREACH, OPTIONAL, _ANY_LENGTH),
    _Form(16, OTHERS, OPTIONAL_TRANSITIVE, (8, _MAX_TABLED, 8)),  # EXTENDED COMMUNITIES
    _Form(32, OTHERS, OPTIONAL_TRANSITIVE, (12, _MAX_TABLED, 12)),  # LARGE_COMMUNITY
    _Form(35, PASSED_OVER, OPTIONAL_TRANSITIVE, (4, 4, 1)),  # OTC
    _Form(40, PASSED_OVER, OPTIONAL_TRANSITIVE, _ANY_LENGTH),  # PREFIX_SID
)
_JUDGED_BY_VALUE = (AS4_PATH, AS4_AGGREGATOR, 26)
# Longer values are judged as those of a tabled length that is of the same multiples.
_MULTIPLES, _LIKE_LONG = 24, 216


def _places() -> NDArray[np.uint8]:
    """By flags that are judged (2 bits), type code and length (8 bits each)."""
    places = np.full((4, 256, _MAX_TABLED + 1), PASSED_OVER, np.uint8)
    places[:, _JUDGED_BY_VALUE] = _NOT_PLAIN
    for code, place, flags, (least, most, multiple) in _FORMS:
        places[:, code] = _NOT_PLAIN
        places[flags >> 6, code, least : most + 1 : multiple] = place
    return places.ravel()


_PLACES = _places()
# A bit for each type code that a rule of `parse_attributes` is about: all are below 64.
_BITS = np.array([1 << code if code < 64 else 0 for code in range(256)], np.uint64)


class Values(NamedTuple):
    """Where the values of n attribute sets are; of sets that are not plain it means nothing.

    plain: shape (n,). starts, stops: shape (kinds, n), offsets by place; both 0 where the attribute
    is not there. Of several that are `PASSED_OVER`, or `OTHERS`, they are those of the last one.
    """

    plain: NDArray[np.bool_]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    def rows(self, rows: NDArray[np.int64]) -> "Values":
        """Give those of some sets."""
        return Values(self.plain[rows], self.starts[:, rows], self.stops[:, rows])


class PlainFacts(NamedTuple):
    """What n attribute sets say in numbers, each of shape (n,); -1 where they do not say it.

    origin_as, peer_as, path_length: 0 without a path. origin: index in `ORIGINS`, past it for none.
    """

    origin_as: NDArray[np.uint32]
    peer_as: NDArray[np.uint32]
    path_length: NDArray[np.int64]
    origin: NDArray[np.int64]
    local_pref: NDArray[np.int64]
    med: NDArray[np.int64]


class PlainLists(NamedTuple):
    """The lists of n attribute sets; of sets that are not plain the values mean nothing.

    plain: shape (n,), that there are no extended and large communities. complete: plain, and
    neither are there attributes that this module does not read. has_path: AS_PATH is there, though
    it may be empty. ases, communities: the values of all sets one after the other; set i has those
    from ``as_bounds[i]`` up to ``as_bounds[i + 1]``, and ``community_bounds`` likewise.
    """

    plain: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    has_path: NDArray[np.bool_]
    ases: NDArray[np.uint32]
    as_bounds: NDArray[np.int64]
    communities: NDArray[np.uint32]
    community_bounds: NDArray[np.int64]


def words_of(octets: bytes, kind: str) -> NDArray:
    """View octets as numbers (">u2", ">u4", ">u8"), one that begins at each octet."""
    width = np.dtype(kind).itemsize
    return np.ndarray((max(0, len(octets) - width + 1),), kind, octets, strides=(1,))


def read_plain(sets: Sequence[bytes]) -> PlainLists:
    """Read the lists of attribute sets."""
    octets = b"".join((*sets, bytes(SPARE_OCTETS)))
    ends = np.fromiter(map(len, sets), np.int64, len(sets)).cumsum()
    starts = np.concatenate(([0], ends[:-1]))[: len(sets)]
    return read_lists(octets, find_values(octets, starts, ends))


def read_lists(octets: bytes, values: Values) -> PlainLists:
    """Read the lists of sets; the arguments are one and the result of `find_values`."""
    starts, stops = values.starts, values.stops
    plain = values.plain & (starts[OTHERS] == 0)
    complete = plain & (starts[PASSED_OVER] == 0)
    numbers = words_of(octets, ">u4")
    hops = np.where(plain, (stops[AS_PATH] - starts[AS_PATH]) // 4, 0)
    ases, as_bounds = _lists(numbers, starts[AS_PATH] + 2, hops)
    count = np.where(plain, (stops[COMMUNITIES] - starts[COMMUNITIES]) // 4, 0)
    communities, community_bounds = _lists(numbers, starts[COMMUNITIES], count)
    has_path = starts[AS_PATH] != 0
    return PlainLists(plain, complete, has_path, ases, as_bounds, communities, community_bounds)


def read_facts(octets: bytes, values: Values) -> PlainFacts:
    """Read what routes are chosen by; the arguments are one and the result of `find_values`."""
    _, starts, stops = values
    single, numbers = np.frombuffer(octets, np.uint8), words_of(octets, ">u4")
    path, path_stop = starts[AS_PATH], stops[AS_PATH]
    hops = (path_stop - path) // 4
    origin = np.where(starts[ORIGIN] != 0, single[starts[ORIGIN]], len(ORIGINS))
    # An empty path begins where it stops: what is read there instead of ASes is not taken.
    has_path = hops > 0
    return PlainFacts(
        np.where(has_path, numbers[np.maximum(path_stop - 4, 0)], 0).astype(np.uint32),
        np.where(has_path, numbers[path + 2], 0).astype(np.uint32),
        hops,
        origin.astype(np.int64),
        _number_or_none(numbers, starts[LOCAL_PREF]),
        _number_or_none(numbers, starts[MED]),
    )


def find_values(octets: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Values:
    """Find and judge the values of attribute sets.

    Args:
        octets: hold all the sets, and `SPARE_OCTETS` after the last one.
        starts, ends: shape (n,), offsets of the sets; they may have MP_REACH_NLRI and
            MP_UNREACH_NLRI, which `parse_attributes` does not get to see.
    Cost: some 20 µs for each attribute of the longest set, and 0.2 µs an attribute.
    """
    heads = words_of(octets, ">u4")
    count = len(starts)
    plain = np.ones(count, np.bool_)
    at, stops = np.zeros((2, _NOT_PLAIN + 1, count), np.int64)
    seen = np.zeros(count, np.uint64)
    rows = np.flatnonzero(starts < ends)
    here, end = starts[rows], ends[rows]
    for _ in range(_MAX_ATTRIBUTES):
        if not rows.size:
            break
        head = heads[here].astype(np.int64)
        length, value_at = head >> 8 & 0xFF, here + 3
        code = head >> 16 & 0xFF
        judged = length
        extended = head & EXTENDED_LENGTH << 24
        if extended.any():
            length = np.where(extended, head & 0xFFFF, length)
            value_at += extended != 0
            judged = np.where(length > _MAX_TABLED, length % _MULTIPLES + _LIKE_LONG, length)
        stop = value_at + length
        place = _PLACES[head >> 30 << 16 | code << 8 | judged]
        bit, before = _BITS[code], seen[rows]
        good = (place != _NOT_PLAIN) & (stop <= end) & (bit & before == 0)
        seen[rows] = before | bit
        at[place, rows], stops[place, rows] = value_at, stop
        goes_on = stop < end
        if not good.all():
            plain[rows[~good]] = False
            goes_on &= good
        if goes_on.all():
            here = stop
        else:
            rows, here, end = rows[goes_on], stop[goes_on], end[goes_on]
    plain[rows] = False
    _judge_values(np.frombuffer(octets, np.uint8), plain, at, stops)
    at[:, ~plain] = stops[:, ~plain] = 0
    return Values(plain, at, stops)


def _judge_values(
    octets: NDArray[np.uint8],
    plain: NDArray[np.bool_],
    at: NDArray[np.int64],
    stops: NDArray[np.int64],
) -> None:
    at[:, ~plain] = stops[:, ~plain] = 0
    path, path_octets = at[AS_PATH], stops[AS_PATH] - at[AS_PATH]
    hops = octets[path + 1].astype(np.int64)
    one_sequence = (octets[path] == AS_SEQUENCE) & (hops != 0) & (path_octets == 2 + 4 * hops)
    plain &= one_sequence | (path_octets == 0)
    plain &= (at[ORIGIN] == 0) | (octets[at[ORIGIN]] < len(ORIGINS))


def _number_or_none(numbers: NDArray, at: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(at != 0, numbers[at].astype(np.int64), -1)


def _lists(
    numbers: NDArray, starts: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Read so many numbers from each start on: all of them, and the bounds of each list."""
    bounds = np.concatenate(([0], counts.cumsum()))
    at = np.repeat(starts - 4 * bounds[:-1], counts) + 4 * np.arange(bounds[-1])
    return numbers[at].astype(np.uint32), bounds
