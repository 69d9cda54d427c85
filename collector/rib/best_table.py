"""The best route of each prefix over all tables of one (device, view, RD, address family)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from collector.rib.decision import choose
from collector.rib.layer import Layer
from collector.rib.paths import Paths
from collector.rib.prefix_index import PrefixIndex
from collector.rib.sync import RibState, weakest

if TYPE_CHECKING:
    from collector.rib.route_table import RouteTable

_CELLS_AT_ONCE = 1 << 18


class Member:
    """One layer of a peer's table as a best table sees it."""

    __slots__ = ("_next_hops", "layer", "number", "table")

    def __init__(self, table: RouteTable, layer: Layer) -> None:
        self.table = table
        self.layer = layer
        self.number = 0
        self._next_hops = np.uint64(0)  # a bit for each 64th that it ever had, of their ids

    def note_next_hops(self, next_hops: NDArray[np.int32]) -> None:
        """Take note of next hops that its routes have from now on."""
        self._next_hops |= np.bitwise_or.reduce(_bits(next_hops), initial=np.uint64(0))

    def may_have(self, next_hops: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which next hops it may have; it has none of the others."""
        return _bits(next_hops) & self._next_hops != 0


def _bits(next_hops: NDArray[np.int32]) -> NDArray[np.uint64]:
    return np.uint64(1) << (next_hops & 63).astype(np.uint64)


class BestTable:
    """Answers for its members: one alone is the best table itself, several have one beside them.

    Beside the path it keeps the number of the member that the path came from, which tells the
    state to report.
    """

    def __init__(self, index: PrefixIndex, paths: Paths) -> None:
        self.members: list[Member] = []  # in the order that breaks ties: lowest peer address first
        self._index = index
        self._paths = paths
        self._best: Layer | None = None
        self._by_number: dict[int, Member] = {}

    @property
    def octets(self) -> int:
        """Memory of what it keeps beside its members."""
        return self._best.octets if self._best else 0

    def add(self, table: RouteTable, layer: Layer) -> Member:
        """Take in a layer, which has no routes yet."""
        member = Member(table, layer)
        while member.number in self._by_number:
            member.number += 1
        if len(self.members) == 1:
            only = self.members[0]
            self._best = only.layer.copy_of(owner=np.int32(only.number))
        self._by_number[member.number] = member
        self.members.append(member)
        self.members.sort(key=lambda member: member.table.order)
        return member

    def remove(self, member: Member) -> None:
        """Let go of a layer, which may still have its routes."""
        self.members.remove(member)
        del self._by_number[member.number]
        if len(self.members) <= 1:
            self._best = None
            return
        ids = member.layer.ids()
        self.update(member, ids, member.layer.get(ids), np.zeros(len(ids), np.int32))

    def update(
        self,
        member: Member,
        ids: NDArray[np.int32],
        old: NDArray[np.int32],
        new: NDArray[np.int32],
    ) -> None:
        """Choose again where a member's change matters.

        Args:
            ids: shape (n,), distinct prefix ids.
            old, new: shape (n,), the member's path before and now, 0 for none.
        """
        member.note_next_hops(self._paths.next_hop[new])
        if self._best is None:
            return
        # A path worse than the best one decides nothing, neither when it comes nor when it goes;
        # an equal one may, through its MED.
        rank = self._paths.rank
        best = rank[self._best.get(ids)]
        matters = (old != new) & ((rank[new] <= best) | (rank[old] <= best))
        affected = ids[matters]
        step = max(1, _CELLS_AT_ONCE // len(self.members))
        for start in range(0, len(affected), step):
            self._choose_again(affected[start : start + step])

    def layer(self) -> Layer | None:
        """Return the layer that answers, None where no peer has a table."""
        if self._best is not None:
            return self._best
        return self.members[0].layer if self.members else None

    def by_next_hop(
        self, ids: NDArray[np.int32], next_hops: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Find the best path with a given next hop.

        Args:
            ids: shape (n,), prefix ids; next_hops: shape (n,), ids of `Paths.next_hop_id`.
        Returns:
            Path ids of shape (n,), 0 where no path has that next hop, and their members' numbers.
        """
        pairs, back = np.unique(
            ids.astype(np.int64) << 32 | (next_hops.astype(np.int64) & 0xFFFFFFFF),
            return_inverse=True,
        )
        path = np.zeros(len(pairs), np.int32)
        owner = np.zeros(len(pairs), np.int32)
        step = max(1, _CELLS_AT_ONCE // len(self.members))
        for start in range(0, len(pairs), step):
            part = slice(start, start + step)
            distinct = (pairs[part] >> 32).astype(np.int32)
            candidates = self._with_next_hops(distinct, pairs[part].astype(np.int32))
            path[part], owner[part] = self._fitting(distinct, candidates)
        return path[back], owner[back]

    def owners(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the number of the member whose path is best."""
        if self._best is not None:
            return self._best.get(ids, "owner")
        return np.full(len(ids), self.members[0].number, np.int32)

    def common_state(self) -> RibState | None:
        """Return the state that all routes have, None where it differs."""
        state = self.members[0].table.sync.state
        for member in self.members:
            if member.layer.stale or member.table.sync.state != state:
                return None
        return state

    def states(self, ids: NDArray[np.int32], owners: NDArray[np.int32]) -> NDArray[np.int8]:
        """Return the `RibState` of routes.

        Args:
            ids, owners: shape (n,), prefix ids and the numbers of the members that answered.
        """
        by_number = np.zeros(max(self._by_number) + 1, np.int8)
        for member in self.members:
            by_number[member.number] = member.table.sync.state
        states = by_number[owners]
        for member in self.members:
            if member.layer.stale:
                rows = np.flatnonzero(owners == member.number)
                stale = member.layer.get(ids[rows], "stale")
                states[rows[stale]] = RibState.STALE
        return states

    def weakest_state(self) -> RibState:
        """Return what to think of a prefix that is missing here."""
        states = {member.table.sync.state for member in self.members}
        if any(member.layer.stale for member in self.members):
            states.add(RibState.STALE)
        return weakest(states)

    def _choose_again(self, ids: NDArray[np.int32]) -> None:
        path, owner = self._winners(ids, self._candidates(ids))
        self._best.replace(ids, self._index.capacity, path=path, owner=owner)

    def _candidates(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.stack([member.layer.get(ids) for member in self.members])

    def _with_next_hops(
        self, ids: NDArray[np.int32], next_hops: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """As `_candidates`, but only paths with the next hops asked for."""
        candidates = np.zeros((len(self.members), len(ids)), np.int32)
        for row, member in enumerate(self.members):
            # Most peers have one next hop, and most next hops one peer.
            some = np.flatnonzero(member.may_have(next_hops))
            paths = member.layer.get(ids[some])
            fits = self._paths.next_hop[paths] == next_hops[some]
            candidates[row, some[fits]] = paths[fits]
        return candidates

    def _fitting(
        self, ids: NDArray[np.int32], candidates: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        # Most often one path fits; only where several do must they be compared.
        fits = candidates != 0
        row = fits.argmax(axis=0)
        columns = np.arange(len(ids))
        path = candidates[row, columns]
        owner = self._numbers()[row]
        several = np.flatnonzero(fits.sum(axis=0) > 1)
        if several.size:
            path[several], owner[several] = self._winners(ids[several], candidates[:, several])
        return path, owner

    def _numbers(self) -> NDArray[np.int32]:
        return np.array([member.number for member in self.members], np.int32)

    def _winners(
        self, ids: NDArray[np.int32], candidates: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        row = choose(candidates, self._ties(ids), self._paths)
        return candidates[row, np.arange(len(ids))], self._numbers()[row]

    def _ties(self, ids: NDArray[np.int32]) -> NDArray[np.int64] | None:
        """Where a peer announces several paths, the lowest path identifier goes first."""
        if not any(member.table.add_path for member in self.members):
            return None
        ties = np.zeros((len(self.members), len(ids)), np.int64)
        position = 0
        for row, member in enumerate(self.members):
            if row and member.table is not self.members[row - 1].table:
                position += 1
            ties[row] = position << 33
            if member.table.add_path:
                ties[row] |= member.layer.get(ids, "add_path_id")
        return ties
