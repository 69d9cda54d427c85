"""The prefixes that any table of this worker holds: octets to a small id, counted and reused.

Routers of one network hold nearly the same prefixes; with the prefixes kept once, a table is no
more than an array from prefix id to path id.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from collector.rib.address_family import BUCKETS, AddressFamily, lengths_of, octets_of
from collector.rib.key_table import KeyTable, grown
from collector.rib.prefix_sieve import PrefixSieve

_LOOKUPS_AT_ONCE = 1 << 17
_SLACK = 4096
_1 = np.uint64(1)


class PrefixIndex:
    """Prefixes of one address family; id 0 is nobody's prefix.

    A prefix without routes keeps its id until `compact`, so that one that flaps costs nothing.
    """

    def __init__(self, family: AddressFamily) -> None:
        self.family = family
        self.live = 0  # prefixes that some table holds
        # Chains found before these changed are out of date: by bucket (the serial when a prefix
        # last appeared there), and altogether.
        self.generation = np.zeros(BUCKETS, np.int64)
        self.serial = 0
        self.epoch = 0
        self._table = KeyTable(family.prefix_words)
        self._holders = np.zeros(self._table.capacity, np.int32)
        self._lengths = np.zeros(self._table.capacity, np.uint8)
        self._by_length = np.zeros(family.bits + 1, np.int64)
        # A bit for each length that some prefix in the bucket has: (bucket, length // 64).
        self._lengths_in = np.zeros((BUCKETS, family.bits // 64 + 1), np.uint64)
        self._sieve = PrefixSieve(family)

    @property
    def capacity(self) -> int:
        """Every id is below this."""
        return self._table.capacity

    @property
    def octets(self) -> int:
        """Memory of the index."""
        by_bucket = self.generation.nbytes + self._lengths_in.nbytes
        by_prefix = self._table.octets + self._holders.nbytes + self._lengths.nbytes
        return by_prefix + by_bucket + self._sieve.octets

    def __len__(self) -> int:
        return len(self._table)

    def resolve(
        self, words: list[NDArray[np.uint64]], announced: NDArray[np.bool_]
    ) -> NDArray[np.int32]:
        """Return the ids of prefixes.

        Args:
            words: key words of n prefixes, as the family makes them; a prefix may come twice.
            announced: shape (n,), where an unknown prefix is to get an id.
        Returns:
            shape (n,); 0 for unknown prefixes that are not announced.
        """
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

    def lengths(self, ids: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Return the prefix length of each id."""
        return self._lengths[ids]

    def prefixes(self, ids: NDArray[np.int32]) -> list[bytes]:
        """Return the prefix of each id as octets."""
        return octets_of([word[ids] for word in self._table.words])

    def covering(self, addresses: Sequence[NDArray[np.uint64]]) -> NDArray[np.int32]:
        """Look up every prefix that covers each address.

        Args:
            addresses: words of n addresses, as the family makes them.
        Returns:
            shape (depth, n), prefix ids, longest first, 0-padded; depth is at least 1.
        Cost: a hash lookup (20-30 ns) for each address and length that prefixes near it have.
        """
        lengths = np.flatnonzero(self._by_length)[::-1]
        step = max(1, _LOOKUPS_AT_ONCE // max(1, len(lengths)))
        count = len(addresses[0])
        parts = [
            self._covering([word[start : start + step] for word in addresses], lengths)
            for start in range(0, max(1, count), step)
        ]
        if len(parts) == 1:
            return parts[0]
        chains = np.zeros((max(len(part) for part in parts), count), np.int32)
        for number, part in enumerate(parts):
            chains[: len(part), number * step : number * step + part.shape[1]] = part
        return chains

    def _covering(
        self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        count = len(addresses[0])
        near = self._lengths_in[self.family.buckets_of_addresses(addresses)]
        asked = near[:, lengths >> 6] & (_1 << (lengths & 63).view(np.uint64)) != 0
        pairs = np.flatnonzero(asked.ravel())  # several times as fast as nonzero of two dimensions
        rows = pairs // max(1, len(lengths))  # and this as divmod
        columns = pairs - rows * len(lengths)
        maybe = self._sieve.may_have(
            [word.take(rows) for word in addresses], lengths.take(columns)
        ).nonzero()[0]
        rows, columns = rows.take(maybe), columns.take(maybe)
        keys = self.family.words_of_covering(
            [word.take(rows) for word in addresses], lengths.take(columns).view(np.uint64)
        )
        ids = self._table.find(keys)
        known = np.flatnonzero(ids)
        rows, ids = rows.take(known), ids.take(known)
        found = np.bincount(rows, minlength=count)
        rank = np.arange(len(rows)) - (found.cumsum() - found).take(rows)
        chains = np.zeros((max(1, int(found.max(initial=0))), count), np.int32)
        chains[rank, rows] = ids
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
        self._lengths = grown(self._lengths[: self._table.next_id], self._table.capacity)
        live = np.flatnonzero(self._holders)
        self._by_length[:] = 0
        self._lengths_in[:] = 0
        self._sieve.clear()
        self._appear(live)
        self.epoch += 1
        return True

    def _ensure(self, words: list[NDArray[np.uint64]]) -> NDArray[np.int32]:
        ids, appeared = self._table.ensure(words)
        if appeared.size:
            if self._table.capacity > len(self._holders):
                self._holders = grown(self._holders, self._table.capacity)
                self._lengths = grown(self._lengths, self._table.capacity)
            self._appear(appeared)
        return ids

    def _appear(self, ids: NDArray[np.integer]) -> None:
        words = [word[ids] for word in self._table.words]
        lengths = lengths_of(words)
        self._lengths[ids] = lengths
        self._by_length += np.bincount(lengths, minlength=len(self._by_length))
        self._sieve.note(self.family.addresses_of_prefixes(words), lengths)
        self.serial += 1
        is_long, buckets, spans = self.family.buckets_of_prefixes(words)
        self.generation[buckets] = self.serial
        long_ones = lengths[is_long]
        for length in np.flatnonzero(np.bincount(long_ones)).tolist():
            self._note_length(length, buckets[long_ones == length])
        for first, after_last, length in spans:
            self.generation[first:after_last] = self.serial
            self._note_length(length, slice(first, after_last))

    def _note_length(self, length: int, buckets: slice | NDArray[np.int64]) -> None:
        self._lengths_in[buckets, length >> 6] |= np.uint64(1 << (length & 63))
