"""A batch as one DataFrame of raw columns: integers and codes, before anything is made text.

Raw frames are what is grouped and filtered cheaply; `publish.py` turns one into what is published.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.records.columns import KINDS, Kind
from collector.records.flow_batch import FlowBatch


def raw_frame(batch: FlowBatch) -> pl.DataFrame:
    """Put a batch's columns into one DataFrame, nulls where a value is missing."""
    series = []
    for name, values in batch.columns.items():
        column = _series(name, values)
        valid = batch.valid.get(name.partition(".")[0])
        if valid is not None:
            column = null_where_not(column, valid)
        series.append(column.alias(name))
    return pl.DataFrame(series)


def null_where_not(values: pl.Series, valid: NDArray[np.bool_]) -> pl.Series:
    """Make null what is not valid: at once, where a polars expression costs a query."""
    return values.zip_with(pl.Series(valid), pl.Series([None], dtype=values.dtype))


def _series(name: str, values: Any) -> pl.Series:
    if isinstance(values, list):
        return pl.Series(name, values, dtype=pl.String)
    return values if isinstance(values, pl.Series) else pl.Series(name, values)


def raw_names(name: str) -> tuple[str, ...]:
    """Name the raw columns that hold a record column."""
    if KINDS.get(name) is Kind.ADDRESS:
        return (f"{name}.hi", f"{name}.lo")
    return (name,)
