"""Key columns come out of their words as they went in, and rows merge by what they hold."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.processors.groups import Groups, merged
from collector.processors.key_words import Interned, KeyWords

_INTEGERS = {
    dtype: st.integers(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    for dtype in ("uint8", "uint16", "uint32", "uint64", "int16", "int32", "int64")
}
_TEXTS = st.sampled_from(["", "a", "ä", "xe-0/0/0"])
_COLUMN = st.one_of(
    *(
        st.tuples(st.just(dtype), st.lists(st.none() | values, min_size=6, max_size=6))
        for dtype, values in _INTEGERS.items()
    ),
    st.tuples(st.none(), st.lists(st.none() | _TEXTS, min_size=6, max_size=6)),
    st.tuples(st.none(), st.lists(st.none() | st.floats(allow_nan=False), min_size=6, max_size=6)),
)


def _packed(
    words: KeyWords, columns: list[tuple[str | None, list[Any]]], interned: Interned
) -> Any:
    def column_of(name: str) -> tuple[Any, Any]:
        dtype, values = columns[int(name)]
        if dtype is None:
            return pl.Series(values), None
        known = np.array([value is not None for value in values])
        return np.array([value or 0 for value in values], dtype), None if known.all() else known

    return words.pack(column_of, 6, interned)


@settings(deadline=None)
@given(st.lists(_COLUMN, min_size=1, max_size=70))
def test_columns_come_back(columns: list[tuple[str | None, list[Any]]]) -> None:
    words = KeyWords([(str(number), dtype) for number, (dtype, _) in enumerate(columns)])
    interned: Interned = {}
    packed = _packed(words, columns, interned)
    back = words.unpack(packed, interned)
    assert back.columns == [str(number) for number in range(len(columns))]
    for (_, values), column in zip(columns, back, strict=True):
        assert column.to_list() == values
    bits = sum(8 * np.dtype(dtype or "uint32").itemsize for dtype, _ in columns)
    assert len(packed) <= bits // 32 + 2  # at least half of each word is in use


def test_codes_go_on_in_the_next_batch() -> None:
    words = KeyWords([("0", None)])
    interned: Interned = {}
    first = _packed(words, [(None, ["a", "b", None, "a", "a", "c"])], interned)
    second = _packed(words, [(None, ["c", "d", "a", None, "a", "a"])], interned)
    assert words.unpack(first, interned)["0"].to_list() == ["a", "b", None, "a", "a", "c"]
    assert words.unpack(second, interned)["0"].to_list() == ["c", "d", "a", None, "a", "a"]
    assert len(interned["0"]) == 5


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2**40)),
        min_size=1,
        max_size=40,
    ),
    st.booleans(),
)
@pytest.mark.parametrize("collide", [False, True], ids=["hashed", "all-hashes-equal"])
def test_rows_of_a_key_are_added_up(
    collide: bool, rows: list[tuple[int, int, int]], in_two: bool
) -> None:
    keys = KeyWords([("a", "uint64"), ("b", "uint64")])

    def part(some: list[tuple[int, int, int]]) -> Groups:
        columns = {name: np.array([row[n] for row in some]) for n, name in enumerate("ab")}
        words = keys.pack(lambda name: (columns[name], None), len(some), {})
        made = Groups.of(keys, words, [np.array([row[2] for row in some], np.uint64)])
        hashes = np.zeros_like(made.hashes) if collide else made.hashes
        return Groups(made.words, hashes, made.checks, made.sums)

    halves = [rows[::2], rows[1::2]] if in_two and len(rows) > 1 else [rows]
    total = merged([merged([part(half)]) for half in halves])
    wanted: dict[tuple[int, int], int] = {}
    for a, b, octets in rows:
        wanted[a, b] = wanted.get((a, b), 0) + octets
    back = keys.unpack(total.words, {}).rows()
    told = [(*key, octets) for key, octets in zip(back, total.sums[0].tolist(), strict=True)]
    assert {(a, b): octets for a, b, octets in told} == wanted
    assert len(total) == len(wanted)
