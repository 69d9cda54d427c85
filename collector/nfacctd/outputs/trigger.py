"""`*_trigger_exec`: a program that runs each time a purge is written (reference 6.1)."""

import logging
import subprocess
from threading import Thread

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
        self._running: Thread | None = None

    async def start(self) -> None:
        """Make the other exporter ready."""
        await self._exporter.start()

    async def send(self, batch: Batch) -> None:
        """Send a batch or run the program; errors are those of the other exporter."""
        if batch.topic != _TOPIC:
            await self._exporter.send(batch)
        elif self._running is None or not self._running.is_alive():
            self._run()
        else:
            _log.warning("trigger %s: still running, not started again", self._program)

    async def close(self) -> None:
        """Close the other exporter; a program that runs goes on without us."""
        await self._exporter.close()

    def _run(self) -> None:
        # Not asyncio's: that ends the program together with the loop.
        try:
            process = subprocess.Popen(
                [self._program], stdin=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            _log.error("trigger %s: %s", self._program, error.strerror)
            return
        self._running = Thread(target=process.wait, daemon=True)
        self._running.start()
