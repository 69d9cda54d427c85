"""Where an error that nobody foresaw ends: counted, logged once with its traceback, work goes on.

A worker holds many devices, and what fails for one of them by a mistake of ours must not stop the
others. So everything that its loop calls runs through here, and nothing else catches all.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

from polars.exceptions import PanicException

from collector.metrics import Counters, register

register(unexpected_errors="errors that nobody foresaw, by what was done; the log has each once")

_MAX_PLACES = 1_000

log = logging.getLogger(__name__)


class Guard:
    """Runs pieces of work of one worker so that each can fail alone."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._logged: set[tuple[str, int | None]] = set()

    def run(self, what: str, work: Callable[..., object], *arguments: object) -> bool:
        """Do a piece of work.

        Args:
            what: names the work in the counter and the log.
        Returns:
            False where it raised, or returned False itself.
        """
        try:
            return work(*arguments) is not False
        except (Exception, PanicException) as error:  # a panic of polars is a BaseException
            self._note(what, error)
            return False

    async def wait(self, what: str, work: Awaitable[object]) -> bool:
        """Wait for work to end; return whether it ended without raising."""
        try:
            await work
        except (Exception, PanicException) as error:
            self._note(what, error)
            return False
        return True

    def watch(self, what: str, task: asyncio.Future[object]) -> None:
        """See to it that a task's failure is noted; what waits for the task must cope itself."""
        task.add_done_callback(lambda task: self._ended(what, task))

    def _ended(self, what: str, task: asyncio.Future[object]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._note(what, error)

    def _note(self, what: str, error: BaseException) -> None:
        self._counters.add(f"unexpected_errors.{what}")
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = (last.filename, last.lineno)
        if place in self._logged or len(self._logged) >= _MAX_PLACES:
            return
        self._logged.add(place)
        log.error("%s: unexpected error, counted from now on", what, exc_info=error)
