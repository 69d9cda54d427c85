"""One slot: its sockets live as long as the service, the worker process in it is replaced."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from collector.metrics import Counters
from collector.workers.alias_hints import AliasHints
from collector.workers.channel import Channel
from collector.workers.learned import LearnedStore

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 10.0
_HEALTHY_S = 60.0  # a worker that lived this long starts the next one without delay
_RESTORE_ITEMS = 500  # a message
_END_S = 10.0  # between the end of the channel and that of the process
_NOT_STARTED = 127  # as a shell has it
# Batches come and go several times a second: memory that is given back to the kernel in between
# comes again as page faults (measured: 80 000 for 540 000 flows that are summed, 34 000 so). But
# large arrays in the heap make it grow, as what is small and stays stands between them: by 3 MiB a
# minute where arrays of 3 MiB stand there, not at all where the largest have 1.5 MiB. A Kafka batch
# of 1 MiB and its compressor are below that: at 1 MiB a flow published as JSON cost a fifth more.
# The C library's allocator serves numpy, jemalloc polars; the operator may say otherwise.
_ALLOCATION = {
    "MALLOC_MMAP_THRESHOLD_": str(3 << 19),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:10000,muzzy_decay_ms:10000",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlotSocket:
    """One socket of a slot, by what is spoken on it."""

    kind: str  # "flow" or "bmp"
    sock: socket.socket


class Slot:
    """Keeps one worker running on this slot's sockets.

    Args:
        steered: set when only this slot's devices reach its sockets: a worker is started before
            that, and reads nothing until then.
        output_gone: called when the worker says that an output is gone for good.

    Attributes:
        incarnation: how many workers this slot has had.
        counters: counts of all of them together.
    """

    def __init__(
        self,
        number: int,
        sockets: list[SlotSocket],
        learned: LearnedStore,
        hints: AliasHints,
        start_message: Callable[[], dict[str, Any]],
        steered: asyncio.Event,
        output_gone: Callable[[], None],
    ) -> None:
        self.number = number
        self.incarnation = 0
        self.pid: int | None = None
        self.channel: Channel | None = None
        self.unacknowledged = 0
        self.ready = asyncio.Event()
        self._sockets = sockets
        self._learned = learned
        self._hints = hints
        self._start_message = start_message
        self._steered = steered
        self._output_gone = output_gone
        self._earlier = Counters()
        self._latest: dict[str, int] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._stop_asked = asyncio.Event()
        self._exit_code: int | None = None

    @property
    def counters(self) -> Counters:
        """Counts of this slot's workers together."""
        total = Counters()
        total.merge(self._earlier)
        total.merge(self._latest)
        return total

    async def run(self) -> None:
        """Start a worker, and another one whenever it dies, until `stop`."""
        delay_s = _FIRST_DELAY_S
        while not self._stopping:
            began_s = time.monotonic()
            code = await self._run_worker()
            if self._stopping:
                self._exit_code = code
                return
            if time.monotonic() - began_s > _HEALTHY_S:
                delay_s = _FIRST_DELAY_S
            log.warning(
                "worker %d (pid %s) ended with %s; starting it again in %.1f s",
                self.number,
                self.pid,
                _exit_text(code),
                delay_s,
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._stop_asked.wait()
            delay_s = min(delay_s * 2, _LONGEST_DELAY_S)

    def stop(self, timeout_s: float) -> None:
        """Ask the worker for an orderly end."""
        self._stopping = True
        self._stop_asked.set()
        if self.channel is not None:
            self.channel.tell("stop", timeout_s)

    def kill(self) -> None:
        """End the worker at once."""
        self._stopping = True
        self._stop_asked.set()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    @property
    def ended_well(self) -> bool:
        """Whether the last worker ended in order with everything acknowledged."""
        return self._exit_code == 0 and self.unacknowledged == 0

    async def _run_worker(self) -> int:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        fds = [entry.sock.fileno() for entry in self._sockets]
        with theirs:
            try:
                process = await self._spawn(theirs.fileno(), fds)
            except OSError as error:  # no memory, no process or no descriptor left: later maybe
                ours.close()
                log.error("worker %d cannot be started: %s", self.number, error)
                return _NOT_STARTED
        self._process = process
        self.pid = process.pid
        self.incarnation += 1
        reader, writer = await asyncio.open_connection(sock=ours)
        self.channel = channel = Channel(reader, writer, self._told, _no_answer)
        self._send_start(channel, fds)
        restore = asyncio.ensure_future(self._restore(channel))
        await channel.run()
        restore.cancel()
        channel.close()
        self.channel = None
        self.ready.clear()
        with contextlib.suppress(asyncio.CancelledError):
            await restore
        code = await self._end_of(process)
        self._earlier.merge(self._latest)
        self._latest = {}
        return code

    async def _spawn(self, control_fd: int, fds: list[int]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "collector.workers.worker",
            str(control_fd),
            pass_fds=[control_fd, *fds],
            # Ctrl-C in a terminal reaches the whole group; only the supervisor decides.
            start_new_session=True,
            env=_ALLOCATION | os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )

    async def _end_of(self, process: asyncio.subprocess.Process) -> int:
        try:
            async with asyncio.timeout(_END_S):
                return await process.wait()
        except TimeoutError:
            log.error("worker %d (pid %s) hangs at its end: killed", self.number, self.pid)
            process.kill()
            return await process.wait()

    def _send_start(self, channel: Channel, fds: list[int]) -> None:
        sockets = [
            {"kind": entry.kind, "fd": fd} for entry, fd in zip(self._sockets, fds, strict=True)
        ]
        channel.tell(
            "start",
            self._start_message()
            | {"slot": self.number, "incarnation": self.incarnation, "sockets": sockets},
        )
        if self._stopping:
            channel.tell("stop", 0.0)

    async def _restore(self, channel: Channel) -> None:
        """Hand over what earlier workers learnt, as fast as the new one reads; then let it go."""
        items = [list(item) for item in self._learned.of_slot(self.number)]
        for first in range(0, len(items), _RESTORE_ITEMS):
            channel.tell("restore", items[first : first + _RESTORE_ITEMS])
            await channel.room()
        await self._steered.wait()
        channel.tell("go", None)

    def _told(self, kind: str, content: Any) -> None:
        match kind:
            case "counters":
                self._latest = content
            case "learned":
                for key, octets in content:
                    self._learned.learn(self.number, key, octets)
            case "hint":
                self._hints.learn(content)
            case "ready":
                self.ready.set()
            case "output_gone":
                self._output_gone()
            case "stopped":
                self.unacknowledged = content


def _no_answer(kind: str, _content: Any) -> list[Any]:
    raise KeyError(kind)  # workers tell; only the supervisor asks


def _exit_text(code: int) -> str:
    if code >= 0:
        return f"status {code}"
    return f"signal {-code} ({signal.strsignal(-code)})"
