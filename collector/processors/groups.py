"""Sums by key: rows of packed keys, merged by the hash of their words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
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
    """Add up the rows that have the same key."""
    words = [np.concatenate(column) for column in zip(*(part.words for part in parts), strict=True)]
    hashes = np.concatenate([part.hashes for part in parts])
    checks = np.concatenate([part.checks for part in parts])
    sums = [_joined(column) for column in zip(*(part.sums for part in parts), strict=True)]
    names = [f"s{number}" for number in range(len(sums))]
    frame = pl.DataFrame(
        [
            pl.Series("hash", hashes),
            pl.Series("check", checks),
            pl.Series("row", np.arange(len(hashes), dtype=np.uint32)),
            *(pl.Series(name, column) for name, column in zip(names, sums, strict=True)),
        ]
    )
    grouped = _grouped(frame, ["hash"], names)
    rows = grouped["row"].to_numpy()
    # Of one key all checks are the same, and so their sum is a multiple.
    if (checks[rows] * grouped["len"].to_numpy() != grouped["check"].to_numpy()).any():
        # Two keys have one hash: once in the life of a thousand such services.
        columns = [pl.Series(f"w{number}", word) for number, word in enumerate(words)]
        grouped = _grouped(frame.hstack(columns), [column.name for column in columns], names)
        rows = grouped["row"].to_numpy()
    return Groups(
        [word[rows] for word in words],
        hashes[rows],
        checks[rows],
        [grouped[name].to_numpy() for name in names],
    )


def _grouped(frame: pl.DataFrame, by: list[str], sums: list[str]) -> pl.DataFrame:
    return frame.group_by(by).agg(
        pl.col("row").first(), pl.len().cast(pl.UInt64), pl.col("check", *sums).sum()
    )


def _joined(columns: Sequence[NDArray]) -> NDArray:
    kinds = {column.dtype.kind for column in columns}
    if len(kinds) == 1:
        return np.concatenate(columns)
    # Of signed and unsigned counters numpy would make floats.
    dtype = np.float64 if "f" in kinds else np.int64
    return np.concatenate([column.astype(dtype) for column in columns])
