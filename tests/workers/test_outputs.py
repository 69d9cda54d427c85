"""Outputs of a worker: which outbox takes what, and what becomes of a destination that fails."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from collector.config.model import OutputTable, PublishTable
from collector.errors import ExportError
from collector.metrics import Counters
from collector.pipeline.batch import Batch
from collector.workers import outputs as outputs_module
from collector.workers.guard import Guard
from collector.workers.outputs import Outputs

KAFKA = OutputTable("k", "kafka", brokers=("127.0.0.1:9",), buffer_octets=10_000)
FLOWS = PublishTable("flow", "k")


class FakeExporter:
    """Takes batches but for the errors that a test lists."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.taken: list[Batch] = []
        self.closed = 0
        self.open = asyncio.Event()
        self.open.set()

    async def start(self) -> None:
        pass

    async def send(self, batch: Batch) -> None:
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(batch)

    async def close(self) -> None:
        self.closed += 1


class Bench:
    """Outputs over fake exporters, one for each outbox."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *publishes: PublishTable) -> None:
        self.exporters: list[FakeExporter] = []
        self.counters = Counters()
        self.failed = self.room = 0
        monkeypatch.setattr(outputs_module, "_PAUSE_S", 0.001)
        monkeypatch.setattr(outputs_module, "_exporter", self._exporter)
        self.outputs = Outputs(
            [KAFKA],
            publishes or [FLOWS],
            0,
            self.counters,
            guard=Guard(self.counters),
            failed=self._failed,
            room=self._room,
        )

    def _exporter(self, *_: object) -> FakeExporter:
        self.exporters.append(FakeExporter())
        return self.exporters[-1]

    def _failed(self) -> None:
        self.failed += 1

    def _room(self) -> None:
        self.room += 1


def batch(records: int = 1, octets: int = 10) -> Batch:
    return Batch.of("telemetry.flow", [(b"d", bytes(octets))] * records)


def with_outputs(
    monkeypatch: pytest.MonkeyPatch, test: Callable[[Bench], Awaitable[None]], *what: PublishTable
) -> Bench:
    async def run() -> Bench:
        bench = Bench(monkeypatch, *what)
        bench.outputs.start()
        await test(bench)
        return bench

    return asyncio.run(run())


def test_lines_and_binary_formats_have_an_outbox_each(monkeypatch: pytest.MonkeyPatch) -> None:
    publishes = [FLOWS, PublishTable("bmp", "k"), PublishTable("flow", "k", format="arrow")]

    async def test(bench: Bench) -> None:
        assert all(bench.outputs.put(publish, batch()) for publish in publishes)
        assert await bench.outputs.drain(5.0) == 0

    bench = with_outputs(monkeypatch, test, *publishes)
    assert [sum(one.records for one in each.taken) for each in bench.exporters] == [2, 1]
    assert bench.counters["export_records.k"] == 3


def test_topics_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(bench: Bench) -> None:
        assert bench.outputs.topic(FLOWS) == "telemetry.flow"
        assert bench.outputs.topic(PublishTable("sums", "k", topic="mine")) == "mine"
        assert bench.outputs.key_column(FLOWS) == "device"
        await bench.outputs.drain(1.0)

    with_outputs(monkeypatch, test)


def test_an_error_that_nobody_foresaw_is_counted_and_the_batch_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(bench: Bench) -> None:
        (exporter,) = bench.exporters
        exporter.errors = [ArithmeticError(), KeyError("x")]
        bench.outputs.put(FLOWS, batch(3))
        async with asyncio.timeout(10):
            while not exporter.taken:
                await asyncio.sleep(0)
        assert await bench.outputs.drain(5.0) == 0

    bench = with_outputs(monkeypatch, test)
    assert bench.counters["unexpected_errors.output"] == 2
    assert bench.counters["export_records.k"] == 3
    assert bench.failed == 0


def test_a_destination_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(bench: Bench) -> None:
        bench.exporters[0].errors = [ExportError("nobody reads")]
        bench.outputs.put(FLOWS, batch(3))
        async with asyncio.timeout(10):
            while not bench.failed:
                await asyncio.sleep(0)
        assert await bench.outputs.drain(5.0) == 3

    bench = with_outputs(monkeypatch, test)
    assert bench.exporters[0].closed == 1
    assert bench.counters["export_dropped.k.stopped"] == 3


def test_room_is_less_than_half_and_told_after_a_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(bench: Bench) -> None:
        (exporter,) = bench.exporters
        exporter.open.clear()
        assert bench.outputs.has_room(FLOWS)
        assert bench.outputs.put(FLOWS, batch(1, 6_000))
        assert not bench.outputs.has_room(FLOWS)
        assert not bench.outputs.put(FLOWS, batch(1, 6_000))
        exporter.open.set()
        assert await bench.outputs.drain(5.0) == 0
        assert bench.outputs.has_room(FLOWS)

    bench = with_outputs(monkeypatch, test)
    assert bench.room == 1
    assert bench.counters["export_dropped.k.full"] == 1
