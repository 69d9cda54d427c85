"""NLRI of many UPDATEs at once: prefixes without path identifiers and labels.

| Length (8, bits of the prefix) | as many octets as the length needs |
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.protocols.bgp.families import ADDRESS_BITS

_NEVER = 1 << 32  # octets of a prefix whose length passes the address


def _widths() -> NDArray[np.int64]:
    """Octets of a prefix with its Length: by AFI and length, 8 bits for the latter."""
    widths = np.full((max(ADDRESS_BITS) + 1, 256), _NEVER)
    for afi, most in ADDRESS_BITS.items():
        widths[afi, : most + 1] = 1 + (np.arange(most + 1) + 7) // 8
    return widths.ravel()


_WIDTHS = _widths()


class PlainNlri(NamedTuple):
    """The prefixes of n fields.

    whole: shape (n,), whether a field can be cut; those that cannot have any number of prefixes.
    fields, at: shape (prefixes,), whose each prefix is, ascending, and the offset of its Length.
    """

    whole: NDArray[np.bool_]
    fields: NDArray[np.int64]
    at: NDArray[np.int64]

    def of_fields(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give ``at`` of some fields, in their order, and how many prefixes each of them has."""
        first = self.fields.searchsorted(chosen)
        counts = self.fields.searchsorted(chosen, "right") - first
        bounds = counts.cumsum()
        return self.at[np.repeat(first - bounds + counts, counts) + np.arange(bounds[-1])], counts


def find_prefixes(
    octets: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    afis: NDArray[np.int64],
) -> PlainNlri:
    """Cut fields into prefixes, as `split_nlri` does with one.

    Args:
        octets: uint8, hold all fields.
        starts, ends, afis: shape (n,), offsets of the fields, and whose addresses are in them.
    Cost: some 10 µs for each doubling of the longest field's prefixes, and 0.05 µs a prefix.
    """
    sizes = ends - starts
    bounds = sizes.cumsum()
    total = int(bounds[-1]) if len(bounds) else 0
    # Side by side without gaps: each octet as if a prefix began there, and where it would end.
    field = np.repeat(np.arange(len(sizes)), sizes)
    here = np.arange(total)
    wire = here + (starts - bounds + sizes)[field]
    stop = here + _WIDTHS[afis[field] << 8 | octets[wire]]
    limit = bounds[field]
    past = total + 1
    following = np.empty(total + 2, np.int64)
    following[:total] = np.where(stop < limit, stop, np.where(stop == limit, total, past))
    following[total], following[past] = total, past
    begins = _reached((bounds - sizes)[sizes != 0], following, total)
    whole = np.ones(len(sizes), np.bool_)
    whole[field[begins[following[begins] == past]]] = False
    return PlainNlri(whole, field[begins], wire[begins])


def _reached(first: NDArray[np.int64], following: NDArray[np.int64], end: int) -> NDArray[np.int64]:
    """Go on from each of ``first`` to what follows, until ``end`` or beyond; give all, sorted.

    Twice as far with each round: a Python loop would take as many as the longest field has
    prefixes.
    """
    reached, jump = first, following
    while True:
        further = jump[reached]
        further = further[further < end]
        if not further.size:
            return np.sort(reached)
        reached = np.concatenate((reached, further))
        jump = jump[jump]
