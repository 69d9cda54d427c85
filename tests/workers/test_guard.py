"""An error that nobody foresaw costs its own piece of work, and is told once."""

import asyncio
import logging

import polars as pl
import pytest

from collector.metrics import Counters
from collector.workers.guard import Guard


def fail(kind: type[BaseException] = ValueError) -> None:
    raise kind("why")


def fail_elsewhere() -> None:
    raise ValueError("why")


def test_it_is_counted_each_time_and_logged_once_for_each_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counters = Counters()
    guard = Guard(counters)
    for _ in range(3):
        assert not guard.run("work", fail)
    assert not guard.run("work", fail_elsewhere)
    assert counters == {"unexpected_errors.work": 4}
    assert len(caplog.records) == 2
    assert all(record.exc_info for record in caplog.records)


def test_what_goes_well_may_still_say_no() -> None:
    guard = Guard(Counters())
    assert guard.run("work", list)
    assert guard.run("work", bool, 1)
    assert not guard.run("work", bool, 0)


def test_a_panic_of_polars_is_no_end_but_a_keyboard_is() -> None:
    guard = Guard(Counters())
    assert not guard.run("work", fail, pl.exceptions.PanicException)
    with pytest.raises(KeyboardInterrupt):
        guard.run("work", fail, KeyboardInterrupt)


def test_tasks_are_watched_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    guard = Guard(counters)

    async def failing() -> None:
        fail()

    async def run() -> None:
        task = asyncio.ensure_future(failing())
        guard.watch("watched", task)
        await asyncio.wait([task])
        cancelled = asyncio.ensure_future(asyncio.sleep(100))
        guard.watch("watched", cancelled)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        assert await guard.wait("awaited", asyncio.sleep(0))
        assert not await guard.wait("awaited", failing())
        await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert counters == {"unexpected_errors.watched": 1, "unexpected_errors.awaited": 1}
