"""From batches of flow records to the records that plugins publish: the order of the steps.

reader = records.reader                  # for a `BatchBuilder`
frame = records.fill(batch)              # raw columns, exporters, VRFs, sampling rates
routes = records.join(frame, routes_of)  # AS numbers, prefixes, next hops, paths
records.add(frame, routes)               # tags, filters, caches
for plugin, made in records.purge(now_s):
    ...                                  # lists of dictionaries, in the plugin's shape
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from collector.metrics import Counters, register
from collector.nfacctd.flows.cache import Cache, Purged
from collector.nfacctd.flows.custom import CustomColumn
from collector.nfacctd.flows.filters import Filter
from collector.nfacctd.flows.flow_reader import FlowReader
from collector.nfacctd.flows.map_values import Context, evaluate
from collector.nfacctd.flows.names import fill_exporters, fill_names
from collector.nfacctd.flows.needs import needed_columns
from collector.nfacctd.flows.net_sources import NetSources
from collector.nfacctd.flows.quirks import is_dropped
from collector.nfacctd.flows.rates import fill_sampling_rates
from collector.nfacctd.flows.raw_columns import dtype_of, of_type
from collector.nfacctd.flows.records import Record, RecordMaker
from collector.nfacctd.flows.route_values import RouteShaper, RoutesOf, RouteTable
from collector.nfacctd.flows.routes import fill_routes
from collector.nfacctd.flows.tables import Frame, OptionsOf
from collector.nfacctd.flows.tagging import tag_flows, with_own_tags
from collector.nfacctd.flows.vrf import fill_route_distinguishers, fill_vrf_names
from collector.nfacctd.maps.agent_map import AgentMap
from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.nfacctd.maps.flow_to_rd_map import FlowToRdMap
from collector.nfacctd.maps.networks_file import NetworksFile
from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.maps.sampling_map import SamplingMap
from collector.nfacctd.settings import Plugin, Settings
from collector.records.distinct import map_distinct
from collector.records.flow_batch import FlowBatch

register(
    nfacctd_untyped="flow records dropped because they have neither IP nor MAC addresses",
)

BinRecords = tuple[int | None, list[Record] | list[bytes]]
"""The start of a bin (UTC; None where there are none), and some of its records, maybe as JSON."""

_SLICE = 2000  # entries of a cache whose records are made in one go: some milliseconds

_VRF_NAMES = frozenset({"vrf_name", "ingress_vrf_name", "egress_vrf_name"})


@dataclass(frozen=True, slots=True)
class Maps:
    """The maps of the core; those of single plugins by the plugin's name."""

    pre_tag: PreTagMap | None = None
    flow_to_rd: FlowToRdMap | None = None
    sampling: SamplingMap | None = None
    agent: AgentMap | None = None
    networks: NetworksFile | None = None
    plugin_pre_tags: Mapping[str, PreTagMap] = field(default_factory=dict)

    @property
    def keys(self) -> frozenset[str]:
        """Properties of flows that some rule looks at."""
        rules = (self.pre_tag, self.flow_to_rd, self.sampling, self.agent)
        every = [*rules, *self.plugin_pre_tags.values()]
        return frozenset().union(*(one.keys for one in every if one is not None))


@dataclass(frozen=True, slots=True)
class _Output:
    """One plugin and what it needs."""

    plugin: Plugin
    filter: Filter
    cache: Cache
    make: Callable[[Purged], list[Record] | list[bytes]]


class FlowRecords:
    """All flow records of one worker, on their way from fields to plugins.

    Args:
        settings: of the core and its plugins.
        customs: what `aggregate_primitives` defines.
        names: addresses of exporters, by index; it may grow.
        options_of: what exporters' options data say.
        maps: as loaded; `use` swaps them.
        writer_of: gives a plugin's ``writer_id``.
        now_s: time of the start, UTC.
        counters: of the worker.
        wants_octets: tells whether a plugin's records are wanted as JSON octets, where they can be.
    """

    def __init__(
        self,
        settings: Settings,
        customs: Sequence[CustomPrimitive],
        names: Sequence[str],
        options_of: OptionsOf,
        maps: Maps,
        writer_of: Callable[[Plugin], str],
        now_s: int,
        counters: Counters,
        wants_octets: Callable[[Plugin], bool] = lambda _: False,
    ) -> None:
        self._settings = settings
        self._options_of = options_of
        self._counters = counters
        self._context = Context(names, options_of, settings.ignore_exporter_address)
        self._net_sources = NetSources(settings)
        self._shaper = RouteShaper(settings)
        self._maps = maps
        self._outputs = []
        used: dict[str, CustomPrimitive] = {}
        by_name = {custom.name: custom for custom in customs}
        for plugin in settings.plugins:
            mine = [by_name[name] for name in plugin.aggregate if name in by_name]
            used |= {custom.name: custom for custom in mine}
            columns = [CustomColumn(custom) for custom in mine]
            cache = Cache(plugin, settings, columns, now_s, counters)
            maker = RecordMaker(plugin, settings, columns, writer_of(plugin))
            make = maker.records
            if maker.makes_lines and wants_octets(plugin):
                make = maker.lines
            self._outputs.append(_Output(plugin, Filter(plugin), cache, make))
        self._needs = self._needed()
        self.reader = FlowReader(settings, self._needs, used.values())

    @property
    def asks_routes(self) -> bool:
        """Whether flows are joined with BGP routes."""
        return self._net_sources.asks_routes

    def use(self, maps: Maps) -> None:
        """Take other maps, from the next batch on."""
        self._maps = maps
        self._needs = self._needed()
        self.reader.need(self._needs)

    def fill(self, batch: FlowBatch) -> Frame:
        """Make raw columns of a batch, and fill in what tables and maps say of its exporters."""
        frame = Frame(pl.DataFrame([_series(name, one) for name, one in batch.columns.items()]))
        dropped = is_dropped(frame.numpy("flow_type"))
        if dropped.any():
            self._counters.add("nfacctd_untyped", int(dropped.sum()))
            frame = Frame(frame.data.filter(pl.Series(~dropped)))
        if not frame.rows:
            return frame
        options_of, needs = self._options_of, self._needs
        fill_names(frame, options_of, needs)
        if "peer_src_ip" in needs:
            ignore = self._settings.ignore_exporter_address
            fill_exporters(frame, self._context.names, options_of, ignore_told=ignore)
        if "mpls_vpn_rd" in needs or needs & _VRF_NAMES:
            mapped = self._mapped(frame, self._maps.flow_to_rd, pl.String())
            fill_route_distinguishers(frame, options_of, mapped)
            if needs & _VRF_NAMES:
                fill_vrf_names(frame, options_of, mapped)
        if "sampling_rate" in needs:
            mapped = self._mapped(frame, self._maps.sampling, pl.UInt64())
            fill_sampling_rates(frame, options_of, mapped)
        return frame

    def join(self, frame: Frame, routes_of: RoutesOf | None = None) -> RouteTable:
        """Look up routes and networks, and choose whose AS numbers and prefixes flows have.

        Args:
            frame: of `fill`.
            routes_of: looks routes up; None: there are none.
        """
        table = RouteTable(self._shaper.shape)
        if not frame.rows:
            return table
        if routes_of is not None and self.asks_routes:
            fill_routes(frame, self._agents(frame), routes_of, table)
        self._net_sources.choose(frame, table, self._maps.networks)
        return table

    def add(self, frame: Frame, routes: RouteTable) -> None:
        """Tag the records of a batch and put them into the caches of the plugins that take them."""
        if not frame.rows:
            return
        context = Context(
            self._context.names, self._options_of, self._context.ignore_exporter_address, routes
        )
        dscp = self._settings.tos_encode_as_dscp
        tagged = tag_flows(frame, self._maps.pre_tag, context, dscp=dscp)
        for output in self._outputs:
            own = self._maps.plugin_pre_tags.get(output.plugin.name)
            mine = tagged if own is None else tag_flows(frame, own, context, dscp=dscp)
            mine = with_own_tags(output.filter.taken(mine, context))
            mine = _post_tagged(mine, output.plugin)
            output.cache.add(mine, routes)

    def due_s(self) -> float:
        """Tell when the next purge of some plugin is due."""
        return min((output.cache.deadline_s for output in self._outputs), default=float("inf"))

    def purge(
        self, now_s: float, *, everything: bool = False
    ) -> Iterator[tuple[Plugin, list[Any]]]:
        """Purge the plugins whose time has come, or whose cache is full.

        Args:
            now_s: UTC.
            everything: the service ends: all entries of all plugins.
        Returns:
            Each of those plugins, and the records of entries that it publishes; maybe none.
        """
        for plugin, purged in self.purges(now_s, everything=everything):
            yield plugin, [record for _, records in purged() for record in records]

    def purges(
        self, now_s: float, *, everything: bool = False
    ) -> Iterator[tuple[Plugin, Callable[[], Iterator[BinRecords]]]]:
        """As `purge`, and what does it for each plugin, so that one may fail alone.

        Entries leave the cache when it is called; iterating makes their records, some at a time.
        """
        for output in self._outputs:
            is_full = output.cache.is_full
            if not (everything or is_full or output.cache.is_due(now_s)):
                continue
            yield output.plugin, partial(_purged, output, int(now_s), everything or is_full)

    def _needed(self) -> frozenset[str]:
        keys = self._maps.keys
        for output in self._outputs:
            if output.filter.expression is not None:
                keys |= output.filter.expression.keys
        return needed_columns(
            self._settings,
            keys,
            routes=self.asks_routes,
            networks=self._maps.networks is not None,
        )

    def _mapped(
        self, frame: Frame, rules: FlowToRdMap | SamplingMap | None, dtype: pl.DataType
    ) -> pl.Series | None:
        if rules is None:
            return None
        given, which = evaluate(frame, rules, self._context)
        return pl.Series(given, dtype=dtype).gather(which)

    def _agents(self, frame: Frame) -> pl.Series:
        """Tell whose routes each flow takes: its sender's, or those that a map names."""
        names = self._context.names
        senders = map_distinct([frame.get("exporter")], names.__getitem__, pl.String())
        if self._maps.agent is None:
            return senders
        given, which = evaluate(frame, self._maps.agent, self._context)
        agents = [None if agent is None else agent.address for agent in given]
        mapped = pl.Series(agents, dtype=pl.String).gather(which)
        return mapped.fill_null(senders) if mapped.null_count() else mapped


def _purged(output: _Output, now_s: int, everything: bool) -> Iterator[BinRecords]:
    purged = output.filter.published(output.cache.purge(now_s, everything=everything))
    if "bin" not in purged.data.columns:
        return _sliced(output, [(None, purged.data)], now_s)
    bins = purged.data.partition_by("bin", as_dict=True, maintain_order=True)
    return _sliced(output, [(int(start), data) for (start,), data in sorted(bins.items())], now_s)


def _sliced(
    output: _Output, bins: list[tuple[int | None, pl.DataFrame]], now_s: int
) -> Iterator[BinRecords]:
    for start_s, data in bins:
        # One without an entry as well: a file may be wanted of it.
        for rows in data.iter_slices(_SLICE) if data.height else [data]:
            yield start_s, output.make(Purged(rows, now_s))


def _series(name: str, values: object) -> pl.Series:
    if isinstance(values, list):
        return pl.Series(name, values, dtype=pl.Binary).fill_null(b"")
    return of_type(pl.Series(name, values), dtype_of(name))


def _post_tagged(frame: Frame, plugin: Plugin) -> Frame:
    """Replace tags by those that a plugin's conf gives to all of its records."""
    tags = {"tag": plugin.post_tag, "tag2": plugin.post_tag2}
    posted = {column: tag for column, tag in tags.items() if tag is not None}
    if not posted:
        return frame
    tagged = Frame(frame.data)
    for column, tag in posted.items():
        tagged.put(column, np.full(frame.rows, tag, np.uint64))
    return tagged
