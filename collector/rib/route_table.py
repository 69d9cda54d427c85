"""The routes of one (peer, view, RD, AFI, SAFI) whose prefixes take part in longest match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from collector.rib.address_family import octets_of
from collector.rib.best_table import BestTable, Member
from collector.rib.layer import Layer
from collector.rib.shared import Shared

if TYPE_CHECKING:
    from collector.rib.peer import Peer, TableKey
    from collector.rib.sync import Sync

_JOURNAL_ROWS = 4096

Block = tuple[list[NDArray[np.uint64]], NDArray[np.int32]]
"""Key words of n prefixes, and the path of each."""


class RouteTable:
    """Layers of routes: one, or with ADD-PATH (RFC 7911) as many as a prefix has paths.

    Changes wait in a journal, where the last word on a prefix counts: columns of plain prefixes,
    then what came one by one. The keys of the latter are prefixes, with ADD-PATH pairs of prefix
    and path identifier + 1; a value of 0 withdraws.
    """

    __slots__ = (
        "_column_rows",
        "_columns",
        "_dropped",
        "_group",
        "_labelled",
        "_members",
        "_pending",
        "_pending_labels",
        "_shared",
        "add_path",
        "index",
        "key",
        "order",
        "peer",
        "sync",
    )

    def __init__(
        self, peer: Peer, key: TableKey, sync: Sync, shared: Shared, group: BestTable | None
    ) -> None:
        self.peer = peer
        self.key = key
        self.order = (*peer.order, key.family[1])
        self.sync = sync
        self.index = shared.indexes[4 if key.family[0] == 1 else 6]
        self.add_path = False
        self._columns: list[Block] = []
        self._column_rows = 0
        self._pending: dict = {}
        self._pending_labels: dict = {}
        self._shared = shared
        self._group = group
        self._labelled = False
        self._dropped = False
        self._members: list[Member] = []
        self._add_layer()

    @property
    def count(self) -> int:
        """Routes in the table, without those that wait."""
        return sum(member.layer.count for member in self._members)

    @property
    def waiting(self) -> int:
        """Rows of the journal."""
        return len(self._pending) + self._column_rows

    @property
    def stale(self) -> int:
        """How many of them are left over from a lost session."""
        return sum(member.layer.stale for member in self._members)

    @property
    def octets(self) -> int:
        """Memory of the layers."""
        return sum(member.layer.octets for member in self._members)

    @property
    def layers(self) -> list[Layer]:
        """The layers, for reading."""
        return [member.layer for member in self._members]

    def announce(
        self, prefix: bytes, add_path_id: int | None, path: int, labels: tuple[int, ...] = ()
    ) -> None:
        """Set a route.

        Args:
            prefix: length octet and as few octets as the length needs, host bits clear.
            add_path_id: path identifier of RFC 7911, None where the peer sends none.
            path: id of `Paths.add`; 0 (no room for the attributes) withdraws, as an old path
                would be wrong.
            labels: label stack, top first (RFC 8277).
        """
        if self._columns and (labels or add_path_id is not None):
            self._shared.apply()  # columns are of plain prefixes only
        self._note_change()
        key = prefix
        if self.add_path or add_path_id is not None:
            key = self._add_path_key(prefix, add_path_id)
        self._pending[key] = path
        if labels and path:
            self._labelled = True
            self._pending_labels[key] = self._shared.labels.code(labels)
        elif self._pending_labels:
            self._pending_labels.pop(key, None)
        if len(self._pending) >= _JOURNAL_ROWS:
            self._shared.apply()

    def announce_many(self, prefixes: Sequence[bytes], path: int) -> None:
        """Set routes without path identifiers and labels that share a path; 0 withdraws them."""
        if self.add_path or self._labelled:
            for prefix in prefixes:
                self.announce(prefix, None, path)
            return
        self._note_change()
        self._pending.update(dict.fromkeys(prefixes, path))
        if len(self._pending) >= _JOURNAL_ROWS:
            self._shared.apply()

    def announce_columns(
        self,
        addresses: list[NDArray[np.uint64]],
        lengths: NDArray[np.uint64],
        paths: NDArray[np.int32],
    ) -> None:
        """Set n routes without path identifiers and labels, in order; a path of 0 withdraws.

        Args:
            addresses: one word of shape (n,) for IPv4, two for IPv6; host bits do not matter.
        """
        words = self.index.family.words_of_covering(addresses, lengths)
        if self.add_path or self._labelled:
            for prefix, path in zip(octets_of(words), paths.tolist(), strict=True):
                self.announce(prefix, None, path)
            return
        self._note_change()
        if self._pending:
            self._column_rows += len(self._pending)
            self._columns.append(self._pending_columns())
            self._pending = {}
        self._column_rows += len(paths)
        self._columns.append((words, paths))
        if self._column_rows >= _JOURNAL_ROWS:
            self._shared.apply()

    def withdraw(self, prefix: bytes, add_path_id: int | None = None) -> None:
        """Remove a route, if it is there."""
        self.announce(prefix, add_path_id, 0)

    def journal(self) -> list[Block]:
        """Return what waits: key words of prefixes, and paths."""
        return [*self._columns, self._pending_columns()] if self._pending else self._columns

    def apply(self, ids: NDArray[np.int32], paths: NDArray[np.int32]) -> None:
        """Take what waited into the layers.

        Args:
            ids: shape (n,), prefix ids in the order of the journal, 0 for what nobody knows.
            paths: shape (n,), its values.
        """
        columns, further = self._columns, self._further_values()
        self._forget_journal()
        if self._dropped:
            return
        if columns:
            last = _last_of_each(ids)
            ids, paths = ids[last], paths[last]
        values = {"path": paths, **further}
        if not ids.all():
            known = ids != 0
            ids, values = ids[known], _rows(values, known)
        stale, count = self.stale, self.count
        added = self._place(ids, values) if self.add_path else self._replace(0, ids, values)
        self.peer.silence.arrived += added + stale - self.stale
        if count and not self.count:
            self._shared.emptied.append(self)

    def mark_stale(self) -> None:
        """Note that all routes are left over from a lost session."""
        for member in self._members:
            member.layer.mark_stale()

    def sweep(self) -> int:
        """Remove what is still stale; returns how many routes."""
        swept = self.stale
        for number, member in enumerate(self._members):
            ids = member.layer.stale_ids()
            if ids.size:
                self._replace(number, ids, {"path": np.zeros(len(ids), np.int32)})
            member.layer.forget_stale()
        if swept and not self.count:
            self._shared.emptied.append(self)
        return swept

    def drop(self) -> int:
        """Remove all routes, and the table from its group; returns how many routes."""
        count = self.count
        for member in self._members:
            self._drop(member)
        self.peer.count_routes(-count)
        self._forget_journal()
        self._dropped = True
        return count

    def _note_change(self) -> None:
        if not self._pending and not self._columns:
            self._shared.note_change(self)

    def _forget_journal(self) -> None:
        self._columns, self._column_rows = [], 0
        self._pending, self._pending_labels = {}, {}

    def _pending_columns(self) -> Block:
        pending = self._pending
        prefixes = [prefix for prefix, _ in pending] if self.add_path else list(pending)
        words = self.index.family.words_of_prefixes(prefixes)
        return words, np.fromiter(pending.values(), np.int32, len(prefixes))

    def _add_path_key(self, prefix: bytes, add_path_id: int | None) -> tuple[bytes, int]:
        if not self.add_path:
            # What waits is keyed by prefix alone, as if it had no path identifier.
            self._pending = {(known, 0): path for known, path in self._pending.items()}
            self._pending_labels = {(k, 0): code for k, code in self._pending_labels.items()}
            self.add_path = True
            for member in self._members:
                member.layer.add_column("add_path_id", np.int64)
        return prefix, 0 if add_path_id is None else add_path_id + 1

    def _further_values(self) -> dict[str, NDArray]:
        further: dict[str, NDArray] = {}
        if self.add_path:
            further["add_path_id"] = np.array([number for _, number in self._pending], np.int64)
        if self._labelled:
            codes = [self._pending_labels.get(key, 0) for key in self._pending]
            further["label"] = np.array(codes, np.int32)
        return further

    def _place(self, ids: NDArray[np.int32], values: dict[str, NDArray]) -> int:
        """Find a layer for each (prefix, path identifier); returns how many routes are new."""
        for number, member in enumerate(self._members):
            layer = member.layer
            known = (layer.get(ids) != 0) & (layer.get(ids, "add_path_id") == values["add_path_id"])
            if known.any():
                self._replace(number, ids[known], _rows(values, known))
                ids, values = ids[~known], _rows(values, ~known)
        announced = values["path"] != 0
        ids, values = ids[announced], _rows(values, announced)
        added = 0
        for number in range(self._shared.limits.paths_per_prefix):
            if not ids.size:
                break
            if number == len(self._members):
                self._add_layer()
            # A layer takes one path of a prefix.
            vacant = np.flatnonzero(self._members[number].layer.get(ids) == 0)
            vacant = vacant[np.unique(ids[vacant], return_index=True)[1]]
            added += self._replace(number, ids[vacant], _rows(values, vacant))
            left = np.ones(len(ids), np.bool_)
            left[vacant] = False
            ids, values = ids[left], _rows(values, left)
        if ids.size:
            self._shared.counters.add("rib_routes_dropped.add_path", len(ids))
        while len(self._members) > 1 and not self._members[-1].layer.count:
            self._drop(self._members.pop())
        return added

    def _replace(self, number: int, ids: NDArray[np.int32], values: dict[str, NDArray]) -> int:
        """Change routes of one layer, and all that counts on them; returns how many are new."""
        member = self._members[number]
        layer = member.layer
        if np.count_nonzero(values["path"]) > self.peer.room():
            kept = self._within_limit(layer.get(ids), values["path"])
            ids, values = ids[kept], _rows(values, kept)
        if self._labelled:
            layer.add_column("label", np.int32)
            new_labels = values.setdefault("label", np.zeros(len(ids), np.int32))
            self._shared.labels.exchange(layer.get(ids, "label"), new_labels)
        new = values["path"]
        old = layer.replace(ids, self.index.capacity, **values)
        self._shared.paths.hold(new)
        had, has = old != 0, new != 0
        added = ids[has & ~had]
        self.index.retain(added)
        removed = ids[had & ~has]
        if had.any():
            self._shared.paths.release(old)
            self.index.release(removed)
        self.peer.count_routes(len(added) - len(removed))
        if self._group is not None:
            self._group.update(member, ids, old, new)
        return len(added)

    def _within_limit(self, old: NDArray[np.int32], new: NDArray[np.int32]) -> NDArray[np.bool_]:
        added = (old == 0) & (new != 0)
        kept = ~added | (added.cumsum() <= self.peer.room())
        dropped = len(kept) - int(np.count_nonzero(kept))
        self._shared.counters.add("rib_routes_dropped.routes", dropped)
        return kept

    def _add_layer(self) -> None:
        layer = Layer(**({"add_path_id": np.int64} if self.add_path else {}))
        if self._group is None:
            self._members.append(Member(self, layer))
        else:
            self._members.append(self._group.add(self, layer))

    def _drop(self, member: Member) -> None:
        if self._group is not None:
            self._group.remove(member)
        layer = member.layer
        ids = layer.ids()
        self._shared.paths.release(layer.get(ids))
        self.index.release(ids)
        if "label" in layer.columns:
            self._shared.labels.exchange(layer.get(ids, "label"), np.zeros(0, np.int32))
        member.layer = Layer()


def _rows(values: dict[str, NDArray], rows: NDArray) -> dict[str, NDArray]:
    return {name: column[rows] for name, column in values.items()}


def _last_of_each(ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """Find where each id comes for the last time, in the order of the ids."""
    rows = np.sort(ids.astype(np.int64) << 32 | np.arange(len(ids)))
    is_last = np.ones(len(ids), np.bool_)
    is_last[:-1] = rows[1:] >> 32 != rows[:-1] >> 32
    return rows[is_last] & 0xFFFFFFFF
