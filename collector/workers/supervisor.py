"""The supervisor: owns what must survive a worker, and keeps one worker in each slot.

It opens every socket in slot order, starts workers that inherit their sockets, attaches steering
while they load, restarts dead ones, forwards signals as orderly requests, and answers on the
control socket. It decodes nothing.
"""

import asyncio
import logging
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import Any

from collector.config.check_sockets import worker_count
from collector.config.document import to_document
from collector.config.model import Config
from collector.config.reload import keep_fixed, refused_changes
from collector.errors import ConfigError, SteeringError
from collector.metrics import Counters, register
from collector.steering.allow_list import AllowList
from collector.steering.attach import Steering, attach
from collector.steering.sockets import Group, open_group
from collector.workers import control_socket
from collector.workers.alias_hints import AliasHints
from collector.workers.channel import ChannelClosed
from collector.workers.learned import LearnedStore
from collector.workers.slot import Slot, SlotSocket
from collector.workers.slot_table import slot_table

register(socket_drops="packets the kernel dropped because a socket's buffer was full, by protocol")

_PROTOCOLS = {"flow": "udp", "bmp": "tcp"}
_LOG_INTERVAL_S = 60.0
_READ_QUEUED_S = 1.0  # a worker may read what was queued at the signal for this long
_KILL_GRACE_S = 5.0
_ASK_TIMEOUT_S = 10.0
_SPARE_DESCRIPTORS = 8_192  # workers inherit the limit, and each BMP session takes one

log = logging.getLogger(__name__)


class Supervisor:
    """One running service.

    Args:
        config: validated.
        reread: reads the configuration again for SIGHUP, command line included; raises
            ConfigError. None where the service runs without a file.
        forwarded: signals that workers are told of by name.
        heard: called with that name too, before workers are told.
    """

    def __init__(
        self,
        config: Config,
        reread: Callable[[], Config] | None = None,
        *,
        forwarded: Mapping[signal.Signals, str] = MappingProxyType({}),
        heard: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.config = config
        self.groups: list[Group] = []
        self.slots: list[Slot] = []
        self._reread = reread
        self._forwarded = forwarded
        self._heard = heard
        self._steering: Steering | None = None
        self._learned = LearnedStore()
        self._hints = AliasHints()
        self._steered = asyncio.Event()
        self._reload_waits = False
        self._stop_signals = 0
        self._stopped = asyncio.Event()
        self._started_s = time.time()

    async def run(self, on_ready: Callable[[], None] | None = None) -> int:
        """Run until told to stop; give the exit status.

        Raises:
            SteeringError: a socket cannot be opened, or the rung asked for is refused.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        for number, name in self._forwarded.items():
            loop.add_signal_handler(number, self._forward, name)
        self._open()
        runs = [asyncio.ensure_future(slot.run()) for slot in self.slots]
        for run in runs:
            run.add_done_callback(self._slot_ended)
        try:
            await self._steer()
        except SteeringError:
            for slot in self.slots:
                slot.kill()
            await asyncio.wait(runs)
            self._close()
            raise
        path = self.config.collector.control_socket or control_socket.default_path()
        try:
            server = await control_socket.serve(path, self._answer)
        except OSError as error:
            log.warning("no control socket, so no `collector status`: %s", error)
            server = None
        logger = asyncio.ensure_future(self._log_counters())
        for slot in self.slots:
            await self._wait_ready(slot)
        if not self._stop_signals:
            log.info("ready: %d workers, %s", len(self.slots), ", ".join(map(str, self.groups)))
        if on_ready is not None:
            on_ready()
        await self._stopped.wait()
        status = await self._end(runs)
        logger.cancel()
        self._log_line()
        if server is not None:
            server.close()
        self._close()
        return status

    def request_stop(self) -> None:
        """Stop in order the first time, by force the second."""
        self._stop_signals += 1
        if self._stop_signals == 1:
            log.info("stopping: reading what is queued, closing windows, waiting for outputs")
            for slot in self.slots:
                slot.stop(self.config.collector.stop_timeout_s)
        else:
            log.warning("stopping by force")
            for slot in self.slots:
                slot.kill()
        self._stopped.set()

    def _forward(self, name: str) -> None:
        self._heard(name)
        for slot in self.slots:
            if slot.channel is not None:
                slot.channel.tell("signal", name)

    def _output_gone(self) -> None:
        # Another worker would find it gone as well.
        if not self._stop_signals:
            log.error("an output is gone for good")
            self.request_stop()

    def _slot_ended(self, run: asyncio.Future[None]) -> None:
        # A slot only ends when told to; otherwise it is our own fault, and none to live with.
        if not run.cancelled() and run.exception() is not None:
            log.critical("a slot failed: stopping", exc_info=run.exception())
            if not self._stop_signals:
                self.request_stop()

    def reload(self) -> None:
        """Read the configuration again; apply what can be applied while running."""
        if self._reread is None:
            log.warning("nothing to read again: the service runs without a configuration file")
            return
        if self._steering is None:
            self._reload_waits = True
            return
        try:
            new = self._reread()
        except ConfigError as error:
            log.error("configuration not reloaded, the old one stays:\n%s", error)
            return
        for refused in refused_changes(self.config, new):
            log.error("cannot change while running, restart for it: %s", refused)
        new = keep_fixed(self.config, new)
        try:
            self._steering.update(slot_table(new, len(self.slots)), _allow_list(new))
        except SteeringError as error:
            log.error("configuration not reloaded, the old one stays: %s", error)
            return
        self.config = new
        for slot in self.slots:
            if slot.channel is not None:
                slot.channel.tell("reload", self._start_message())
        log.info("configuration reloaded")

    def counters(self) -> Counters:
        """Counts of all workers, of the sockets and of steering."""
        total = Counters()
        for slot in self.slots:
            total.merge(slot.counters)
        if self._steering is not None:
            for group in self.groups:
                lost = sum(map(self._steering.receive_drops, group.sockets))
                total.add(f"socket_drops.{group.protocol}", lost)
            total.merge(self._steering.counters())
        return total

    def _open(self) -> None:
        count = worker_count(self.config.collector.workers)
        _allow_descriptors(len(self.config.listen) * (count + 1) + 2 * count)
        try:
            for listen in self.config.listen:
                self.groups.append(
                    open_group(
                        _PROTOCOLS[listen.kind],
                        listen.address,
                        listen.port,
                        count,
                        listen.receive_buffer_octets,
                    )
                )
        except SteeringError:
            self._close()
            raise
        self._warn_of_small_buffers()
        for number in range(count):
            sockets = [
                SlotSocket(listen.kind, group.sockets[number])
                for listen, group in zip(self.config.listen, self.groups, strict=True)
            ]
            self.slots.append(
                Slot(
                    number,
                    sockets,
                    self._learned,
                    self._hints,
                    self._start_message,
                    self._steered,
                    self._output_gone,
                )
            )

    async def _steer(self) -> None:
        """Attach steering while the workers, which read nothing before, load their modules."""
        config = self.config
        work = partial(
            attach,
            self.groups,
            slot_table(config, len(self.slots)),
            _allow_list(config),
            config.steering.mode,
        )
        with ThreadPoolExecutor(1) as compiler:
            loop = asyncio.get_running_loop()
            self._steering = await loop.run_in_executor(compiler, work)
        log.info("%s", self._steering.reason)
        self._steered.set()
        if self._reload_waits:
            self.reload()

    def _warn_of_small_buffers(self) -> None:
        for listen, group in zip(self.config.listen, self.groups, strict=True):
            wanted = listen.receive_buffer_octets
            if group.protocol == "udp" and group.receive_buffer_octets < wanted:
                log.warning(
                    "%s: the kernel grants a receive buffer of %d octets in place of %d: "
                    "raise net.core.rmem_max, or give CAP_NET_ADMIN",
                    group,
                    group.receive_buffer_octets,
                    wanted,
                )

    def _start_message(self) -> dict[str, Any]:
        return {"config": to_document(self.config), "workers": len(self.slots) or 1}

    async def _wait_ready(self, slot: Slot) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (slot.ready, self._stopped)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _end(self, runs: list[asyncio.Future[None]]) -> int:
        timeout_s = self.config.collector.stop_timeout_s + _READ_QUEUED_S + _KILL_GRACE_S
        _, pending = await asyncio.wait(runs, timeout=timeout_s)
        if pending:
            log.error("%d workers did not end in time: killed", len(pending))
            for slot in self.slots:
                slot.kill()
            await asyncio.wait(pending)
        lost = sum(slot.unacknowledged for slot in self.slots)
        if lost:
            log.error("%d records stay unacknowledged", lost)
        return 0 if all(slot.ended_well for slot in self.slots) else 1

    def _close(self) -> None:
        for group in self.groups:
            group.close()
        if self._steering is not None:
            self._steering.close()

    async def _log_counters(self) -> None:
        while True:
            await asyncio.sleep(_LOG_INTERVAL_S)
            self._log_line()

    def _log_line(self) -> None:
        counts = sorted(self.counters().items())
        log.info("counters: %s", " ".join(f"{name}={count}" for name, count in counts if count))

    async def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        match question["ask"]:
            case "status":
                return await self._status()
            case "snapshot":
                return await self._snapshot(question.get("devices", []))
        raise KeyError(question["ask"])

    async def _status(self) -> dict[str, Any]:
        assert self._steering is not None
        workers = []
        devices: list[Any] = []
        for slot in self.slots:
            workers.append(
                {
                    "slot": slot.number,
                    "pid": slot.pid,
                    "incarnation": slot.incarnation,
                    "ready": slot.ready.is_set(),
                    "counters": slot.counters,
                }
            )
            if slot.channel is not None:
                try:
                    devices += await slot.channel.ask("devices", None, _ASK_TIMEOUT_S)
                except (TimeoutError, ChannelClosed) as error:
                    workers[-1]["error"] = repr(error)
        return {
            "pid": os.getpid(),
            "uptime_s": round(time.time() - self._started_s, 1),
            "steering": self._steering.reason,
            "listen": [str(group) for group in self.groups],
            "counters": self.counters(),
            "workers": workers,
            "devices": devices,
        }

    async def _snapshot(self, devices: list[str]) -> dict[str, Any]:
        started: list[Any] = []
        errors = []
        for slot in self.slots:
            try:
                if slot.channel is None:
                    raise ChannelClosed("it is being started")
                started += await slot.channel.ask("snapshot", devices, _ASK_TIMEOUT_S)
            except (TimeoutError, ChannelClosed) as error:
                errors.append(f"worker {slot.number}: {error!r}")
        return {"devices": started} | ({"errors": errors} if errors else {})


def _allow_descriptors(count: int) -> None:
    """Raise the soft limit on open files, as far as it goes: so many, and sessions beside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(max(soft, count + _SPARE_DESCRIPTORS), hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _allow_list(config: Config) -> AllowList | None:
    return AllowList(config.steering.allow) if config.steering.allow else None
