"""AS paths and communities of many UPDATEs at once, where they have their most usual form.

`parse_attributes` is the rule; this reads what it has taken already, ten times as fast, and says
which sets it left aside: those that hold more than one AS_SEQUENCE in AS_PATH, an attribute twice,
extended or large communities, or more attributes than anyone sends.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.protocols.bgp.as_path import AS_SEQUENCE
from collector.protocols.bgp.attributes import EXTENDED_LENGTH

_AS_PATH, _COMMUNITIES, _PASSED_OVER, _NOT_PLAIN = range(4)
_PLACE = np.full(256, _PASSED_OVER)  # by type code
_PLACE[2], _PLACE[8] = _AS_PATH, _COMMUNITIES
_PLACE[[16, 32]] = _NOT_PLAIN  # extended and large communities

_MAX_ATTRIBUTES = 24  # a round for each, however few sets have so many
_SPARE_OCTETS = 4  # so that the head of an attribute cut short can be read


class PlainAttributes(NamedTuple):
    """What n attribute sets say; of sets that are not plain the values mean nothing.

    plain: shape (n,). ases, communities: the values of all sets one after the other; set i has
    those from ``as_bounds[i]`` up to ``as_bounds[i + 1]``, and ``community_bounds`` likewise.
    """

    plain: NDArray[np.bool_]
    ases: NDArray[np.uint32]
    as_bounds: NDArray[np.int64]
    communities: NDArray[np.uint32]
    community_bounds: NDArray[np.int64]


def read_plain(sets: Sequence[bytes]) -> PlainAttributes:
    """Read attribute sets with ASes of 4 octets, all of which `parse_attributes` takes."""
    octets = np.frombuffer(b"".join((*sets, bytes(_SPARE_OCTETS))), np.uint8)
    plain, starts, lengths = _places(octets, np.fromiter(map(len, sets), np.int64, len(sets)))
    segment, path_octets = starts[_AS_PATH], lengths[_AS_PATH]
    hops = np.where(path_octets != 0, octets[segment + 1].astype(np.int64), 0)
    one_sequence = (octets[segment] == AS_SEQUENCE) & (path_octets == 2 + 4 * hops)
    plain &= one_sequence | (path_octets == 0)
    hops[~plain] = 0
    ases, as_bounds = _lists(octets, segment + 2, hops)
    count = np.where(plain, lengths[_COMMUNITIES] // 4, 0)
    communities, community_bounds = _lists(octets, starts[_COMMUNITIES], count)
    return PlainAttributes(plain, ases, as_bounds, communities, community_bounds)


def _places(
    octets: NDArray[np.uint8], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Find where values begin, 0 for none, and how long they are: shape (kinds, n)."""
    ends = sizes.cumsum()
    here = ends - sizes
    plain = np.ones(len(sizes), np.bool_)
    starts, lengths = np.zeros((2, _NOT_PLAIN + 1, len(sizes)), np.int64)
    rows = np.flatnonzero(sizes)
    for _ in range(_MAX_ATTRIBUTES):
        if not rows.size:
            break
        at = here[rows]
        value_at, length = at + 3, octets[at + 2].astype(np.int64)
        extended = np.flatnonzero(octets[at] & EXTENDED_LENGTH)
        length[extended] = length[extended] << 8 | octets[at[extended] + 3]
        value_at[extended] += 1
        stop, end = value_at + length, ends[rows]
        place = _PLACE[octets[at + 1]]
        twice = (starts[place, rows] != 0) & (place != _PASSED_OVER)
        plain[rows[(place == _NOT_PLAIN) | twice | (stop > end)]] = False
        starts[place, rows], lengths[place, rows] = value_at, length
        here[rows] = stop
        rows = rows[(stop < end) & plain[rows]]
    plain[rows] = False
    starts[:, ~plain] = lengths[:, ~plain] = 0
    return plain, starts, lengths


def _lists(
    octets: NDArray[np.uint8], starts: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Read so many numbers from each start on: all of them, and the bounds of each list."""
    bounds = np.concatenate(([0], counts.cumsum()))
    at = np.repeat(starts - 4 * bounds[:-1], counts) + 4 * np.arange(bounds[-1])
    return _numbers(octets, at), bounds


def _numbers(octets: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.uint32]:
    number = octets[at].astype(np.uint32)
    for more in (1, 2, 3):
        number = number << np.uint32(8) | octets[at + more]
    return number
