"""The inside of a worker in nfacctd's mode, wired: decoders, maps, caches, BMP log and outputs."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from collector.config.model import Config
from collector.errors import ConfigError
from collector.metrics import Counters
from collector.nfacctd.bmp.flow_routes import FlowRoutes
from collector.nfacctd.bmp.log import BmpLog
from collector.nfacctd.flows.flow_records import FlowRecords
from collector.nfacctd.flows.options import NfacctdOptions
from collector.nfacctd.flows.records import writer_id
from collector.nfacctd.flows.tables import Frame
from collector.nfacctd.log_file import open_log_file
from collector.nfacctd.map_files import load_maps
from collector.nfacctd.maps.custom_primitives import load_custom_primitives
from collector.nfacctd.outputs.sinks import Sinks
from collector.nfacctd.settings import Plugin, RunOptions, Settings, from_document
from collector.pipeline.devices import DeviceDirectory
from collector.processors.options_tables import OptionsTables
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.ipfix.registry import Registry
from collector.receivers.bmp_tcp import BmpReceiver, BmpSession
from collector.records.batch_builder import BatchBuilder
from collector.steering.allow_list import AllowList
from collector.workers.flow_path import FlowPath, Report
from collector.workers.guard import Guard

_BATCH_ROWS = 10_000
_BUILD = "collector"  # `$pmacct_build`

log = logging.getLogger(__name__)


class NfacctdBmpPath:
    """Hands BMP sessions to the log; work that one call leaves is done in further turns."""

    def __init__(self, bmp_log: BmpLog, guard: Guard, allow: AllowList | None) -> None:
        self._log = bmp_log
        self._guard = guard
        self._allow = allow
        self._turn_due = False

    def opened(self, session: BmpSession) -> None:
        """A router connected."""
        self._guard.run("bmp_open", self._log.opened, session, session.opened_s)

    def received(self, session: BmpSession, messages: Sequence[bytes], now_s: float) -> bool:
        """Whole messages came, in order; False: the session is to be closed."""
        if self._allow is not None and not self._allow.allows(session.address):
            return False
        done = self._guard.run("bmp", self._log.received, session, messages, now_s)
        self.schedule()
        return done

    def closed(self, session: BmpSession, _reason: str, now_s: float) -> None:
        """The connection ended."""
        self._guard.run("bmp_close", self._log.closed, session, now_s)
        self.schedule()

    def schedule(self) -> None:
        """Go on with long work in the next turn of the loop."""
        if self._log.has_work and not self._turn_due:
            self._turn_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def finish(self) -> None:
        """Do all that is left."""
        while self._log.has_work:
            self._guard.run("bmp", self._log.resume)

    def _turn(self) -> None:
        self._turn_due = False
        self._guard.run("bmp", self._log.resume)
        self.schedule()


class NfacctdAssembly:
    """One worker's parts; has the methods of `assembly.Assembly`, so that a worker may have either.

    Args:
        documents: "settings" and "options" as plain values.
        others: as in `Assembly`.
    """

    def __init__(
        self,
        documents: dict[str, Any],
        *,
        slot: int,
        slots: int,
        incarnation: int,
        counters: Counters,
        guard: Guard,
        report: Report,
        hint: Callable[[str, str, set[str]], None],
        batch_closed: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        del slots, incarnation
        self._settings: Settings = from_document(documents["settings"])
        options: RunOptions = from_document(documents["options"], RunOptions)
        settings = self._settings
        self._counters = counters
        self._guard = guard
        self._sinks = Sinks(settings, options, slot, counters, failed)
        directory = DeviceDirectory([], counters)
        decoder = FlowDecoder(Registry.default(), counters=counters)
        tables: OptionsTables[NfacctdOptions] = OptionsTables(
            counters,
            report,
            partial(NfacctdOptions, scope_check=not settings.disable_opt_scope_check),
        )
        maps = load_maps(settings)
        customs = settings.aggregate_primitives
        self._records = FlowRecords(
            settings,
            load_custom_primitives(customs) if customs else (),
            directory.names,
            tables.of,
            maps.flows,
            self._writer_of,
            int(time.time()),
            counters,
        )
        self._bmp_log = BmpLog(
            settings,
            maps.bmp_tags,
            counters,
            writer_id=_writer_id(settings.writer_id_string, settings.core_proc_name),
            log=self._sinks.msglog,
            dump=self._sinks.dump,
        )
        self._routes_of = FlowRoutes(self._bmp_log.match).answer
        schedule = self._bmp_log.schedule
        self._next_dump_s = schedule.next_s(time.time()) if schedule else float("inf")
        self.bmp_path = NfacctdBmpPath(self._bmp_log, guard, _allow_list(settings.bmp.allow))
        self.flow_path = FlowPath(
            decoder,
            BatchBuilder(decoder.lists, self._records.reader),
            directory,
            tables,
            counters,
            guard,
            batch_rows=_BATCH_ROWS,
            fill=self._records.fill,
            publish=self._publish,
            report=report,
            hint=lambda device, names: hint("flow", device, names),
            closed=batch_closed,
        )

    def start(self) -> None:
        """Begin to send."""
        self._sinks.start()

    def tick(self, now_s: float) -> None:
        """Do what is due by the clock; called about once a second."""
        self._guard.run("purge", self._purge, now_s)
        # nfacctd waits for the second after: what comes within the first one is in the dump.
        if now_s >= self._next_dump_s + 1:
            self._next_dump_s = self._bmp_log.schedule.next_s(now_s)
            self._guard.run("dump", self._bmp_log.dump, now_s)
            self.bmp_path.schedule()

    async def stop(self, timeout_s: float) -> int:
        """Purge everything and wait for acknowledgements; give what stays without."""
        self.bmp_path.finish()
        self._guard.run("purge", self._purge, time.time(), True)
        return await self._sinks.drain(timeout_s)

    def signal(self, name: str) -> None:
        """Do what a signal asks for: "maps", "statistics", "log_files"."""
        match name:
            case "maps" if self._settings.maps_refresh:
                self._reload_maps()
            case "statistics":
                counts = sorted(self._counters.items())
                log.info("statistics: %s", " ".join(f"{name}={count}" for name, count in counts))
            case "log_files" if self._settings.logfile is not None:
                open_log_file(self._settings.logfile)

    def reconfigure(self, _: Config) -> None:
        """Nothing: the conf is read at the start, only its maps are read again."""

    def close_misplaced_sessions(self, _: BmpReceiver) -> None:
        """Nothing: no device moves while the service runs."""

    def device_status(self) -> Iterator[dict[str, Any]]:
        """Nothing yet: nfacctd has no status; the counters are those of every worker."""
        return iter(())

    def start_snapshots(self, _: Iterable[str]) -> list[str]:
        """Nothing: nfacctd's dumps come by `bmp_dump_refresh_time`."""
        return []

    def _publish(self, frame: Frame, now_s: float) -> None:
        routes = self._records.join(frame, self._routes_of)
        self._records.add(frame, routes)
        self._purge(now_s)

    def _purge(self, now_s: float, everything: bool = False) -> None:
        for plugin, records in self._records.purge(now_s, everything=everything):
            sink = self._sinks.plugin(plugin.name)
            sink.begin()
            sink.put(records)
            sink.end()

    def _reload_maps(self) -> None:
        try:
            maps = load_maps(self._settings)
        except ConfigError as error:
            log.error("maps not reloaded, the old ones stay:\n%s", error)
            return
        # What has come so far is judged by the old maps.
        self.flow_path.close_batch()
        self._records.use(maps.flows)
        self._bmp_log.set_tag_map(maps.bmp_tags)
        log.info("maps reloaded")

    def _writer_of(self, plugin: Plugin) -> str:
        return _writer_id(plugin.writer_id_string, plugin.name)


def _writer_id(template: str, name: str) -> str:
    return writer_id(template, name, os.getpid(), _BUILD)


def _allow_list(prefixes: tuple[str, ...] | None) -> AllowList | None:
    return None if prefixes is None else AllowList(prefixes)
