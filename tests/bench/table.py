"""A full BGP table: its routes, and which of them answers for an address."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ATTRIBUTE_SETS_A_ROUTE = 0.07  # 70 000 sets for a million routes, as on the Internet
FIRST_ORIGIN_AS = 100_000
_LENGTHS = {24: 60, 23: 10, 22: 12, 21: 5, 20: 6, 19: 3, 16: 3, 12: 1}
_MAX_SETS = 1 << 20


@dataclass(frozen=True, slots=True)
class BenchTable:
    """Routes of a router.

    Attributes:
        networks, lengths: shape (routes,), uint32 addresses and prefix lengths.
        sets: shape (routes,), ascending: which attribute set a route has.
    """

    networks: NDArray[np.uint32]
    lengths: NDArray[np.uint8]
    sets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.networks)

    def origin_as(self, routes: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Give the last AS of the path: no two attribute sets share one. Route -1 has 0."""
        origins = (FIRST_ORIGIN_AS + self.sets[routes]).astype(np.uint64)
        return np.where(routes < 0, np.uint64(0), origins)

    def routes_of(self, addresses: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Find the most specific route for each address; -1 where there is none."""
        routes = np.full(len(addresses), -1)
        for length in np.unique(self.lengths):
            mask = np.uint32(0xFFFFFFFF << (32 - int(length)) & 0xFFFFFFFF)
            here = np.flatnonzero(self.lengths == length)
            here = here[np.argsort(self.networks[here])]
            asked = addresses & mask
            place = np.searchsorted(self.networks[here], asked).clip(max=len(here) - 1)
            found = self.networks[here][place] == asked
            routes[found] = here[place[found]]
        return routes


def make_table(routes: int) -> BenchTable:
    """Make about so many routes, each time the same ones."""
    rng = np.random.default_rng(1)
    chosen = rng.choice(list(_LENGTHS), routes, p=np.array(list(_LENGTHS.values())) / 100)
    lengths = chosen.astype(np.uint8)
    # Unicast addresses from 1.0.0.0 to 100.0.0.0: the loopback and all special ranges stay out.
    networks = rng.integers(1 << 24, 100 << 24, routes, np.uint32)
    networks &= (np.uint64(0xFFFFFFFF) << (32 - lengths).astype(np.uint64)).astype(np.uint32)
    _, first = np.unique(networks.astype(np.uint64) << np.uint64(8) | lengths, return_index=True)
    rng.shuffle(first)
    sets = max(1, min(_MAX_SETS, int(len(first) * ATTRIBUTE_SETS_A_ROUTE)))
    set_of_route = np.sort(rng.integers(sets, size=len(first)))
    return BenchTable(networks[first], lengths[first], set_of_route)
