"""An outbox: batches wait here, bounded by octets, until an exporter acknowledged them."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable

from collector.errors import RejectedExportError, RetryableExportError
from collector.metrics import Counters, register
from collector.pipeline.batch import (
    Batch,
    Exporter,
    PartlyRejectedError,
    UnfinishedExportError,
    merged,
)

register(
    export_records="records acknowledged, by output",
    export_octets="octets of payload acknowledged, by output",
    export_dropped="records dropped, by output and reason (full, too_large, refused, stopped)",
    export_retries="times that a batch had to be sent again, by output",
)

_log = logging.getLogger(__name__)

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
# What Python needs for a message beside its octets: two bytes objects and a tuple.
_MESSAGE_OVERHEAD = 120
# Small batches of one topic are sent together: a destination 10 ms away would otherwise take
# 100 a second. More than a few MiB at once would only make its acknowledgement late.
_SEND_OCTETS = 4 << 20


class Outbox:
    """Queue of batches in front of one exporter; everything happens on one event loop.

    ``run`` sends them in order, one at a time, and repeats what is retryable with exponential
    back-off: nothing overtakes. Counters are ``export_records.NAME``, ``export_dropped.NAME.full``
    and so on.

    Args:
        exporter: started and closed by the outbox.
        limit_octets: of all that waits or is being sent, Python's overhead included.
        counters: where records are counted.
        name: of the output, in counters and log lines.
        on_room: called after batches were dropped because the outbox was full, once half of it
            is free again: what was lost can be published anew.
        sleep: waits between two attempts; tests replace it.
        jitter: a number from 0 to 1 for each wait, so that workers do not retry in step.
    """

    def __init__(
        self,
        exporter: Exporter,
        *,
        limit_octets: int,
        counters: Counters,
        name: str,
        on_room: Callable[[], None] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._exporter = exporter
        self._limit = limit_octets
        self._counters = counters
        self._name = name
        self._on_room = on_room
        self._sleep = sleep
        self._jitter = jitter
        self._waiting: deque[Batch] = deque()
        self._sending: Batch | None = None
        self._held_octets = 0
        self._lost = False
        self._closing = False
        self._runner: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self.last_error: str | None = None
        """Why the last attempt failed; None once one succeeded."""

    @property
    def unacknowledged_records(self) -> int:
        """Records that wait or are being sent."""
        sending = self._sending.records if self._sending else 0
        return sending + sum(batch.records for batch in self._waiting)

    @property
    def held_octets(self) -> int:
        """Memory of all batches here, which ``limit_octets`` bounds."""
        return self._held_octets

    def put(self, batch: Batch) -> bool:
        """Queue a batch; never waits.

        Returns:
            False where there is no room or the outbox is closing: the batch is dropped, counted.
        """
        if self._closing:
            self._drop(batch.records, "stopped")
            return False
        if self._held_octets + _cost(batch) > self._limit:
            if not self._lost:
                _log.warning("output %s: buffer is full, dropping (%s)", self._name, self._why())
            self._lost = True
            self._drop(batch.records, "full")
            return False
        self._held_octets += _cost(batch)
        self._waiting.append(batch)
        self._wake.set()
        return True

    async def run(self) -> None:
        """Start the exporter, then send until ``drain`` finds nothing left.

        Raises:
            ExportError: neither retryable nor rejected: the destination is gone for good.
        """
        self._runner = asyncio.current_task()
        try:
            await self._persist(self._exporter.start)
            while not self._closing or self._sending or self._waiting:
                if not self._sending and not self._waiting:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                self._sending = self._sending or self._take()
                await self._persist(self._send)
        finally:
            self._runner = None

    async def drain(self, deadline_s: float) -> int:
        """Refuse new batches, send what is here for at most ``deadline_s``, close the exporter.

        Returns:
            Records left unacknowledged; they are counted as dropped with the reason "stopped".
        """
        # One turn of the loop, for a `run` that was made a task just before.
        await asyncio.sleep(0)
        self._closing = True
        self._wake.set()
        runner = self._runner
        if runner is not None:
            await asyncio.wait([runner], timeout=deadline_s)
            runner.cancel()
            await asyncio.wait([runner])
        await self._exporter.close()
        left = self.unacknowledged_records
        if left:
            self._drop(left, "stopped")
            _log.error("output %s: %d records stay unacknowledged", self._name, left)
        self._waiting.clear()
        self._sending = None
        self._held_octets = 0
        return left

    async def _persist(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Repeat an attempt until it is not refused with a retryable error."""
        delay = _FIRST_DELAY_S
        while True:
            try:
                await attempt()
            except RetryableExportError as error:
                if self.last_error != str(error):
                    _log.warning("output %s: %s; trying again", self._name, error)
                self.last_error = str(error)
                self._counters.add(f"export_retries.{self._name}")
                await self._sleep(delay * (0.5 + self._jitter() / 2))
                delay = min(delay * 2, _LONGEST_DELAY_S)
            else:
                if self.last_error is not None:
                    _log.info("output %s: works again", self._name)
                self.last_error = None
                return

    async def _send(self) -> None:
        batch = self._sending
        assert batch is not None
        refused = 0
        try:
            await self._exporter.send(batch)
        except UnfinishedExportError as error:
            self._drop(error.refused, error.why)
            self._acknowledge(batch, error.refused, rest=error.rest)
            raise
        except PartlyRejectedError as error:
            refused = error.refused
            self._reject(error, refused, error.why)
        except RejectedExportError as error:
            refused = batch.records
            self._reject(error, refused, "refused")
        self._acknowledge(batch, refused, rest=None)

    def _acknowledge(self, batch: Batch, refused: int, rest: Batch | None) -> None:
        # The octets of refused records count as sent: a rejected payload is too rare to be weighed.
        taken = batch.records - refused - (rest.records if rest else 0)
        if taken:
            octets = batch.octets - (rest.octets if rest else 0)
            self._counters.add(f"export_records.{self._name}", taken)
            self._counters.add(f"export_octets.{self._name}", octets)
        self._sending = rest
        self._held_octets -= _cost(batch) - (_cost(rest) if rest else 0)
        if self._lost and self._held_octets <= self._limit // 2:
            self._lost = False
            _log.info("output %s: the buffer has room again", self._name)
            if self._on_room:
                self._on_room()

    def _take(self) -> Batch:
        batches = [self._waiting.popleft()]
        octets = batches[0].octets
        while self._waiting and self._waiting[0].topic == batches[0].topic:
            octets += self._waiting[0].octets
            if octets > _SEND_OCTETS:
                break
            batches.append(self._waiting.popleft())
        return merged(batches)

    def _reject(self, error: RejectedExportError, records: int, why: str) -> None:
        _log.error("output %s: %d records dropped: %s", self._name, records, error)
        self._drop(records, why)

    def _drop(self, records: int, why: str) -> None:
        if records:
            self._counters.add(f"export_dropped.{self._name}.{why}", records)

    def _why(self) -> str:
        return self.last_error or "not acknowledged in time"


def _cost(batch: Batch) -> int:
    return batch.octets + _MESSAGE_OVERHEAD * len(batch.messages)
