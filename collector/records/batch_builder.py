"""Data Sets in, one batch of columns out: grouped by layout, merged before anything else sees them.

Grouping by layout and not by device keeps the cost of a record flat with the number of devices:
all templates with the same field list share one compiled layout, and who sent a record is just one
more column.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from collector.protocols.flow_values import DataSet, Message
from collector.protocols.ipfix.block import Block
from collector.protocols.ipfix.layout import Layout
from collector.protocols.ipfix.structured import TemplateLookup
from collector.protocols.ipfix.types import LISTS
from collector.records.flow_batch import FlowBatch, SetColumns
from collector.records.segment import Segment

_V5_INTERVAL_MASK = 0x3FFF  # the other two bits are the sampling mode


@dataclass(slots=True)
class Collected:
    """Data Sets of one layout that wait for the end of the batch."""

    layout: Layout
    has_lists: bool
    bodies: list[memoryview] = field(default_factory=list)
    # Sub-templates are the exporter's own; one lookup a body, where the layout has lists.
    lists: list[TemplateLookup] = field(default_factory=list)
    # What was said of each body, in the order of SetColumns: many at once, and those after them.
    blocks: list[NDArray[np.int64]] = field(default_factory=list)
    singles: list[tuple[int, ...]] = field(default_factory=list)

    def set_columns(self) -> SetColumns:
        """What the messages said around the bodies."""
        self.settle()
        table = np.concatenate(self.blocks, axis=1)
        return SetColumns(table[0].astype(np.uint32), table[1].astype(np.uint32), *table[2:])

    def settle(self) -> None:
        """Put what came one by one behind what came before it."""
        if self.singles:
            self.blocks.append(np.array(self.singles, np.int64).T)
            self.singles.clear()


class SegmentReader(Protocol):
    """Which columns a record has, and how a layout's fields give them: `CanonicalReader`'s own."""

    def __call__(self, block: Block, layout: Layout, sets: SetColumns) -> Segment:
        """Read the columns of a block's records."""


class BatchBuilder:
    """Collects Data Sets until the caller closes the batch."""

    def __init__(
        self, lists_of: Callable[[Message], TemplateLookup], reader: SegmentReader
    ) -> None:
        """Start with nothing collected.

        Args:
            lists_of: sub-templates of a message's exporter and domain.
            reader: makes the columns.
        """
        self.rows = 0
        self._lists_of = lists_of
        self._reader = reader
        self._groups: dict[Layout, Collected] = {}

    def add(self, data_set: DataSet, exporter: int, received_us: int, init_ms: int) -> None:
        """Put a Data Set into the batch; its octets are read when the batch is closed.

        Args:
            data_set: its body must stay as it is until then.
            exporter: index in the worker's directory.
            received_us: time of arrival, UTC.
            init_ms: when the exporter started, as its options data say, ms UTC; 0: not known.
        """
        message, template, body = data_set
        layout = template.layout
        group = self._group(layout)
        group.bodies.append(body)
        if group.has_lists:
            group.lists.append(self._lists_of(message))
        uptime_ms = message.system_uptime_ms
        sampling = message.sampling
        group.singles.append(
            (
                exporter,
                message.observation_domain_id,
                template.template_id,
                message.version,
                message.export_time_s * 1_000_000 + message.export_time_ns // 1000,
                received_us,
                -1 if uptime_ms is None else uptime_ms,
                init_ms,
                0 if sampling is None else sampling & _V5_INTERVAL_MASK,
                message.sequence,
            )
        )
        # A guess is enough to know when the batch is full, and costs no walk over the records. It
        # is never too low: a Data Set of many tiny records must not pass for one of a few.
        shortest = template.record_octets or layout.record_length
        self.rows += (len(body) // shortest if shortest else 0) or 1

    def add_uniform(
        self,
        layout: Layout,
        octets: memoryview,
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        said: NDArray[np.int64],
    ) -> None:
        """Put Data Sets into the batch whose records all have the layout's length.

        Args:
            octets: the buffer that the bodies are in; it must stay as it is until the batch is
                closed.
            starts, stops: shape (k,), where the bodies are, padding included.
            said: shape (10, k), what the messages said around them, rows as in `SetColumns`.
        """
        length = layout.record_length
        records = (stops - starts) // length
        group = self._group(layout)
        group.settle()
        group.blocks.append(said)
        ends = starts + records * length
        group.bodies += [octets[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
        self.rows += int(records.sum())

    def take(self) -> list[Collected]:
        """Give what was collected, by layout, and start anew."""
        groups, self._groups, self.rows = self._groups, {}, 0
        return list(groups.values())

    def read(self, collected: Iterable[Collected]) -> tuple[FlowBatch | None, int]:
        """Decode Data Sets.

        Returns:
            The batch (None where it has no record), and the number of Data Sets with a fault.
        """
        segments = []
        faults = 0
        for group in collected:
            block = group.layout.block(group.bodies, group.lists or _no_lists)
            faults += len(block.errors)
            if int(block.counts.sum()):
                segments.append(self._reader(block, group.layout, group.set_columns()))
        if not segments:
            return None, faults
        return _merge(segments), faults

    def _group(self, layout: Layout) -> Collected:
        group = self._groups.get(layout)
        if group is None:
            has_lists = any(field.element.type in LISTS for field in layout.fields)
            group = self._groups[layout] = Collected(layout, has_lists)
        return group


def _no_lists(_: int) -> None:
    return None


def _merge(segments: list[Segment]) -> FlowBatch:
    if len(segments) == 1:
        segment = segments[0]
        return FlowBatch(
            segment.rows, segment.columns, segment.valid, segment.sets, segment.set_of_row
        )
    rows = sum(segment.rows for segment in segments)
    batch = FlowBatch(rows, {}, {}, _merge_sets(segments), _merge_set_of_row(segments))
    names = dict.fromkeys(name for segment in segments for name in segment.columns)
    for name in names:
        batch.columns[name] = _merge_column(segments, name)
    for name in dict.fromkeys(name.partition(".")[0] for name in names):
        valid = _merge_valid(segments, name)
        if valid is not None:
            batch.valid[name] = valid
    return batch


def _merge_sets(segments: list[Segment]) -> SetColumns:
    return SetColumns(
        *(
            np.concatenate([getattr(segment.sets, name) for segment in segments])
            for name in SetColumns.__slots__
        )
    )


def _merge_set_of_row(segments: list[Segment]) -> NDArray[np.int64]:
    parts, base = [], 0
    for segment in segments:
        parts.append(segment.set_of_row + base)
        base += len(segment.sets.exporter)
    return np.concatenate(parts)


def _merge_column(segments: list[Segment], name: str) -> Any:
    found = [segment.columns.get(name) for segment in segments]
    first = next(values for values in found if values is not None)
    if isinstance(first, list):
        return [
            value
            for segment, values in zip(segments, found, strict=True)
            for value in (values if values is not None else [None] * segment.rows)
        ]
    dtype = np.result_type(*(values.dtype for values in found if values is not None))
    merged = np.zeros(sum(segment.rows for segment in segments), dtype)
    start = 0
    for segment, values in zip(segments, found, strict=True):
        if values is not None:
            merged[start : start + segment.rows] = values
        start += segment.rows
    return merged


def _merge_valid(segments: list[Segment], name: str) -> NDArray[np.bool_] | None:
    def has(segment: Segment) -> bool:
        return name in segment.columns or f"{name}.lo" in segment.columns

    if all(has(segment) and name not in segment.valid for segment in segments):
        return None
    return np.concatenate(
        [segment.valid.get(name, np.full(segment.rows, has(segment))) for segment in segments]
    )
