"""Sums over windows of time: grouped on integers, made text only when a window is published.

A window closes by the arrival clock, `lateness_s` after its end, never by the largest event time:
one router with a wrong clock would close all of them. What comes later, and what goes past
`max_groups`, is published as a further part of the same window; consumers sum the parts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.metrics import Counters, register
from collector.processors.aggregate_keys import KeyColumns
from collector.records.publish import Tables, published_frame

register(
    aggregate_time_out_of_range="flows whose own time is not believable; their arrival counts",
    aggregate_late="flows that came after their window was published; they make a further part",
    aggregate_full="windows published before their end because of max_groups",
)

_SECOND_US = 1_000_000
_MERGE_ROWS = 131_072  # partial sums are merged when this many rows have come since the last time
# A window that does not shrink below this share of `max_groups` is published: one that stays just
# below would be merged anew with every batch.
_MERGED_SHARE = 7 / 8


@dataclass(frozen=True, slots=True)
class AggregateSpec:
    """What is summed, by what, over how long; see `[[aggregate]]` in the configuration."""

    name: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    window_s: int
    time: str
    lateness_s: int
    time_range_s: int
    max_groups: int


@dataclass(slots=True)
class _Window:
    closes_s: float
    is_late: bool = False
    parts: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0
    merged_rows: int = 0
    held: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))


class Aggregator:
    """The open windows of one aggregate.

    A window holds (counts a reference to) every attribute set that its groups name, so that an id
    is not given to another set of attributes while the window is open.
    """

    def __init__(self, spec: AggregateSpec, tables: Tables, counters: Counters) -> None:
        self.spec = spec
        self._tables = tables
        self._counters = counters
        self._keys = KeyColumns(spec.keys, tables.paths)
        self._sums = [_sum_of(name) for name in spec.sums]
        self._windows: dict[int, _Window] = {}
        self._published: dict[int, int] = {}  # window start: parts so far

    @property
    def groups(self) -> int:
        """Groups in all open windows."""
        for window in self._windows.values():
            self._merge(window)
        return self._rows

    @property
    def _rows(self) -> int:
        return sum(window.rows for window in self._windows.values())

    def add(self, raw: pl.DataFrame, now_s: float) -> list[pl.DataFrame]:
        """Add a batch of correlated flows.

        Args:
            raw: as `records.frame.raw_frame` makes it.
            now_s: the arrival clock.
        Returns:
            Parts that had to be published because there are too many groups; mostly none.
        """
        frame = self._keys.select(raw).hstack([expression(raw) for expression in self._sums])
        start = self._window_start(raw, now_s)
        starts = np.unique(start).tolist()
        for start_us in starts:
            part = frame if len(starts) == 1 else frame.filter(pl.Series(start == start_us))
            if self._add_part(start_us, part, now_s):
                self._counters.add("aggregate_late", part.height)
        return self._close_largest() if self._rows > self.spec.max_groups else []

    def _close_largest(self) -> list[pl.DataFrame]:
        """Merge windows, and publish as many of the largest ones as there is no room for."""
        full = []
        while self.groups > self.spec.max_groups * _MERGED_SHARE:
            start_us = max(self._windows, key=lambda start: self._windows[start].rows)
            self._counters.add("aggregate_full")
            full.append(self._close(start_us))
        return full

    def tick(self, now_s: float) -> list[pl.DataFrame]:
        """Publish the windows whose time is over."""
        due = [start for start, window in self._windows.items() if window.closes_s <= now_s]
        horizon_us = (now_s - 2 * self.spec.time_range_s - self.spec.window_s) * _SECOND_US
        for start in [start for start in self._published if start < horizon_us]:
            del self._published[start]
        return [self._close(start) for start in sorted(due)]

    def flush(self) -> list[pl.DataFrame]:
        """Publish all windows as they are."""
        return [self._close(start) for start in sorted(self._windows)]

    def _window_start(self, raw: pl.DataFrame, now_s: float) -> NDArray[np.int64]:
        arrival = raw["timeReceived"].to_numpy()
        event = arrival
        if self.spec.time == "end":
            for name in ("timeStart", "timeEnd"):
                if name in raw.columns:
                    given = _filled(raw[name], 0).to_numpy()
                    event = np.where(given != 0, given, event)
            oldest = int((now_s - self.spec.time_range_s) * _SECOND_US)
            newest = int((now_s + self.spec.window_s) * _SECOND_US)
            wrong = (event < oldest) | (event > newest)
            if wrong.any():
                self._counters.add("aggregate_time_out_of_range", int(wrong.sum()))
                event = np.where(wrong, arrival, event)
        length = self.spec.window_s * _SECOND_US
        return event // length * length

    def _add_part(self, start_us: int, part: pl.DataFrame, now_s: float) -> bool:
        """Add flows to their window; return whether it was published without them before."""
        window = self._windows.get(start_us)
        if window is None:
            closes_s = start_us / _SECOND_US + self.spec.window_s + self.spec.lateness_s
            is_late = closes_s <= now_s
            if is_late:
                closes_s = now_s + self.spec.lateness_s
            window = self._windows[start_us] = _Window(closes_s, is_late)
        self._hold(window, part)
        window.parts.append(part)
        window.rows += part.height
        if window.rows - window.merged_rows > max(_MERGE_ROWS, window.merged_rows):
            self._merge(window)
        return window.is_late

    def _merge(self, window: _Window) -> None:
        # Flows wait as they came: one grouping of many is cheaper than one of every batch.
        if window.rows == window.merged_rows:
            return
        rows = pl.concat(window.parts, how="vertical_relaxed", rechunk=True)
        keys = [name for name in rows.columns if name not in self.spec.sums]
        window.parts = [rows.group_by(keys).agg(pl.col(*self.spec.sums).sum())]
        window.rows = window.merged_rows = window.parts[0].height

    def _hold(self, window: _Window, part: pl.DataFrame) -> None:
        for name in self._keys.route_columns:
            distinct = np.unique(part[name].to_numpy())
            distinct = distinct[distinct != 0]
            if not len(distinct):
                continue
            if distinct[-1] >= len(window.held):
                grown = np.zeros(max(int(distinct[-1]) + 1, 2 * len(window.held)), bool)
                grown[: len(window.held)] = window.held
                window.held = grown
            new = distinct[~window.held[distinct]]
            window.held[new] = True
            self._tables.paths.hold(new)

    def _close(self, start_us: int) -> pl.DataFrame:
        window = self._windows.pop(start_us)
        part = self._published.get(start_us, 0)
        self._published[start_us] = part + 1
        try:
            return self._published_part(window, start_us, part)
        finally:
            self._tables.paths.release(np.flatnonzero(window.held))

    def _published_part(self, window: _Window, start_us: int, part: int) -> pl.DataFrame:
        self._merge(window)
        raw = window.parts[0]
        keys = raw.drop(self.spec.sums)
        texts = published_frame(keys, self._tables, self.spec.keys)
        texts = texts.select(name for name in self.spec.keys if name in texts.columns)
        frame = texts.with_columns(raw[name] for name in self.spec.sums)
        if self._keys.route_columns:
            # Several attribute sets may agree in all that was asked for.
            frame = frame.group_by(texts.columns, maintain_order=True).agg(
                pl.col(*self.spec.sums).sum()
            )
        return frame.select(
            pl.lit(start_us).alias("windowStart"),
            pl.lit(self.spec.window_s).alias("windowLength"),
            pl.lit(part).alias("part"),
            pl.all(),
        )


def _sum_of(name: str) -> Callable[[pl.DataFrame], pl.Series]:
    """Build the expression of one sum, as a function of the batch it is taken from."""

    def expression(raw: pl.DataFrame) -> pl.Series:
        if name == "flows":
            return pl.Series(name, np.ones(raw.height, np.uint64))
        column = name.removesuffix("Renormalised")
        if column not in raw.columns:
            dtype = pl.UInt64 if column == name else pl.Float64
            return pl.Series(name, np.zeros(raw.height), dtype=dtype)
        values = _filled(raw[column], 0)
        if column == name:
            return values.cast(_wide(values.dtype)).alias(name)
        # Where no rate is known there is most likely no sampling: one stands for one.
        rate = _filled(raw["samplingRate"], 1.0) if "samplingRate" in raw.columns else 1.0
        return (values.cast(pl.Float64) * rate).alias(name)

    return expression


def _filled(values: pl.Series, value: float) -> pl.Series:
    return values.fill_null(value) if values.null_count() else values


def _wide(dtype: pl.DataType) -> pl.DataType:
    """Give the type to sum in: polars keeps 32 bits where a counter has them, and wraps."""
    if dtype.is_float():
        return pl.Float64()
    return pl.Int64() if dtype.is_signed_integer() else pl.UInt64()
