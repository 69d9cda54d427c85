"""Sums by key: rows of packed keys, merged by the hash of their words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from collector.processors.key_words import KeyWords, Words


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows, each a key with its sums; a key may have several rows until they are `merged`.

    Attributes:
        words: of the keys, arrays of shape (n,).
        hashes, checks: of the words, shape (n,); see `KeyWords.hashes`.
        sums: arrays of shape (n,), one for each sum.
    """

    words: Words
    hashes: NDArray[np.uint64]
    checks: NDArray[np.uint64]
    sums: list[NDArray]

    @classmethod
    def of(cls, keys: KeyWords, words: Words, sums: list[NDArray]) -> Self:
        """Make rows of packed keys."""
        return cls(words, *keys.hashes(words), sums)

    def __len__(self) -> int:
        return len(self.hashes)


def merged(parts: Sequence[Groups]) -> Groups:
    """Add up the rows that have the same key; there is at least one row."""
    words = [np.concatenate(column) for column in zip(*(part.words for part in parts), strict=True)]
    hashes = np.concatenate([part.hashes for part in parts])
    checks = np.concatenate([part.checks for part in parts])
    # Sorted, equal ones lie together: this costs less than a hash table (measured).
    order, is_first = _sorted([hashes])
    if _differ_within(checks.take(order), is_first):
        # Two keys have one hash: once in the life of a thousand such services.
        order, is_first = _sorted(words)
    starts = np.flatnonzero(is_first)
    rows = order.take(starts)
    sums = [_joined(column).take(order) for column in zip(*(p.sums for p in parts), strict=True)]
    return Groups(
        [word.take(rows) for word in words],
        hashes.take(rows),
        checks.take(rows),
        [np.add.reduceat(column, starts) for column in sums],
    )


def _sorted(words: Words) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Sort rows; give their order, and which of the sorted ones differ from the one before."""
    order = words[0].argsort() if len(words) == 1 else np.lexsort(words)
    is_first = np.zeros(len(order), np.bool_)
    is_first[0] = True
    for word in words:
        column = word.take(order)
        is_first[1:] |= column[1:] != column[:-1]
    return order, is_first


def _differ_within(values: NDArray, is_first: NDArray[np.bool_]) -> bool:
    return bool(((values[1:] != values[:-1]) & ~is_first[1:]).any())


def _joined(columns: Sequence[NDArray]) -> NDArray:
    kinds = {column.dtype.kind for column in columns}
    if len(kinds) == 1:
        return np.concatenate(columns)
    # Of signed and unsigned counters numpy would make floats.
    dtype = np.float64 if "f" in kinds else np.int64
    return np.concatenate([column.astype(dtype) for column in columns])
