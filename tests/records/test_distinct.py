"""A function of distinct values gives each row what a call for it alone would."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from collector.records.distinct import map_distinct

_ROW = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 3), st.just(7))


@given(st.lists(_ROW, min_size=1, max_size=40))
def test_numbers(rows: list[tuple[int, int, int]]) -> None:
    asked = []

    def value_of(*row: int) -> str | None:
        asked.append(row)
        return None if row[1] == 0 else f"{row}"

    columns = [np.array(column, np.uint64) for column in zip(*rows, strict=True)]
    told = map_distinct(columns, value_of, pl.String())
    assert sorted(asked) == sorted(set(rows))
    assert told.to_list() == [None if row[1] == 0 else f"{row}" for row in rows]


def test_numbers_and_nulls_and_texts() -> None:
    numbers = np.array([1, 1, 2], np.uint32)
    others = pl.Series([None, None, "b"], dtype=pl.String)
    told = map_distinct([numbers, others], lambda n, text: f"{n} {text}", pl.String())
    assert told.to_list() == ["1 None", "1 None", "2 b"]


def test_no_rows() -> None:
    assert map_distinct([np.zeros(0, np.uint8)], str, pl.String()).to_list() == []
