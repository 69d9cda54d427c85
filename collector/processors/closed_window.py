"""A window that is over, on its way out: raw columns of its groups, a slice at a time.

Texts are made of a slice when it is published: of a whole window they take more memory than its
groups, and what one slice leaves in the processor's caches serves the next.
"""

from collections.abc import Callable, Iterator, Sequence

import polars as pl

from collector.processors.groups import Groups
from collector.processors.key_words import Interned, KeyWords

SLICE_ROWS = 8192


class ClosedWindow:
    """A part of a window.

    Args:
        facts: what all records of the part say.
        sums: their names.
        done: called once, when nobody needs the paths that the groups name any more.

    Attributes:
        rows: number of records.
    """

    def __init__(
        self,
        keys: KeyWords,
        groups: Groups,
        interned: Interned,
        facts: dict[str, int],
        sums: Sequence[str],
        done: Callable[[], None],
    ) -> None:
        self.rows = len(groups)
        self._keys = keys
        self._groups = groups
        self._interned = interned
        self._facts = facts
        self._sums = sums
        self._done = done

    def slices(self) -> Iterator[pl.DataFrame]:
        """Give the raw columns of all records, once."""
        try:
            for first in range(0, self.rows, SLICE_ROWS):
                yield self._raw(slice(first, first + SLICE_ROWS))
        finally:
            self._done()

    def _raw(self, rows: slice) -> pl.DataFrame:
        groups = self._groups
        keys = self._keys.unpack([word[rows] for word in groups.words], self._interned)
        facts = [
            pl.Series(name, [value]).new_from_index(0, keys.height)
            for name, value in self._facts.items()
        ]
        sums = [
            pl.Series(name, values[rows])
            for name, values in zip(self._sums, groups.sums, strict=True)
        ]
        return pl.DataFrame([*facts, *keys, *sums])
