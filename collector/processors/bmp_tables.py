"""Apply the BMP messages of one session to the RIB: the translator between protocol and tables."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters, register
from collector.processors.bgp_paths import content_of, contents_of, facts_of
from collector.protocols.bgp.attributes import TreatAsWithdraw, parse_attributes
from collector.protocols.bgp.families import IPV4_UNICAST
from collector.protocols.bgp.next_hop import next_hop_text
from collector.protocols.bgp.nlri import Nlri, split_nlri
from collector.protocols.bgp.plain_updates import PlainRun
from collector.protocols.bgp.update import UpdateParts
from collector.protocols.bmp.messages import BmpMessage, PeerDown, PeerUp, RouteMonitoring
from collector.protocols.bmp.per_peer import PeerHeader
from collector.rib.paths import FactColumns
from collector.rib.peer import GLOBAL_RD, Peer, PeerKey
from collector.rib.rib import Rib
from collector.rib.view import View

register(
    bmp_peer_down="Route Monitoring messages of a peer that is down or another session's: not kept",
    bmp_peer_implied="peers taken for up because routes of theirs came without a Peer Up",
    bmp_treat_as_withdraw="UPDATEs with a malformed attribute: their routes are withdrawn",
    bmp_updates="Route Monitoring messages put into tables",
)

_VIEWS = {view.text: view for view in View}
# Types whose distinguisher says which VRF the peer's tables are of (RFC 7854 4.2, RFC 9069 4.1).
_GLOBAL_INSTANCE = 0
_MAX_HEADERS = 16_384
_MAX_DOWN = 16_384  # peers that one session may tell to be down


class _Source:
    """One per-peer header of this session: which peer, which of its views."""

    __slots__ = ("distinguisher", "header", "peer", "view")

    def __init__(self, header: PeerHeader, peer: Peer) -> None:
        self.header = header  # held, so that nothing else gets its identity
        self.peer = peer
        self.view = _VIEWS[header.view]
        is_global = header.type == _GLOBAL_INSTANCE
        self.distinguisher = GLOBAL_RD if is_global else header.distinguisher


class BmpTables:
    """One session's hold on the tables of its device.

    Args:
        device: canonical name of the device.
        session: number of the session, unique in this worker.
    """

    def __init__(self, rib: Rib, device: str, session: int, counters: Counters) -> None:
        self._rib = rib
        self._device = device
        self._session = session
        self._counters = counters
        self._peers: dict[PeerKey, Peer | None] = {}  # None: went down, or is refused
        # By identity: the decoder gives the same header object for the same octets.
        self._sources: dict[int, _Source] = {}

    def apply(self, message: BmpMessage, now_s: float) -> None:
        """Take one message.

        Raises:
            DecodeError: the NLRI of an UPDATE cannot be cut; nothing of it was applied.
        """
        if type(message) is RouteMonitoring:
            self._update(message, now_s)
        elif type(message) is PeerUp:
            self._up(_peer_key(message.peer), now_s)
        elif type(message) is PeerDown:
            key = _peer_key(message.peer)
            if self._peers.get(key) is not None:
                self._rib.peer_down(self._device, self._session, key)
            self._note(key, None)

    def apply_plain(self, header: PeerHeader, run: PlainRun, now_s: float) -> None:
        """Take plain UPDATEs with one per-peer header, of a family without path identifiers."""
        source = self._sources.get(id(header)) or self._source(header, now_s)
        updates = len(run.contents)
        if source is None:
            self._counters.add("bmp_peer_down", updates)
            return
        self._counters["bmp_updates"] += updates
        table = source.peer.table(source.view, source.distinguisher, run.family)
        if table is not None:
            paths = self._plain_paths(header.as_size, run)
            table.announce_columns(run.addresses, run.lengths, np.repeat(paths, run.counts))

    def _plain_paths(self, as_size: int, run: PlainRun) -> NDArray[np.int32]:
        """As `_path` for each UPDATE; 0 for those that withdraw."""
        facts = FactColumns(*run.facts)
        contents = contents_of(as_size, run.contents)
        announces = [row for row, octets in enumerate(run.next_hops) if octets]
        if len(announces) == len(contents):
            return self._rib.paths.add_many(
                contents, list(map(next_hop_text, run.next_hops)), facts
            )
        paths = np.zeros(len(contents), np.int32)
        paths[announces] = self._rib.paths.add_many(
            [contents[row] for row in announces],
            [next_hop_text(run.next_hops[row]) for row in announces],
            FactColumns(*(column[announces] for column in facts)),
        )
        return paths

    def _up(self, key: PeerKey, now_s: float) -> None:
        self._note(key, self._rib.peer_up(self._device, self._session, key, now_s))

    def _note(self, key: PeerKey, peer: Peer | None) -> None:
        if peer is None and len(self._peers) >= _MAX_DOWN:
            # Whatever is forgotten of these is up again by its next route, at worst.
            self._peers = {key: peer for key, peer in self._peers.items() if peer is not None}
        self._peers[key] = peer
        self._sources.clear()

    def _update(self, message: RouteMonitoring, now_s: float) -> None:
        header, _, parts, add_path = message
        source = self._sources.get(id(header)) or self._source(header, now_s)
        if source is None:
            self._counters.add("bmp_peer_down")
            return
        self._counters["bmp_updates"] += 1
        family = parts.end_of_rib
        if family is not None:
            self._rib.end_of_rib(source.peer, source.view, family)
            return
        # All is cut before anything is applied: half an UPDATE would be a table that never was.
        changes = []
        if parts.withdrawn:
            changes.append(_cut(parts.withdrawn, IPV4_UNICAST, add_path, None))
        if parts.mp_unreach is not None:
            reach = parts.mp_unreach
            changes.append(_cut(reach.nlri, (reach.afi, reach.safi), add_path, None))
        if parts.announced:
            changes.append(_cut(parts.announced, IPV4_UNICAST, add_path, b""))
        if parts.mp_reach is not None:
            reach = parts.mp_reach
            changes.append(_cut(reach.nlri, (reach.afi, reach.safi), add_path, reach.next_hop))
        for family, routes, next_hop in changes:
            path = 0 if next_hop is None else self._path(header.as_size, parts, next_hop)
            self._put(source, family, routes, path)

    def _put(
        self, source: _Source, family: tuple[int, int], routes: list[bytes] | list[Nlri], path: int
    ) -> None:
        if routes and isinstance(routes[0], bytes):
            table = source.peer.table(source.view, source.distinguisher, family)
            if table is not None:
                table.announce_many(routes, path)
            return
        self._put_general(source, family, routes, path)

    def _put_general(
        self, source: _Source, family: tuple[int, int], routes: Iterable[Nlri], path: int
    ) -> None:
        for route in routes:
            rd = source.distinguisher if route.rd is None else route.rd
            table = source.peer.table(source.view, rd, family)
            if table is not None:
                key = route.prefix or route.octets
                table.announce(key, route.path_id, path, route.labels or ())

    def _path(self, as_size: int, parts: UpdateParts, mp_next_hop: bytes) -> int:
        """Find or make the id of an attribute set; 0 where its routes are to be withdrawn."""
        paths = self._rib.paths
        octets = mp_next_hop or parts.next_hop
        next_hop = next_hop_text(octets) if octets else None
        content = content_of(as_size, parts.content)
        path = paths.intern(content, next_hop)
        if path:
            return path
        attributes = parse_attributes(parts.attributes_key, as_size)
        if isinstance(attributes, TreatAsWithdraw):
            self._counters.add("bmp_treat_as_withdraw")
            return 0
        if next_hop is None and attributes.next_hop is not None:
            # It comes twice, the first one counts; or its length is written in two octets.
            next_hop = next_hop_text(attributes.next_hop)
        return paths.add(content, next_hop, facts_of(attributes))

    def _source(self, header: PeerHeader, now_s: float) -> _Source | None:
        key = _peer_key(header)
        if key not in self._peers and not self._rib.is_owned(self._device, key):
            # GoBGP announces its Loc-RIB without a Peer Up (seen with 3.10).
            self._counters.add("bmp_peer_implied")
            self._up(key, now_s)
        peer = self._peers.get(key)
        if peer is None:
            return None
        if len(self._sources) >= _MAX_HEADERS:
            self._sources.clear()
        source = self._sources[id(header)] = _Source(header, peer)
        return source


def _cut(
    octets: bytes,
    family: tuple[int, int],
    add_path: frozenset[tuple[int, int]],
    next_hop: bytes | None,
) -> tuple[tuple[int, int], list[bytes] | list[Nlri], bytes | None]:
    return family, split_nlri(octets, *family, family in add_path), next_hop


def _peer_key(header: PeerHeader) -> PeerKey:
    return PeerKey(header.type, header.distinguisher, header.address, header.bgp_id)
