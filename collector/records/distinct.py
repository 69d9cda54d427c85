"""A Python function applied to a column: once for each distinct value, never for each record."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray


def map_distinct(
    keys: Sequence[NDArray[np.integer] | pl.Series],
    value_of: Callable[..., object],
    dtype: pl.DataType,
) -> pl.Series:
    """Apply a function to each distinct combination of values and spread its answers.

    Args:
        keys: columns of shape (n,).
        value_of: takes one Python value for each column; None gives null.
        dtype: of what it returns.
    Returns:
        Shape (n,).
    """
    names = [f"k{number}" for number in range(len(keys))]
    frame = pl.DataFrame([pl.Series(name, key) for name, key in zip(names, keys, strict=True)])
    distinct = frame.unique()
    values = [value_of(*row) for row in distinct.iter_rows()]
    distinct = distinct.with_columns(pl.Series("value", values, dtype=dtype))
    joined = frame.join(distinct, on=names, how="left", maintain_order="left", nulls_equal=True)
    return joined["value"]


def distinct_ids(ids: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the distinct ids of a column and, for each row, which of them it has.

    Ids are small integers: marking them in a table is several times cheaper than a sort.

    Args:
        ids: shape (n,), none negative.
    Returns:
        Shape (d,), ascending; shape (n,), index into it.
    """
    seen = np.zeros(int(ids.max(initial=0)) + 1, bool)
    seen[ids] = True
    distinct = np.flatnonzero(seen)
    position = np.zeros(len(seen), np.int64)
    position[distinct] = np.arange(len(distinct))
    return distinct, position[ids]
