"""Which prefixes cover an address, remembered: traffic asks for the same addresses again."""

import numpy as np
from numpy.typing import NDArray

from collector.rib.chains import Chains
from collector.rib.key_table import KeyTable
from collector.rib.prefix_index import PrefixIndex

_FIRST_DEPTH = 4
_ROW_OVERHEAD = 8 + 16  # address words, slots of a half empty table
_UNKNOWN = -1  # in place of the first prefix


class CoveringCache:
    """Chains of prefix ids by address, in bounded memory.

    When a prefix appears, the addresses in its bucket are looked up again. When the memory is
    used up everything is forgotten at once: a flood of random addresses then costs what it would
    cost without a cache, and others pay with one lookup a flush.
    """

    def __init__(self, index: PrefixIndex, limit_octets: int) -> None:
        self.misses = 0
        self.flushes = 0
        self._index = index
        self._limit_octets = limit_octets
        self._addresses = KeyTable(index.family.address_words)
        self._chains = np.zeros((_FIRST_DEPTH, self._addresses.capacity), np.int32)
        self._chains[0, 0] = _UNKNOWN
        self._epoch, self._serial = index.epoch, index.serial

    @property
    def octets(self) -> int:
        """Memory of the cache."""
        return self._addresses.octets + self._chains.nbytes

    def chains(self, addresses: NDArray) -> Chains:
        """Return the prefixes that cover each address; valid until the next call.

        Args:
            addresses: uint32 of shape (n,) for IPv4, uint64 of shape (n, 2) for IPv6.
        """
        words = self._index.family.words_of_addresses(addresses)
        if len(addresses) > self._max_rows:
            self.misses += len(addresses)
            return Chains(self._index.covering(words))
        self._forget_outdated()
        rows = self._addresses.find(words)
        missed = np.flatnonzero(self._chains[0].take(rows) < 0)
        if not missed.size:
            return Chains(self._chains, rows)
        if len(self._addresses) + len(missed) > self._max_rows:
            self._forget()
            self.flushes += 1
            missed = np.arange(len(rows))
        return self._learn(words, rows, missed)

    @property
    def _max_rows(self) -> int:
        return max(1, self._limit_octets // (_ROW_OVERHEAD + 4 * len(self._chains)))

    def _learn(
        self, words: list[NDArray[np.uint64]], rows: NDArray[np.int32], missed: NDArray[np.intp]
    ) -> Chains:
        taken, _ = self._addresses.ensure([word[missed] for word in words])
        rows[missed] = taken
        # An address may be missed several times in a batch: the last one stands for all.
        last = np.empty(self._addresses.capacity, np.int32)
        numbers = np.arange(len(taken), dtype=np.int32)
        last[taken] = numbers
        asked = np.flatnonzero(last[taken] == numbers)
        self.misses += len(asked)
        found = self._index.covering([word[missed[asked]] for word in words])
        self._grow(len(found))
        if len(self._addresses) > self._max_rows:
            # Deeper nesting than ever seen leaves room for fewer addresses.
            self._forget()
            return Chains(self._index.covering(words))
        learnt = taken[asked]
        self._chains[: len(found), learnt] = found
        self._chains[len(found) :, learnt] = 0
        return Chains(self._chains, rows)

    def _grow(self, depth: int) -> None:
        depth = max(depth, len(self._chains))
        capacity = max(self._addresses.capacity, self._chains.shape[1])
        if (depth, capacity) != self._chains.shape:
            before = self._chains
            self._chains = np.zeros((depth, capacity), np.int32)
            self._chains[: len(before), : before.shape[1]] = before

    def _forget_outdated(self) -> None:
        index = self._index
        if index.epoch != self._epoch:
            self._forget()
        elif index.serial != self._serial:
            stop = self._addresses.next_id
            known = [word[1:stop] for word in self._addresses.words]
            changed = index.generation > self._serial
            outdated = changed[index.family.buckets_of_addresses(known)]
            self._chains[0, 1:stop][outdated] = _UNKNOWN
        self._epoch, self._serial = index.epoch, index.serial

    def _forget(self) -> None:
        self._addresses.clear()
