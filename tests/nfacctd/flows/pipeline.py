"""Datagrams through decoder, batch builder and `FlowRecords`, the way a worker makes records."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from collector.metrics import Counters
from collector.nfacctd.flows.flow_records import FlowRecords, Maps
from collector.nfacctd.flows.options import NfacctdOptions
from collector.nfacctd.flows.route_values import RoutesOf
from collector.nfacctd.maps.custom_primitives import CustomPrimitive, load_custom_primitives
from collector.nfacctd.maps.flow_to_rd_map import FlowToRdMap
from collector.nfacctd.maps.networks_file import NetworksFile
from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.maps.sampling_map import SamplingMap
from collector.nfacctd.settings import Plugin, Settings
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import DataSet
from collector.protocols.ipfix.registry import Registry
from collector.records.batch_builder import BatchBuilder

START_S = 1_700_000_000
EXPORTER = "192.0.2.1"


@dataclass
class Pipeline:
    """One worker's flow path, without sockets and clocks."""

    settings: Settings
    customs: tuple[CustomPrimitive, ...] = ()
    maps: Maps = field(default_factory=Maps)
    routes_of: RoutesOf | None = None
    start_s: int = START_S
    wants_octets: bool = False

    def __post_init__(self) -> None:
        self.counters = Counters()
        self.names: list[str] = []
        self.options: dict[int, NfacctdOptions] = {}
        self.records = FlowRecords(
            self.settings,
            self.customs,
            self.names,
            self.options.get,
            self.maps,
            lambda plugin: plugin.name,
            self.start_s,
            self.counters,
            lambda _: self.wants_octets,
        )
        self.decoder = FlowDecoder(Registry.default(), counters=self.counters)
        self.builder = BatchBuilder(self.decoder.lists, self.records.reader)

    def datagram(self, octets: bytes, exporter: str = EXPORTER, at_s: float | None = None) -> None:
        """Take one datagram."""
        at_s = self.start_s if at_s is None else at_s
        if exporter not in self.names:
            self.names.append(exporter)
        index = self.names.index(exporter)
        for event in self.decoder.decode(exporter, memoryview(octets), 0.0):
            if type(event) is not DataSet:
                continue
            message, template, body = event
            if template.is_options:
                check = not self.settings.disable_opt_scope_check
                tables = NfacctdOptions(scope_check=check, before_change=self.close_batch)
                options = self.options.setdefault(index, tables)
                rows, _ = template.layout.rows(body, self.decoder.lists(message))
                for scope, fields in rows:
                    options.learn(message.observation_domain_id, scope, fields)
                if not self.settings.account_options:
                    continue
            self.builder.add(event, index, int(at_s * 1e6), 0)

    def close_batch(self) -> None:
        """Hand the batch on."""
        batch, _ = self.builder.read(self.builder.take())
        if batch is None:
            return
        frame = self.records.fill(batch)
        routes = self.records.join(frame, self.routes_of)
        self.records.add(frame, routes)

    def purge(self, at_s: int | None = None, *, everything: bool = True) -> list[dict[str, Any]]:
        """Close the batch, and give the records of the first plugin."""
        self.close_batch()
        at_s = self.start_s if at_s is None else at_s
        made = {p.name: records for p, records in self.records.purge(at_s, everything=everything)}
        return made.get(self.settings.plugins[0].name, [])


def records_of(
    datagrams: Iterable[bytes],
    *aggregate: str,
    plugin: Plugin | None = None,
    customs: tuple[CustomPrimitive, ...] = (),
    maps: Maps | None = None,
    routes_of: RoutesOf | None = None,
    **settings: Any,
) -> list[dict[str, Any]]:
    """Make the records of a JSON plugin, without ``event_type`` and ``writer_id``."""
    plugin = plugin or Plugin(name="p", type="kafka")
    plugin = replace(plugin, aggregate=aggregate)
    pipeline = Pipeline(Settings(plugins=(plugin,), **settings), customs, maps or Maps(), routes_of)
    for octets in datagrams:
        pipeline.datagram(octets)
    records = pipeline.purge()
    for record in records:
        record.pop("event_type", None)
        record.pop("writer_id", None)
    return records


def load_maps(settings: Settings) -> Maps:
    """Load the maps that settings name."""

    def load(kind: type, path: str | None) -> Any:
        return None if path is None else kind.load(path)

    return Maps(
        pre_tag=load(PreTagMap, settings.pre_tag_map),
        flow_to_rd=load(FlowToRdMap, settings.flow_to_rd_map),
        sampling=load(SamplingMap, settings.sampling_map),
        networks=load(NetworksFile, settings.networks.file),
    )


def load_customs(settings: Settings) -> tuple[CustomPrimitive, ...]:
    """Load the custom primitives that settings name."""
    path = settings.aggregate_primitives
    return () if path is None else load_custom_primitives(path)
