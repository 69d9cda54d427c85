"""Bins of time, and when a cache is purged (reference 5.1, 5.2).

Bins are counted from the last full minute before the start, or the last full hour, day, month,
week or year (`*_history_roundoff`, local time). Times of flows go into bins that are counted from
the current one.
"""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.nfacctd.flows.quirks import bin_of_earlier
from collector.nfacctd.settings import History
from collector.records.distinct import map_distinct

_LAST_S = 4_102_444_800  # 2100: what a hostile clock may say is no further away


def round_off(time_s: int, letters: str) -> int:
    """Floor a local time, to the minute at least.

    Each letter sets what it names to its first, and all that is smaller: "m" minutes, "h" hours,
    "d" the day of the month, "w" the day of the week, "M" the month.
    """
    moment = datetime.fromtimestamp(time_s).replace(second=0, microsecond=0)
    if letters:
        moment = moment.replace(minute=0)
    if set(letters) - {"m"}:
        moment = moment.replace(hour=0)
    if "w" in letters:
        moment -= timedelta(days=moment.weekday())
    if set(letters) & {"d", "M"}:
        moment = moment.replace(day=1)
    if "M" in letters:
        moment = moment.replace(month=1)
    return int(moment.timestamp())


def first_deadline(now_s: int, refresh_s: int, letters: str, startup_delay_s: int) -> int:
    """Tell when a cache is purged for the first time; then it is every ``refresh_s``."""
    start = round_off(now_s, letters)
    start += max(0, -(-(now_s - start) // refresh_s) - 1) * refresh_s
    return start + refresh_s + startup_delay_s


class TimeBins:
    """The current bin, and which bin a time is in."""

    __slots__ = ("_ended", "_history", "base_s")

    def __init__(self, history: History, now_s: int) -> None:
        self._history = history
        base = now_s
        if history.unit == "M":
            base = round_off(base, "d")
        start = round_off(base, history.roundoff)
        while start + self._length_s(start) < now_s:
            start = self._next(start, now_s)
        if history.offset_s:
            start -= self._length_s(start) + history.offset_s
        self.base_s = start
        self._ended: int | None = None  # the last bin that ended since the last purge

    def advance(self, now_s: int) -> None:
        """Move to the bin of now."""
        while now_s > self.end_of(self.base_s):
            self._ended = self.base_s
            self.base_s = self._next(self.base_s, now_s)
            length = self._history.length_s
            if length is not None:
                self._ended = self.base_s - length

    def purge_before(self, startup_delay_s: int) -> int:
        """Begin a purge: give the last bin that it takes, by its start.

        That is the last one to have ended since the purge before; where none has, the current bin.
        """
        last = self.base_s if self._ended is None else self._ended
        self._ended = None
        length = self._history.length_s
        return last - (startup_delay_s // length * length if length else 0)

    def of(self, stamps_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """Find the bins of times, by their starts; shape (n,) both."""
        length = self._history.length_s
        if length is not None:
            later = stamps_s - (stamps_s - self.base_s) % length
            earlier = stamps_s < self.base_s
            if not earlier.any():
                return later
            return np.where(earlier, bin_of_earlier(stamps_s, self.base_s, length), later)
        months = map_distinct([stamps_s], self._month_of, pl.Int64())
        return months.to_numpy()

    def end_of(self, bin_s: int) -> int:
        """Tell when a bin ends."""
        return bin_s + self._length_s(bin_s)

    def _length_s(self, bin_s: int) -> int:
        length = self._history.length_s
        return _months_later(bin_s, self._history.count) - bin_s if length is None else length

    def _next(self, bin_s: int, now_s: int) -> int:
        length = self._history.length_s
        if length is None:
            return _months_later(bin_s, self._history.count)
        # All at once: the clock may have been years off.
        return bin_s + max(1, (now_s - bin_s - 1) // length) * length

    def _month_of(self, stamp_s: int) -> int:
        """Find the bin of a time: one that is a bin's first second counts to the bin before."""
        stamp_s = min(max(stamp_s, 0), _LAST_S)
        count = self._history.count
        apart = _month_number(stamp_s) - _month_number(self.base_s)
        start = _months_later(self.base_s, (apart // count + 1) * count)
        while start > stamp_s or (start == stamp_s and start > self.base_s):
            start = _months_later(start, -count)
        return start


def _month_number(time_s: int) -> int:
    moment = datetime.fromtimestamp(time_s)
    return moment.year * 12 + moment.month - 1


def _months_later(time_s: int, months: int) -> int:
    moment = datetime.fromtimestamp(time_s)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return int(moment.replace(year=year, month=month + 1, day=1).timestamp())
