"""Purges, a slice at a time: sockets are read in between, however much a cache held."""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator

from collector.nfacctd.flows.flow_records import BinRecords
from collector.nfacctd.outputs.sinks import FlowSink, Sinks
from collector.nfacctd.settings import Plugin
from collector.workers.guard import Guard

log = logging.getLogger(__name__)


class Purges:
    """Hands what left the caches of plugins to their outputs, one purge after the other.

    Args:
        sinks: of the worker.
        guard: a purge that fails is given up, and the next one begins.
    """

    def __init__(self, sinks: Sinks, guard: Guard) -> None:
        self._sinks = sinks
        self._guard = guard
        self._waiting: deque[_Purge] = deque()
        self._turn_due = False

    def add(self, plugin: Plugin, purged: Callable[[], Iterator[BinRecords]]) -> None:
        """Take entries out of a cache; they are published in further turns of the loop."""
        self._waiting.append(_Purge(plugin, purged(), self._sinks.plugin(plugin.name)))
        self._schedule()

    async def finish(self) -> None:
        """Publish all that waits."""
        while self._waiting:
            self._step()
            await asyncio.sleep(0)

    def _schedule(self) -> None:
        if self._waiting and not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_due = False
        self._step()
        self._schedule()

    def _step(self) -> None:
        # `Guard.run` says False for what failed, too.
        if self._waiting and not self._guard.run("purge", self._waiting[0].step):
            self._waiting.popleft()


class _Purge:
    """One purge of one plugin."""

    def __init__(self, plugin: Plugin, slices: Iterator[BinRecords], sink: FlowSink) -> None:
        self._name = plugin.name
        self._slices = slices
        self._sink = sink
        self._began_s = time.monotonic()
        self._count = 0
        self._has_begun = False

    def step(self) -> bool:
        """Publish some records; False: that was all."""
        if not self._has_begun:
            self._has_begun = True
            log.info("%s: *** Purging cache - START (PID: %d) ***", self._name, os.getpid())
            self._sink.begin()
        made = next(self._slices, None)
        if made is not None:
            start_s, records = made
            self._sink.put(records, start_s)
            self._count += len(records)
            return True
        self._sink.end()
        log.info(
            "%s: *** Purging cache - END (PID: %d, QN: %d/%d, ET: %d) ***",
            *(self._name, os.getpid(), self._count, self._count),
            time.monotonic() - self._began_s,
        )
        return False
