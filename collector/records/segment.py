"""Columns of the records of one layout: fields under their canonical names."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from collector.protocols.ipfix.block import Block
from collector.protocols.ipfix.columns import Column
from collector.protocols.ipfix.columns import Kind as FieldKind
from collector.protocols.ipfix.layout import Layout
from collector.records.columns import Kind
from collector.records.flow_batch import IPV4_MAPPED, SetColumns
from collector.records.projection import (
    AddressField,
    NamedField,
    Projection,
    project,
    pruned,
)
from collector.records.times import flow_time_us

_NUMBERS = (FieldKind.UNSIGNED, FieldKind.SIGNED, FieldKind.FLOAT, FieldKind.BOOLEAN)
_MAX_PROJECTIONS = 4096  # as bounded as the cache of layouts is


@dataclass(slots=True)
class Segment:
    """As `FlowBatch`, of one layout."""

    rows: int
    columns: dict[str, Any]
    valid: dict[str, NDArray[np.bool_]]
    sets: SetColumns
    set_of_row: NDArray[np.int64]


class CanonicalReader:
    """Reads canonical columns; what a layout's fields are for is worked out once.

    Args:
        elements: names of elements that get a column of their own.
        extra: whether elements without a column go into the map ``extra``.
    """

    def __init__(self, elements: Iterable[str] = (), extra: bool = True) -> None:
        # Its name is learnt from options data, so it is looked up as a column.
        self._elements = frozenset(elements) | {"applicationId"}
        self._extra = extra
        self._wanted: frozenset[str] | None = None
        self._projections: dict[Layout, Projection] = {}

    def want(self, columns: frozenset[str] | None) -> None:
        """Read these columns only, or all."""
        self._wanted = columns
        self._projections.clear()

    def __call__(self, block: Block, layout: Layout, sets: SetColumns) -> Segment:
        """Read the columns of a block's records."""
        projection = self._projections.get(layout)
        if projection is None:
            if len(self._projections) >= _MAX_PROJECTIONS:
                self._projections.clear()
            projection = project(layout, self._elements, extra=self._extra)
            if self._wanted is not None:
                projection = pruned(projection, self._wanted)
            self._projections[layout] = projection
        return read_segment(block, projection, sets)


def read_segment(block: Block, projection: Projection, sets: SetColumns) -> Segment:
    """Read all columns that a projection names from a block of records."""
    set_of_row = np.repeat(np.arange(len(block.counts)), block.counts)
    segment = Segment(len(set_of_row), {}, {}, sets, set_of_row)
    _add_message_columns(segment)
    _add_addresses(segment, block, projection)
    for column, indices in projection.canonical:
        fields = [block.column(index) for index in indices]
        if column.kind is Kind.RD:
            _add_route_distinguishers(segment, column.name, fields[0])
        else:
            _add_integers(segment, column.name, column.dtype, fields)
    _add_times(segment, block, projection)
    _add_sampling(segment, block, projection)
    for named in projection.named:
        _add_named(segment, named, block.column(named.index))
    if projection.extra:
        segment.columns["extra"] = _extra_json(block, projection)
    return segment


def _add_message_columns(segment: Segment) -> None:
    sets, of_row = segment.sets, segment.set_of_row
    segment.columns["exporterAddress"] = sets.exporter[of_row]
    segment.columns["observationDomainId"] = sets.observation_domain_id[of_row]
    segment.columns["timeReceived"] = sets.received_us[of_row]


def _add_integers(segment: Segment, name: str, dtype: str, fields: list[Column]) -> None:
    fields = [field for field in fields if field.kind in (*_NUMBERS, FieldKind.MAC)]
    if not fields:  # a length the type cannot have: not a number
        return
    values = fields[0].values
    for other in fields[1:]:
        values = np.maximum(values, other.values)
    if values.dtype != dtype:
        if values.dtype.kind not in "uib":
            return
        # A wire length beyond the type's: the largest value stands for what does not fit.
        if values.dtype.itemsize > np.dtype(dtype).itemsize:
            values = np.minimum(values, np.iinfo(dtype).max)
        values = values.astype(dtype)
    segment.columns[name] = values
    if fields[0].valid is not None and len(fields) == 1:
        segment.valid[name] = fields[0].valid


def _add_route_distinguishers(segment: Segment, name: str, field: Column) -> None:
    if field.kind is not FieldKind.OCTETS:
        return
    values = [value if value is not None and len(value) == 8 else None for value in field.values]
    segment.columns[name] = np.frombuffer(
        b"".join(value or bytes(8) for value in values), ">u8"
    ).astype(np.uint64)
    segment.valid[name] = np.array([value is not None for value in values], bool)


def _add_addresses(segment: Segment, block: Block, projection: Projection) -> None:
    source = [_halves(block, field) for field in projection.source]
    destination = [_halves(block, field) for field in projection.destination]
    source = [halves for halves in source if halves is not None]
    destination = [halves for halves in destination if halves is not None]
    if len(source) == len(destination):
        # Chosen together: the address 0.0.0.0 of one side must not hide its other side.
        pairs = list(zip(source, destination, strict=True))
        set_fields = [s.filled | d.filled for s, d in pairs]
        _choose(segment, "sourceAddress", "outerSourceAddress", source, set_fields)
        _choose(segment, "destinationAddress", "outerDestinationAddress", destination, set_fields)
    else:
        _choose(segment, "sourceAddress", "outerSourceAddress", source)
        _choose(segment, "destinationAddress", "outerDestinationAddress", destination)
    for name, fields in projection.next_hops:
        halves = [_halves(block, field) for field in fields]
        _choose(segment, name, None, [found for found in halves if found is not None])


@dataclass(slots=True)
class _Halves:
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]

    @property
    def filled(self) -> NDArray[np.bool_]:
        return (self.high != 0) | ((self.low != 0) & (self.low != IPV4_MAPPED))


def _halves(block: Block, field: AddressField) -> _Halves | None:
    column = block.column(field.index)
    if column.kind is FieldKind.IPV4:
        low = column.values.astype(np.uint64) | IPV4_MAPPED
        return _Halves(np.zeros(len(low), np.uint64), low)
    if column.kind is FieldKind.IPV6:
        return _Halves(column.values[:, 0], column.values[:, 1])
    return None


def _choose(
    segment: Segment,
    name: str,
    outer_name: str | None,
    fields: list[_Halves],
    filled: list[NDArray[np.bool_]] | None = None,
) -> None:
    """Choose the innermost address that is set, record by record; keep the outermost beside it.

    A template for both families fills the fields of one; a tunnel fills both, outermost first.
    """
    if not fields:
        return
    if len(fields) == 1:
        high, low = fields[0].high, fields[0].low
    else:
        filled = filled or [field.filled for field in fields]
        high, low = fields[0].high.copy(), fields[0].low.copy()
        outer_high, outer_low = high.copy(), low.copy()
        found = filled[0].copy()
        tunnelled = np.zeros(segment.rows, bool)
        for field, is_set in zip(fields[1:], filled[1:], strict=True):
            first = is_set & ~found
            tunnelled |= is_set & found
            for halves, outer, inner in (
                (field.high, outer_high, high),
                (field.low, outer_low, low),
            ):
                inner[is_set] = halves[is_set]
                outer[first] = halves[first]
            found |= is_set
        if outer_name is not None and tunnelled.any():
            segment.columns[f"{outer_name}.hi"] = outer_high
            segment.columns[f"{outer_name}.lo"] = outer_low
            segment.valid[outer_name] = tunnelled
    segment.columns[f"{name}.hi"], segment.columns[f"{name}.lo"] = high, low


def _add_times(segment: Segment, block: Block, projection: Projection) -> None:
    sets, of_row = segment.sets, segment.set_of_row
    for name, field in (("timeStart", projection.start), ("timeEnd", projection.end)):
        if field is None:
            continue
        column = block.column(field.index)
        if column.kind not in (FieldKind.TIMESTAMP, *_NUMBERS):
            continue
        init_ms = sets.init_ms[of_row]
        if projection.system_init is not None:
            init = block.column(projection.system_init)
            if init.kind is FieldKind.TIMESTAMP:
                init_ms = init.values // 1000
        values, valid = flow_time_us(
            field.name, column.values, sets.export_time_us[of_row], sets.uptime_ms[of_row], init_ms
        )
        if column.valid is not None:
            valid = column.valid if valid is None else valid & column.valid
        segment.columns[name] = values
        if valid is not None:
            segment.valid[name] = valid


def _add_sampling(segment: Segment, block: Block, projection: Projection) -> None:
    """Add the rate that the record itself carries; options data fill the rest later."""
    if projection.sampling is None:
        return
    fields = [block.column(index) for index in projection.sampling]
    rate = segment.sets.header_sampling[segment.set_of_row].astype(np.float64)
    if fields and all(field.kind in _NUMBERS for field in fields):
        values = [field.values.astype(np.float64) for field in fields]
        with np.errstate(divide="ignore", invalid="ignore"):
            if projection.sampling_pair is None:
                rate = values[0]
            elif projection.sampling_pair[0] == "samplingPacketInterval":
                rate = (values[0] + values[1]) / values[0]
            else:
                rate = values[0] / values[1]
    known = np.isfinite(rate) & (rate > 0)
    if known.any():
        segment.columns["samplingRate"] = np.where(known, rate, 0.0)
        if not known.all():
            segment.valid["samplingRate"] = known


def _add_named(segment: Segment, named: NamedField, field: Column) -> None:
    # Of a type that does not depend on the template: batches of all devices stand in one column.
    if named.is_number:
        if field.kind in _NUMBERS:
            segment.columns[named.column] = field.values
            if field.valid is not None:
                segment.valid[named.column] = field.valid
    elif field.kind is FieldKind.STRUCTURED:
        values = field.json_values()
        segment.columns[named.column] = [None if v is None else _json_text(v) for v in values]
    else:
        segment.columns[named.column] = _texts(field)


def _texts(field: Column) -> list[str | None]:
    return [None if value is None else str(value) for value in field.json_values()]


def _json_text(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits: lists may hold unsigned256
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _extra_json(block: Block, projection: Projection) -> list[str]:
    """Make one JSON object text a record of the elements that have no column."""
    frame = {}
    structured = {}
    for name, index in projection.extra:
        column = block.column(index)
        if column.kind in _NUMBERS:
            frame[name] = _nullable(column)
        elif column.kind is FieldKind.STRUCTURED:
            structured[name] = column.json_values()
        else:
            frame[name] = pl.Series(_texts(column), dtype=pl.String)
    if structured:
        rows = (
            pl.DataFrame(frame).to_dicts()
            if frame
            else [{} for _ in range(int(block.counts.sum()))]
        )
        for name, values in structured.items():
            for row, value in zip(rows, values, strict=True):
                row[name] = value
        return [_json_text(row) for row in rows]
    return (
        pl.DataFrame(frame).select(pl.struct(pl.all()).struct.json_encode()).to_series().to_list()
    )


def _nullable(column: Column) -> pl.Series:
    # What does not fit its type is null: as text it would make the numbers of all others text.
    values = pl.Series(column.values)
    return values if column.valid is None else values.set(pl.Series(~column.valid), None)
