"""What the tables cost: `python -m tests.bench.bench_rib [routes]` prints time and memory."""

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path as FilePath

import numpy as np

from collector.rib.join import Segment
from collector.rib.paths import Path
from collector.rib.peer import GLOBAL_RD, Peer, PeerKey
from collector.rib.rib import Rib
from collector.rib.route_table import RouteTable
from collector.rib.view import View
from tests.rib.wire import add_path, new_rib

_PAGE = os.sysconf("SC_PAGE_SIZE")
_IPV4 = (1, 1)
_FLOWS = 20_000
_ROUNDS = 20


def resident() -> int:
    """Octets of this process in memory."""
    return int(FilePath("/proc/self/statm").read_text().split()[1]) * _PAGE


def per(count: int, what: Callable[[], object]) -> float:
    """CPU microseconds of a call, for each of ``count``."""
    start = time.process_time()
    what()
    return (time.process_time() - start) / count * 1e6


def full_table(routes: int) -> list[bytes]:
    """Distinct prefixes with lengths about as on the Internet, in no order."""
    chosen = random.Random(1)
    lengths = chosen.choices(
        (24, 23, 22, 21, 20, 19, 16, 12), (60, 10, 12, 5, 6, 3, 3, 1), k=routes
    )
    prefixes = {
        bytes((length,)) + (chosen.getrandbits(length) << (32 - length)).to_bytes(4, "big")
        for length in lengths
    }
    return [prefix[: 1 + (prefix[0] + 7) // 8] for prefix in prefixes]


def peer(rib: Rib, device: str, number: int, session: int = 1) -> Peer:
    address = f"10.9.{number >> 8}.{number & 255}"
    return rib.peer_up(device, session, PeerKey(0, GLOBAL_RD, address, "192.0.2.1"), 0.0)


def load(rib: Rib, table: RouteTable, prefixes: list[bytes], paths: list[int], group: int) -> None:
    """Announce as a router does: a few prefixes to each attribute set."""
    for number, start in enumerate(range(0, len(prefixes), group)):
        table.announce_many(prefixes[start : start + group], paths[number % len(paths)])
    rib.device_statistics(table.peer.device.address)


def interned(rib: Rib, count: int, peer_number: int = 0) -> list[int]:
    return [
        add_path(
            rib.paths,
            Path(
                peer_as=64500 + number % 50,
                path_length=2 + number % 5,
                next_hop=f"10.9.0.{peer_number}",
            ),
            (peer_number, number),
        )
        for number in range(count)
    ]


def tables(routes: int) -> None:
    rib = new_rib()
    prefixes = full_table(routes)
    routes = len(prefixes)
    paths = interned(rib, 70_000)
    for name, device in (("first", "a"), ("second device's", "b")):
        table = peer(rib, device, 1).table(View.LOC_RIB, GLOBAL_RD, _IPV4)
        before = resident()
        cost = per(routes, lambda table=table: load(rib, table, prefixes, paths, 14))
        octets = (resident() - before) / routes
        own = rib.device_statistics(device).octets / routes
        print(
            f"{name} table, {routes} routes: {cost:.2f} us a route, {octets:.1f} octets resident, "
            f"{own:.1f} of them in the table"
        )
    one = peer(rib, "c", 1).table(View.LOC_RIB, GLOBAL_RD, _IPV4)
    cost = per(routes, lambda: load(rib, one, prefixes, paths, 1))
    print(f"one route an update: {cost:.2f} us a route")
    print(f"octets as counted: {rib.statistics().octets / routes:.1f} a route, all three tables")
    lookups(rib, prefixes)
    churn(rib, table, prefixes, paths)
    many_devices(rib, prefixes, paths)
    print(
        f"peer down, {routes} routes: {per(1, lambda: rib.peer_down('c', 1, one.peer.key)):.0f} us"
    )
    for device in list(rib.devices):
        for number in list(rib.devices[device].peers.values()):
            rib.peer_down(device, 1, number.key)
    print(f"tick that forgets {routes} prefixes: {per(1, lambda: rib.tick(1.0)):.0f} us")


def addresses_of(prefixes: list[bytes], count: int) -> np.ndarray:
    chosen = random.Random(2)
    return np.array(
        [
            int.from_bytes(prefix[1:].ljust(4, b"\1"), "big")
            for prefix in chosen.choices(prefixes, k=count)
        ],
        np.uint32,
    )


def lookups(rib: Rib, prefixes: list[bytes]) -> None:
    seen = addresses_of(prefixes, 100_000)
    chosen = np.random.default_rng(3)
    batches = [chosen.choice(seen, 2 * _FLOWS) for _ in range(_ROUNDS)]
    rib.join("a", 4, seen)
    cost = per(_FLOWS * _ROUNDS, lambda: [rib.join("a", 4, batch) for batch in batches])
    print(f"join, source and destination, 100 000 addresses known: {cost:.3f} us a flow")
    random_ones = [chosen.integers(1 << 32, size=_FLOWS, dtype=np.uint32) for _ in range(_ROUNDS)]
    cost = per(_FLOWS * _ROUNDS, lambda: [rib.join("a", 4, batch) for batch in random_ones])
    print(f"join, one address at random: {cost:.3f} us a flow")


def churn(rib: Rib, table: RouteTable, prefixes: list[bytes], paths: list[int]) -> None:
    seen = addresses_of(prefixes, 100_000)
    chosen = random.Random(4)
    rib.join("b", 4, seen)

    def turn() -> None:
        for prefix in chosen.sample(prefixes, 600):
            table.announce(prefix, None, chosen.choice(paths))
        rib.join("b", 4, seen[: 2 * _FLOWS])

    def quiet() -> None:
        for prefix in chosen.sample(prefixes, 600):
            chosen.choice(paths)
            len(prefix)
        rib.join("b", 4, seen[: 2 * _FLOWS])

    with_updates = per(_FLOWS * _ROUNDS, lambda: [turn() for _ in range(_ROUNDS)])
    without = per(_FLOWS * _ROUNDS, lambda: [quiet() for _ in range(_ROUNDS)])
    print(
        f"join while 600 updates come a batch: {with_updates:.3f} us a flow, without {without:.3f}"
    )


def many_devices(rib: Rib, prefixes: list[bytes], paths: list[int]) -> None:
    """50 devices with the same 200 000 routes, then a batch over all of them."""
    shared = prefixes[:200_000]
    names = [f"198.51.100.{number}" for number in range(50)]
    for name in names:
        load(rib, peer(rib, name, 1).table(View.LOC_RIB, GLOBAL_RD, _IPV4), shared, paths, 14)
    octets = np.mean([rib.device_statistics(name).octets for name in names]) / len(shared)
    print(f"50 further devices with {len(shared)} of the routes: {octets:.1f} octets a route")
    seen = addresses_of(shared, 2 * _FLOWS)
    rib.join("a", 4, seen)
    for count in (1, 50, 500, 2000):
        bounds = np.linspace(0, len(seen), count + 1).astype(int).tolist()
        segments = [
            Segment(bounds[row], bounds[row + 1], names[row % len(names)]) for row in range(count)
        ]
        cost = per(
            _FLOWS * _ROUNDS,
            lambda segments=segments: [
                rib.join_segments(4, seen, segments) for _ in range(_ROUNDS)
            ],
        )
        print(f"join, {count} devices in the batch: {cost:.3f} us a flow")


def many_peers(routes: int) -> None:
    """30 peers in two views, each with its own next hop, a fifth of the routes of a full table."""
    rib = new_rib()
    prefixes = full_table(routes // 5)
    loads = []
    for number in range(30):
        paths = interned(rib, 2000, number)
        handle = peer(rib, "a", number)
        loads += [
            (handle.table(view, GLOBAL_RD, _IPV4), paths)
            for view in (View.ADJ_RIB_IN_PRE, View.ADJ_RIB_IN_POST)
        ]
    before = resident()
    cost = per(
        60 * len(prefixes),
        lambda: [load(rib, table, prefixes, paths, 14) for table, paths in loads],
    )
    octets = (resident() - before) / 60 / len(prefixes)
    print(
        f"30 peers in two views, {len(prefixes)} each: {cost:.2f} us, {octets:.1f} octets a route"
    )
    seen = addresses_of(prefixes, 100_000)
    rib.join("a", 4, seen)
    batch = np.random.default_rng(3).choice(seen, 2 * _FLOWS)
    cost = per(_FLOWS * _ROUNDS, lambda: [rib.join("a", 4, batch) for _ in range(_ROUNDS)])
    print(f"join, 30 peers: {cost:.3f} us a flow")
    ids = [rib.paths.next_hop_id(f"10.9.0.{number}") for number in range(30)]
    next_hops = np.random.default_rng(5).choice(np.array(ids, np.int32), 2 * _FLOWS)
    cost = per(
        _FLOWS * _ROUNDS,
        lambda: [rib.join("a", 4, batch, next_hops=next_hops) for _ in range(_ROUNDS)],
    )
    print(f"join, 30 peers, every flow with another next hop: {cost:.3f} us a flow")
    handle = loads[0][0].peer
    print(f"peer down of one of them: {per(1, lambda: rib.peer_down('a', 1, handle.key)):.0f} us")


def ipv6(routes: int) -> None:
    """A table of IPv6 routes, and the join with it."""
    rib = new_rib()
    chosen = random.Random(6)
    lengths = chosen.choices((48, 32, 40, 44, 36, 29), (45, 20, 12, 10, 8, 5), k=routes)
    networks = {
        (length, (0x2A00 << 112 | chosen.getrandbits(104)) >> (128 - length)) for length in lengths
    }
    prefixes = [
        bytes((length,)) + (network << -length % 8).to_bytes((length + 7) // 8, "big")
        for length, network in networks
    ]
    table = peer(rib, "a", 1).table(View.LOC_RIB, GLOBAL_RD, (2, 1))
    paths = interned(rib, 20_000)
    before = resident()
    cost = per(len(prefixes), lambda: load(rib, table, prefixes, paths, 5))
    octets = (resident() - before) / len(prefixes)
    print(f"IPv6 table, {len(prefixes)} routes: {cost:.2f} us and {octets:.1f} octets a route")
    upper = [int.from_bytes(each[1:].ljust(8, b"\0"), "big") for each in prefixes[:100_000]]
    seen = np.array([(half, 1) for half in upper], np.uint64)
    cost = per(len(seen), lambda: rib.join("a", 6, seen))
    print(f"IPv6 address seen for the first time: {cost:.2f} us")
    batches = [
        seen[np.random.default_rng(number).integers(len(seen), size=2 * _FLOWS)]
        for number in range(_ROUNDS)
    ]
    cost = per(_FLOWS * _ROUNDS, lambda: [rib.join("a", 6, batch) for batch in batches])
    print(f"IPv6 join, {len(seen)} addresses known: {cost:.3f} us a flow")


def vpns() -> None:
    rib = new_rib()
    paths = interned(rib, 5000)
    handle = peer(rib, "a", 1)

    def routes() -> None:
        for number in range(5000):
            table = handle.table(View.ADJ_RIB_IN_POST, number.to_bytes(8, "big"), (1, 128))
            for low in range(20):
                table.announce(bytes((24, 10, number & 63, low)), None, paths[number], (number,))
        rib.statistics()

    cost = per(100_000, routes)
    print(f"5000 VPNs of 20 routes: {cost:.2f} us a route")


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    tables(size)
    many_peers(size)
    ipv6(size // 5)
    vpns()
