"""The inside of a worker in nfacctd's mode, wired: decoders, maps, caches, BMP log and outputs."""

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from collector.config.model import Config
from collector.errors import ConfigError
from collector.nfacctd.bmp.flow_routes import FlowRoutes
from collector.nfacctd.bmp.log import BmpLog
from collector.nfacctd.exporter_statistics import exporter_statistics
from collector.nfacctd.flows.flow_records import FlowRecords
from collector.nfacctd.flows.options import NfacctdOptions
from collector.nfacctd.flows.records import writer_id
from collector.nfacctd.flows.route_values import RouteTable
from collector.nfacctd.flows.tables import Frame
from collector.nfacctd.log_file import reopen_log_file
from collector.nfacctd.map_files import LoadedMaps, load_maps
from collector.nfacctd.maps.custom_primitives import load_custom_primitives
from collector.nfacctd.native import settings_of
from collector.nfacctd.outputs.sinks import Sinks
from collector.nfacctd.settings import Plugin
from collector.processors.options_tables import OptionsTables
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.ipfix.registry import Registry
from collector.receivers.bmp_tcp import BmpReceiver
from collector.records.batch_builder import BatchBuilder
from collector.records.flow_batch import FlowBatch
from collector.steering.allow_list import AllowList
from collector.workers.allowance import Allowance
from collector.workers.context import WorkerContext
from collector.workers.flow_path import FlowPath
from collector.workers.nfacctd_admission import AllowedDirectory, PaddingCheckedBuilder
from collector.workers.nfacctd_bmp_path import NfacctdBmpPath
from collector.workers.nfacctd_purges import Purges

_BATCH_ROWS = 10_000
_CHANGES_A_SECOND, _CHANGES_AT_ONCE = 20, 200  # of options data, that close a batch each
_BUILD = "collector"  # `$pmacct_build`
_DISCARDED = ("flow_malformed", "flow_unknown_version", "flow_refused")

log = logging.getLogger(__name__)


class NfacctdAssembly:
    """One worker's parts; has the methods of `assembly.Assembly`, so that a worker may have either.

    Args:
        config: one with the table [nfacctd].
    """

    def __init__(self, config: Config, context: WorkerContext) -> None:
        counters, guard = context.counters, context.guard
        self._settings = settings = settings_of(config)
        self._counters = counters
        self._guard = guard
        self._options_changes = Allowance(_CHANGES_A_SECOND, _CHANGES_AT_ONCE)
        self._reloads: set[asyncio.Future[None]] = set()
        self._reloading = asyncio.Lock()  # the last signal's maps are the last to be used
        self._sinks = Sinks(settings, context.slot, counters, context.failed)
        self._purges = Purges(self._sinks, guard)
        directory = AllowedDirectory(_allow_list(settings.allow), counters)
        decoder = FlowDecoder(Registry.default(), counters=counters)
        tables: OptionsTables[NfacctdOptions] = OptionsTables(
            counters,
            context.report,
            partial(
                NfacctdOptions,
                scope_check=not settings.disable_opt_scope_check,
                before_change=self._before_options_change,
            ),
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
            lambda plugin: self._sinks.plugin(plugin.name).takes_octets,
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
        self.bmp_path = NfacctdBmpPath(
            self._bmp_log,
            counters,
            guard,
            _allow_list(settings.bmp.allow),
            lambda: self._sinks.has_room,
        )
        builder = BatchBuilder(decoder.lists, self._records.reader)
        if settings.pre_processing_checks:
            builder = PaddingCheckedBuilder(decoder.lists, self._records.reader, counters)
        self.flow_path = FlowPath(
            decoder,
            builder,
            directory,
            tables,
            counters,
            guard,
            batch_rows=_BATCH_ROWS,
            fill=self._fill,
            publish=self._publish,
            report=context.report,
            hint=lambda device, names: context.hint("flow", device, names),
            closed=context.batch_closed,
            options_too=settings.account_options,
        )

    def start(self) -> None:
        """Begin to send."""
        self._sinks.start()

    def tick(self, now_s: float) -> None:
        """Do what is due by the clock; called about once a second."""
        if now_s >= self._records.due_s():
            # What came before a purge is in it.
            self.flow_path.close_batch()
        self._purge(now_s)
        self.bmp_path.rest()
        # nfacctd waits for the second after: what comes within the first one is in the dump.
        if now_s >= self._next_dump_s + 1:
            self._next_dump_s = self._bmp_log.schedule.next_s(now_s)
            self._guard.run("dump", self._bmp_log.dump, now_s)
            self.bmp_path.schedule()

    async def stop(self, timeout_s: float) -> int:
        """Purge everything and wait for acknowledgements; give what stays without."""
        deadline_s = time.monotonic() + timeout_s
        self._purge(time.time(), everything=True)
        await self._purges.finish()
        await self.bmp_path.finish(timeout_s)
        return await self._sinks.drain(max(deadline_s - time.monotonic(), 0.0))

    def signal(self, name: str) -> None:
        """Do what a signal asks for: "maps", "statistics", "log_files"."""
        match name:
            case "maps" if self._settings.maps_refresh:
                reload = asyncio.ensure_future(self._reload_maps())
                self._reloads.add(reload)
                reload.add_done_callback(self._reloads.discard)
                self._guard.watch("maps", reload)
            case "statistics":
                self._log_statistics()
            case "log_files" if self._settings.logfile is not None:
                reopen_log_file(self._settings.logfile)

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

    def _fill(self, batch: FlowBatch) -> tuple[Frame, RouteTable]:
        frame = self._records.fill(batch)
        return frame, self._records.join(frame, self._routes_of)

    def _publish(self, filled: tuple[Frame, RouteTable], now_s: float) -> None:
        # A failure must not reach the flow path, which would read the same records again.
        self._guard.run("records", self._records.add, *filled)
        self._purge(now_s)

    def _purge(self, now_s: float, *, everything: bool = False) -> None:
        for plugin, purged in self._records.purges(now_s, everything=everything):
            self._guard.run("purge", self._purges.add, plugin, purged)

    def _log_statistics(self) -> None:
        settings, counters = self._settings, self._counters
        lines = exporter_statistics(
            self.flow_path.decoder.domains,
            f"{settings.ip}:{settings.port}",
            int(time.time()),
            sum(count for name, count in counters.items() if name.startswith(_DISCARDED)),
        )
        for line in lines:
            log.info("%s", line)
        counts = sorted(counters.items())
        log.info("statistics: %s", " ".join(f"{name}={count}" for name, count in counts))

    async def _reload_maps(self) -> None:
        async with self._reloading:
            # In a thread: sockets are read on meanwhile, however long the maps are.
            try:
                maps = await asyncio.to_thread(load_maps, self._settings)
            except ConfigError as error:
                log.error("maps not reloaded, the old ones stay:\n%s", error)
                return
            self._use(maps)

    def _before_options_change(self) -> None:
        """Look flows that wait up in what exporters have said so far.

        An exporter that changes its mind all the time must not make a batch of every flow.
        """
        if self.flow_path.waiting_rows and self._options_changes.take(time.monotonic()):
            self.flow_path.close_batch()

    def _use(self, maps: LoadedMaps) -> None:
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
