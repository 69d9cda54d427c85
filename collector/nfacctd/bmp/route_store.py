"""All routes that a worker's BMP sessions told it, in nfacctd's semantics (reference 3.4, 3.5, 4).

Knows no records: who calls it makes them of the entries that it returns.
"""

from collections.abc import Iterator

from collector.metrics import Counters, register
from collector.nfacctd.bmp.nlri import Route
from collector.nfacctd.bmp.prefix_index import PrefixIndex
from collector.nfacctd.bmp.quirks import (
    add_path_families,
    are_equal,
    as_size,
    matches_flows,
    with_leftovers,
)
from collector.nfacctd.bmp.route_attributes import RouteAttributes
from collector.nfacctd.bmp.route_buckets import Buckets
from collector.nfacctd.bmp.routes import Entry, LongEntry, Peer, PeerName, Table, View, peer_name
from collector.protocols.bgp.families import Family
from collector.protocols.bmp.messages import PeerUp
from collector.protocols.bmp.per_peer import PeerHeader

register(
    nfacctd_bmp_routes_dropped="BMP routes not kept, by limit (peers, tables, routes)",
)

_MAX_PEERS = 4096  # of one session, as many as the native tables keep
_MAX_TABLES = 65_536  # of one session: views of peers, and their families
_MAX_HEADERS = 16_384
_MAX_ROUTES = 20_000_000


class RouterRoutes:
    """The peers and routes of one BMP session, and its index for flows.

    ``router_id`` is what the router calls itself in the newest Peer Up. ``memo`` keeps what flows
    asked for; every change of which routes there are empties it.
    """

    def __init__(self, address: str, buckets: Buckets, counters: Counters) -> None:
        self.address = address
        self.router_id: str | None = None
        self.peers: dict[PeerName, Peer] = {}
        self.indexes: dict[Family, PrefixIndex[Entry]] = {}
        self.memo: dict[tuple, Entry | None] = {}
        self.routes = 0
        self._buckets = buckets
        self._counters = counters
        self._views: dict[bytes, View] = {}  # by the octets of the per-peer header
        self._tables = 0

    def peer_up(self, up: PeerUp) -> None:
        """Note a peer; one that is up stays as it was."""
        self.router_id = up.sent_open.bgp_id
        name = peer_name(up.peer)
        if name in self.peers:
            return
        if len(self.peers) >= _MAX_PEERS:
            self._counters.add("nfacctd_bmp_routes_dropped.peers")
            return
        self._views.clear()
        self.peers[name] = Peer(
            up,
            as_size(up.sent_open, up.received_open),
            add_path_families(up.sent_open, up.received_open),
            self._buckets.of_distinguisher(name[1]),
        )

    def view(self, identity: bytes, header: PeerHeader) -> View | None:
        """Find the table that a Route Monitoring is about; None without a Peer Up.

        Args:
            identity: the octets of ``header``.
        """
        view = self._views.get(identity)
        if view is None or view.header is not header:
            peer = self.peers.get(peer_name(header))
            if peer is None:
                return None
            view = peer.view(header) or self._new_view(peer, header)
            if view is None:
                return None
            if len(self._views) >= _MAX_HEADERS:
                self._views.clear()
            self._views[identity] = view
        return view

    def is_up(self, header: PeerHeader) -> bool:
        """Whether there was a Peer Up of a peer, and no Peer Down since."""
        return peer_name(header) in self.peers

    def table(self, view: View, afi: int, safi: int) -> Table | None:
        """The routes of a family in a view, made where they are missing; None past the limit."""
        table = view.table(afi, safi)
        if table is None:
            if not self._has_room_for_table():
                return None
            table = view.add_table(afi, safi, self._index(afi, safi))
        return table

    def announce(
        self, table: Table, nlri: bytes | Route, attributes: RouteAttributes
    ) -> Entry | None:
        """Keep a route, as the newest of its prefix, or in its old place if it is held already.

        Returns:
            The route; None where there are too many.
        """
        more = None if type(nlri) is bytes else nlri
        key = nlri if more is None else _key(table, more)
        entry = table.entries.get(key)
        if entry is not None:
            if are_equal(entry.attributes, attributes):
                return entry
            has_more = more is not None and (more.path_id is not None or more.label is not None)
            entry.attributes = with_leftovers(entry.attributes, attributes, has_more=has_more)
        else:
            if self.routes >= _MAX_ROUTES:
                self._counters.add("nfacctd_bmp_routes_dropped.routes")
                return None
            if more is None:
                entry = Entry(table, key, attributes)
            else:
                entry = LongEntry(table, more.told, attributes, more.path_id)
                entry.rd = more.rd
            table.entries[key] = entry
            self.routes += 1
            if table.index is not None:
                table.index.add(entry)
                if self.memo:
                    self.memo.clear()
        if more is not None and more.label is not None:
            entry.label = more.label
        return entry

    def withdraw(self, table: Table, nlri: bytes | Route) -> Entry | None:
        """Forget a route; return it, None where it was not held."""
        key = nlri if type(nlri) is bytes else _key(table, nlri)
        entry = table.entries.pop(key, None)
        if entry is not None:
            self._forget(entry)
        return entry

    def peer_down(self, header: PeerHeader) -> Iterator[Entry] | None:
        """Forget a peer and its routes.

        Returns:
            The routes, each forgotten when it is taken; None where the peer was not up.
        """
        peer = self.peers.pop(peer_name(header), None)
        if peer is None:
            return None
        self._views.clear()
        return self._emptied(peer)

    def all_tables(self) -> Iterator[Table]:
        """All tables, those of IPv4 peers first."""
        for peer in sorted(self.peers.values(), key=_is_ipv6):
            for view in peer.views.values():
                yield from view.tables.values()

    def end(self) -> Iterator[Table]:
        """Give all tables as `all_tables` does, and let go of each after it, and of all at last."""
        for table in self.all_tables():
            yield table
            # Routes know their table: without this they would wait for the collector of cycles.
            table.entries.clear()
            table.index = None
        self.peers.clear()
        self.indexes.clear()
        self.memo.clear()
        self._views.clear()
        self.routes = 0

    def _new_view(self, peer: Peer, header: PeerHeader) -> View | None:
        return peer.add_view(header) if self._has_room_for_table() else None

    def _has_room_for_table(self) -> bool:
        if self._tables >= _MAX_TABLES:
            self._counters.add("nfacctd_bmp_routes_dropped.tables")
            return False
        self._tables += 1
        return True

    def _emptied(self, peer: Peer) -> Iterator[Entry]:
        for view in peer.views.values():
            self._tables -= 1 + len(view.tables)
            for table in view.tables.values():
                entries, table.entries = table.entries, {}
                for entry in entries.values():
                    self._forget(entry)
                    yield entry

    def _index(self, afi: int, safi: int) -> PrefixIndex[Entry] | None:
        if not matches_flows(safi):
            return None
        index = self.indexes.get((afi, safi))
        if index is None:
            index = self.indexes[afi, safi] = PrefixIndex(afi)
        return index

    def _forget(self, entry: Entry) -> None:
        self.routes -= 1
        index = entry.table.index
        if index is not None:
            index.remove(entry)
            if self.memo:
                self.memo.clear()


class RouteStore:
    """The sessions of a worker, in nfacctd's slots: a new one takes the first that is free."""

    def __init__(self, buckets: Buckets, counters: Counters) -> None:
        self._buckets = buckets
        self._counters = counters
        self._slots: list[RouterRoutes | None] = []

    def __iter__(self) -> Iterator[RouterRoutes]:
        return (routes for routes in self._slots if routes is not None)

    def open(self, address: str) -> RouterRoutes:
        """Begin a session of a router, which is known by its canonical address."""
        routes = RouterRoutes(address, self._buckets, self._counters)
        if None in self._slots:
            self._slots[self._slots.index(None)] = routes
        else:
            self._slots.append(routes)
        return routes

    @property
    def routes(self) -> int:
        """How many routes all sessions hold."""
        return sum(routes.routes for routes in self)

    def close(self, routes: RouterRoutes) -> None:
        """End a session: what it holds is no flow's any more, and readable until its `end`."""
        self._slots[self._slots.index(routes)] = None


def _key(table: Table, nlri: Route) -> bytes:
    """What tells a route from the others of its table."""
    key = nlri.prefix
    if nlri.rd is not None:
        key = nlri.rd + key
    return nlri.path_id.to_bytes(4) + key if table.add_path else key


def _is_ipv6(peer: Peer) -> bool:
    return ":" in peer.address
