"""Routes as one router told them: which peer, which of its tables, which prefix (reference 3.4).

What makes two announcements the same route: the peer's address and distinguisher, the flags of
the table, family, route distinguisher, prefix, and the path identifier where there are any.
"""

from collector.nfacctd.bgp_text import rd_text
from collector.nfacctd.bmp.prefix_index import PrefixIndex
from collector.nfacctd.bmp.route_attributes import RouteAttributes
from collector.protocols.bgp.families import Family
from collector.protocols.bmp.messages import PeerUp
from collector.protocols.bmp.per_peer import LOC_RIB_INSTANCE, PeerHeader

NO_ADDRESS = "0.0.0.0"  # what a Loc-RIB has
_RD_INSTANCE = 1
_WITH_DISTINGUISHER = frozenset({_RD_INSTANCE, LOC_RIB_INSTANCE})
_NO_RD = bytes(8)
_LOC_RIB_FLAGS = 0x80  # F: RFC 9069 section 4.2
_ADJ_RIB_FLAGS = 0x70  # L, A, O: RFC 7854 section 4.2, RFC 8671 section 4

PeerName = tuple[str, bytes]  # address, distinguisher


def peer_name(header: PeerHeader) -> PeerName:
    """Name the peer a message is about; distinguishers of other peer types say nothing."""
    address = NO_ADDRESS if header.address is None else header.address
    return address, header.distinguisher if header.type in _WITH_DISTINGUISHER else _NO_RD


def peer_rd(header: PeerHeader) -> str | None:
    """Write the distinguisher of a peer that has one."""
    distinguisher = peer_name(header)[1]
    return None if distinguisher == _NO_RD else rd_text(distinguisher)


class Entry:
    """A route that is held; there are millions of them.

    ``prefix`` is its length in bits (one octet) and its octets. Announced again it stays the same
    entry, of the same age, with other ``attributes``, which are values: a reader may keep them.
    """

    __slots__ = ("attributes", "prefix", "table")

    path_id: int | None = None
    rd: bytes | None = None
    label: int | None = None

    def __init__(self, table: "Table", prefix: bytes, attributes: RouteAttributes) -> None:
        self.table = table
        self.prefix = prefix
        self.attributes = attributes

    @property
    def prefix_length(self) -> int:
        """Length of the prefix in bits."""
        return self.prefix[0]


class LongEntry(Entry):
    """A route that has more than a prefix: a path identifier, a label, a distinguisher."""

    __slots__ = ("label", "path_id", "rd")

    def __init__(
        self, table: "Table", prefix: bytes, attributes: RouteAttributes, path_id: int | None
    ) -> None:
        super().__init__(table, prefix, attributes)
        self.path_id = path_id
        self.rd = None
        self.label = None


class Table:
    """The routes of one family in one of a peer's tables, by what tells them apart."""

    __slots__ = ("add_path", "afi", "entries", "index", "safi", "view")

    def __init__(
        self, view: "View", afi: int, safi: int, add_path: bool, index: "PrefixIndex[Entry] | None"
    ) -> None:
        self.view = view
        self.afi = afi
        self.safi = safi
        self.add_path = add_path
        self.index = index  # of its router's routes of the family; None: flows never match them
        self.entries: dict[bytes, Entry] = {}


class View:
    """One of a peer's tables: Adj-RIB-In before policy, after it, Loc-RIB ...

    ``header`` is the newest of its per-peer headers. ``forms`` is where record shapes keep what
    they make of it.
    """

    __slots__ = ("as_size", "forms", "header", "peer", "tables")

    def __init__(self, peer: "Peer", header: PeerHeader) -> None:
        self.peer = peer
        self.header = header
        self.as_size = min(header.as_size, peer.as_size)
        self.tables: dict[tuple[int, int, bool], Table] = {}
        self.forms: dict[type, dict[str, object]] = {}

    def table(self, afi: int, safi: int) -> Table | None:
        """The routes of a family, if it has any."""
        return self.tables.get((afi, safi, (afi, safi) in self.peer.add_path_families))

    def add_table(self, afi: int, safi: int, index: PrefixIndex[Entry] | None) -> Table:
        """Make room for the routes of a family that has none."""
        key = afi, safi, (afi, safi) in self.peer.add_path_families
        table = self.tables[key] = Table(self, *key, index)
        return table


class Peer:
    """A BGP peer of the router, up since its Peer Up.

    Args:
        bucket: where its routes stand if nfacctd hashes by route distinguisher (reference 4.4).
    """

    __slots__ = ("add_path_families", "address", "as_number", "as_size", "bucket", "rd", "views")

    def __init__(
        self, up: PeerUp, as_size: int, add_path_families: frozenset[Family], bucket: int
    ) -> None:
        self.address = peer_name(up.peer)[0]
        self.rd = peer_rd(up.peer)
        self.as_number = up.received_open.as_number
        self.as_size = as_size
        self.add_path_families = add_path_families
        self.bucket = bucket
        self.views: dict[tuple[int, int], View] = {}  # by peer type and flags

    def view(self, header: PeerHeader) -> View | None:
        """The table that a message is about, if it was heard of before."""
        view = self.views.get(_view_key(header))
        if view is not None and view.header is not header:
            view.header = header
            view.forms.clear()
        return view

    def add_view(self, header: PeerHeader) -> View:
        """Make room for a table that is new."""
        view = self.views[_view_key(header)] = View(self, header)
        return view


def _view_key(header: PeerHeader) -> tuple[int, int]:
    told = _LOC_RIB_FLAGS if header.type == LOC_RIB_INSTANCE else _ADJ_RIB_FLAGS
    return header.type, header.flags & told
