"""Sums over windows of time: grouped on integers, made text only when a window is published.

A window closes by the arrival clock, `lateness_s` after its end, never by the largest event time:
one router with a wrong clock would close all of them. What comes later, and what goes past
`max_groups`, is published as a further part of the same window; consumers sum the parts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters, register
from collector.processors.aggregate_keys import KeyColumns
from collector.processors.closed_window import ClosedWindow
from collector.processors.groups import Groups, merged
from collector.processors.key_words import Interned
from collector.records.distinct import distinct_ids
from collector.records.flow_batch import FlowBatch
from collector.records.publish import Tables

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
    parts: list[Groups] = field(default_factory=list)
    rows: int = 0
    merged_rows: int = 0
    interned: Interned = field(default_factory=dict)
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
        self._keys = KeyColumns(spec.keys, tables)
        self._sums = [_sum_of(name) for name in spec.sums]
        self._windows: dict[int, _Window] = {}
        self._published: dict[int, int] = {}  # window start: parts so far

    @property
    def wanted_columns(self) -> tuple[str, ...]:
        """Columns of flows that decide which sums they add what to."""
        times = ("timeStart", "timeEnd") if self.spec.time == "end" else ()
        return (*self.spec.keys, *self.spec.sums, *times)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the records, in order."""
        return ("windowStart", "windowLength", "part", *self.spec.keys, *self.spec.sums)

    @property
    def groups(self) -> int:
        """Groups in all open windows."""
        for window in self._windows.values():
            self._merge(window)
        return self._rows

    @property
    def _rows(self) -> int:
        return sum(window.rows for window in self._windows.values())

    def add(self, batch: FlowBatch, now_s: float) -> list[ClosedWindow]:
        """Add a batch of correlated flows.

        Args:
            now_s: the arrival clock.
        Returns:
            Parts that had to be published because there are too many groups; mostly none.
        """
        start = self._window_start(batch, now_s)
        starts = [int(start[0])] if (start == start[0]).all() else np.unique(start).tolist()
        for start_us in starts:
            rows = slice(None) if len(starts) == 1 else np.flatnonzero(start == start_us)
            self._add_part(start_us, batch, rows, now_s)
        return self._close_largest() if self._rows > self.spec.max_groups else []

    def _close_largest(self) -> list[ClosedWindow]:
        """Merge windows, and publish as many of the largest ones as there is no room for."""
        full = []
        while self.groups > self.spec.max_groups * _MERGED_SHARE:
            start_us = max(self._windows, key=lambda start: self._windows[start].rows)
            self._counters.add("aggregate_full")
            full.append(self._close(start_us))
        return full

    def tick(self, now_s: float) -> list[ClosedWindow]:
        """Publish the windows whose time is over."""
        due = [start for start, window in self._windows.items() if window.closes_s <= now_s]
        horizon_us = (now_s - 2 * self.spec.time_range_s - self.spec.window_s) * _SECOND_US
        for start in [start for start in self._published if start < horizon_us]:
            del self._published[start]
        return [self._close(start) for start in sorted(due)]

    def flush(self) -> list[ClosedWindow]:
        """Publish all windows as they are."""
        return [self._close(start) for start in sorted(self._windows)]

    def _window_start(self, batch: FlowBatch, now_s: float) -> NDArray[np.int64]:
        arrival = batch.columns["timeReceived"]
        event = arrival
        if self.spec.time == "end":
            for name in ("timeStart", "timeEnd"):
                if name in batch.columns:
                    given = _filled(batch, name, 0)
                    event = np.where(given != 0, given, event)
            oldest = int((now_s - self.spec.time_range_s) * _SECOND_US)
            newest = int((now_s + self.spec.window_s) * _SECOND_US)
            wrong = (event < oldest) | (event > newest)
            if wrong.any():
                self._counters.add("aggregate_time_out_of_range", int(wrong.sum()))
                event = np.where(wrong, arrival, event)
        length = self.spec.window_s * _SECOND_US
        return event // length * length

    def _add_part(
        self, start_us: int, batch: FlowBatch, rows: slice | NDArray[np.int64], now_s: float
    ) -> None:
        window = self._windows.get(start_us)
        if window is None:
            closes_s = start_us / _SECOND_US + self.spec.window_s + self.spec.lateness_s
            is_late = closes_s <= now_s
            if is_late:
                closes_s = now_s + self.spec.lateness_s
            window = self._windows[start_us] = _Window(closes_s, is_late)
        self._hold(window, batch, rows)
        part = Groups.of(
            self._keys.words,
            self._keys.pack(batch, rows, window.interned),
            [sum_of(batch)[rows] for sum_of in self._sums],
        )
        window.parts.append(part)
        window.rows += len(part)
        if window.rows - window.merged_rows > max(_MERGE_ROWS, window.merged_rows):
            self._merge(window)
        if window.is_late:
            self._counters.add("aggregate_late", len(part))

    def _merge(self, window: _Window) -> None:
        # Flows wait as they came: one grouping of many is cheaper than one of every batch.
        if window.rows == window.merged_rows:
            return
        window.parts = [merged(window.parts)]
        window.rows = window.merged_rows = len(window.parts[0])

    def _hold(self, window: _Window, batch: FlowBatch, rows: slice | NDArray[np.int64]) -> None:
        for name in self._keys.route_columns:
            if name not in batch.columns:
                continue
            distinct, _ = distinct_ids(batch.columns[name][rows])
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

    def _close(self, start_us: int) -> ClosedWindow:
        window = self._windows.pop(start_us)
        part = self._published.get(start_us, 0)
        self._published[start_us] = part + 1
        try:
            self._merge(window)
            groups = self._keys.folded(window.parts[0])
        except BaseException:
            self._release(window)
            raise
        facts = {"windowStart": start_us, "windowLength": self.spec.window_s, "part": part}
        return ClosedWindow(
            self._keys.words,
            groups,
            window.interned,
            facts,
            self.spec.sums,
            lambda: self._release(window),
        )

    def _release(self, window: _Window) -> None:
        self._tables.paths.release(np.flatnonzero(window.held))


def _sum_of(name: str) -> Callable[[FlowBatch], NDArray]:
    """Build what takes one sum's addends from a batch: shape (rows,)."""
    column = name.removesuffix("Renormalised")

    def addends(batch: FlowBatch) -> NDArray:
        if name == "flows":
            return np.ones(batch.rows, np.uint64)
        if column not in batch.columns:
            return np.zeros(batch.rows, np.uint64 if column == name else np.float64)
        values = _filled(batch, column, 0)
        if column == name:
            return values.astype(_wide(values.dtype), copy=False)
        # Where no rate is known there is most likely no sampling: one stands for one.
        rate = _filled(batch, "samplingRate", 1.0) if "samplingRate" in batch.columns else 1.0
        return values.astype(np.float64) * rate

    return addends


def _filled(batch: FlowBatch, name: str, value: float) -> NDArray:
    values, valid = batch.columns[name], batch.valid.get(name)
    return values if valid is None else np.where(valid, values, np.array(value, values.dtype))


def _wide(dtype: np.dtype) -> type:
    """Give the type to sum in, whatever width the counter has on the wire."""
    return {"f": np.float64, "i": np.int64}.get(dtype.kind, np.uint64)
