"""The tables as plain dictionaries, searched route by route: slow, and obviously right."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from collector.rib.paths import Path
from collector.rib.peer import PeerKey
from collector.rib.sync import RibState
from collector.rib.view import View

_ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2, None: 3}
_FORWARDING = {1: 4, 2: 6}  # AFI: family

Key = tuple[View, bytes, tuple[int, int], str, int | None]  # view, RD, AFI/SAFI, NLRI, path id


@dataclass
class LinearPeer:
    key: PeerKey
    session: int | None = None
    routes: dict[Key, tuple[Path, tuple[int, ...]]] = field(default_factory=dict)
    stale: set[Key] = field(default_factory=set)
    deadline_s: float | None = None
    synced: set[tuple[View, tuple[int, int]]] = field(default_factory=set)

    def expect_all_again(self, deadline_s: float) -> None:
        if not self.stale:
            self.deadline_s = None
        self.stale = set(self.routes)
        self.synced.clear()
        if self.routes and self.deadline_s is None:
            self.deadline_s = deadline_s

    def remove(self, keys: set[Key]) -> None:
        for key in keys:
            self.routes.pop(key, None)
        self.stale -= keys

    def state_of(self, key: Key) -> RibState:
        if key in self.stale:
            return RibState.STALE
        whole = (key[0], key[2]) in self.synced
        return RibState.SYNCED if whole else RibState.SYNCING


class LinearRib:
    def __init__(self, stale_s: float) -> None:
        self.stale_s = stale_s
        self.peers: dict[tuple[str, PeerKey], LinearPeer] = {}

    def owned(self, device: str, session: int, key: PeerKey) -> LinearPeer | None:
        peer = self.peers.get((device, key))
        return peer if peer and peer.session == session else None

    def peer_up(self, device: str, session: int, key: PeerKey, now_s: float) -> LinearPeer:
        peer = self.peers.setdefault((device, key), LinearPeer(key))
        peer.expect_all_again(now_s + self.stale_s)
        peer.session = session
        return peer

    def peer_down(self, device: str, session: int, key: PeerKey) -> int:
        peer = self.owned(device, session, key)
        return len(self.peers.pop((device, key)).routes) if peer else 0

    def session_down(self, device: str, session: int, now_s: float) -> None:
        for (name, _), peer in self.peers.items():
            if name == device and peer.session == session:
                peer.session = None
                peer.expect_all_again(now_s + self.stale_s)

    def end_of_rib(self, peer: LinearPeer, view: View, family: tuple[int, int]) -> int:
        peer.synced.add((view, family))
        swept = {key for key in peer.stale if (key[0], key[2]) == (view, family)}
        peer.remove(swept)
        if not peer.stale:
            peer.deadline_s = None
        return len(swept)

    def tick(self, now_s: float) -> None:
        for name, peer in list(self.peers.items()):
            if peer.deadline_s is not None and now_s >= peer.deadline_s:
                peer.remove(set(peer.stale))
                peer.deadline_s = None
            if peer.session is None and not peer.routes:
                del self.peers[name]

    def routes(self, device: str) -> set[tuple]:
        return {
            (peer.key, *key, labels, path)
            for (name, _), peer in self.peers.items()
            if name == device
            for key, (path, labels) in peer.routes.items()
        }

    def ask(
        self, device: str, host: str, rd: bytes, views: tuple[View, ...], next_hop: str | None
    ) -> tuple[Path, int, View, RibState] | None:
        for view in views:
            found = self._match(device, host, rd, view, next_hop)
            if found is not None:
                return found
        return None

    def _match(
        self, device: str, host: str, rd: bytes, view: View, next_hop: str | None
    ) -> tuple[Path, int, View, RibState] | None:
        address = ip_address(host)
        covering = [
            (peer, key, path)
            for (name, _), peer in self.peers.items()
            if name == device
            for key, (path, _) in peer.routes.items()
            if key[0] == view
            and key[1] == rd
            and key[2][1] in (1, 4, 128)
            and _FORWARDING.get(key[2][0]) == address.version
            and address in ip_network(key[3])
        ]
        if not covering:
            return None
        length = max(ip_network(key[3]).prefixlen for _, key, _ in covering)
        longest = [each for each in covering if ip_network(each[1][3]).prefixlen == length]
        wanted = [each for each in longest if next_hop and each[2].next_hop == next_hop]
        peer, key, path = _best(wanted or longest)
        return path, length, view, peer.state_of(key)


def _best(routes: list[tuple[LinearPeer, Key, Path]]) -> tuple[LinearPeer, Key, Path]:
    def rank(path: Path) -> tuple:
        local_pref = 100 if path.local_pref is None else path.local_pref
        return -local_pref, path.path_length, _ORIGINS[path.origin]

    def tie(route: tuple[LinearPeer, Key, Path]) -> tuple:
        peer, key, _ = route
        address = b"" if peer.key.address is None else ip_address(peer.key.address).packed
        identifier = -1 if key[4] is None else key[4]
        who = (peer.key.type, peer.key.distinguisher, peer.key.bgp_id)
        return len(address), address, *who, key[2][1], identifier

    first = min(rank(path) for _, _, path in routes)
    tied = [route for route in routes if rank(route[2]) == first]
    kept = [
        route
        for route in tied
        if not any(
            rival.peer_as == route[2].peer_as and (rival.med or 0) < (route[2].med or 0)
            for _, _, rival in tied
        )
    ]
    return min(kept, key=tie)
