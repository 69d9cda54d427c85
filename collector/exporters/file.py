"""Files: whole lines (or messages back to back) appended, rotated by size or by time."""

import asyncio
import contextlib
import fcntl
import glob
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from collector.errors import RetryableExportError
from collector.exporters.framing import framed
from collector.pipeline.batch import Batch

_log = logging.getLogger(__name__)
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """Where and how to write.

    Attributes:
        path: of the file being written; ``{topic}`` in it makes a file for each topic. Whoever
            wants a file for each slot names the slot in it; processes may also share one file.
        lines: end each message with a newline (JSON); False for msgpack and Arrow.
        rotate_octets: rotate a file that is at least this long; None: never.
        rotate_s: rotate at whole multiples of this many seconds of UTC; None: never.
        keep: how many rotated files of a path stay; None: all.
    """

    path: str
    lines: bool = True
    rotate_octets: int | None = None
    rotate_s: int | None = None
    keep: int | None = None


@dataclass(slots=True)
class _Open:
    path: Path
    descriptor: int
    period: int


@dataclass(slots=True)
class FileExporter:
    """Exporter that appends to files; a rotated one is named PATH.TIME-NUMBER (UTC, 000 up).

    Several processes may append to one file, and logrotate may move it away: each batch is one
    append under a lock, to the file that has the name at that time. What a full disk cuts short
    is taken back, so that files hold whole messages always.
    """

    options: FileOptions
    clock: Callable[[], float] = time.time
    _files: dict[str, _Open] = field(default_factory=dict)
    # A disk that stalls must stop neither the sockets nor the control channel.
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "file"))

    async def start(self) -> None:
        """Nothing to make ready: a file is opened with its first batch."""

    async def send(self, batch: Batch) -> None:
        """Append a batch; return when the kernel has it.

        Raises:
            RetryableExportError: the file cannot be opened or written; nothing of it was.
        """
        octets = framed(batch, self.options.lines)
        path = self.options.path.replace("{topic}", batch.topic)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._append, path, octets)
        except OSError as error:
            raise RetryableExportError(f"file {path}: {error.strerror}") from error

    async def close(self) -> None:
        """Close the files once what is being written is written."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close_all)
        self._thread.shutdown()

    def _append(self, path: str, octets: bytes) -> None:
        while True:
            with self._locked(path) as file:
                start = os.fstat(file.descriptor).st_size
                if not self._is_due(file, start):
                    _write_whole(file.descriptor, octets, start)
                    return
                self._rotate(file)

    @contextlib.contextmanager
    def _locked(self, path: str) -> Iterator[_Open]:
        """Hold the lock of the file that has this name now."""
        while True:
            file = self._files.get(path) or self._open(path)
            fcntl.flock(file.descriptor, fcntl.LOCK_EX)
            if _is_at(file.descriptor, file.path):
                break
            os.close(self._files.pop(path).descriptor)
        try:
            yield file
        finally:
            fcntl.flock(file.descriptor, fcntl.LOCK_UN)

    def _open(self, path: str) -> _Open:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        status = os.fstat(descriptor)
        # A file that was there is as old as its last record, also after our restart.
        begun = status.st_mtime if status.st_size else self.clock()
        self._files[path] = _Open(Path(path), descriptor, self._period(begun))
        return self._files[path]

    def _is_due(self, file: _Open, octets: int) -> bool:
        if not octets:
            file.period = self._period(self.clock())
            return False
        limit = self.options.rotate_octets
        return (limit is not None and octets >= limit) or file.period != self._period(self.clock())

    def _period(self, time_s: float) -> int:
        return int(time_s // self.options.rotate_s) if self.options.rotate_s else 0

    def _rotate(self, file: _Open) -> None:
        stamp = time.strftime(_STAMP, time.gmtime(self.clock()))
        earlier = _rotated(file.path, stamp)
        # One above the last, not the first free one: names in order are files in order.
        number = int(earlier[-1].name.rpartition("-")[2]) + 1 if earlier else 0
        target = file.path.with_name(f"{file.path.name}.{stamp}-{number:03}")
        file.path.rename(target)
        _log.info("file %s: rotated to %s", file.path, target.name)
        if self.options.keep is not None:
            rotated = _rotated(file.path, "*Z")
            for old in rotated[: max(0, len(rotated) - self.options.keep)]:
                old.unlink()

    def _close_all(self) -> None:
        for file in self._files.values():
            os.close(file.descriptor)
        self._files.clear()


def _rotated(path: Path, stamp: str) -> list[Path]:
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.{stamp}-[0-9]*"))


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write_whole(descriptor: int, octets: bytes, start: int) -> None:
    """Append all octets or none: what was written before a fault is taken back."""
    view = memoryview(octets)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.ftruncate(descriptor, start)
        raise
