"""What is published of each batch and event: which columns, numbered, encoded, to which output."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import polars as pl

from collector.config.model import PublishTable
from collector.metrics import Counters, register
from collector.pipeline.batch import Batch
from collector.processors.aggregate import Aggregator
from collector.processors.closed_window import ClosedWindow
from collector.records.columns import JOIN_COLUMNS, MEMBERS
from collector.records.condition import Condition
from collector.records.encode import encode, encode_events
from collector.records.flow_batch import FlowBatch
from collector.records.needed_columns import needed_columns
from collector.records.publish import PATH_COLUMNS, Tables, published_frame
from collector.records.raw_columns import BatchColumns, RawColumns
from collector.workers.guard import Guard
from collector.workers.outputs import Outputs

register(
    published_records="records handed to outputs, by topic",
    publish_failed="records that an unexpected error kept from an output, by topic",
)

FLOW, BMP = "flow", "bmp"
_JSON = ("json", "json-lines")
_SLICES_A_TURN = 4

SequenceNumbers = dict[tuple[str, str], int]
"""Output and topic to the number of records so far."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who makes the records; with ``sequence`` a consumer sees what is missing or doubled."""

    collector: str
    slot: int
    incarnation: int


class Publisher:
    """Turns correlated batches, closed windows and events into messages.

    Every record carries ``collector``, ``slot``, ``incarnation`` and ``sequence``, which counts the
    records of one topic, output and incarnation from 0.

    Args:
        type_of: type of a record's column, for filters.
        guard: what fails unforeseen costs one batch of one publication.
        sequence: goes on where the publisher before this one was.
    """

    def __init__(
        self,
        publishes: Iterable[PublishTable],
        aggregators: dict[str, Aggregator],
        outputs: Outputs,
        tables: Tables,
        origin: Origin,
        counters: Counters,
        guard: Guard,
        type_of: Callable[[str], pl.DataType],
        sequence: SequenceNumbers,
    ) -> None:
        publishes = tuple(publishes)
        self._flows = [publish for publish in publishes if publish.records == FLOW]
        self._events = [publish for publish in publishes if publish.records == BMP]
        self._aggregates = {
            name: [publish for publish in publishes if publish.records == name]
            for name in aggregators
        }
        self.aggregators = aggregators
        self._outputs = outputs
        self._tables = tables
        self._origin = origin
        self._counters = counters
        self._guard = guard
        self._sequence = sequence
        self._waiting: deque[tuple[str, Iterator[pl.DataFrame]]] = deque()
        self._filters = {
            publish: Condition(publish.filter, type_of)
            for publish in publishes
            if publish.filter is not None
        }

    @property
    def wants_events(self) -> bool:
        """Whether BMP events go anywhere."""
        return bool(self._events)

    @property
    def wants_flows(self) -> bool:
        """Whether flows go anywhere."""
        return bool(self._flows or self.aggregators)

    @property
    def wants_routes(self) -> bool:
        """Whether some record of a flow says what the join found."""
        keys = [aggregator.spec.keys for aggregator in self.aggregators.values()]
        needed = [self._needed(publish) for publish in self._flows]
        return not all(columns and JOIN_COLUMNS.isdisjoint(columns) for columns in keys + needed)

    @property
    def wanted_columns(self) -> frozenset[str] | None:
        """Columns to read of flows; None: all."""
        wanted: set[str] = set()
        for publish in self._flows:
            if not publish.columns:
                return None
            wanted.update(self._needed(publish))
        for aggregator in self.aggregators.values():
            wanted.update(aggregator.wanted_columns)
        return needed_columns(wanted)

    @property
    def has_room_for_events(self) -> bool:
        """Whether the outputs of BMP events take a long snapshot now."""
        return all(self._outputs.has_room(publish) for publish in self._events)

    def flows(self, batch: FlowBatch, now_s: float) -> None:
        """Publish a correlated batch, and add it to the aggregates."""
        columns = BatchColumns(batch)
        for publish in self._flows:
            if not self._guard.run("publish", self._put, publish, columns, batch.rows, ()):
                self._count_failed(publish, batch.rows)
        for name, aggregator in self.aggregators.items():
            self._guard.run("aggregate", self._add, name, aggregator, batch, now_s)

    def tick(self, now_s: float) -> None:
        """Publish the windows whose time is over."""
        for name, aggregator in self.aggregators.items():
            self._guard.run("aggregate", self._close, name, aggregator, now_s)

    def flush(self) -> None:
        """Publish all open windows."""
        for name, aggregator in self.aggregators.items():
            self._guard.run("aggregate", self._close, name, aggregator, None)

    @property
    def waits(self) -> bool:
        """Whether something of a closed window waits."""
        return bool(self._waiting)

    def pump(self) -> bool:
        """Publish some of what waits of closed windows, as outputs have room for it.

        A window may hold more than an output's buffer, and takes long: sockets are read in between.

        Returns:
            Whether something still waits.
        """
        for _ in range(_SLICES_A_TURN):
            if not self._waiting:
                return False
            name, slices = self._waiting[0]
            if not all(self._outputs.has_room(publish) for publish in self._aggregates[name]):
                return True
            rows = next(slices, None)
            if rows is None:
                self._waiting.popleft()
            else:
                self._publish_slice(name, rows)
        return self.waits

    def publish_waiting(self) -> None:
        """Publish all that waits now, whether or not outputs have room."""
        while self._waiting:
            name, slices = self._waiting.popleft()
            for rows in slices:
                self._publish_slice(name, rows)

    def events(self, events: list[dict[str, Any]]) -> bool:
        """Publish BMP events; False where an output had no room for them."""
        taken = [
            self._guard.run("publish", self._put_events, publish, events)
            for publish in self._events
        ]
        return all(taken)

    def _add(self, name: str, aggregator: Aggregator, batch: FlowBatch, now_s: float) -> None:
        self._windows(name, aggregator.add(batch, now_s))

    def _close(self, name: str, aggregator: Aggregator, now_s: float | None) -> None:
        self._windows(name, aggregator.flush() if now_s is None else aggregator.tick(now_s))

    def _windows(self, name: str, windows: list[ClosedWindow]) -> None:
        if not windows:
            return
        if any(waiting == name for waiting, _ in self._waiting):
            # An output that is slower than windows come: its buffer says what is dropped.
            self.publish_waiting()
        slices = chain.from_iterable(window.slices() for window in windows)
        self._waiting.append((name, slices))
        self.pump()

    def _publish_slice(self, name: str, raw: pl.DataFrame) -> None:
        order = self.aggregators[name].columns
        for publish in self._aggregates[name]:
            if not self._guard.run("publish", self._put, publish, raw, raw.height, order):
                self._count_failed(publish, raw.height)

    def _needed(self, publish: PublishTable, order: Sequence[str] = ()) -> tuple[str, ...]:
        """Columns to make text of: those published, and those the filter looks at; empty: all."""
        wanted = publish.columns or order
        if not wanted:
            return ()
        condition = self._filters.get(publish)
        # Every record has a device: it stands for those that have nothing else of what is wanted.
        return (*wanted, *(condition.columns if condition else ()), "device")

    def _put(
        self, publish: PublishTable, raw: RawColumns, rows: int, order: tuple[str, ...]
    ) -> None:
        """Publish records in the order of columns that the publication says, else as given."""
        condition = self._filters.get(publish)
        members = publish.format in _JSON and not (
            condition and PATH_COLUMNS.intersection(condition.columns)
        )
        needed = self._needed(publish, order)
        frame = published_frame(raw, self._tables, needed, members=members)
        if condition is not None:
            frame = condition.apply(frame)
            rows = frame.height
        if not rows:
            return
        order = publish.columns or order or tuple(frame.columns)
        names = dict.fromkeys((*order, *MEMBERS))
        columns = [frame[name] for name in names if name in frame.columns]
        if publish.format != "arrow":
            # Most templates fill a part of the columns only.
            columns = [column for column in columns if column.null_count() < rows]
        topic = self._outputs.topic(publish)
        first = self._count(publish, topic, rows)
        sequence = pl.int_range(first, first + rows, dtype=pl.Int64, eager=True).alias("sequence")
        envelope = [
            pl.Series(name, [value]).new_from_index(0, rows)
            for name, value in self._envelope().items()
        ]
        numbered = pl.DataFrame([*envelope, sequence, *columns])
        key = self._outputs.key_column(publish)
        if key not in numbered.columns:
            key = None
        encoded = encode(numbered, publish.format, key_column=key)
        self._outputs.put(publish, Batch.of(topic, *encoded))

    def _put_events(self, publish: PublishTable, events: list[dict[str, Any]]) -> bool:
        topic = self._outputs.topic(publish)
        first = self._count(publish, topic, len(events))
        envelope = self._envelope()
        numbered = [
            {**envelope, "sequence": number, **event} for number, event in enumerate(events, first)
        ]
        encoded = encode_events(numbered, publish.format, key=self._outputs.key_column(publish))
        return self._outputs.put(publish, Batch.of(topic, *encoded))

    def _envelope(self) -> dict[str, Any]:
        origin = self._origin
        return {
            "collector": origin.collector,
            "slot": origin.slot,
            "incarnation": origin.incarnation,
        }

    def _count(self, publish: PublishTable, topic: str, records: int) -> int:
        key = (publish.output, topic)
        first = self._sequence.get(key, 0)
        self._sequence[key] = first + records
        self._counters.add(f"published_records.{topic}", records)
        return first

    def _count_failed(self, publish: PublishTable, rows: int) -> None:
        self._counters.add(f"publish_failed.{self._outputs.topic(publish)}", rows)
