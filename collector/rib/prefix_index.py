"""The prefixes that any table of this worker holds: octets to a small id, counted and reused.

Routers of one network hold nearly the same prefixes; with the prefixes kept once, a table is no
more than an array from prefix id to path id.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from collector.rib.address_family import BUCKETS, AddressFamily, lengths_of, octets_of
from collector.rib.key_table import KeyTable, grown

_LOOKUPS_AT_ONCE = 1 << 17
_SLACK = 4096


class PrefixIndex:
    """Prefixes of one address family; id 0 is nobody's prefix.

    A prefix without routes keeps its id until `compact`, so that one that flaps costs nothing.
    """

    def __init__(self, family: AddressFamily) -> None:
        self.family = family
        self.live = 0  # prefixes that some table holds
        # Chains found before these changed are out of date: by bucket, and altogether.
        self.generation = np.zeros(BUCKETS, np.uint32)
        self.epoch = 0
        self._serial = 0
        self._table = KeyTable(family.prefix_words)
        self._holders = np.zeros(self._table.capacity, np.int32)
        self._by_length = np.zeros(256, np.int64)

    @property
    def capacity(self) -> int:
        """Every id is below this."""
        return self._table.capacity

    @property
    def octets(self) -> int:
        """Memory of the index."""
        return self._table.octets + self._holders.nbytes + self.generation.nbytes

    def __len__(self) -> int:
        return len(self._table)

    def resolve(self, prefixes: Sequence[bytes], announced: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return the ids of prefixes.

        Args:
            prefixes: each its length octet and as few octets as the length needs.
            announced: shape (n,), where an unknown prefix is to get an id.
        Returns:
            shape (n,); 0 for unknown prefixes that are not announced.
        """
        words = self.family.words_of_prefixes(prefixes)
        if announced.all():
            return self._ensure(words)
        ids = np.zeros(len(announced), np.int32)
        ids[announced] = self._ensure([word[announced] for word in words])
        ids[~announced] = self._table.find([word[~announced] for word in words])
        return ids

    def retain(self, ids: NDArray[np.int32]) -> None:
        """Note one more holder of each prefix; ids are distinct."""
        before = self._holders[ids]
        self._holders[ids] = before + 1
        self.live += len(ids) - int(np.count_nonzero(before))

    def release(self, ids: NDArray[np.int32]) -> None:
        """Note one holder less of each prefix; ids are distinct."""
        after = self._holders[ids] - 1
        self._holders[ids] = after
        self.live -= len(ids) - int(np.count_nonzero(after))

    def lengths(self, ids: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the prefix length of each id."""
        return lengths_of([self._table.words[0][ids]])

    def prefixes(self, ids: NDArray[np.int32]) -> list[bytes]:
        """Return the prefix of each id as octets."""
        return octets_of([word[ids] for word in self._table.words])

    def covering(self, addresses: Sequence[NDArray[np.uint64]]) -> NDArray[np.int32]:
        """Look up every prefix that covers each address.

        Args:
            addresses: words of n addresses, as the family makes them.
        Returns:
            shape (n, depth), prefix ids, longest first, 0-padded; depth is at least 1.
        Cost: a hash lookup for each address and prefix length in use (20-30 ns each).
        """
        lengths = np.flatnonzero(self._by_length[: self.family.bits + 1])[::-1].astype(np.uint64)
        step = max(1, _LOOKUPS_AT_ONCE // max(1, len(lengths)))
        count = len(addresses[0])
        found = np.zeros((count, len(lengths)), np.int32)
        for start in range(0, count, step):
            part = [word[start : start + step] for word in addresses]
            ids = self._table.find(self.family.words_of_covering(part, lengths))
            found[start : start + step] = ids.reshape(len(part[0]), len(lengths))
        rows, columns = np.nonzero(found)
        rank = (found != 0).cumsum(axis=1)[rows, columns] - 1
        chains = np.zeros((count, int(rank.max(initial=0)) + 1), np.int32)
        chains[rows, rank] = found[rows, columns]
        return chains

    def compact(self, *, slack: int = _SLACK) -> bool:
        """Forget prefixes without routes, if they have become many.

        Args:
            slack: how many of them are too few to care, besides a quarter of the live ones.
        Returns:
            Whether it did: then ids of forgotten prefixes will be given to others.
        """
        idle = len(self._table) - self.live
        if idle <= slack + self.live // 4:
            return False
        ids = np.flatnonzero(self._holders[: self._table.next_id] == 0).astype(np.int32)[1:]
        self._table.remove(ids)
        self._holders = grown(self._holders[: self._table.next_id], self._table.capacity)
        live = np.flatnonzero(self._holders)
        self._by_length = np.bincount(self.lengths(live), minlength=256)
        self.epoch += 1
        return True

    def _ensure(self, words: list[NDArray[np.uint64]]) -> NDArray[np.int32]:
        ids, appeared = self._table.ensure(words)
        if appeared.size:
            if self._table.capacity > len(self._holders):
                self._holders = grown(self._holders, self._table.capacity)
            self._appear([word[appeared] for word in self._table.words])
        return ids

    def _appear(self, words: list[NDArray[np.uint64]]) -> None:
        self._by_length += np.bincount(lengths_of(words), minlength=256)
        self._serial += 1
        buckets, spans = self.family.buckets_of_prefixes(words)
        self.generation[buckets] = self._serial
        for first, after_last in spans:
            self.generation[first:after_last] = self._serial
