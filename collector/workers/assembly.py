"""The inside of a worker, wired: decoders, tables, join, aggregates and outputs of one slot."""

import asyncio
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from collector.config.model import AggregateTable, Config
from collector.pipeline.devices import DeviceDirectory, DeviceSettings
from collector.processors.aggregate import AggregateSpec, Aggregator
from collector.processors.bgp_paths import AttributeReader
from collector.processors.correlate import JOIN_TEXTS, STATE_TEXTS, Correlator
from collector.processors.options_tables import OptionsTables
from collector.processors.route_distinguishers import StaticRd
from collector.protocols.bgp.route_distinguisher import rd_octets, rd_text
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.ipfix.options import ExporterOptions
from collector.protocols.ipfix.registry import Registry
from collector.receivers.bmp_tcp import BmpReceiver
from collector.records.batch_builder import BatchBuilder
from collector.records.condition import published_type
from collector.records.flow_batch import FlowBatch
from collector.records.publish import Tables
from collector.records.segment import CanonicalReader
from collector.rib.rib import Rib
from collector.rib.shared import Limits
from collector.rib.view import View
from collector.steering.allow_list import AllowList
from collector.workers.bmp_path import BmpPath
from collector.workers.context import WorkerContext
from collector.workers.device_status import device_status
from collector.workers.flow_filling import FlowFiller
from collector.workers.flow_path import FlowPath
from collector.workers.outputs import Outputs
from collector.workers.publisher import Origin, Publisher, SequenceNumbers
from collector.workers.slot_table import slot_table

_PUMP_S = 0.01  # until more of a large window is published


class Assembly:
    """One worker's parts, and how records move between them."""

    def __init__(self, config: Config, context: WorkerContext) -> None:
        self._slot, self._slots = context.slot, context.slots
        counters, guard = context.counters, context.guard
        self._counters = counters
        self._guard = guard
        self._retiring: set[asyncio.Task[int]] = set()
        self._failed = context.failed
        self._started = False
        self._pump_timer: asyncio.TimerHandle | None = None
        name = config.collector.name or socket.gethostname()
        self._origin = Origin(name, context.slot, context.incarnation)
        self._config = config
        self._directory = DeviceDirectory(_device_settings(config), counters)
        views = [_view(text) for text in config.rib.views]
        self._rib = Rib(
            views=views,
            stale_s=config.rib.stale_s,
            silence_s=config.rib.silence_s,
            limits=Limits(
                routes_per_device=config.rib.max_routes, routes_per_peer=config.rib.max_routes
            ),
            counters=counters,
            reader=AttributeReader(),
        )
        self._tables = Tables(
            self._directory.names,
            {
                "destinationJoin": JOIN_TEXTS,
                "sourceJoin": JOIN_TEXTS,
                "ribState": STATE_TEXTS,
            },
            self._rib.paths,
            lambda rd: rd_text(rd.to_bytes(8, "big")),
        )
        self._registry = _registry(config.flow.element_files)
        decoder = FlowDecoder(
            self._registry,
            counters=counters,
            max_templates_per_exporter=config.flow.max_templates,
        )
        options: OptionsTables[ExporterOptions] = OptionsTables(counters, context.report)
        self._filler = FlowFiller(
            self._directory, options, Correlator(self._rib, self._directory, views, counters)
        )
        self._reader = CanonicalReader(config.flow.elements, config.flow.extra)
        self.flow_path = FlowPath(
            decoder,
            BatchBuilder(decoder.lists, self._reader),
            self._directory,
            options,
            counters,
            guard,
            batch_rows=config.flow.batch_rows,
            fill=self._filler.fill,
            publish=self._publish_flows,
            report=context.report,
            hint=lambda device, names: context.hint("flow", device, names),
            closed=context.batch_closed,
        )
        self.bmp_path = BmpPath(
            self._rib,
            self._directory,
            counters,
            guard,
            publish=self._publish_events,
            has_room=lambda: self._publisher.has_room_for_events,
            hint=lambda device, names: context.hint("bmp", device, names),
        )
        self._sequence: SequenceNumbers = {}
        self._aggregators: dict[str, Aggregator] = {}
        self._make_outputs(config)

    def start(self) -> None:
        """Begin to send."""
        self._started = True
        self._outputs.start()

    def tick(self, now_s: float) -> None:
        """Do what is due by the clock; called about once a second."""
        self._guard.run("rib_tick", self._rib.tick, now_s)
        self._publisher.tick(now_s)
        self._pump_later()
        interval_s = self._config.snapshot.interval_s
        if interval_s and now_s >= self._next_snapshot_s:
            self._next_snapshot_s = now_s + interval_s
            self.start_snapshots([])

    async def stop(self, timeout_s: float) -> int:
        """Publish what is open and wait for acknowledgements; give what stays without."""
        self.bmp_path.snapshots.stop()
        await self.bmp_path.snapshots.idle()
        self._publisher.flush()
        deadline_s = time.monotonic() + timeout_s
        while self._publisher.pump() and time.monotonic() < deadline_s:
            await asyncio.sleep(_PUMP_S)
        self._publisher.publish_waiting()
        rest_s = max(deadline_s - time.monotonic(), 0.0)
        left = await asyncio.gather(self._outputs.drain(rest_s), *self._retiring)
        return sum(left)

    def reconfigure(self, config: Config) -> None:
        """Take over what can change while running; see `config/reload.py`.

        Outputs that are replaced go on until what they hold is acknowledged.
        """
        # What has come so far is judged by the configuration it came under.
        self.flow_path.close_batch()
        self._directory.configure(_device_settings(config))
        self.flow_path.batch_rows = config.flow.batch_rows
        if _publishing(config) == _publishing(self._config):
            self._config = config
            self._filler.static_rds = _static_rds(config)
            return
        old = self._outputs
        self._publisher.flush()
        self._publisher.publish_waiting()
        self._make_outputs(config)
        if self._started:
            self._outputs.start()
        retiring = asyncio.ensure_future(old.drain(config.collector.stop_timeout_s))
        self._guard.watch("output", retiring)
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    def close_misplaced_sessions(self, receiver: BmpReceiver) -> None:
        """Close the BMP sessions of devices that belong to another slot now, or are let in no more.

        Steering and the allow-list judge new connections only. So does the session's own device:
        flows would look for its tables under its new name.
        """
        table = slot_table(self._config, self._slots)
        prefixes = self._config.steering.allow
        allow = AllowList(prefixes) if prefixes else None
        for session in list(receiver.sessions.values()):
            if table.slot_of(session.address) != self._slot:
                receiver.close(session, "moved to another slot")
            elif allow is not None and not allow.allows(session.address):
                receiver.close(session, "refused by the allow-list")
            elif self.bmp_path.device_of(session) != self._directory.device_of(session.address):
                receiver.close(session, "has another device")

    def device_status(self) -> Iterator[dict[str, Any]]:
        """What is known of each device, for the status."""
        return device_status(
            self._slot,
            self._directory,
            self.flow_path.decoder,
            self.bmp_path.sessions_by_device(),
            self._rib,
            time.time(),
        )

    def start_snapshots(self, devices: Iterable[str]) -> list[str]:
        """Begin to publish whole tables; of all devices where none is named."""
        if not self._publisher.wants_events:
            return []
        names = [self._directory.device_of(device) for device in devices]
        snapshots = self.bmp_path.snapshots
        return snapshots.start(names) if names else snapshots.start_all()

    def _make_outputs(self, config: Config) -> None:
        outputs = Outputs(
            config.output,
            config.publish,
            self._slot,
            self._counters,
            guard=self._guard,
            failed=self._failed,
            room=self.bmp_path.snapshot_incomplete,
        )
        # Nothing of this worker's was changed so far: what is above may fail.
        self._config, self._outputs = config, outputs
        self._filler.static_rds = _static_rds(config)
        self._next_snapshot_s = time.time() + config.snapshot.interval_s
        published = {publish.records for publish in config.publish}
        self._aggregators = {
            table.name: self._aggregator(_aggregate_spec(table))
            for table in config.aggregate
            if table.name in published
        }
        self._publisher = Publisher(
            config.publish,
            self._aggregators,
            outputs,
            self._tables,
            self._origin,
            self._counters,
            self._guard,
            lambda name: published_type(name, self._registry),
            self._sequence,
        )
        self.bmp_path.wants_events = self._publisher.wants_events
        self._filler.wants_flows = self._publisher.wants_flows
        self._filler.wants_routes = self._publisher.wants_routes
        self._filler.wanted = self._publisher.wanted_columns
        self._reader.want(self._filler.wanted)

    def _aggregator(self, spec: AggregateSpec) -> Aggregator:
        # One that stays knows which parts of its windows are published already.
        known = self._aggregators.get(spec.name)
        if known is not None and known.spec == spec:
            return known
        return Aggregator(spec, self._tables, self._counters)

    # A reload replaces the publisher, so nobody may keep one.
    def _publish_flows(self, batch: FlowBatch, now_s: float) -> None:
        self._publisher.flows(batch, now_s)
        self._pump_later()

    def _pump_later(self) -> None:
        if self._publisher.waits and self._pump_timer is None:
            loop = asyncio.get_running_loop()
            self._pump_timer = loop.call_later(_PUMP_S, self._pump)

    def _pump(self) -> None:
        self._pump_timer = None
        self._guard.run("publish", lambda: self._publisher.pump() or None)
        self._pump_later()

    def _publish_events(self, events: list[dict[str, Any]]) -> bool:
        return self._publisher.events(events)


def _publishing(config: Config) -> tuple[Any, ...]:
    return config.output, config.publish, config.aggregate, config.snapshot


def _device_settings(config: Config) -> list[DeviceSettings]:
    return [
        DeviceSettings(
            device.addresses,
            device.rib_of,
            None if device.views is None else tuple(map(_view, device.views)),
            device.sampling_rate,
        )
        for device in config.device
    ]


def _static_rds(config: Config) -> tuple[StaticRd, ...]:
    return tuple(
        StaticRd(
            int.from_bytes(rd_octets(line.rd), "big"),
            line.device,
            line.vrf_id,
            line.ingress_interface,
        )
        for line in config.rd
    )


def _aggregate_spec(table: AggregateTable) -> AggregateSpec:
    return AggregateSpec(
        table.name,
        table.keys,
        table.sums,
        table.window_s,
        table.time,
        table.lateness_s,
        table.time_range_s,
        table.max_groups,
    )


def _registry(files: Iterable[str]) -> Registry:
    registry = Registry.default()
    for name in files:
        registry = registry.with_csv(Path(name).read_text())
    return registry


def _view(text: str) -> View:
    return View[text.upper().replace("-", "_")]
