"""Bins of time, and the schedule of purges."""

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.flows.time_bins import TimeBins, first_deadline, round_off
from collector.nfacctd.settings import History


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def bins(stamps: list[int], now: str, **history: object) -> list[int]:
    found = TimeBins(History(**history), at(now)).of(np.array(stamps, np.int64))
    return found.tolist()


@pytest.mark.parametrize(
    ("letters", "floor"),
    [
        ("", "2026-11-25T14:35:00"),
        ("m", "2026-11-25T14:00:00"),
        ("h", "2026-11-25T00:00:00"),
        ("mh", "2026-11-25T00:00:00"),
        ("d", "2026-11-01T00:00:00"),
        ("w", "2026-11-23T00:00:00"),
        ("M", "2026-01-01T00:00:00"),
        ("Md", "2026-01-01T00:00:00"),
    ],
)
def test_round_off(letters: str, floor: str) -> None:
    assert round_off(at("2026-11-25T14:35:42"), letters) == at(floor)


def test_bins_are_counted_from_the_round_off() -> None:
    now = "2026-11-25T14:35:42"
    stamps = [at("2026-11-25T14:35:10"), at("2026-11-25T14:29:59")]
    seven = bins(stamps, now, count=7, unit="m", roundoff="m")
    assert seven == [at("2026-11-25T14:35:00"), at("2026-11-25T14:28:00")]
    offset = bins(stamps, now, count=7, unit="m", roundoff="m", offset_s=60)
    assert offset == [at("2026-11-25T14:34:00"), at("2026-11-25T14:27:00")]
    days = bins(stamps, now, count=1, unit="d", roundoff="d")
    assert days == [at("2026-11-25T00:00:00")] * 2


def test_a_time_that_is_whole_bins_before_the_current_one_falls_one_bin_too_early() -> None:
    now = "2026-11-25T14:35:42"
    stamps = [at("2026-11-25T14:35:00"), at("2026-11-25T14:34:00"), at("2026-11-25T14:33:59")]
    found = bins(stamps, now, count=1, unit="m", roundoff="m")
    assert found == [at(f"2026-11-25T14:{minute}:00") for minute in (35, 33, 33)]


def test_months_are_of_the_calendar() -> None:
    stamps = [at("2026-11-02T00:00:00"), at("2026-10-31T23:00:00"), at("2024-02-29T12:00:00")]
    found = bins(stamps, "2026-11-25T14:35:42", count=1, unit="M", roundoff="d")
    assert found == [at(f"{month}-01T00:00:00") for month in ("2026-11", "2026-10", "2024-02")]


@given(st.lists(st.integers(-(2**62), 2**62), max_size=5), st.sampled_from("smhdwM"))
def test_any_time_has_a_bin(stamps: list[int], unit: str) -> None:
    found = bins(stamps, "2026-11-25T14:35:42", count=1, unit=unit, roundoff="m")
    assert len(found) == len(stamps)


def test_the_clock_moves_the_current_bin_and_ends_others() -> None:
    now_s = at("2026-11-25T14:35:42")
    minutes = TimeBins(History(count=1, unit="m", roundoff="m"), now_s)
    base_s = at("2026-11-25T14:35:00")
    assert minutes.purge_before(0) == base_s  # none has ended: nfacctd takes the open one
    minutes.advance(base_s + 60)
    assert minutes.base_s == base_s
    minutes.advance(base_s + 61)
    assert minutes.base_s == base_s + 60
    assert minutes.purge_before(0) == base_s
    assert minutes.purge_before(0) == base_s + 60
    minutes.advance(base_s + 10_000_000)
    assert 0 < base_s + 10_000_000 - minutes.base_s <= 60
    assert minutes.purge_before(120) == minutes.base_s - 60 - 120


def test_deadlines_are_counted_from_the_round_off() -> None:
    now_s = at("2026-11-25T14:35:42")
    assert first_deadline(now_s, 60, "m", 0) == at("2026-11-25T14:36:00")
    assert first_deadline(now_s, 60, "m", 7) == at("2026-11-25T14:36:07")
    assert first_deadline(at("2026-11-25T14:35:00"), 60, "m", 0) == at("2026-11-25T14:35:00")
