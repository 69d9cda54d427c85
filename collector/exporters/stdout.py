"""Standard output: whole lines, or messages back to back, for people and for pipes."""

import asyncio
import fcntl
import os
import select
import threading
from concurrent.futures import ThreadPoolExecutor

from collector.errors import ExportError
from collector.exporters.framing import framed
from collector.pipeline.batch import Batch

_PAUSE_S = 0.01


class StdoutExporter:
    """Exporter to a file descriptor that was opened by others.

    Args:
        lines: end each message with a newline (JSON); False for msgpack and Arrow, which need no
            separator.
        descriptor: where to write; 1 is standard output.
    """

    def __init__(self, *, lines: bool = True, descriptor: int = 1) -> None:
        self._lines = lines
        self._descriptor = descriptor
        # A reader that pauses must stop neither the sockets nor the control channel.
        self._thread = ThreadPoolExecutor(1, "stdout")
        self._stopping = threading.Event()

    async def start(self) -> None:
        """Nothing to make ready."""

    async def send(self, batch: Batch) -> None:
        """Write a batch.

        Raises:
            ExportError: nobody reads any more, or the descriptor is of no use: time to end.
        """
        octets = framed(batch, self._lines)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._write, octets)
        except OSError as error:
            raise ExportError(f"standard output: {error.strerror}") from error

    async def close(self) -> None:
        """Let go of the thread, also of one whose reader has stopped reading."""
        self._stopping.set()
        self._thread.shutdown()

    def _write(self, octets: bytes) -> None:
        # All workers write to the same pipe, where only PIPE_BUF octets at a time stay together.
        while not self._stopping.is_set():
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._stopping.wait(_PAUSE_S)
            else:
                break
        try:
            view = memoryview(octets)
            while view and not self._stopping.is_set():
                # A pipe that select calls writable takes PIPE_BUF octets without waiting.
                if select.select([], [self._descriptor], [], _PAUSE_S)[1]:
                    view = view[os.write(self._descriptor, view[: select.PIPE_BUF]) :]
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
