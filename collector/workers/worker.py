"""A worker process: one event loop that reads its sockets, decodes, keeps tables and publishes.

Everything it needs comes over the channel from the supervisor, which it ends with.
"""

import asyncio
import gc
import logging
import signal
import socket
import sys
import time
from functools import partial
from importlib import import_module
from typing import Any

import numpy.ma  # noqa: F401, np.unique loads it when first called: not while sockets wait
import uvloop

from collector.config.document import from_document
from collector.logs import configure_logging
from collector.metrics import Counters
from collector.receivers.bmp_tcp import SERVICE_STOPS, BmpReceiver
from collector.receivers.udp import UdpReader
from collector.receivers.udp_turns import UdpTurns
from collector.workers import free_memory
from collector.workers.assembly import Assembly
from collector.workers.channel import Channel
from collector.workers.context import WorkerContext
from collector.workers.guard import Guard

_COUNTERS_INTERVAL_S = 1.0
_READ_QUEUED_S = 1.0
# Only the supervisor decides; a terminal or a service manager may signal all processes.
_SUPERVISORS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
)

log = logging.getLogger(__name__)


class Worker:
    """One slot's worker, from the start message to the end."""

    def __init__(self) -> None:
        self._counters = Counters()
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[int] = self._loop.create_future()
        self._guard = Guard(self._counters)
        self._learned: dict[tuple[Any, ...], bytes | None] = {}
        self._readers: list[UdpReader] = []
        self._sockets: list[socket.socket] = []
        self._going = False
        self._stopping = False
        self._stop_task: asyncio.Task[None] | None = None
        # All are set by the start message, which is the first one.
        self._assembly: Assembly
        self._turns: UdpTurns
        self._receiver: BmpReceiver
        self.channel: Channel

    async def run(self, control: socket.socket) -> int:
        """Run until told to stop, or until the supervisor is gone."""
        reader, writer = await asyncio.open_connection(sock=control)
        self.channel = Channel(reader, writer, self._told, self._answer)
        ticks = asyncio.ensure_future(self._tick())
        link = asyncio.ensure_future(self.channel.run())
        self._guard.watch("tick", ticks)
        self._guard.watch("channel", link)
        await asyncio.wait([link, self._done], return_when=asyncio.FIRST_COMPLETED)
        ticks.cancel()
        self._close_sockets()
        if not self._done.done():
            if link.exception() is None:
                log.error("the supervisor is gone")
            self.channel.close()
            return 1
        self.channel.tell("counters", self._counters)
        await self.channel.finish()
        return self._done.result()

    def _told(self, kind: str, content: Any) -> None:
        match kind:
            case "start":
                self._start(content)
            case "restore":
                for key, octets in content:
                    self._guard.run("restore", self._assembly.flow_path.restore, key, octets)
            case "go":
                if not self._stopping:
                    self._go()
            case "reload":
                if not self._stopping:
                    self._guard.run("reload", self._reload, content["config"])
            case "signal":
                self._guard.run("signal", self._assembly.signal, content)
            case "stop":
                self._begin_stop(content)

    def _reload(self, document: dict[str, Any]) -> None:
        self._assembly.reconfigure(from_document(document))
        self._assembly.close_misplaced_sessions(self._receiver)

    def _begin_stop(self, timeout_s: float) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._stop_task = asyncio.ensure_future(self._stop(timeout_s))
        self._guard.watch("stop", self._stop_task)

    def _output_gone(self) -> None:
        # Nothing can be published any more, by no successor either: the supervisor decides.
        self.channel.tell("output_gone", None)
        self._begin_stop(0.0)

    def _report(self, key: list[Any], octets: bytes | None) -> None:
        self._learned[tuple(key)] = octets

    def _hint(self, kind: str, device: str, names: set[str]) -> None:
        hint = {"kind": kind, "device": device, "names": list(names)}
        self.channel.tell("hint", hint)

    def _answer(self, kind: str, content: Any) -> Any:
        if kind == "devices":
            return self._assembly.device_status()
        if kind == "snapshot":
            return self._assembly.start_snapshots(content)
        raise KeyError(kind)

    def _start(self, content: dict[str, Any]) -> None:
        config = from_document(content["config"])
        configure_logging(config.collector.log_level, f"worker {content['slot']}")
        context = WorkerContext(
            slot=content["slot"],
            slots=content["workers"],
            incarnation=content["incarnation"],
            counters=self._counters,
            guard=self._guard,
            report=self._report,
            hint=self._hint,
            batch_closed=self._batch_closed,
            failed=self._output_gone,
        )
        if config.nfacctd is not None:
            # Loaded on demand: what only nfacctd's mode needs is no cost of the native one.
            module = import_module("collector.workers.nfacctd_assembly")
            self._assembly = module.NfacctdAssembly(config, context)
        else:
            self._assembly = Assembly(config, context)
        listeners, reads = [], []
        for entry in content["sockets"]:
            sock = socket.socket(fileno=entry["fd"])
            sock.setblocking(False)
            self._sockets.append(sock)
            if entry["kind"] == "flow":
                flows = self._assembly.flow_path
                reader = UdpReader(
                    sock,
                    partial(self._guard.run, "flow", flows.burst),
                    partial(self._guard.run, "flow", flows.close_batch),
                    self._counters,
                )
                self._readers.append(reader)
                reads.append((sock, partial(self._read, reader)))
            else:
                listeners.append(sock)
        turn_s = config.flow.batch_age_ms / 1000
        self._turns = UdpTurns(self._loop, reads, turn_s, self._end_turn)
        self._receiver = BmpReceiver(self._loop, listeners, self._assembly.bmp_path, self._counters)

    def _go(self) -> None:
        self._going = True
        self._assembly.start()
        # What exists now stays; a collection that visits it all would stall the sockets.
        gc.collect()
        gc.freeze()
        self._turns.start()
        self._receiver.start()
        self.channel.tell("ready", None)

    def _read(self, reader: UdpReader) -> int:
        counts = [0]
        self._guard.run("flow", lambda: counts.append(reader.drain()))
        # At once, before any record that needs it is published: a successor starts with it.
        self._tell_learned()
        return counts[-1]

    def _end_turn(self) -> None:
        flows = self._assembly.flow_path
        if flows.waiting_rows:
            self._guard.run("flow", flows.close_batch)

    def _batch_closed(self) -> None:
        for reader in self._readers:
            reader.reset()

    async def _tick(self) -> None:
        next_give_back_s = self._loop.time() + free_memory.EVERY_S
        while True:
            await asyncio.sleep(_COUNTERS_INTERVAL_S)
            if not self._readers and not hasattr(self, "_receiver"):
                continue  # the start message has not come yet
            self._guard.run("tick", self._assembly.tick, time.time())
            self.channel.tell("counters", self._counters)
            if self._loop.time() >= next_give_back_s:
                next_give_back_s = self._loop.time() + free_memory.EVERY_S
                free_memory.give_back()

    def _tell_learned(self) -> None:
        # What the supervisor has no room for stays: the last of each key is what counts.
        if self._learned and self.channel.tell("learned", list(self._learned.items())):
            self._learned.clear()

    async def _stop(self, timeout_s: float) -> None:
        """Read what is queued, for at most a second; publish; wait for acknowledgements."""
        unacknowledged = None
        try:
            self._receiver.stop()
            if self._going:
                deadline_s = time.monotonic() + min(_READ_QUEUED_S, timeout_s)
                self._guard.run("stop", self._read_queued, deadline_s)
            self._receiver.close_all(SERVICE_STOPS)
            unacknowledged = await self._assembly.stop(timeout_s)
        finally:
            self._tell_learned()
            self.channel.tell("stopped", unacknowledged or 0)
            self._done.set_result(0 if unacknowledged == 0 else 1)

    def _close_sockets(self) -> None:
        if hasattr(self, "_receiver"):
            self._turns.stop()
            self._receiver.stop()
            self._receiver.close_all("worker ends")
        for sock in self._sockets:
            sock.close()

    def _read_queued(self, deadline_s: float) -> None:
        self._turns.stop()
        for reader in self._readers:
            while time.monotonic() < deadline_s and reader.drain():
                pass
        self._receiver.read_queued(deadline_s)
        self._assembly.flow_path.close_batch()


def main() -> int:
    """Run the worker whose end of the control channel is the descriptor in the arguments."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.setblocking(False)
    for number in _SUPERVISORS:
        signal.signal(number, signal.SIG_IGN)

    async def run() -> int:
        return await Worker().run(control)

    return uvloop.run(run())


if __name__ == "__main__":
    sys.exit(main())
