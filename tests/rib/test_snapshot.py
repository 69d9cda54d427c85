import random

from collector.rib.peer import GLOBAL_RD
from collector.rib.rib import Rib
from collector.rib.view import View
from tests.rib.wire import DEVICE, V4, new_rib, path_id, peer_key, prefix

_PRE = View.ADJ_RIB_IN_PRE


def _loaded(count: int) -> tuple[Rib, object]:
    rib = new_rib()
    peer = rib.peer_up(DEVICE, 1, peer_key(), 0)
    table = peer.table(_PRE, GLOBAL_RD, V4)
    prefixes = [prefix(f"10.{number >> 8}.{number & 255}.0/24") for number in range(count)]
    table.announce_many(prefixes, path_id(rib, next_hop="a"))
    return rib, peer


def test_chunks_have_at_most_the_size_asked_for() -> None:
    rib, _ = _loaded(10_000)
    sizes = [len(chunk) for chunk in rib.routes(DEVICE, 300)]
    assert (max(sizes), sum(sizes)) == (300, 10_000)
    assert list(rib.routes("198.51.100.1")) == []


def test_unchanged_routes_come_once_while_others_change() -> None:
    chosen = random.Random(1)
    rib, peer = _loaded(4000)
    table = peer.table(_PRE, GLOBAL_RD, V4)
    unchanged = {prefix(f"10.{n >> 8}.{n & 255}.0/24") for n in range(0, 4000, 3)}
    seen: list[bytes] = []
    for chunk in rib.routes(DEVICE, 50):
        seen += [route.octets for route in chunk]
        for _ in range(60):
            number = chosen.randrange(4000)
            if number % 3:
                table.withdraw(prefix(f"10.{number >> 8}.{number & 255}.0/24"))
            table.announce(prefix(f"11.{number >> 8}.{number & 255}.0/24"), None, path_id(rib))
        rib.tick(0)
        rib._shared.indexes[4].compact(slack=0)
    assert sorted(octets for octets in seen if octets in unchanged) == sorted(unchanged)


def test_a_peer_that_goes_ends_its_part() -> None:
    rib, peer = _loaded(1000)
    chunks = rib.routes(DEVICE, 100)
    assert len(next(chunks)) == 100
    rib.peer_down(DEVICE, 1, peer.key)
    rib.tick(0)
    assert list(chunks) == []


def test_the_routes_of_one_peer() -> None:
    rib, peer = _loaded(10)
    other = rib.peer_up(DEVICE, 1, peer_key("10.0.0.2"), 0)
    other.table(_PRE, GLOBAL_RD, V4).announce(prefix("0.0.0.0/0"), 3, path_id(rib), (16,))
    (route,) = (route for chunk in rib.peer_routes(other) for route in chunk)
    assert route.peer == other.key
    assert (route.octets, route.add_path_id, route.labels) == (b"\0", 3, (16,))
    assert sum(map(len, rib.peer_routes(peer))) == 10
