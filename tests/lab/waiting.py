"""Wait for what a real daemon does in its own time: poll with a deadline, never a blind sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(
    condition: Callable[[], T],
    what: str,
    *,
    deadline_s: float = 20.0,
    interval_s: float = 0.05,
    watch: Callable[[], None] | None = None,
    tell: Callable[[], object] | None = None,
) -> T:
    """Call ``condition`` until it returns something true, and return that.

    Args:
        what: completes "gave up waiting for ...".
        watch: called before each try; raises when waiting has become pointless (a dead daemon).
        tell: what to show when giving up; without it the last value of ``condition``.
    Raises:
        TimeoutError: the deadline has passed.
    """
    end = time.monotonic() + deadline_s
    while True:
        if watch:
            watch()
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            seen = tell() if tell else value
            raise TimeoutError(f"gave up waiting for {what} after {deadline_s} s: {seen!r:.2000}")
        time.sleep(interval_s)
