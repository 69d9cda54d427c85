"""One output of a worker: an outbox, the task that empties it, and what its end means."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from collector.errors import ExportError
from collector.metrics import Counters
from collector.nfacctd.outputs.trigger import PURGED, TriggerExporter
from collector.pipeline.batch import Batch, Exporter
from collector.pipeline.outbox import Outbox

_LIMIT_OCTETS = 128 << 20  # librdkafka has a limit too: nfacctd loses what passes it

_log = logging.getLogger(__name__)


class Outlet:
    """Takes batches, and sees to it that they are sent in order.

    Args:
        name: of the output, in counters and log lines.
        failed: called where the destination is gone for good: standard output was closed.
        trigger: a program to run after each purge.
    """

    def __init__(
        self,
        name: str,
        exporter: Exporter,
        counters: Counters,
        failed: Callable[[], None],
        *,
        trigger: str | None = None,
    ) -> None:
        self._name = name
        self._failed = failed
        self._triggers = trigger is not None
        if trigger is not None:
            exporter = TriggerExporter(exporter, trigger)
        self._outbox = Outbox(exporter, limit_octets=_LIMIT_OCTETS, counters=counters, name=name)
        self._task: asyncio.Task[None] | None = None

    @property
    def has_room(self) -> bool:
        """Whether less than half of the buffer is in use."""
        return self._outbox.held_octets < _LIMIT_OCTETS // 2

    def start(self) -> None:
        """Begin to send what is put."""
        self._task = asyncio.ensure_future(self._run())

    def put(self, batches: Iterable[Batch]) -> None:
        """Queue batches; what there is no room for is counted as dropped."""
        for batch in batches:
            self._outbox.put(batch)

    def purged(self) -> None:
        """Note that all records of a purge were put."""
        if self._triggers:
            self._outbox.put(PURGED)

    async def drain(self, deadline_s: float) -> int:
        """Send what waits; give the number of records left unacknowledged."""
        left = await self._outbox.drain(deadline_s)
        if self._task is not None:
            await asyncio.wait([self._task])
        return left

    async def _run(self) -> None:
        try:
            await self._outbox.run()
        except ExportError as error:
            _log.error("output %s is gone: %s", self._name, error)
            self._failed()
