"""Files written a purge or a dump at a time: made anew or longer, with a link to the last one.

Several workers write the same purge into one file. So a file is made anew by the first of them,
which is told by its age: less than half a period means that it is of this purge.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from collector.errors import RetryableExportError
from collector.exporters.framing import framed
from collector.pipeline.batch import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeFileOptions:
    """How files are written.

    Attributes:
        lines: messages end with newlines.
        header: what an empty file begins with.
        period_s: between two purges; None: files only grow.
    """

    lines: bool = True
    header: bytes = b""
    period_s: float | None = None


@dataclass(slots=True)
class PurgeFileExporter:
    """Exporter to files whose path is the topic of a batch. None stays open."""

    options: PurgeFileOptions
    clock: Callable[[], float] = time.time
    _links: dict[str, str] = field(default_factory=dict)
    # A disk that stalls must stop neither the sockets nor the control channel.
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "purge-file"))

    def link(self, path: str, latest: str) -> None:
        """Have ``latest`` point to ``path`` once the next batch of that is written."""
        self._links[path] = latest

    async def start(self) -> None:
        """Nothing to make ready."""

    async def send(self, batch: Batch) -> None:
        """Append a batch; return when the kernel has it.

        Raises:
            RetryableExportError: the file or its link cannot be written; nothing of it was.
        """
        octets = framed(batch, self.options.lines)
        loop = asyncio.get_running_loop()
        latest = self._links.get(batch.topic)
        try:
            await loop.run_in_executor(self._thread, self._write, Path(batch.topic), octets, latest)
        except OSError as error:
            raise RetryableExportError(f"file {batch.topic}: {error.strerror}") from error
        if self._links.get(batch.topic) == latest:
            self._links.pop(batch.topic, None)

    async def close(self) -> None:
        """Let go of the thread, once what is being written is written."""
        await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)
        self._thread.shutdown()

    def _write(self, path: Path, octets: bytes, latest: str | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # First, as a fault of it must not have the octets written again.
        if latest is not None:
            _point(Path(latest), path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            status = os.fstat(descriptor)
            size = status.st_size
            period = self.options.period_s
            if size and period is not None and self.clock() - status.st_mtime >= period / 2:
                os.ftruncate(descriptor, 0)
                size = 0
            _append(descriptor, octets if size else self.options.header + octets, size)
        finally:
            os.close(descriptor)


def _append(descriptor: int, octets: bytes, size: int) -> None:
    """Append all octets or none."""
    view = memoryview(octets)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _point(link: Path, target: Path) -> None:
    """Have a symbolic link point to a file; there is no moment without one."""
    link.parent.mkdir(parents=True, exist_ok=True)
    new = link.with_name(f"{link.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
