"""Which prefixes cover an address, remembered: traffic asks for the same addresses again."""

import numpy as np
from numpy.typing import NDArray

from collector.rib.chains import Chains
from collector.rib.key_table import KeyTable
from collector.rib.prefix_index import PrefixIndex

_FIRST_DEPTH = 4
_ROW_OVERHEAD = 8 + 16  # address words, slots of a half empty table
_UNKNOWN = -1  # in place of the first prefix
_JUDGED_ROWS = 1 << 16
_ENOUGH_USE = 4  # one use for so many addresses learnt pays for learning
_SAMPLE = 8


class CoveringCache:
    """Chains of prefix ids by address, in bounded memory.

    When a prefix appears, the addresses in its bucket are looked up again. When the memory is
    used up everything is forgotten at once: others pay with one lookup a flush.

    To learn an address costs more than to look it up. So where few of those that were learnt are
    asked for again, as in a flood of random addresses, only one of ``_SAMPLE`` is learnt; what
    becomes of these tells when to learn all again.
    """

    def __init__(self, index: PrefixIndex, limit_octets: int) -> None:
        self.misses = 0
        self.flushes = 0
        self._index = index
        self._limit_octets = limit_octets
        self._addresses = KeyTable(index.family.address_words)
        # A column for each row of the table, behind them some for what a batch does not learn.
        self._chains = np.zeros((_FIRST_DEPTH, self._addresses.capacity), np.int32)
        self._chains[0, 0] = _UNKNOWN
        self._epoch, self._serial = index.epoch, index.serial
        self._sampling = False
        self._turn = 0
        self._judged = self._addresses.next_id  # rows from here on are on trial
        self._uses = 0  # of these

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
        self._uses += int(np.count_nonzero(rows >= self._judged))
        if not missed.size:
            return Chains(self._chains, rows)
        if len(self._addresses) + len(missed) > self._max_rows:
            self._forget()
            self.flushes += 1
            rows[:] = 0
            missed = np.arange(len(rows))
        return self._look_up(words, rows, missed)

    @property
    def _max_rows(self) -> int:
        return max(1, self._limit_octets // (_ROW_OVERHEAD + 4 * len(self._chains)))

    def _look_up(
        self, words: list[NDArray[np.uint64]], rows: NDArray[np.int32], missed: NDArray[np.intp]
    ) -> Chains:
        self._judge()
        learnt, others = self._chosen(rows, missed)
        taken, _ = self._addresses.ensure([word[learnt] for word in words])
        rows[learnt] = taken
        # An address may be missed several times in a batch: the last one stands for all.
        last = np.empty(self._addresses.capacity, np.int32)
        numbers = np.arange(len(taken), dtype=np.int32)
        last[taken] = numbers
        once = np.flatnonzero(last[taken] == numbers)
        asked = np.concatenate((learnt[once], others))
        self.misses += len(asked)
        found = self._index.covering([word[asked] for word in words])
        self._grow(len(found), len(others))
        if len(self._addresses) > self._max_rows:
            # Deeper nesting than ever seen leaves room for fewer addresses.
            self._forget()
            return Chains(self._index.covering(words))
        behind = np.arange(len(others), dtype=np.int32) + np.int32(self._addresses.capacity)
        rows[others] = behind
        columns = np.concatenate((taken[once], behind))
        self._chains[: len(found), columns] = found
        self._chains[len(found) :, columns] = 0
        return Chains(self._chains, rows)

    def _judge(self) -> None:
        """Choose how to learn by what has become of the addresses learnt last."""
        learnt = self._addresses.next_id - self._judged
        if learnt >= (_JUDGED_ROWS // _SAMPLE if self._sampling else _JUDGED_ROWS):
            self._sampling = self._uses * _ENOUGH_USE < learnt
            self._judged, self._uses = self._addresses.next_id, 0

    def _chosen(
        self, rows: NDArray[np.int32], missed: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Divide what was missed: what is to be learnt, and the rest."""
        if not self._sampling:
            return missed, missed[:0]
        self._turn += 1
        # Also those that are known and out of date: they are asked for again.
        chosen = rows[missed] != 0
        chosen[self._turn % _SAMPLE :: _SAMPLE] = True
        return missed[chosen], missed[~chosen]

    def _grow(self, depth: int, behind: int) -> None:
        depth = max(depth, len(self._chains))
        columns = max(self._addresses.capacity + behind, self._chains.shape[1])
        if (depth, columns) != self._chains.shape:
            before = self._chains
            self._chains = np.zeros((depth, columns), np.int32)
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
        self._judged, self._uses = self._addresses.next_id, 0
