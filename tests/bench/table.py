"""A full BGP table as BMP octets, and which of its routes answers for an address."""

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.simulation.bgp import Route, announcement, end_of_rib, open_message
from collector.simulation.bmp import Peer, initiation, peer_up, route_monitoring

ATTRIBUTE_SETS_A_ROUTE = 0.07  # 70 000 sets for a million routes, as on the Internet
NEXT_HOP = "192.0.2.1"
_OWN_AS, _NEIGHBOUR_AS = 65_000, 64_900
_LENGTHS = {24: 60, 23: 10, 22: 12, 21: 5, 20: 6, 19: 3, 16: 3, 12: 1}
_LENGTH_OFFSET = 16  # of a BGP message's Length field, after the marker
_MAX_SETS = 1 << 20


@dataclass(frozen=True, slots=True)
class BenchTable:
    """Routes of one peer.

    Attributes:
        bmp: a whole BMP session up to the End-of-RIB.
        networks, lengths: shape (routes,), uint32 addresses and prefix lengths.
        origin_as: shape (routes,), last AS of each route's path: no two attribute sets share one.
    """

    bmp: bytes
    networks: NDArray[np.uint32]
    lengths: NDArray[np.uint8]
    origin_as: NDArray[np.uint32]

    def origins_of(self, addresses: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Origin AS of the most specific route for each address; 0 where there is none."""
        origins = np.zeros(len(addresses), np.uint32)
        for length in np.unique(self.lengths):
            mask = np.uint32(0xFFFFFFFF << (32 - int(length)) & 0xFFFFFFFF)
            here = np.flatnonzero(self.lengths == length)
            here = here[np.argsort(self.networks[here])]
            asked = addresses & mask
            place = np.searchsorted(self.networks[here], asked).clip(max=len(here) - 1)
            found = self.networks[here][place] == asked
            origins[found] = self.origin_as[here][place[found]]
        return origins


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
    networks, lengths = networks[first], lengths[first]
    sets = max(1, min(_MAX_SETS, int(len(first) * ATTRIBUTE_SETS_A_ROUTE)))
    set_of_route = np.sort(rng.integers(sets, size=len(first)))
    origin_as = (100_000 + set_of_route).astype(np.uint32)
    return BenchTable(_bmp(networks, lengths, set_of_route), networks, lengths, origin_as)


def _bmp(
    networks: NDArray[np.uint32], lengths: NDArray[np.uint8], set_of_route: NDArray[np.int64]
) -> bytes:
    nlri = [
        bytes((length,)) + network.to_bytes(4, "big")[: (length + 7) // 8]
        for network, length in zip(networks.tolist(), lengths.tolist(), strict=True)
    ]
    peer = Peer(NEXT_HOP, _NEIGHBOUR_AS, "192.0.2.1")
    sent = open_message(_OWN_AS, "192.0.2.250")
    received = open_message(_NEIGHBOUR_AS, "192.0.2.1")
    messages = [initiation("bench"), peer_up(peer, "192.0.2.250", sent, received, 1.0)]
    random_numbers = random.Random(2)
    bounds = np.flatnonzero(np.diff(set_of_route, prepend=-1)).tolist()
    for start, stop in zip(bounds, [*bounds[1:], len(nlri)], strict=True):
        route = _route(100_000 + int(set_of_route[start]), random_numbers)
        for first in range(start, stop, 400):
            update = _with_nlri(announcement([], route), nlri[first : min(first + 400, stop)])
            messages.append(route_monitoring(peer, update, 1.0))
    messages.append(route_monitoring(peer, end_of_rib(), 1.0))
    return b"".join(messages)


def _route(origin_as: int, numbers: random.Random) -> Route:
    transit = [numbers.randrange(1_000, 60_000) for _ in range(numbers.randrange(1, 4))]
    return Route(
        (_NEIGHBOUR_AS, *transit, origin_as),
        NEXT_HOP,
        local_pref=100,
        med=numbers.randrange(100),
        communities=tuple(
            (_NEIGHBOUR_AS, numbers.randrange(1_000)) for _ in range(numbers.randrange(1, 6))
        ),
    )


def _with_nlri(update: bytes, nlri: list[bytes]) -> bytes:
    """Append NLRI to an UPDATE without any; `announcement` itself is too slow for a million."""
    octets = b"".join(nlri)
    length = (len(update) + len(octets)).to_bytes(2, "big")
    return update[:_LENGTH_OFFSET] + length + update[_LENGTH_OFFSET + 2 :] + octets
