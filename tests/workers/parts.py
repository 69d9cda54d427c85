"""A worker's parts without its process: outputs that keep what they get, and a flow path."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from collector.config.model import PublishTable
from collector.metrics import Counters
from collector.pipeline.batch import Batch
from collector.pipeline.devices import DeviceDirectory
from collector.processors.aggregate import Aggregator
from collector.processors.correlate import JOIN_TEXTS, STATE_TEXTS, Correlator
from collector.processors.options_tables import OptionsTables
from collector.protocols.bgp.route_distinguisher import rd_text
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.ipfix.registry import Registry
from collector.records.batch_builder import BatchBuilder
from collector.records.condition import published_type
from collector.records.flow_batch import FlowBatch
from collector.records.publish import Tables
from collector.records.segment import CanonicalReader
from collector.rib.rib import Rib
from collector.rib.view import View
from collector.workers.flow_filling import FlowFiller
from collector.workers.flow_path import FlowPath
from collector.workers.guard import Guard
from collector.workers.publisher import Origin, Publisher
from tests.rib.wire import KeyedReader

VIEWS = (View.LOC_RIB, View.ADJ_RIB_IN_POST, View.ADJ_RIB_IN_PRE)


class KeptOutputs:
    """In place of `Outputs`: keeps batches while there is room."""

    def __init__(self) -> None:
        self.batches: list[tuple[PublishTable, Batch]] = []
        self.room = True

    def put(self, publish: PublishTable, batch: Batch) -> bool:
        if self.room:
            self.batches.append((publish, batch))
        return self.room

    def has_room(self, _: PublishTable) -> bool:
        return self.room

    def key_column(self, _: PublishTable) -> str | None:
        return "device"

    def topic(self, publish: PublishTable) -> str:
        return publish.topic or publish.records

    def records(self, kind: str | None = None) -> Iterator[dict[str, Any]]:
        """All JSON records so far, of one sort or of all."""
        for publish, batch in self.batches:
            if kind in (None, publish.records):
                yield from (orjson.loads(payload) for _, payload in batch.messages)


class Parts:
    """The parts that `Assembly` wires, with outputs of the test's own."""

    def __init__(
        self,
        publishes: Sequence[PublishTable] = (PublishTable("flow", "out"),),
        elements: Sequence[str] = (),
        batch_rows: int = 10_000,
    ) -> None:
        self.counters = Counters()
        self.guard = Guard(self.counters)
        self.outputs = KeptOutputs()
        self.directory = DeviceDirectory([], self.counters)
        self.rib = Rib(counters=self.counters, reader=KeyedReader())
        self.tables = Tables(
            self.directory.names,
            {"destinationJoin": JOIN_TEXTS, "sourceJoin": JOIN_TEXTS, "ribState": STATE_TEXTS},
            self.rib.paths,
            lambda rd: rd_text(rd.to_bytes(8, "big")),
        )
        self.sequence: dict[tuple[str, str], int] = {}
        self.publisher = self.publisher_of(publishes)
        self.reported: list[tuple[list[Any], bytes | None]] = []
        self.hinted: list[tuple[str, set[str]]] = []
        self.closed = 0
        decoder = FlowDecoder(Registry.default(), counters=self.counters)
        options = OptionsTables(self.counters, self._report)
        self.flow_path = FlowPath(
            decoder,
            BatchBuilder(decoder.lists, CanonicalReader(elements)),
            self.directory,
            options,
            self.counters,
            self.guard,
            batch_rows=batch_rows,
            fill=FlowFiller(
                self.directory,
                options,
                Correlator(self.rib, self.directory, VIEWS, self.counters),
            ).fill,
            publish=self._publish,
            report=self._report,
            hint=lambda *what: self.hinted.append(what),
            closed=self._batch_closed,
        )

    def publisher_of(
        self,
        publishes: Sequence[PublishTable],
        aggregators: dict[str, Aggregator] | None = None,
    ) -> Publisher:
        return Publisher(
            publishes,
            aggregators or {},
            self.outputs,  # type: ignore[arg-type]
            self.tables,
            Origin("test", 3, 2),
            self.counters,
            self.guard,
            lambda name: published_type(name, Registry.default()),
            self.sequence,
        )

    def _publish(self, batch: FlowBatch, now_s: float) -> None:
        self.publisher.flows(batch, now_s)

    def _report(self, key: list[Any], octets: bytes | None) -> None:
        self.reported.append((key, octets))

    def _batch_closed(self) -> None:
        self.closed += 1
