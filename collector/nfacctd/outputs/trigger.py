"""`*_trigger_exec`: a program that runs each time a purge is written (reference 6.1)."""

import asyncio
import logging

from collector.pipeline.batch import Batch, Exporter

_TOPIC = "\0trigger"  # no topic and no path has it
PURGED = Batch(_TOPIC, [], 0, 0)
"""Queued behind a purge's records: the program runs when it is its turn."""

_log = logging.getLogger(__name__)


class TriggerExporter:
    """Exporter that runs a program for each `PURGED`; all else goes to another exporter.

    Nobody waits for the program, and none is started while the last one runs.
    """

    def __init__(self, exporter: Exporter, program: str) -> None:
        self._exporter = exporter
        self._program = program
        self._running: asyncio.Task[int] | None = None

    async def start(self) -> None:
        """Make the other exporter ready."""
        await self._exporter.start()

    async def send(self, batch: Batch) -> None:
        """Send a batch or run the program; errors are those of the other exporter."""
        if batch.topic != _TOPIC:
            await self._exporter.send(batch)
        elif self._running is None or self._running.done():
            await self._run()
        else:
            _log.warning("trigger %s: still running, not started again", self._program)

    async def close(self) -> None:
        """Close the other exporter; a program that runs goes on without us."""
        if self._running is not None:
            self._running.cancel()
        await self._exporter.close()

    async def _run(self) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                self._program, stdin=asyncio.subprocess.DEVNULL
            )
        except OSError as error:
            _log.error("trigger %s: %s", self._program, error.strerror)
            return
        self._running = asyncio.create_task(process.wait())
