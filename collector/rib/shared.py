"""What all tables of a worker share: prefixes, paths, limits, and the list of what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from collector import metrics
from collector.rib.address_family import FAMILIES
from collector.rib.labels import LabelStacks
from collector.rib.paths import Paths, Reader
from collector.rib.prefix_index import PrefixIndex

if TYPE_CHECKING:
    from collector.rib.opaque_table import OpaqueTable
    from collector.rib.route_table import RouteTable

metrics.register(
    rib_updates_ignored="Updates for tables that the session does not own",
    rib_routes_dropped="Routes not kept, by limit (routes, add_path)",
    rib_paths_refused="Attribute sets not kept, as there are too many; their routes are withdrawn",
    rib_tables_refused="Tables not made, as the device has too many",
    rib_peers_refused="Peers not taken, as the device has too many",
    rib_routes_swept="Stale routes removed, by reason (resync, expired)",
    rib_chain_misses="Addresses whose covering prefixes had to be looked up",
    rib_chain_flushes="Times that all remembered addresses were forgotten for want of memory",
)

_ROWS_AT_ONCE = 1 << 16
# About 10 ms of work, however many VPNs a device has.
_TABLES_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a worker keeps, whatever devices send; the rest is dropped and counted."""

    routes_per_device: int = 20_000_000
    routes_per_peer: int = 5_000_000
    peers_per_device: int = 4096
    tables_per_device: int = 65536
    paths_per_prefix: int = 64  # of one peer, by ADD-PATH
    paths: int = 4_000_000
    label_stacks: int = 65536  # of two labels and more
    covering_cache_octets: int = 32 << 20  # for each address family


class Shared:
    """The parts of a `Rib` that its tables work with.

    Announcements wait in journals, one for each table, and are put into the tables a few thousand
    at a time, as numpy does; whoever reads tables calls `apply` first.
    """

    def __init__(self, limits: Limits, counters: metrics.Counters, reader: Reader) -> None:
        self.limits = limits
        self.counters = counters
        self.paths = Paths(limits.paths, counters, reader)
        self.labels = LabelStacks(limits.label_stacks)
        self.indexes = {number: PrefixIndex(family) for number, family in FAMILIES.items()}
        self.changed: list[RouteTable] = []  # tables whose journal is not empty
        self.emptied: list[RouteTable | OpaqueTable] = []  # tables that lost their last route

    def note_change(self, table: RouteTable) -> None:
        """Remember a table whose journal is about to get its first row."""
        if len(self.changed) >= _TABLES_AT_ONCE:
            self.apply()
        self.changed.append(table)

    def apply(self) -> None:
        """Put everything announced and withdrawn so far into the tables."""
        if not self.changed:
            return
        changed, self.changed = self.changed, []
        for index in self.indexes.values():
            for tables in _portions([table for table in changed if table.index is index]):
                self._apply(index, tables)

    def _apply(self, index: PrefixIndex, tables: list[RouteTable]) -> None:
        waiting = [block for table in tables for block in table.journal()]
        columns = zip(*(words for words, _ in waiting), strict=True)
        words = [np.concatenate(column) for column in columns]
        paths = np.concatenate([paths for _, paths in waiting])
        ids = index.resolve(words, paths != 0)
        start = 0
        for table in tables:
            stop = start + table.waiting
            table.apply(ids[start:stop], paths[start:stop])
            start = stop


def _portions(tables: list[RouteTable]) -> Iterator[list[RouteTable]]:
    portion: list[RouteTable] = []
    rows = 0
    for table in tables:
        if table.waiting:
            portion.append(table)
            rows += table.waiting
        if rows >= _ROWS_AT_ONCE:
            yield portion
            portion, rows = [], 0
    if portion:
        yield portion
