"""A BMP peer and the tables it owns (RFC 7854 section 4.2: type, distinguisher, address, id)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from collector.rib.opaque_table import OpaqueTable
from collector.rib.route_table import RouteTable
from collector.rib.shared import Shared
from collector.rib.sync import RibState, Silence, Sync, weakest
from collector.rib.view import View

if TYPE_CHECKING:
    from collector.rib.device import Device

GLOBAL_RD = bytes(8)
# AFI 1 and 2; unicast, multicast, labelled (RFC 8277), VPN unicast (RFC 4364). NLRI of all other
# families come as octets that nobody cuts, among them those of VPN multicast (SAFI 129).
_PREFIX_SAFIS = frozenset((1, 2, 4, 128))
# Multicast routes tell where a source is, not where a packet goes.
_FORWARDING_SAFIS = frozenset((1, 4, 128))


class PeerKey(NamedTuple):
    """What tells the peers of a device apart."""

    type: int
    distinguisher: bytes
    address: str | None  # None for Loc-RIB
    bgp_id: str


class TableKey(NamedTuple):
    """What tells the tables of a peer apart."""

    view: View
    rd: bytes  # 8 octets, GLOBAL_RD for none
    family: tuple[int, int]  # AFI, SAFI


class Peer:
    """A peer as one session sees it, from its Peer Up on.

    When another session announces the same peer, its tables move to a new object, and this one
    gives out tables no more.
    """

    __slots__ = (
        "_shared",
        "_silent",
        "_tables",
        "_views",
        "device",
        "key",
        "order",
        "routes",
        "session",
        "silence",
        "stale_until_s",
        "syncs",
    )

    def __init__(
        self, device: Device, key: PeerKey, shared: Shared, views: frozenset[View]
    ) -> None:
        self.device = device
        self.key = key
        address = b"" if key.address is None else ip_address(key.address).packed
        # Lowest peer address first (RFC 4271 section 9.1.2.2 g), then whatever tells them apart.
        self.order = (len(address), address, key.type, key.distinguisher, key.bgp_id)
        self.session: int | None = None
        self.routes = 0
        self.silence = Silence(0)
        self.stale_until_s: float | None = None
        self.syncs: dict[tuple[View, tuple[int, int]], Sync] = {}
        self._silent = False
        self._tables: dict[TableKey, RouteTable | OpaqueTable] = {}
        self._shared = shared
        self._views = views

    @property
    def tables(self) -> list[RouteTable | OpaqueTable]:
        """The tables at this moment."""
        return list(self._tables.values())

    @property
    def state(self) -> RibState:
        """The least trustworthy state of its tables; without any it has to fall silent."""
        if self.session is None:
            return RibState.STALE
        if not self.syncs:
            return RibState.SYNCED_BY_SILENCE if self._silent else RibState.SYNCING
        return weakest({sync.state for sync in self.syncs.values()})

    def table(
        self, view: View, rd: bytes, family: tuple[int, int]
    ) -> RouteTable | OpaqueTable | None:
        """Find the table for an update. Ask for every update: ownership may have moved since.

        Args:
            rd: route distinguisher of the NLRI, or of the peer where it is an RD instance peer;
                `GLOBAL_RD` for none.
            family: AFI and SAFI.
        Returns:
            None where the view is not kept, the device has too many tables, or the session that
            this object was made for does not own the peer (the last two are counted).
        """
        table = self._tables.get((view, rd, family))
        if table is not None and self.session is not None:
            return table
        return self._make_table(TableKey(view, rd, family))

    def room(self) -> int:
        """Return how many more routes it may have."""
        limits = self._shared.limits
        return min(
            limits.routes_per_peer - self.routes, limits.routes_per_device - self.device.routes
        )

    def count_routes(self, more: int) -> None:
        """Note that tables grew or shrank."""
        self.routes += more
        self.device.routes += more

    def open(self, session: int, now_s: float, stale_until_s: float) -> None:
        """Start with a Peer Up: all tables come again, and what does not come is stale."""
        self.session = session
        self._expect_all_again(stale_until_s)
        self._silent = False
        self.silence = Silence(now_s)

    def lose_session(self, stale_until_s: float) -> None:
        """Keep the routes for a while after the session ended."""
        self.session = None
        self._expect_all_again(stale_until_s)

    def move_to(self, successor: Peer) -> None:
        """Hand all tables to the object that another session's Peer Up made."""
        successor._tables, self._tables = self._tables, {}
        successor.syncs, self.syncs = self.syncs, {}
        successor.routes, self.routes = self.routes, 0
        successor.stale_until_s, self.stale_until_s = self.stale_until_s, None
        for table in successor._tables.values():
            table.peer = successor
        self.session = None

    def end_of_rib(self, view: View, family: tuple[int, int]) -> int:
        """Note that a table is whole; returns how many stale routes of it are gone."""
        self._sync(view, family).state = RibState.SYNCED
        swept = sum(
            table.sweep()
            for key, table in self._tables.items()
            if (key.view, key.family) == (view, family)
        )
        self._forget_deadline()
        return swept

    def sweep(self) -> int:
        """Remove every stale route; returns how many."""
        swept = sum(table.sweep() for table in self._tables.values())
        self.stale_until_s = None
        return swept

    def settle_by_silence(self) -> int:
        """Take what is still syncing for whole; returns how many stale routes are gone."""
        self._silent = True
        for sync in self.syncs.values():
            if sync.state == RibState.SYNCING:
                sync.state = RibState.SYNCED_BY_SILENCE
        return self.sweep()

    def unsettled(self) -> bool:
        """Tell whether something is still to come: an End-of-RIB, or the end of stale routes."""
        return self.stale_until_s is not None or self.state == RibState.SYNCING

    def drop(self) -> int:
        """Remove all tables; returns how many routes they had."""
        self.session = None
        self.stale_until_s = None
        withdrawn = sum(self._drop_table(key) for key in list(self._tables))
        self.syncs.clear()
        return withdrawn

    def drop_if_empty(self, table: RouteTable | OpaqueTable) -> None:
        """Remove a table that has no routes left."""
        waiting = isinstance(table, RouteTable) and table.waiting
        if not table.count and not waiting and self._tables.get(table.key) is table:
            self._drop_table(table.key)

    def _expect_all_again(self, stale_until_s: float) -> None:
        if not any(table.stale for table in self._tables.values()):
            self.stale_until_s = None
        for table in self._tables.values():
            if table.count:
                table.mark_stale()
        for sync in self.syncs.values():
            sync.state = RibState.SYNCING
        if self.routes and self.stale_until_s is None:
            # An earlier deadline stands: a session that flaps must not keep routes for ever.
            self.stale_until_s = stale_until_s

    def _forget_deadline(self) -> None:
        if self.session is not None and not any(table.stale for table in self._tables.values()):
            self.stale_until_s = None

    def _make_table(self, key: TableKey) -> RouteTable | OpaqueTable | None:
        shared = self._shared
        if self.session is None:
            shared.counters.add("rib_updates_ignored")
            return None
        if key.view not in self._views:
            return None
        if self.device.tables >= shared.limits.tables_per_device:
            shared.counters.add("rib_tables_refused")
            return None
        key = key._replace(view=View(key.view))
        sync = self._sync(key.view, key.family)
        afi, safi = key.family
        if afi in (1, 2) and safi in _PREFIX_SAFIS:
            group = None
            if safi in _FORWARDING_SAFIS:
                group = self.device.group(key.view, key.rd, 4 if afi == 1 else 6, shared)
            table = RouteTable(self, key, sync, shared, group)
        else:
            table = OpaqueTable(self, key, sync, shared)
        self._tables[key] = table
        self.device.tables += 1
        shared.emptied.append(table)  # if only a withdrawal asked for it, it goes at the next tick
        return table

    def _sync(self, view: View, family: tuple[int, int]) -> Sync:
        sync = self.syncs.get((view, family))
        if sync is None:
            sync = self.syncs[view, family] = Sync()
            self.device.unsettled.add(self)
        return sync

    def _drop_table(self, key: TableKey) -> int:
        withdrawn = self._tables.pop(key).drop()
        self.device.tables -= 1
        self.device.forget_empty_group(key.view, key.rd, 4 if key.family[0] == 1 else 6)
        return withdrawn
