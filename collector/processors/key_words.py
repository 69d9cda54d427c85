"""Key columns packed into 64-bit words, and unpacked: narrow ones share a word.

Rows are then grouped by one hash of their words, where grouping by a dozen columns costs five times
as much.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Words = list[NDArray[np.uint64]]
"""Of n rows: arrays of shape (n,)."""

Interned = dict[str, dict[Any, int]]
"""Column name to the codes of its values, for columns that are no integers of a known width."""

ColumnOf = Callable[[str], tuple[Any, NDArray[np.bool_] | None]]
"""Gives a column's values (None: the batch has none) and which are valid (None: all)."""

_WORD_BITS = 64
_CODE = "uint32"
_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    dtype: np.dtype
    interned: bool
    word: int
    shift: int
    mark: int  # bit of the row's marks that says that the value is valid

    def values(self, words: Words) -> NDArray:
        unsigned = (words[self.word] >> np.uint64(self.shift)).astype(f"u{self.dtype.itemsize}")
        return unsigned.view(self.dtype)


class KeyWords:
    """Where each column stands in the words.

    Args:
        columns: name and numpy dtype of each; dtype None: any values, which get codes.
    """

    def __init__(self, columns: Sequence[tuple[str, str | None]]) -> None:
        used: list[int] = []  # bits of each word
        self._fields: list[_Field] = []
        wide_first = sorted(
            enumerate(columns), key=lambda entry: -np.dtype(entry[1][1] or _CODE).itemsize
        )
        for mark, (name, dtype) in wide_first:
            kind = np.dtype(dtype or _CODE)
            bits = 8 * kind.itemsize
            word = next((n for n, taken in enumerate(used) if taken + bits <= _WORD_BITS), None)
            if word is None:
                word = len(used)
                used.append(0)
            self._fields.append(_Field(name, kind, dtype is None, word, used[word], mark))
            used[word] += bits
        self._marks_at = len(used)  # the words behind the values', one mark a column
        self.count = len(used) + -(-len(columns) // _WORD_BITS)
        self._names = [name for name, _ in columns]
        # Secret, so that nobody can choose flows that fall into one group; odd, so that no bit of a
        # word is lost.
        self._multipliers = [np.uint64(secrets.randbits(64) | 1) for _ in range(self.count + 1)]
        self._checks = [np.uint64(secrets.randbits(64) | 1) for _ in range(self.count + 1)]

    def pack(self, column_of: ColumnOf, rows: int, interned: Interned) -> Words:
        """Pack the columns of some rows.

        Args:
            interned: codes given so far, by those who keep the words; more may be added.
        """
        words: list[NDArray[np.uint64] | None] = [None] * self.count
        marks = [0] * (self.count - self._marks_at)
        for field in self._fields:
            values, valid = column_of(field.name)
            if values is None:
                continue
            if field.interned:
                values = _codes(values, valid, interned.setdefault(field.name, {}))
                valid = None
            elif valid is not None:
                values = np.where(valid, values, 0)
            place, bit = divmod(field.mark, _WORD_BITS)
            if valid is None:
                marks[place] |= 1 << bit
            else:
                at = self._marks_at + place
                words[at] = _joined(words[at], valid.view(np.uint8), bit)
            # In its own width first: a negative number must not spill into its neighbours.
            values = values.astype(field.dtype, copy=False).view(f"u{field.dtype.itemsize}")
            words[field.word] = _joined(words[field.word], values, field.shift)
        for place, mark in enumerate(marks):
            at = self._marks_at + place
            said = words[at]
            constant = np.full(rows, mark, np.uint64)
            words[at] = constant if said is None else said | constant
        return [np.zeros(rows, np.uint64) if word is None else word for word in words]

    def unpack(self, words: Words, interned: Interned) -> pl.DataFrame:
        """Give the columns of packed rows, null where a value is not valid."""
        made: dict[str, pl.Series] = {}
        for field in self._fields:
            place, bit = divmod(field.mark, _WORD_BITS)
            valid = (words[self._marks_at + place] >> np.uint64(bit)) & np.uint64(1) != 0
            values = field.values(words)
            if field.interned:
                known = pl.Series(list(interned.get(field.name, {None: 0})), strict=False)
                column = known[pl.Series(np.where(valid, values, 0))]
            else:
                column = pl.Series(values)
            if not valid.all():
                column = column.zip_with(pl.Series(valid), pl.Series([None], dtype=column.dtype))
            made[field.name] = column
        return pl.DataFrame([made[name].alias(name) for name in self._names])

    def values(self, name: str, words: Words) -> NDArray:
        """Give the values of one column, shape (n,); codes, where its values have codes."""
        return self._field(name).values(words)

    def replace(self, name: str, words: Words, values: NDArray) -> None:
        """Put other values into a column, in a new word in place of the one that has it."""
        field = self._field(name)
        mask = np.uint64(((1 << 8 * field.dtype.itemsize) - 1) << field.shift)
        values = values.astype(field.dtype, copy=False).view(f"u{field.dtype.itemsize}")
        words[field.word] = _joined(words[field.word] & ~mask, values, field.shift)

    def _field(self, name: str) -> _Field:
        return next(field for field in self._fields if field.name == name)

    def hashes(self, words: Words) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Hash rows in two independent ways, shape (n,) each.

        Rows whose first hashes are equal are the same in all words, but for one chance in 2^64 a
        pair; where also the second ones are, no chance is left worth a thought.
        """
        hashes = words[0] * self._multipliers[0]
        checks = words[0] * self._checks[0]
        for word, multiplier, check in zip(
            words[1:], self._multipliers[1:-1], self._checks[1:-1], strict=True
        ):
            hashes ^= hashes >> _HALF
            hashes += word
            hashes *= multiplier
            checks += word * check
        hashes ^= hashes >> _HALF
        hashes *= self._multipliers[-1]
        # Sums of checks are compared: keys in arithmetic progression must not have checks in one.
        checks ^= checks >> _HALF
        checks *= self._checks[-1]
        return hashes, checks


def _joined(word: NDArray[np.uint64] | None, values: NDArray, shift: int) -> NDArray[np.uint64]:
    if word is None and not shift:
        return values.astype(np.uint64)
    moved = np.left_shift(values, np.uint64(shift), dtype=np.uint64)
    if word is None:
        return moved
    word |= moved
    return word


def _codes(values: Any, valid: NDArray[np.bool_] | None, codes: dict[Any, int]) -> NDArray:
    """Give each distinct value a small number: those of a batch are few."""
    column = values if isinstance(values, pl.Series) else pl.Series(values)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if valid is not None:
        column = column.zip_with(pl.Series(valid), pl.Series([None], dtype=column.dtype))
    distinct = column.unique()
    numbers = [codes.setdefault(value, len(codes)) for value in distinct.to_list()]
    if len(numbers) == 1:
        return np.full(len(column), numbers[0], np.uint32)
    return column.replace_strict(distinct, pl.Series(numbers, dtype=pl.UInt32)).to_numpy()
