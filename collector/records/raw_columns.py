"""Raw columns: integers and codes, before anything is made text; `publish.py` does that."""

from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.records.flow_batch import FlowBatch


class RawColumns(Protocol):
    """Columns of some rows by name, nulls where a value is missing; a DataFrame is one."""

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""

    def __getitem__(self, name: str) -> pl.Series:
        """Give a column that there is."""


class BatchColumns:
    """The raw columns of a batch, each made when it is first asked for."""

    def __init__(self, batch: FlowBatch) -> None:
        self._batch = batch
        self._made: dict[str, pl.Series] = {}

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""
        return list(self._batch.columns)

    def __getitem__(self, name: str) -> pl.Series:
        column = self._made.get(name)
        if column is None:
            column = _series(name, self._batch.columns[name])
            valid = self._batch.valid.get(name.partition(".")[0])
            if valid is not None:
                column = null_where_not(column, valid).alias(name)
            self._made[name] = column
        return column


def null_where_not(values: pl.Series, valid: NDArray[np.bool_]) -> pl.Series:
    """Make null what is not valid: at once, where a polars expression costs a query."""
    return values.zip_with(pl.Series(valid), pl.Series([None], dtype=values.dtype))


def _series(name: str, values: Any) -> pl.Series:
    if isinstance(values, list):
        return pl.Series(name, values, dtype=pl.String)
    return values if isinstance(values, pl.Series) else pl.Series(name, values)
