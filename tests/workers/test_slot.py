"""A slot keeps a worker running: what it is told at its start, how it ends, what it counted."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from collector.workers import channel as channel_module
from collector.workers import slot as slot_module
from collector.workers.alias_hints import AliasHints
from collector.workers.channel import Channel
from collector.workers.learned import LearnedStore
from collector.workers.slot import Slot


class FakeWorker:
    """In place of a process: the other end of its channel."""

    def __init__(self, fd: int) -> None:
        self.pid = 4711
        self.returncode: int | None = None
        self.killed = False
        self.told: list[tuple[str, Any]] = []
        self._sock = socket.socket(fileno=os.dup(fd))
        self._sock.setblocking(False)
        self._ended = asyncio.Event()
        self._news = asyncio.Event()

    async def listen(self) -> None:
        reader, writer = await asyncio.open_connection(sock=self._sock)
        self.channel = Channel(reader, writer, self._hear, lambda *_: [])
        await self.channel.run()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def end(self, status: int) -> None:
        self.returncode = status
        self._ended.set()

    def kill(self) -> None:
        self.killed = True
        self.end(-9)

    async def until(self, kind: str) -> None:
        async with asyncio.timeout(10):
            while kind not in [what for what, _ in self.told]:
                self._news.clear()
                await self._news.wait()

    def _hear(self, kind: str, content: Any) -> None:
        self.told.append((kind, content))
        self._news.set()


class Bench:
    """A slot whose workers are fakes."""

    def __init__(self) -> None:
        self.learned = LearnedStore()
        self.gone = 0
        self.workers: list[FakeWorker] = []
        self.refusals = 0
        self._news = asyncio.Event()
        self.steered = asyncio.Event()
        self.steered.set()
        self.slot = Slot(
            *(5, [], self.learned, AliasHints(), lambda: {"workers": 8}),
            *(self.steered, self._gone),
        )
        self.slot._spawn = self._spawn  # type: ignore[method-assign,assignment]

    async def worker(self, number: int) -> FakeWorker:
        async with asyncio.timeout(10):
            while len(self.workers) <= number:
                self._news.clear()
                await self._news.wait()
        return self.workers[number]

    async def _spawn(self, control_fd: int, _: list[int]) -> FakeWorker:
        if self.refusals:
            self.refusals -= 1
            raise BlockingIOError("no process left")
        self.workers.append(FakeWorker(control_fd))
        self._news.set()
        return self.workers[-1]

    def _gone(self) -> None:
        self.gone += 1


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_module, "_FIRST_DELAY_S", 0.001)


def with_slot(test: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        bench = Bench()
        running = asyncio.ensure_future(bench.slot.run())
        await test(bench)
        async with asyncio.timeout(10):
            await running

    asyncio.run(run())


def test_all_that_was_learnt_is_handed_over_however_slowly_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel_module, "_MAX_UNSENT_OCTETS", 1 << 20)
    monkeypatch.setattr(slot_module, "_RESTORE_ITEMS", 50)

    async def test(bench: Bench) -> None:
        items = [["template", "192.0.2.1", 10, 0, number] for number in range(3_000)]
        for key in items:
            bench.learned.learn(5, key, bytes(1_500))
        bench.learned.learn(4, ["template", "other slot"], b"")
        worker = await bench.worker(0)
        listening = asyncio.ensure_future(worker.listen())
        await worker.until("go")
        (start_kind, start), *restores, (last, _) = worker.told
        assert (start_kind, last) == ("start", "go")
        assert (start["slot"], start["incarnation"], start["workers"]) == (5, 1, 8)
        assert [key for _, content in restores for key, _ in content] == items
        bench.slot.stop(1.0)
        await worker.until("stop")
        worker.end(0)
        worker.channel.close()
        await listening

    with_slot(test)


def test_no_worker_reads_before_steering_is_there() -> None:
    async def test(bench: Bench) -> None:
        bench.steered.clear()
        bench.learned.learn(5, ["template", "192.0.2.1", 10, 0, 256], b"")
        worker = await bench.worker(0)
        listening = asyncio.ensure_future(worker.listen())
        await worker.until("restore")
        for _ in range(100):
            await asyncio.sleep(0)
        assert [kind for kind, _ in worker.told] == ["start", "restore"]
        bench.steered.set()
        await worker.until("go")
        bench.slot.stop(1.0)
        worker.end(0)
        worker.channel.close()
        await listening

    with_slot(test)


def test_a_stop_before_steering_is_there_is_told_at_once() -> None:
    async def test(bench: Bench) -> None:
        bench.steered.clear()
        worker = await bench.worker(0)
        listening = asyncio.ensure_future(worker.listen())
        await worker.until("start")
        bench.slot.stop(1.0)
        await worker.until("stop")
        worker.channel.tell("stopped", 0)
        await worker.channel.finish()
        worker.end(0)
        await listening
        assert "go" not in [kind for kind, _ in worker.told]

    with_slot(test)


def test_a_worker_that_dies_is_replaced_and_its_counts_stay() -> None:
    async def test(bench: Bench) -> None:
        for number, status in enumerate((1, -11, 0)):
            worker = await bench.worker(number)
            listening = asyncio.ensure_future(worker.listen())
            await worker.until("go")
            worker.channel.tell("counters", {"flow_records": 10})
            worker.channel.tell("output_gone", None)
            worker.channel.tell("stopped", number)
            await worker.channel.finish()
            if number == 2:
                bench.slot.stop(1.0)
            worker.end(status)
            await listening
        assert bench.slot.incarnation == 3

    benches: list[Bench] = []

    async def kept(bench: Bench) -> None:
        benches.append(bench)
        await test(bench)

    with_slot(kept)
    (bench,) = benches
    assert bench.slot.counters == {"flow_records": 30}
    assert bench.gone == 3
    assert not bench.slot.ended_well  # two records stay unacknowledged


def test_a_worker_that_cannot_be_started_is_tried_again() -> None:
    async def test(bench: Bench) -> None:
        bench.refusals = 3
        worker = await bench.worker(0)
        bench.slot.stop(1.0)
        listening = asyncio.ensure_future(worker.listen())
        await worker.until("stop")
        worker.end(0)
        worker.channel.close()
        await listening
        assert bench.refusals == 0

    with_slot(test)


def test_a_stop_does_not_wait_for_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_module, "_FIRST_DELAY_S", 1000.0)

    async def test(bench: Bench) -> None:
        bench.refusals = 1
        while bench.refusals:
            await asyncio.sleep(0)
        bench.slot.stop(1.0)

    with_slot(test)


def test_a_worker_that_hangs_at_its_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_module, "_END_S", 0.01)

    async def test(bench: Bench) -> None:
        worker = await bench.worker(0)
        listening = asyncio.ensure_future(worker.listen())
        await worker.until("go")
        bench.slot.stop(1.0)
        worker.channel.close()
        await listening
        await worker.wait()
        assert worker.killed

    with_slot(test)


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "status 0"), (3, "status 3"), (-9, "signal 9 (Killed)"), (-40, "signal 40 (Real-time")],
)
def test_how_an_end_is_told(code: int, text: str) -> None:
    assert slot_module._exit_text(code).startswith(text)
