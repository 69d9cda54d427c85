"""Whole BGP tables as BMP octets, a million routes in seconds: what benches and load tests send."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.simulation.bgp import Route, end_of_rib, ipv4_announcement, open_message
from collector.simulation.bmp import Peer, initiation, peer_up, route_monitoring

# Share of each prefix length, about that of the internet's table.
_LENGTHS = np.array([24, 23, 22, 21, 20, 19, 18, 17, 16], np.uint8)
_SHARES = np.array([0.60, 0.10, 0.12, 0.05, 0.05, 0.03, 0.02, 0.01, 0.02])
_FIRST_NETWORK, _LAST_NETWORK = 1 << 24, 224 << 24
_ROUTES_IN_UPDATE = 800  # five octets each leave room for the attributes in 4096
_OWN_AS = 64512


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Distinct IPv4 prefixes: network addresses, shape (n,), and their lengths, shape (n,)."""

    addresses: NDArray[np.uint32]
    lengths: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.addresses)

    def hosts(self, count: int, seed: int = 1) -> NDArray[np.uint32]:
        """Choose distinct addresses that lie in these prefixes: shape (count,), or a few less."""
        rng = np.random.default_rng(seed)
        chosen = rng.integers(0, len(self), count)
        sizes = np.uint64(1) << (32 - self.lengths[chosen]).astype(np.uint64)
        inside = rng.integers(0, sizes, dtype=np.uint64)
        return np.unique(self.addresses[chosen] + inside.astype(np.uint32))


def table_prefixes(count: int, seed: int = 1) -> Prefixes:
    """Make up the prefixes of a table, in no order; the same arguments give the same ones."""
    rng = np.random.default_rng(seed)
    keys = np.empty(0, np.uint64)
    while len(keys) < count:
        missing = (count - len(keys)) * 5 // 4 + 16
        lengths = rng.choice(_LENGTHS, missing, p=_SHARES).astype(np.uint64)
        networks = rng.integers(_FIRST_NETWORK, _LAST_NETWORK, missing, dtype=np.uint64)
        shift = np.uint64(32) - lengths
        keys = np.unique(np.concatenate([keys, (networks >> shift << shift) << 8 | lengths]))
    keys = rng.permutation(keys)[:count]
    return Prefixes((keys >> 8).astype(np.uint32), (keys & 0xFF).astype(np.uint8))


def table_load(
    prefixes: Prefixes,
    *,
    attribute_sets: int,
    peer: Peer,
    seed: int = 1,
    first_as: int = 64600,
    time_s: int = 1_700_000_000,
) -> Iterator[bytes]:
    """Give the BMP messages of a session that loads a table: Peer Up, all routes, End-of-RIB.

    Args:
        attribute_sets: how many distinct ones the routes share, at most one a route.
        seed: of the attributes; devices with the same prefixes want different ones.
        first_as: the first AS of every path.
    """
    rng = np.random.default_rng(seed)
    opens = [open_message(number, peer.bgp_id) for number in (_OWN_AS, peer.as_number)]
    yield initiation("load")
    yield peer_up(peer, "192.0.2.1", *opens, time_s)
    octets, ends = _nlri(prefixes)
    cuts = rng.choice(np.arange(1, len(prefixes)), attribute_sets - 1, replace=False)
    bounds = [0, *np.sort(cuts).tolist(), len(prefixes)]
    for route, first, last in zip(
        _routes(attribute_sets, first_as, rng), bounds[:-1], bounds[1:], strict=True
    ):
        for start in range(first, last, _ROUTES_IN_UPDATE):
            stop = min(start + _ROUTES_IN_UPDATE, last)
            announced = octets[ends[start] : ends[stop]]
            yield route_monitoring(peer, ipv4_announcement(announced, route), time_s)
    yield route_monitoring(peer, end_of_rib(), time_s)


def _nlri(prefixes: Prefixes) -> tuple[bytes, list[int]]:
    """All NLRI one after the other, and where each begins; the last number is where they end."""
    count = len(prefixes)
    table = np.empty((count, 5), np.uint8)
    table[:, 0] = prefixes.lengths
    table[:, 1:] = prefixes.addresses.astype(">u4").view(np.uint8).reshape(count, 4)
    sizes = 1 + (prefixes.lengths.astype(np.int64) + 7) // 8
    octets = table[np.arange(5) < sizes[:, np.newaxis]].tobytes()
    return octets, [0, *np.cumsum(sizes).tolist()]


def _routes(count: int, first_as: int, rng: np.random.Generator) -> Iterator[Route]:
    hops = rng.integers(1, 6, count).tolist()
    ases = rng.integers(1, 400_000, (count, 5)).tolist()
    communities = rng.integers(0, 4, count).tolist()
    for number in range(count):
        yield Route(
            # The number tells the sets apart, whatever chance does.
            (first_as, *ases[number][: hops[number]], 1_000_000 + number),
            "192.0.2.254",
            communities=[(first_as & 0xFFFF, 100 + one) for one in range(communities[number])],
        )
