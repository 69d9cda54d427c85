"""Random lives of routers: the tables answer as a linear scan does, and nothing is left."""

import random
from ipaddress import ip_network

import numpy as np
import pytest

from collector.rib.paths import Path
from collector.rib.peer import GLOBAL_RD, Peer, PeerKey
from collector.rib.rib import Rib
from collector.rib.shared import Limits
from collector.rib.view import View
from tests.rib.linear import LinearRib
from tests.rib.wire import add_path, addresses, new_rib, prefix

_DEVICES = ("192.0.2.1", "192.0.2.2")
_SESSIONS = {"192.0.2.1": (1, 2), "192.0.2.2": (3,)}
_RD = bytes.fromhex("0000fde800000001")
_VIEWS = (View.LOC_RIB, View.ADJ_RIB_IN_PRE)
_PEERS = (
    PeerKey(0, GLOBAL_RD, "10.0.0.9", "1.1.1.1"),
    PeerKey(0, GLOBAL_RD, "10.0.0.10", "1.1.1.1"),
    PeerKey(0, GLOBAL_RD, "2001:db8::1", "1.1.1.2"),
    PeerKey(3, GLOBAL_RD, None, "1.1.1.3"),
)
_ADD_PATH_PEER = _PEERS[1]
_STALE_S = 50.0
# Each content with several next hops: what devices share must never show in another's answer.
_PATHS = [
    Path(
        next_hop=next_hop,
        peer_as=number % 3,
        path_length=number % 2,
        local_pref=(None, 100, 200)[number % 3],
        med=(None, 0, 7)[number // 3 % 3],
        communities=(str(number),),
    )
    for number in range(9)
    for next_hop in ("10.0.0.0", "10.0.0.1", "10.0.0.2", None)
]


class Life:
    """One random sequence, lived by the tables and by the model."""

    def __init__(self, seed: int) -> None:
        self.chosen = random.Random(seed)
        # With 100 octets hardly an address is remembered.
        limits = Limits(covering_cache_octets=self.chosen.choice((100, 1 << 20)))
        self.rib: Rib = new_rib(stale_s=_STALE_S, silence_s=1e9, limits=limits)
        self.model = LinearRib(_STALE_S)
        self.now_s = 0.0
        self.handles: list[tuple[str, int, PeerKey, Peer]] = []
        self.held: list[tuple[int, Path]] = []
        self.snapshot = None
        v4 = [f"{n * 16}.0.0.0/{length}" for n in (0, 8) for length in (0, 1, 5, 8, 16, 23, 24, 32)]
        v6 = [f"2001:db8:{n}::/{length}" for n in (0, 8) for length in (0, 29, 32, 45, 48, 64, 128)]
        more = [f"128.0.{self.chosen.randrange(256)}.0/24" for _ in range(25)]
        # Shorter prefixes come out equal: the same prefix twice in one update is part of the test.
        self.v4 = [str(ip_network(text, strict=False)) for text in v4 + more]
        self.v6 = [str(ip_network(text, strict=False)) for text in v6]

    def peer_up(self) -> None:
        device = self.chosen.choice(_DEVICES)
        session = self.chosen.choice(_SESSIONS[device])
        key = self.chosen.choice(_PEERS)
        self.model.peer_up(device, session, key, self.now_s)
        handle = self.rib.peer_up(device, session, key, self.now_s)
        self.handles.append((device, session, key, handle))

    def peer_down(self) -> None:
        device = self.chosen.choice(_DEVICES)
        who = device, self.chosen.choice(_SESSIONS[device]), self.chosen.choice(_PEERS)
        assert self.rib.peer_down(*who) == self.model.peer_down(*who)

    def session_down(self) -> None:
        device = self.chosen.choice(_DEVICES)
        session = self.chosen.choice(_SESSIONS[device])
        self.rib.session_down(device, session, self.now_s)
        self.model.session_down(device, session, self.now_s)

    def tick(self) -> None:
        self.now_s += self.chosen.choice((0.5, 1, 20))
        self.rib.tick(self.now_s)
        self.model.tick(self.now_s)
        if self.chosen.random() < 0.5:
            for index in self.rib._shared.indexes.values():
                index.compact(slack=0)

    def update(self) -> None:
        if not self.handles:
            return
        device, session, key, handle = self.chosen.choice(self.handles[-8:])
        family = self.chosen.choice(((1, 1), (1, 1), (1, 4), (2, 1), (1, 128), (1, 2), (25, 70)))
        view = self.chosen.choice(_VIEWS)
        rd = _RD if family[1] == 128 else GLOBAL_RD
        table = handle.table(view, rd, family)
        owner = self.model.owned(device, session, key)
        known = self.rib.devices.get(device)
        if owner is None or known is None or known.peers.get(key) is not handle:
            # Another object may be the owner's by now; this one must not give out tables.
            assert owner is not None or table is None
            return
        path = self.chosen.choice(_PATHS)
        pool = self.v6 if family[0] == 2 else self.v4
        texts = [self.chosen.choice(pool) for _ in range(self.chosen.choice((1, 3, 30)))]
        if self.chosen.random() < 0.4:
            self.withdraw(table, owner, (view, rd, family), texts)
        elif family[1] in (1, 2) and key is not _ADD_PATH_PEER:
            self.announce_plain(table, texts, path)
            self.tell(owner, (view, rd, family), texts, None, path, ())
        else:
            identifier = self.identifier(key)
            labels = self.labels(family)
            for text in texts:
                table.announce(prefix(text), identifier, self.path_id(path), labels)
            self.tell(owner, (view, rd, family), texts, identifier, path, labels)

    def announce_plain(self, table, texts: list[str], path: Path) -> None:
        prefixes = [prefix(text) for text in texts]
        if self.chosen.random() < 0.5:
            table.announce_many(prefixes, self.path_id(path))
        else:
            self.announce_columns(table, texts, [self.path_id(path)] * len(texts))

    def announce_columns(self, table, texts: list[str], paths: list[int]) -> None:
        networks = [ip_network(text) for text in texts]
        bits = networks[0].max_prefixlen
        # Host bits are what a router likes to leave there.
        numbers = [int(each.network_address) | int(each.hostmask) & 0x5A5A for each in networks]
        words = (
            [numbers] if bits == 32 else [[n >> 64 for n in numbers], [n % 2**64 for n in numbers]]
        )
        lengths = np.array([each.prefixlen for each in networks], np.uint64)
        columns = [np.array(word, np.uint64) for word in words]
        table.announce_columns(columns, lengths, np.array(paths, np.int32))

    def withdraw(self, table, owner, where, texts: list[str]) -> None:
        identifier = self.identifier(owner.key)
        if identifier is None and where[2][1] in (1, 2) and self.chosen.random() < 0.5:
            self.announce_columns(table, texts, [0] * len(texts))
        else:
            for text in texts:
                table.withdraw(prefix(text), identifier)
        owner.remove({(*where, text, identifier) for text in texts})

    def tell(self, owner, where, texts: list[str], identifier, path: Path, labels) -> None:
        for text in texts:
            owner.routes[*where, text, identifier] = path, labels
            owner.stale.discard((*where, text, identifier))

    def identifier(self, key: PeerKey) -> int | None:
        return self.chosen.choice((None, 0, 5, 2**32 - 1)) if key is _ADD_PATH_PEER else None

    def labels(self, family: tuple[int, int]) -> tuple[int, ...]:
        return self.chosen.choice(((), (16,), (16, 17))) if family[1] in (4, 128) else ()

    def path_id(self, path: Path) -> int:
        return add_path(self.rib.paths, path)

    def end_of_rib(self) -> None:
        for device, session, key, handle in self.handles[-4:]:
            owner = self.model.owned(device, session, key)
            if owner is not None and self.rib.devices[device].peers.get(key) is handle:
                view, family = self.chosen.choice(_VIEWS), self.chosen.choice(((1, 1), (2, 1)))
                swept = self.rib.end_of_rib(handle, view, family)
                assert swept == self.model.end_of_rib(owner, view, family)

    def ask(self) -> None:
        device = self.chosen.choice(_DEVICES)
        pool = self.chosen.choice((self.v4, self.v6))
        hosts = [str(ip_network(text)[-1]) for text in pool] + [str(ip_network(pool[1])[1])]
        rd = self.chosen.choice((GLOBAL_RD, _RD))
        views = self.chosen.choice((_VIEWS, _VIEWS[::-1], _VIEWS[:1]))
        hops = [self.chosen.choice((None, "10.0.0.1", "10.0.0.2", "10.9.9.9")) for _ in hosts]
        ids = np.array([self.rib.paths.next_hop_id(h) if h else 0 for h in hops], np.int32)
        family = 6 if pool is self.v6 else 4
        answer = self.rib.join(device, family, addresses(hosts), rd=rd, next_hops=ids, views=views)
        for row, (host, hop) in enumerate(zip(hosts, hops, strict=True)):
            wanted = self.model.ask(device, host, rd, views, hop)
            path = int(answer.path[row])
            got = (
                self.rib.paths.path(path),
                int(answer.prefix_length[row]),
                int(answer.view[row]),
                int(answer.state[row]),
            )
            assert got == wanted if wanted else got[:3] == (None, -1, -1), (host, hop)
            if path and self.chosen.random() < 0.05:
                self.rib.paths.hold(np.array([path], np.int32))
                self.held.append((path, got[0]))

    def let_go(self) -> None:
        for path, value in self.held:
            assert self.rib.paths.path(path) == value
        self.rib.paths.release(np.array([path for path, _ in self.held], np.int32))
        self.held.clear()

    def look_at_all(self) -> None:
        device = self.chosen.choice(_DEVICES)
        chunks = list(self.rib.routes(device, self.chosen.choice((1, 7, 1000))))
        rows = [
            (
                route.peer,
                route.view,
                route.rd,
                route.family,
                route.octets,
                route.add_path_id,
                () if route.family == (25, 70) else route.labels,
                self.rib.paths.path(route.path),
            )
            for chunk in chunks
            for route in chunk
        ]
        wanted = {
            (peer, view, rd, family, prefix(text), identifier, labels, path)
            for peer, view, rd, family, text, identifier, labels, path in self.model.routes(device)
        }
        assert set(rows) == wanted
        assert len(rows) == len(wanted)

    def read_a_snapshot_slowly(self) -> None:
        self.snapshot = self.snapshot or self.rib.routes(self.chosen.choice(_DEVICES), 3)
        for chunk in (next(self.snapshot, None) for _ in range(4)):
            if chunk is None:
                self.snapshot = None
                break
            assert all(self.rib.paths.path(route.path) in _PATHS for route in chunk)

    def live(self, steps: int) -> None:
        does = [self.update] * 12 + [self.ask] * 3 + [self.tick, self.peer_up] * 2
        does += [self.peer_down, self.session_down, self.end_of_rib, self.look_at_all]
        does += [self.let_go, self.read_a_snapshot_slowly]
        for _ in range(4):
            self.peer_up()
        for _ in range(steps):
            self.chosen.choice(does)()

    def die(self) -> None:
        for device, sessions in _SESSIONS.items():
            for session in sessions:
                self.rib.session_down(device, session, self.now_s)
        self.let_go()
        self.rib.tick(self.now_s + 2 * _STALE_S)
        self.rib.tick(self.now_s + 2 * _STALE_S)


@pytest.mark.parametrize("seed", range(40))
def test_the_tables_agree_with_a_linear_scan_and_leak_nothing(seed: int) -> None:
    life = Life(seed)
    life.live(250)
    life.look_at_all()
    life.ask()
    life.die()
    rib, shared = life.rib, life.rib._shared
    assert rib.devices == {}
    assert (len(rib.paths), rib.paths.holders.any(), rib.paths.next_hops) == (0, False, 0)
    assert rib.paths.contents == 0
    assert len(shared.labels) == 0
    assert (shared.changed, shared.emptied) == ([], [])
    for index in shared.indexes.values():
        assert index.live == 0
        index.compact(slack=-1)
        assert len(index) == 0
        assert not index._holders.any()
