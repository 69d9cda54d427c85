"""The cache of one plugin: records with equal primitives and bin are one entry (reference 5.1).

A batch is grouped when it comes in; what it leaves is put together with what earlier batches left
when the cache is purged, or when there is much of it. An entry has the values of its first record;
packets, octets and flows are summed, TCP flags ORed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.metrics import Counters
from collector.nfacctd.flows.custom import CustomColumn
from collector.nfacctd.flows.primitives import PRIMITIVES, ROUTE_TEXTS
from collector.nfacctd.flows.pro_rating import spread
from collector.nfacctd.flows.quirks import stitched_max
from collector.nfacctd.flows.raw_columns import Seen, parts
from collector.nfacctd.flows.route_values import RouteTable
from collector.nfacctd.flows.tables import Frame
from collector.nfacctd.flows.time_bins import TimeBins, first_deadline
from collector.nfacctd.settings import Plugin, Settings
from collector.records.text import mask_address

_SECOND_US = 1_000_000
_WHOLE_ADDRESS = 128  # or more, so of IPv4 too
_ENTRIES_A_BUCKET = 10  # nfacctd's chains are not longer, so its cache is as large
_FLAGS = ("tcpflags", "tunnel_tcpflags")
_COUNTED = ("packets", "bytes", "flows")
_SEEN = {
    "src_host": Seen.SRC_HOST,
    "src_net": Seen.SRC_HOST,
    "dst_host": Seen.DST_HOST,
    "dst_net": Seen.DST_HOST,
    "peer_dst_ip": Seen.PEER_DST_IP,
    "tunnel_src_host": Seen.TUNNEL_SRC_HOST,
    "tunnel_dst_host": Seen.TUNNEL_DST_HOST,
}
_TIMES = ("timestamp_start", "timestamp_end", "timestamp_arrival")


_Halves = tuple[NDArray[np.uint64], NDArray[np.uint64]]
_Nets = dict[str, _Halves]


@dataclass(frozen=True, slots=True)
class Purged:
    """Entries that left a cache; raw columns, `Cache.keys` and counters, one row an entry."""

    data: pl.DataFrame
    now_s: int


class Cache:
    """What one plugin has summed up and not yet published.

    Args:
        plugin: whose cache it is.
        settings: of the core.
        customs: custom primitives that the plugin selects.
        now_s: time of the start, UTC: bins and purges are counted from it.
    """

    def __init__(
        self,
        plugin: Plugin,
        settings: Settings,
        customs: Iterable[CustomColumn],
        now_s: int,
        counters: Counters,
    ) -> None:
        self.plugin = plugin
        self.bins = None if plugin.history is None else TimeBins(plugin.history, now_s)
        letters = "" if plugin.history is None else plugin.history.roundoff
        self.deadline_s = first_deadline(now_s, plugin.refresh_s, letters, plugin.startup_delay_s)
        self._settings = settings
        self._counters = counters
        self._custom_dtypes = {part: one.dtype for one in customs for part in one.parts}
        self._keys = _keys(plugin.aggregate, self._custom_dtypes)
        self._seen = sum({_SEEN[name] for name in plugin.aggregate if name in _SEEN})
        self._routes = {n: ROUTE_TEXTS[n] for n in plugin.aggregate if n in ROUTE_TEXTS}
        self._limit = plugin.cache_entries * _ENTRIES_A_BUCKET
        self._parts: list[pl.DataFrame] = []
        self._rows = 0

    def __len__(self) -> int:
        """Tell how many entries there are, at most."""
        return self._rows

    @property
    def is_full(self) -> bool:
        """Whether it holds as many entries as it may: then it should be purged at once."""
        if self._rows > self._limit:
            self._merge()
        return self._rows > self._limit

    def add(self, frame: Frame, routes: RouteTable) -> None:
        """Take the records of a batch.

        Args:
            frame: its raw columns.
            routes: what its ``src_route`` and ``dst_route`` are numbers of.
        """
        if not frame.rows:
            return
        data = pl.DataFrame(self._columns(frame))
        if self.plugin.pro_rating and self.bins is not None:
            data = self._pro_rated(data, frame)
        grouped = _grouped(data)
        self._parts.append(self._with_routes(grouped, routes))
        self._rows += grouped.height
        if len(self._parts) > 1 and self._rows > 2 * self._parts[0].height + 65_536:
            self._merge()

    def is_due(self, now_s: float) -> bool:
        """Tell whether it is time for a purge."""
        return now_s >= self.deadline_s

    def purge(self, now_s: int, *, everything: bool = False) -> Purged:
        """Take out the entries of bins that have ended.

        Args:
            now_s: UTC.
            everything: also those of bins that are still open: the service ends, or the cache is
                full.
        """
        while self.deadline_s <= now_s:
            self.deadline_s += self.plugin.refresh_s
        self._merge()
        data = self._parts.pop() if self._parts else pl.DataFrame()
        if self.bins is not None:
            self.bins.advance(now_s)
            last = self.bins.purge_before(self.plugin.startup_delay_s)
            if not everything and data.height:
                is_due = data["bin"] <= last
                self._parts = [data.filter(~is_due)]
                data = data.filter(is_due)
        self._rows = sum(part.height for part in self._parts)
        return Purged(data, now_s)

    def _columns(self, frame: Frame) -> list[pl.Series]:
        nets: _Nets = {}
        columns = [
            self._key(frame, name, nets) for name in self._keys if self._is_there(frame, name)
        ]
        if self.bins is not None:
            stamps = self._start_us(frame) // _SECOND_US
            columns.append(pl.Series("bin", self.bins.of(stamps)))
        columns += [self._counter(frame, name) for name in _COUNTED]
        columns += [frame.get(name) for name in _FLAGS if name in self.plugin.aggregate]
        columns.append(frame.get("flow_type"))
        if self.plugin.stitching:
            columns.append(pl.Series("stitch_min", self._start_us(frame)))
            columns.append(pl.Series("stitch_max", self._end_or_arrival(frame)))
        return columns

    def _is_there(self, frame: Frame, name: str) -> bool:
        source = name.replace("_net.", "_host.")
        return source in frame.data.columns

    def _key(self, frame: Frame, name: str, nets: _Nets) -> pl.Series:
        if name == "seen":
            return (frame.get(name) & int(self._seen)).alias(name)
        if name.startswith(("src_net.", "dst_net.")):
            end = name[:3]
            if end not in nets:
                nets[end] = self._net(frame, end)
            return pl.Series(name, nets[end][name.endswith(".lo")])
        if name in _TIMES and self.plugin.timestamps.secs:
            return pl.Series(name, frame.numpy(name) // _SECOND_US * _SECOND_US)
        if name == "sampling_rate" and self._settings.renormalize:
            return frame.get(name).clip(0, 1)
        return frame.data[name]

    def _net(self, frame: Frame, end: str) -> _Halves:
        high, low = frame.halves(f"{end}_host")
        bits = frame.numpy(f"{end}_mask").astype(np.int16)
        if self._settings.networks.no_mask_if_zero:
            bits = np.where(bits == 0, np.int16(_WHOLE_ADDRESS), bits)
        return mask_address(high, low, bits)

    def _counter(self, frame: Frame, name: str) -> pl.Series:
        counts = frame.get(name)
        if name == "flows" or not self._settings.renormalize:
            return counts
        configured = self._settings.ext_sampling_rate
        if configured is not None:  # it comes before all that is told, and is not told itself
            return counts * configured
        return counts * frame.get("multiplier")

    def _start_us(self, frame: Frame) -> NDArray[np.int64]:
        arrival = frame.numpy("timestamp_arrival")
        if self._settings.time_new:
            return arrival
        start = frame.numpy("bin_start")
        return np.where(start // _SECOND_US == 0, arrival, start)

    def _end_or_arrival(self, frame: Frame) -> NDArray[np.int64]:
        arrival = frame.numpy("timestamp_arrival")
        if self._settings.time_new:
            return -arrival
        end = frame.numpy("bin_end")
        return np.where(end // _SECOND_US == 0, -arrival, end)

    def _pro_rated(self, data: pl.DataFrame, frame: Frame) -> pl.DataFrame:
        length_s = self.plugin.history.length_s
        if length_s is None:
            return data
        start_s = self._start_us(frame) // _SECOND_US
        end_s = frame.numpy("bin_end") // _SECOND_US
        return spread(data, start_s, end_s, length_s, self._counters)

    def _with_routes(self, grouped: pl.DataFrame, routes: RouteTable) -> pl.DataFrame:
        """Put what routes say in place of their numbers, which are of one batch only."""
        columns = []
        for name, (number, attribute) in self._routes.items():
            if number not in grouped.columns:
                continue
            if name.startswith("src_") and not self._takes_source(attribute):
                continue
            values = routes.column(attribute)
            dtype = pl.String if values.dtype == pl.String else pl.UInt64
            columns.append(values.cast(dtype).gather(grouped[number]).alias(name))
        numbers = [name for name in ("src_route", "dst_route") if name in grouped.columns]
        if not numbers:
            return grouped
        return grouped.drop(numbers).with_columns(columns)

    def _takes_source(self, attribute: str) -> bool:
        return getattr(self._settings, f"src_{attribute}_from_bgp")

    def _merge(self) -> None:
        if not self._parts:
            return
        data = pl.concat(self._parts, how="diagonal") if len(self._parts) > 1 else self._parts[0]
        # In what lacks a column all values are zeros.
        data = data.with_columns(pl.col(pl.String).fill_null(""), pl.col(pl.Binary).fill_null(b""))
        self._parts = [_grouped(data.fill_null(0))]
        self._rows = self._parts[0].height


def _keys(aggregate: Sequence[str], customs: Iterable[str]) -> list[str]:
    raw: dict[str, None] = {}
    for name in aggregate:
        if name in ROUTE_TEXTS:
            raw[ROUTE_TEXTS[name][0]] = None
        elif name in PRIMITIVES and name not in _FLAGS:
            raw |= dict.fromkeys(PRIMITIVES[name].raw)
    return [part for name in raw for part in parts(name)] + list(customs)


_SUMMED = frozenset({*_COUNTED, *_FLAGS, "flow_type", "stitch_min", "stitch_max"})


def _grouped(data: pl.DataFrame) -> pl.DataFrame:
    keys = [name for name in data.columns if name not in _SUMMED]
    if not keys:  # what nobody asked to tell apart
        data, keys = data.with_columns(all=pl.lit(0, pl.UInt8)), ["all"]
    aggregates = [pl.col(name).sum() for name in _COUNTED]
    aggregates += [pl.col(name).bitwise_or() for name in _FLAGS if name in data.columns]
    aggregates.append(pl.col("flow_type").last())
    if "stitch_max" not in data.columns:
        return data.group_by(keys).agg(aggregates)
    aggregates.append(pl.col("stitch_min").first())
    ends = pl.col("stitch_max")
    if not (data["stitch_max"] > 0).any():  # no record has an end: the last one counts
        return data.group_by(keys).agg(*aggregates, ends.last())
    grouped = data.group_by(keys).agg(*aggregates, ends)
    folded = [stitched_max(of_entry) for of_entry in grouped["stitch_max"].to_list()]
    return grouped.with_columns(pl.Series("stitch_max", folded, pl.Int64))
