"""A hash table in numpy: fixed-width keys to small integer ids, thousands of keys a call.

A dictionary of a million prefixes costs 108 octets and 0.22 us an entry (two integer objects and
a slot); this costs 16 to 24 octets and 0.09 us, and it answers whole batches.
"""

import secrets
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = Sequence[NDArray[np.uint64]]  # of n keys: one array of shape (n,) a word

_FIRST_CAPACITY = 256
_REBUILD_CHUNK = 65536
_HALF = np.uint64(32)
_ONE = np.uint64(1)


class KeyTable:
    """Keys of a few 64-bit words, each with an id above 0 while it is in the table.

    Open addressing with double hashing, at most half full. The multipliers are secret, so that
    nobody can choose prefixes that collide. Ids are dense, as others index arrays with them.
    """

    __slots__ = ("_free", "_multipliers", "_slots", "next_id", "words")

    def __init__(self, words: int) -> None:
        # One for each word, two to finish with; odd, so that no bit of a key is lost.
        self._multipliers = [np.uint64(secrets.randbits(64) | 1) for _ in range(words + 2)]
        self.words = [np.zeros(_FIRST_CAPACITY, np.uint64) for _ in range(words)]
        self._slots = np.zeros(2 * _FIRST_CAPACITY, np.int32)
        self._free = np.zeros(0, np.int32)
        self.next_id = 1

    def clear(self) -> None:
        """Forget every key, and keep the memory for others."""
        self._slots[:] = 0
        self._free = np.zeros(0, np.int32)
        self.next_id = 1

    @property
    def capacity(self) -> int:
        """Every id is below this."""
        return len(self.words[0])

    @property
    def octets(self) -> int:
        """Memory of the table."""
        return self._slots.nbytes + self._free.nbytes + sum(word.nbytes for word in self.words)

    def __len__(self) -> int:
        return self.next_id - 1 - len(self._free)

    def find(self, keys: Words) -> NDArray[np.int32]:
        """Return the id of each key, 0 where it is not in the table.

        Args:
            keys: one array of shape (n,) for each word.
        """
        mixed = self._mixed(keys)
        position = self._first(mixed)
        ids = self._slots.take(position)
        rows = left = self._others(ids, keys)
        if not left.size:
            return ids
        step = self._step(mixed.take(left))
        while left.size:
            keys = [word.take(left) for word in keys]
            position = (position.take(left) + step) & (len(self._slots) - 1)
            found = self._slots.take(position)
            ids[rows] = found
            left = self._others(found, keys)
            rows, step = rows.take(left), step.take(left)
        return ids

    def ensure(self, keys: Words) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the id of each key, putting the missing ones into the table.

        Args:
            keys: one array of shape (n,) for each word; keys may repeat.
        Returns:
            Ids of shape (n,), and the ids that are new, each once.
        """
        self._reserve(len(keys[0]))
        mixed = self._mixed(keys)
        position, step = self._first(mixed), self._step(mixed)
        ids = np.zeros(len(position), np.int32)
        rows = np.arange(len(position))
        appeared = [np.zeros(0, np.int32)]
        while rows.size:
            found = self._slots.take(position)
            empty = np.flatnonzero(found == 0)
            if empty.size:
                at = position.take(empty)
                appeared.append(self._claim(at, [word.take(empty) for word in keys]))
                found[empty] = self._slots.take(at)
            ids[rows] = found
            left = self._others(found, keys)
            rows, keys, step = rows.take(left), [word.take(left) for word in keys], step.take(left)
            position = (position.take(left) + step) & (len(self._slots) - 1)
        return ids, np.concatenate(appeared)

    def remove(self, ids: NDArray[np.int32]) -> None:
        """Take keys out; their ids will be given to others. Costs a rebuild of the table."""
        used = np.ones(self.next_id, np.bool_)
        used[0] = False
        used[self._free] = False
        used[ids] = False
        live = np.flatnonzero(used).astype(np.int32)
        self.next_id = int(live[-1]) + 1 if live.size else 1
        self._free = np.flatnonzero(~used[1 : self.next_id]).astype(np.int32) + np.int32(1)
        capacity = max(_FIRST_CAPACITY, 1 << self.next_id.bit_length())
        if capacity < self.capacity:
            self.words = [word[:capacity].copy() for word in self.words]
        self._rebuild(live, 2 * len(live))

    def _claim(self, at: NDArray[np.int64], keys: Words) -> NDArray[np.int32]:
        # Several keys may want one slot: each leaves its mark, the last one stays and wins. The
        # others look at the slot again and find their own key there, or go on to the next slot.
        marks = -1 - np.arange(len(at), dtype=np.int32)
        self._slots[at] = marks
        won = np.flatnonzero(self._slots.take(at) == marks)
        ids = self._allot(len(won))
        for stored, word in zip(self.words, keys, strict=True):
            stored[ids] = word.take(won)
        self._slots[at.take(won)] = ids
        return ids

    def _allot(self, count: int) -> NDArray[np.int32]:
        reused, self._free = self._free[:count], self._free[count:]
        fresh = count - len(reused)
        last = self.next_id + fresh
        if last > self.capacity:
            capacity = 1 << (last - 1).bit_length()
            self.words = [grown(word, capacity) for word in self.words]
        ids = np.concatenate((reused, np.arange(self.next_id, last, dtype=np.int32)))
        self.next_id = last
        return ids

    def _reserve(self, count: int) -> None:
        if 2 * (len(self) + count) > len(self._slots):
            used = np.ones(self.next_id, np.bool_)
            used[0] = False
            used[self._free] = False
            self._rebuild(np.flatnonzero(used).astype(np.int32), 2 * (len(self) + count))

    def _rebuild(self, ids: NDArray[np.int32], at_least: int) -> None:
        slots = max(2 * _FIRST_CAPACITY, 1 << (at_least - 1).bit_length() if at_least else 0)
        self._slots = np.zeros(slots, np.int32)
        # In chunks, as a million rows of 64-bit temporaries would double the process for a moment.
        for start in range(0, len(ids), _REBUILD_CHUNK):
            self._place(ids[start : start + _REBUILD_CHUNK])

    def _place(self, ids: NDArray[np.int32]) -> None:
        mixed = self._mixed([word[ids] for word in self.words])
        position, step = self._first(mixed), self._step(mixed)
        mask = len(self._slots) - 1
        while ids.size:
            empty = self._slots[position] == 0
            self._slots[position[empty]] = ids[empty]
            lost = self._slots[position] != ids
            ids, step = ids[lost], step[lost]
            position = (position[lost] + step) & mask

    def _mixed(self, keys: Words) -> NDArray[np.uint64]:
        """Return a hash of each key."""
        mixed = keys[0] * self._multipliers[0]
        for word, multiplier in zip(keys[1:], self._multipliers[1:-2], strict=True):
            mixed += word * multiplier
        # Twice: after one round prefixes fill some slots in two thirds of their number only, with
        # unlucky multipliers, and a lookup takes twice as many steps (measured).
        for multiplier in self._multipliers[-2:]:
            mixed ^= mixed >> _HALF
            mixed *= multiplier
        return mixed

    def _first(self, mixed: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the first slot of each hash: its upper bits."""
        bits = len(self._slots).bit_length() - 1
        return (mixed >> np.uint64(64 - bits)).view(np.int64)

    def _step(self, mixed: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the way of each hash to its next slot: its lower bits, odd to reach all slots."""
        return ((mixed & np.uint64(len(self._slots) - 1)) | _ONE).view(np.int64)

    def _others(self, ids: NDArray[np.int32], keys: Words) -> NDArray[np.intp]:
        """Return where a slot was found to hold another key."""
        other = self.words[0].take(ids) != keys[0]
        for stored, word in zip(self.words[1:], keys[1:], strict=True):
            other |= stored.take(ids) != word
        other &= ids != 0
        return np.flatnonzero(other)


def grown(array: NDArray, capacity: int) -> NDArray:
    """Return a longer copy, zero at the end; pages nobody wrote to cost no memory."""
    longer = np.zeros(capacity, array.dtype)
    longer[: len(array)] = array
    return longer
