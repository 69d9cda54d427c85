"""A batch being filled in: raw columns out of records, and what tables say of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from collector.nfacctd.flows.options import NfacctdOptions
from collector.nfacctd.flows.raw_columns import dtype_of, filled, of_type, parts

OptionsOf = Callable[[int], NfacctdOptions | None]
"""What the options data of an exporter (by index) say; None: it sent none."""


class Frame:
    """Raw columns of one batch. A column that is missing counts as zeros."""

    __slots__ = ("data",)

    def __init__(self, data: pl.DataFrame) -> None:
        self.data = data

    @property
    def rows(self) -> int:
        """How many records there are."""
        return self.data.height

    def has(self, name: str) -> bool:
        """Tell whether a raw value is there, for some record at least."""
        return any(part in self.data.columns for part in parts(name))

    def get(self, column: str) -> pl.Series:
        """Give one column; zeros where it is missing."""
        return filled(self.data, column)

    def numpy(self, column: str) -> np.ndarray:
        """Give one column of numbers."""
        return self.get(column).to_numpy()

    def halves(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Give a column of addresses."""
        return self.numpy(f"{name}.hi"), self.numpy(f"{name}.lo")

    def put(self, column: str, values: Any) -> None:
        """Add or replace a column."""
        series = of_type(pl.Series(column, values), dtype_of(column))
        self.data = self.data.with_columns(series.alias(column))

    def put_halves(self, name: str, high: Any, low: Any) -> None:
        """Add or replace a column of addresses."""
        self.put(f"{name}.hi", high)
        self.put(f"{name}.lo", low)
