"""Which prefixes cover an address, remembered: traffic asks for the same addresses again."""

import numpy as np
from numpy.typing import NDArray

from collector.rib.key_table import KeyTable
from collector.rib.prefix_index import PrefixIndex

_FIRST_DEPTH = 4
_ROW_OVERHEAD = 8 + 8 + 16 + 4  # address words, slots of a half empty table, generation


class CoveringCache:
    """Chains of prefix ids by address, in bounded memory.

    An entry is out of date when a prefix appeared in its address's bucket. When the memory is
    used up everything is forgotten at once: a flood of random addresses then costs what it would
    cost without a cache, and others pay with one lookup a flush.
    """

    def __init__(self, index: PrefixIndex, limit_octets: int) -> None:
        self.misses = 0
        self.flushes = 0
        self._index = index
        self._limit_octets = limit_octets
        self._addresses = KeyTable(index.family.address_words)
        self._forget(_FIRST_DEPTH)

    @property
    def octets(self) -> int:
        """Memory of the cache."""
        return self._addresses.octets + self._chains.nbytes + self._generation.nbytes

    def chains(self, addresses: NDArray) -> NDArray[np.int32]:
        """Return the prefixes that cover each address.

        Args:
            addresses: uint32 of shape (n,) for IPv4, uint64 of shape (n, 2) for IPv6.
        Returns:
            shape (n, depth), prefix ids, longest first, 0-padded.
        """
        words = self._index.family.words_of_addresses(addresses)
        count = len(addresses)
        if count <= self._max_rows:
            return self._remembered(words)
        parts = [
            self._index.covering([word[start : start + self._max_rows] for word in words])
            for start in range(0, count, self._max_rows)
        ]
        self.misses += count
        chains = np.zeros((count, max(part.shape[1] for part in parts)), np.int32)
        for number, part in enumerate(parts):
            start = number * self._max_rows
            chains[start : start + len(part), : part.shape[1]] = part
        return chains

    def _remembered(self, words: list[NDArray[np.uint64]]) -> NDArray[np.int32]:
        index = self._index
        if index.epoch != self._epoch:
            self._forget(_FIRST_DEPTH)
        rows = self._addresses.find(words)
        current = index.generation[index.family.buckets_of_addresses(words)]
        missed = np.flatnonzero((rows == 0) | (self._generation[rows] != current))
        if not missed.size:
            return self._chains.take(rows, axis=0)
        if len(self._addresses) + len(missed) > self._max_rows:
            self._forget(self._depth)
            self.flushes += 1
            missed = np.arange(len(rows))
        return self._learn(words, rows, missed, current)

    def _learn(
        self,
        words: list[NDArray[np.uint64]],
        rows: NDArray[np.int32],
        missed: NDArray[np.intp],
        current: NDArray[np.uint32],
    ) -> NDArray[np.int32]:
        rows[missed], _ = self._addresses.ensure([word[missed] for word in words])
        distinct, first = np.unique(rows[missed], return_index=True)
        asked = missed[first]
        self.misses += len(asked)
        found = self._index.covering([word[asked] for word in words])
        if found.shape[1] > self._depth:
            # Deeper nesting than ever seen: start again with room for it, and for fewer addresses.
            self._forget(found.shape[1])
            return self._index_all(words)
        if self._addresses.capacity > len(self._chains):
            self._grow()
        self._chains[distinct, : found.shape[1]] = found
        self._chains[distinct, found.shape[1] :] = 0
        self._generation[distinct] = current[asked]
        return self._chains.take(rows, axis=0)

    def _index_all(self, words: list[NDArray[np.uint64]]) -> NDArray[np.int32]:
        self.misses += len(words[0])
        return self._index.covering(words)

    def _grow(self) -> None:
        chains = np.zeros((self._addresses.capacity, self._depth), np.int32)
        chains[: len(self._chains)] = self._chains
        generation = np.zeros(self._addresses.capacity, np.uint32)
        generation[: len(self._generation)] = self._generation
        self._chains, self._generation = chains, generation

    def _forget(self, depth: int) -> None:
        self._depth = depth
        self._max_rows = max(1, self._limit_octets // (_ROW_OVERHEAD + 4 * depth))
        self._epoch = self._index.epoch
        self._addresses.clear()
        self._chains = np.zeros((self._addresses.capacity, depth), np.int32)
        self._generation = np.zeros(self._addresses.capacity, np.uint32)
