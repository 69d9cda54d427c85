"""Which route a device has for each of many addresses: longest match, view policy, next hop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.rib.best_table import BestTable
from collector.rib.chains import Chains
from collector.rib.device import Device
from collector.rib.layer import Layer
from collector.rib.paths import Paths
from collector.rib.peer import GLOBAL_RD
from collector.rib.sync import weakest
from collector.rib.view import View

DEFAULT_POLICY = (View.LOC_RIB, View.ADJ_RIB_IN_POST, View.ADJ_RIB_IN_PRE)


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows of a batch that ask the same tables, from ``start`` up to ``stop``."""

    start: int
    stop: int
    device: str
    rd: bytes = GLOBAL_RD
    views: tuple[View, ...] = DEFAULT_POLICY


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tables say of n addresses; all arrays have shape (n,).

    path: int32, path ids, 0 for none; valid until the next tick, longer if held.
    prefix_length: int16, -1 for none. view: int8, the `View` that answered, -1 for none.
    state: int8, `RibState` of the route; without a route, of the tables that were asked.
    """

    path: NDArray[np.int32]
    prefix_length: NDArray[np.int16]
    view: NDArray[np.int8]
    state: NDArray[np.int8]


class Join:
    """A batch of addresses on its way to an `Answer`."""

    def __init__(self, chains: Chains, next_hops: NDArray[np.int32] | None, paths: Paths) -> None:
        count = len(chains)
        self.path = np.zeros(count, np.int32)
        self.prefix = np.zeros(count, np.int32)
        self.view = np.full(count, -1, np.int8)
        self.state = np.zeros(count, np.int8)
        self._chains = chains
        self._next_hops = next_hops
        self._paths = paths

    def ask(self, device: Device, segment: Segment, family: int) -> None:
        """Let the device's tables answer the segment's rows, one view after the other."""
        rows: slice | NDArray[np.intp] = slice(segment.start, segment.stop)
        doubts = set()
        for view in segment.views:
            group = device.groups.get((view, segment.rd, family))
            layer = group.layer() if group is not None else None
            if layer is None:
                continue
            found = self._match(group, layer, view, rows)
            if found.all():
                return
            if isinstance(rows, slice):
                rows = np.arange(segment.start, segment.stop)
            rows = rows[found == 0]
            doubts.add(group.weakest_state())
        self.state[rows] = weakest(doubts)

    def _match(
        self, group: BestTable, layer: Layer, view: View, rows: slice | NDArray[np.intp]
    ) -> NDArray[np.int32]:
        path, prefix = longest_match(layer, self._chains, rows)
        state = group.common_state()
        owners = group.owners(prefix) if state is None else None
        if self._next_hops is not None and len(group.members) > 1:
            self._follow_next_hops(group, path, prefix, owners, self._next_hops[rows])
        if state is None:
            self.state[rows] = group.states(prefix, owners)
        else:
            self.state[rows] = state
        self.path[rows] = path
        self.prefix[rows] = prefix
        self.view[rows] = view if path.all() else np.where(path != 0, np.int8(view), np.int8(-1))
        return path

    def _follow_next_hops(
        self,
        group: BestTable,
        path: NDArray[np.int32],
        prefix: NDArray[np.int32],
        owners: NDArray[np.int32] | None,
        next_hops: NDArray[np.int32],
    ) -> None:
        # The router says which of its paths it took: better than our guess at its choice.
        other = (next_hops > 0) & (path != 0) & (self._paths.next_hop[path] != next_hops)
        rows = np.flatnonzero(other)
        if not rows.size:
            return
        taken, numbers = group.by_next_hop(prefix[rows], next_hops[rows])
        rows, numbers, taken = rows[taken != 0], numbers[taken != 0], taken[taken != 0]
        path[rows] = taken
        if owners is not None:
            owners[rows] = numbers


def longest_match(
    layer: Layer, chains: Chains, which: slice | NDArray[np.intp]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Find the most specific route that a layer holds for each address.

    Args:
        chains: the prefixes that cover addresses.
        which: the n addresses that ask.
    Returns:
        Path ids and prefix ids of shape (n,), 0 where the layer holds none of the prefixes.
    Cost: one gather of n integers where the layer holds the longest, one more for each step down.
    """
    prefix = chains.at(0, which)
    path = layer.get(prefix)
    rows = np.flatnonzero(path == 0)
    if not rows.size:
        return path, prefix
    asked = np.arange(len(chains))[which]
    for depth in range(1, chains.depth):
        shorter = chains.at(depth, asked[rows])
        rows, shorter = rows[shorter != 0], shorter[shorter != 0]
        if not rows.size:
            break
        found = layer.get(shorter)
        path[rows] = found
        prefix[rows] = shorter
        rows = rows[found == 0]
    prefix[path == 0] = 0
    return path, prefix
