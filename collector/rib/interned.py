"""Values that many routes share: kept once, counted, freed after the last route let go."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from collector.rib.key_table import grown

_FIRST_CAPACITY = 64


class Counted:
    """Ids from 1 on, with a count of holders each.

    An id without holders is good until the next `collect`, so that it may wait in a table's
    journal, or in a caller's hand, without being counted.
    """

    def __init__(self) -> None:
        self.holders = np.zeros(_FIRST_CAPACITY, np.int32)
        self._next = 1
        self._free: list[int] = []
        self._unheld: list[NDArray[np.int32]] = []
        self._added: list[int] = []

    def __len__(self) -> int:
        return self._next - 1 - len(self._free)

    def hold(self, ids: NDArray[np.int32]) -> None:
        """Count one more holder for each id, once for each time it occurs; 0 is nobody's id."""
        np.add.at(self.holders, ids, 1)
        self.holders[0] = 0

    def release(self, ids: NDArray[np.int32]) -> None:
        """Count one holder less for each id, once for each time it occurs."""
        if len(ids) < len(self.holders):
            np.subtract.at(self.holders, ids, 1)
            unheld = ids[self.holders[ids] == 0]
        else:
            # A whole table goes: counting first is several times faster.
            counted = np.bincount(ids, minlength=len(self.holders)).astype(np.int32)
            self.holders -= counted
            unheld = np.flatnonzero((counted != 0) & (self.holders == 0)).astype(np.int32)
        self.holders[0] = 0
        if unheld.size:
            self._unheld.append(unheld)

    def collect(self) -> int:
        """Free every id without a holder.

        Returns:
            How many were freed; they will be given to other values.
        """
        if not self._unheld and not self._added:
            return 0
        candidate = np.zeros(len(self.holders), np.bool_)
        candidate[self._added] = True
        for ids in self._unheld:
            candidate[ids] = True
        candidate[0] = False
        self._unheld.clear()
        self._added.clear()
        freed = np.flatnonzero(candidate & (self.holders == 0)).tolist()
        for number in freed:
            self._forget(number)
        self._free.extend(freed)
        return len(freed)

    def _take(self) -> int:
        """Give out an id, valid until the next `collect` and as long as it is held."""
        if self._free:
            number = self._free.pop()
        else:
            number = self._next
            self._next += 1
            if number >= len(self.holders):
                self._grow(2 * len(self.holders))
        self._added.append(number)
        return number

    def _forget(self, number: int) -> None:
        """Let go of what an id stands for."""
        raise NotImplementedError

    def _grow(self, capacity: int) -> None:
        self.holders = grown(self.holders, capacity)


class Interned(Counted):
    """Values that are their own keys."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.values: list[Hashable] = [None]
        self._ids: dict[Hashable, int] = {}

    def add(self, value: Hashable) -> int:
        """Give a value an id, or find the one it has; 0 where the limit is reached."""
        known = self._ids.get(value)
        if known is not None:
            return known
        if len(self._ids) >= self.limit:
            return 0
        number = self._take()
        if number == len(self.values):
            self.values.append(value)
        else:
            self.values[number] = value
        self._ids[value] = number
        return number

    def _forget(self, number: int) -> None:
        del self._ids[self.values[number]]
        self.values[number] = None
