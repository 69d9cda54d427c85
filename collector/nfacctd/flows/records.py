"""Purged entries to records: nfacctd's keys in its order, in JSON's shape or Avro's (1.1, 1.7).

The Avro shape is what a consumer behind a schema registry reads: all keys of the schema, null where
nfacctd leaves a field empty, custom primitives in a map.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.nfacctd.flows.cache import Purged
from collector.nfacctd.flows.custom import CustomColumn
from collector.nfacctd.flows.flow_type import LAYERS, WITHOUT_COUNTERS
from collector.nfacctd.flows.primitives import (
    AVRO_ORDER,
    FLOWS,
    JSON_ORDER,
    Key,
    Primitive,
    selected,
)
from collector.nfacctd.flows.stamps import stamp_writer
from collector.nfacctd.flows.texts import Texts, custom_values, signed
from collector.nfacctd.settings import Plugin, Settings

_AVRO = ("avro", "avro_json")
_SECOND_US = 1_000_000
_STITCHED = ("timestamp_min", "timestamp_max")
_STAMPS = ("stamp_inserted", "stamp_updated")
_COUNTED = ("packets", "bytes")

_DTYPES = {
    "long": pl.Int64(),
    "int": pl.Int64(),
    "double": pl.Float64(),
    "string": pl.String(),
    "strings": pl.List(pl.String()),
}

Record = dict[str, Any]


def writer_id(template: str, proc_name: str, pid: int, build: str) -> str:
    """Expand `writer_id_string`."""
    expanded = template.replace("$proc_name", proc_name).replace("$writer_pid", str(pid))
    return expanded.replace("$pmacct_build", build)


def record_keys(plugin: Plugin, settings: Settings, customs: Sequence[CustomColumn]) -> list[Key]:
    """Tell all keys of a plugin's records, in their order, with their types in Avro.

    In JSON some records lack the last ones: those of events have no counters.
    """
    return RecordMaker(plugin, settings, customs, "").keys


class RecordMaker:
    """Makes the records of one plugin.

    Args:
        plugin: whose they are.
        settings: of the core.
        customs: custom primitives that the plugin selects, in the order of its `aggregate`.
        writer: value of ``writer_id``.
    """

    def __init__(
        self, plugin: Plugin, settings: Settings, customs: Sequence[CustomColumn], writer: str
    ) -> None:
        self._plugin = plugin
        self._settings = settings
        self._customs = customs
        self._writer = writer
        self._is_avro = plugin.output in _AVRO
        self._texts = Texts(plugin, settings, is_avro=self._is_avro)
        self._stamp = stamp_writer(plugin.timestamps, fraction=False)
        order = AVRO_ORDER if self._is_avro else JSON_ORDER
        self._order: list[list[Primitive]] = [selected(plugin.aggregate, part) for part in order]
        self._counts_flows = FLOWS in plugin.aggregate
        self._has_writer = plugin.type == "kafka"

    @property
    def keys(self) -> list[Key]:
        """All keys, in order."""
        before, between, behind = (
            [self._key(key) for primitive in part for key in primitive.keys] for part in self._order
        )
        stitched = [Key(name, "string", True) for name in _STITCHED]
        stamps = [Key(name, "string", True) for name in _STAMPS]
        flows = [Key(FLOWS, "long", True)]
        packets, octets = (Key(name, "long", True) for name in _COUNTED)
        writer = [Key("writer_id", "string")] if self._has_writer else []
        if self._is_avro:
            customs = [Key("custom_primitives", "map")] if self._customs else []
            counters = [packets, *flows, octets]
            return [*before, *stitched, *between, *customs, *stamps, *counters, *writer]
        customs = [Key(one.primitive.name, "string") for one in self._customs]
        head = [Key("event_type", "string")]
        stitched = stitched if self._plugin.stitching else []
        stamps = stamps if self._plugin.history else []
        flows = flows if self._counts_flows else []
        return [
            *(*head, *before, *stitched, *between, *customs, *stamps),
            *(*flows, *behind, packets, octets, *writer),
        ]

    def records(self, purged: Purged) -> list[Record]:
        """Make the records of purged entries."""
        data = purged.data
        if not data.height:
            return []
        columns = (
            self._avro(data, purged.now_s) if self._is_avro else self._json(data, purged.now_s)
        )
        names = list(columns)
        records = [
            dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)
        ]
        self._clear_counters(records, data)
        return records

    @property
    def makes_lines(self) -> bool:
        """Whether `lines` can write the records: JSON, without maps."""
        return not self._is_avro and all(key.type in _DTYPES for key in self.keys)

    def lines(self, purged: Purged) -> list[bytes]:
        """Write the records of purged entries as JSON, a column at a time."""
        data = purged.data
        if not data.height:
            return []
        columns = self._json(data, purged.now_s)
        dtypes = {key.name: _DTYPES[key.type] for key in self.keys}
        frame = pl.DataFrame(
            [_series(name, values, dtypes[name]) for name, values in columns.items()]
        )
        uncounted = pl.Series(_without_counters(data))
        if not uncounted.any():
            return _json_lines(frame)
        counters = [name for name in (*_COUNTED, FLOWS) if name in columns]
        events = frame.filter(uncounted).drop(counters)
        return _json_lines(frame.filter(~uncounted)) + _json_lines(events)

    def _key(self, key: Key) -> Key:
        settings = self._settings
        arrays = {
            "tcp_flags": settings.tcpflags_encode_as_array,
            "tunnel_tcp_flags": settings.tcpflags_encode_as_array,
            "mpls_label_stack": settings.mpls_label_stack_encode_as_array,
            **dict.fromkeys(("as_path", "as_path_src"), settings.as_path_encode_as_array),
        }
        for name in ("comms", "ecomms", "lcomms"):
            arrays |= dict.fromkeys((name, f"{name}_src"), settings.bgp_comms_encode_as_array)
        if arrays.get(key.name):
            return Key(key.name, "strings")
        if key.name == "label" and settings.pre_tag_label_encode_as_map:
            return Key(key.name, "map")
        return key

    def _json(self, data: pl.DataFrame, now_s: int) -> dict[str, list[Any]]:
        columns = {"event_type": ["purge"] * data.height}
        before, between, behind = self._order
        self._add(columns, before, data)
        if self._plugin.stitching:
            columns |= self._stitched(data)
        self._add(columns, between, data)
        for custom in self._customs:
            columns[custom.primitive.name] = custom_values(custom, data)
        if self._plugin.history is not None:
            columns |= self._stamps(data, now_s)
        if self._counts_flows:
            columns[FLOWS] = signed(data[FLOWS])
        self._add(columns, behind, data)
        columns |= {name: signed(data[name]) for name in _COUNTED}
        if self._has_writer:
            columns["writer_id"] = [self._writer] * data.height
        return columns

    def _avro(self, data: pl.DataFrame, now_s: int) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {}
        nothing = [None] * data.height
        before, between, _ = self._order
        self._add(columns, before, data)
        none = dict.fromkeys(_STITCHED, nothing)
        columns |= self._stitched(data) if self._plugin.stitching else none
        self._add(columns, between, data)
        if self._customs:
            names = [custom.primitive.name for custom in self._customs]
            values = [custom_values(custom, data) for custom in self._customs]
            columns["custom_primitives"] = [
                dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)
            ]
        stamped = self._plugin.history is not None and self._plugin.type == "kafka"
        columns |= self._stamps(data, now_s) if stamped else dict.fromkeys(_STAMPS, nothing)
        columns["packets"] = signed(data["packets"])
        columns[FLOWS] = signed(data[FLOWS]) if self._counts_flows else nothing
        columns["bytes"] = signed(data["bytes"])
        if self._has_writer:
            columns["writer_id"] = [self._writer] * data.height
        return columns

    def _add(
        self, columns: dict[str, list[Any]], primitives: list[Primitive], data: pl.DataFrame
    ) -> None:
        for primitive in primitives:
            values = self._texts.values(primitive.name, data)
            columns |= dict(zip((key.name for key in primitive.keys), values, strict=True))

    def _stitched(self, data: pl.DataFrame) -> dict[str, list[str]]:
        # Negative: the end of an entry with a record that had none.
        times = data.select(
            pl.col("stitch_min").alias(_STITCHED[0]), pl.col("stitch_max").abs().alias(_STITCHED[1])
        )
        return {name: self._texts.stamps(times, name) for name in _STITCHED}

    def _stamps(self, data: pl.DataFrame, now_s: int) -> dict[str, list[str]]:
        bins = {start: self._stamp(start * _SECOND_US) for start in data["bin"].unique().to_list()}
        inserted = [bins[start] for start in data["bin"].to_list()]
        return {
            "stamp_inserted": inserted,
            "stamp_updated": [self._stamp(now_s * _SECOND_US)] * data.height,
        }

    def _clear_counters(self, records: list[Record], data: pl.DataFrame) -> None:
        """Take the counters out of records of events and options data."""
        for row in np.flatnonzero(_without_counters(data)).tolist():
            for name in (*_COUNTED, FLOWS):
                if self._is_avro:
                    records[row][name] = None
                else:
                    records[row].pop(name, None)


def _without_counters(data: pl.DataFrame) -> NDArray[np.bool_]:
    kinds = data["flow_type"].to_numpy() & np.uint8(~LAYERS & 0xFF)
    return np.isin(kinds, WITHOUT_COUNTERS)


def _series(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    if dtype != pl.List:
        return pl.Series(name, values, dtype)
    # Equal lists are one object, made once; polars reads JSON faster than it takes lists of Python.
    places: dict[int, int] = {}
    distinct: list[str] = []
    codes = []
    for value in values:
        place = places.setdefault(id(value), len(distinct))
        if place == len(distinct):
            distinct.append(json.dumps(value))
        codes.append(place)
    return pl.Series(name, distinct).str.json_decode(dtype).gather(codes)


def _json_lines(frame: pl.DataFrame) -> list[bytes]:
    return frame.write_ndjson().encode().split(b"\n")[:-1] if frame.height else []
