"""Values that many routes share: kept once, counted, freed after the last route let go."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from collector.rib.key_table import grown

_FIRST_CAPACITY = 64


class Interned:
    """Keys and their values under ids from 1 on, with a count of holders each.

    A value without holders lives until the next `collect`, so that an id may wait in a table's
    journal, or in a caller's hand, without being counted.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.freed = 0  # so far: who remembers what an id means looks whether it may have changed
        self.values: list = [None]
        self.holders = np.zeros(_FIRST_CAPACITY, np.int32)
        self._ids: dict[Hashable, int] = {}
        self._keys: list[Hashable | None] = [None]
        self._free: list[int] = []
        self._unheld: list[NDArray[np.int32]] = []
        self._added: list[int] = []

    def __len__(self) -> int:
        return len(self._ids)

    def intern(self, key: Hashable) -> int:
        """Return the id of a key, 0 if it has none."""
        return self._ids.get(key, 0)

    def add(self, key: Hashable, value: object) -> int:
        """Give a value an id, or find the one its key has.

        Returns:
            The id, valid until the next `collect` and as long as it is held; 0 where the limit is
            reached.
        """
        known = self._ids.get(key)
        if known is not None:
            return known
        if len(self._ids) >= self.limit:
            return 0
        if self._free:
            number = self._free.pop()
            self.values[number], self._keys[number] = value, key
        else:
            number = len(self.values)
            self.values.append(value)
            self._keys.append(key)
            if number >= len(self.holders):
                self._grow(2 * len(self.holders))
        self._ids[key] = number
        self._added.append(number)
        return number

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
        """Free every value without a holder.

        Returns:
            How many were freed; their ids will be given to others.
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
            del self._ids[self._keys[number]]
            self.values[number] = self._keys[number] = None
        self._free.extend(freed)
        self.freed += len(freed)
        return len(freed)

    def _forget(self, number: int) -> None:
        """Let go of what a subclass keeps beside the value."""

    def _grow(self, capacity: int) -> None:
        self.holders = grown(self.holders, capacity)
