"""The outbox: order, bounds, retries and what is counted, without a clock."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from collector.errors import ExportError, RejectedExportError, RetryableExportError
from collector.metrics import Counters
from collector.pipeline.batch import Batch, PartlyRejectedError, UnfinishedExportError, merged
from collector.pipeline.outbox import Outbox


def batch(*payloads: bytes, topic: str = "flow") -> Batch:
    return Batch.of(topic, [(b"192.0.2.1", payload) for payload in payloads])


class Scripted:
    """An exporter that does what the script says, then takes everything."""

    def __init__(self, *script: BaseException | Callable[[], Awaitable[None]]) -> None:
        self.script = list(script)
        self.sent: list[Batch] = []
        self.closed = False
        self.started = 0

    async def start(self) -> None:
        self.started += 1

    async def send(self, sent: Batch) -> None:
        self.sent.append(sent)
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, BaseException):
                raise step
            await step()

    async def close(self) -> None:
        self.closed = True


class Naps(list):
    """Stands for sleep: remembers how long, and waits not at all."""

    async def __call__(self, delay_s: float) -> None:
        self.append(delay_s)


def outbox(exporter: Scripted, **options) -> tuple[Outbox, Counters, Naps]:
    counters, naps = Counters(), Naps()
    settings = {"limit_octets": 10_000, "sleep": naps, "jitter": lambda: 1.0} | options
    return Outbox(exporter, counters=counters, name="out", **settings), counters, naps


async def through(box: Outbox, *batches: Batch, deadline_s: float = 60.0) -> int:
    """Put batches, run, and drain."""
    for each in batches:
        box.put(each)
    runner = asyncio.create_task(box.run())
    left = await box.drain(deadline_s)
    if runner.done() and not runner.cancelled():
        runner.result()
    return left


def payloads(exporter: Scripted) -> list[bytes]:
    return [payload for sent in exporter.sent for _, payload in sent.messages]


def test_batches_of_one_topic_travel_together_and_topics_keep_their_order() -> None:
    exporter = Scripted()
    box, counters, _ = outbox(exporter)
    left = asyncio.run(
        through(box, batch(b"1"), batch(b"2", b"3"), batch(b"b", topic="bmp"), batch(b"4"))
    )
    assert [(sent.topic, len(sent.messages)) for sent in exporter.sent] == [
        ("flow", 3),
        ("bmp", 1),
        ("flow", 1),
    ]
    assert payloads(exporter) == [b"1", b"2", b"3", b"b", b"4"]
    assert (left, exporter.closed, exporter.started) == (0, True, 1)
    assert counters == {"export_records.out": 5, "export_octets.out": 5}


def test_retryable_is_sent_again_in_order_with_growing_delays() -> None:
    exporter = Scripted(*[RetryableExportError("away")] * 9)
    box, counters, naps = outbox(exporter)
    asyncio.run(through(box, batch(b"1"), batch(b"b", topic="bmp")))
    assert payloads(exporter) == [b"1"] * 10 + [b"b"]
    assert naps == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5])
    assert counters["export_retries.out"] == 9
    assert counters["export_records.out"] == 2


def test_jitter_shortens_a_delay_to_half_at_most() -> None:
    box, _, naps = outbox(Scripted(RetryableExportError("away")), jitter=lambda: 0.0)
    asyncio.run(through(box, batch(b"1")))
    assert naps == pytest.approx([0.05])


def test_a_reason_is_logged_once_until_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    reasons = ["refused", "refused", "login", "login"]
    box, _, _ = outbox(Scripted(*[RetryableExportError(reason) for reason in reasons]))
    with caplog.at_level("INFO"):
        asyncio.run(through(box, batch(b"1")))
    assert [record.getMessage() for record in caplog.records] == [
        "output out: refused; trying again",
        "output out: login; trying again",
        "output out: works again",
    ]
    assert box.last_error is None


def test_start_is_retried_too() -> None:
    class Late(Scripted):
        async def start(self) -> None:
            self.started += 1
            if self.started < 3:
                raise RetryableExportError("no broker")

    exporter = Late()
    box, _, naps = outbox(exporter)
    asyncio.run(through(box, batch(b"1")))
    assert (exporter.started, naps, payloads(exporter)) == (3, [0.1, 0.2], [b"1"])


def test_rejected_costs_that_batch_only() -> None:
    exporter = Scripted(RejectedExportError("never"))
    box, counters, _ = outbox(exporter)
    asyncio.run(through(box, batch(b"1", b"2"), batch(b"b", topic="bmp")))
    assert payloads(exporter) == [b"1", b"2", b"b"]
    assert counters["export_dropped.out.refused"] == 2
    assert counters["export_records.out"] == 1
    assert box.held_octets == 0


def test_partly_rejected_counts_the_others_as_sent() -> None:
    box, counters, _ = outbox(Scripted(PartlyRejectedError("long", 1, "too_large")))
    asyncio.run(through(box, batch(b"1", b"2", b"3")))
    assert counters["export_dropped.out.too_large"] == 1
    assert counters["export_records.out"] == 2


def test_unfinished_sends_only_the_rest_again() -> None:
    whole = batch(b"1", b"22", b"333", b"4444")
    exporter = Scripted(UnfinishedExportError("moved", whole.take([2, 3]), 1, "too_large"))
    box, counters, _ = outbox(exporter)
    asyncio.run(through(box, whole))
    assert payloads(exporter)[4:] == [b"333", b"4444"]
    assert counters["export_records.out"] == 3
    assert counters["export_octets.out"] == whole.octets
    assert counters["export_dropped.out.too_large"] == 1
    assert box.held_octets == 0


def test_a_full_outbox_drops_counts_and_tells_when_there_is_room() -> None:
    told = []
    exporter = Scripted()
    box, counters, _ = outbox(exporter, limit_octets=1000, on_room=lambda: told.append(1))
    assert [box.put(batch(bytes(300))) for _ in range(4)] == [True, True, False, False]
    assert counters["export_dropped.out.full"] == 2
    assert box.held_octets <= 1000
    assert told == []
    asyncio.run(through(box))
    assert told == [1]
    assert counters["export_records.out"] == 2


def test_room_is_told_only_after_a_drop() -> None:
    told = []
    box, _, _ = outbox(Scripted(), on_room=lambda: told.append(1))
    asyncio.run(through(box, batch(b"1")))
    assert told == []


def test_drain_gives_up_at_the_deadline_and_says_what_is_left() -> None:
    exporter = Scripted(asyncio.Event().wait)
    box, counters, _ = outbox(exporter)

    async def scenario() -> int:
        box.put(batch(b"1", b"2"))
        runner = asyncio.create_task(box.run())
        await asyncio.sleep(0)
        box.put(batch(b"3"))
        left = await box.drain(0)
        assert runner.cancelled()
        return left

    assert asyncio.run(scenario()) == 3
    assert counters["export_dropped.out.stopped"] == 3
    assert (exporter.closed, box.held_octets, box.unacknowledged_records) == (True, 0, 0)


def test_nothing_is_taken_while_draining() -> None:
    box, counters, _ = outbox(Scripted())
    asyncio.run(through(box))
    assert box.put(batch(b"late")) is False
    assert counters["export_dropped.out.stopped"] == 1


def test_put_wakes_a_waiting_sender() -> None:
    async def scenario() -> None:
        arrived = asyncio.Event()

        async def arrive() -> None:
            arrived.set()

        box, _, _ = outbox(Scripted(arrive))
        runner = asyncio.create_task(box.run())
        await asyncio.sleep(0)
        box.put(batch(b"1"))
        await arrived.wait()
        assert await box.drain(60) == 0
        await runner

    asyncio.run(scenario())


def test_a_destination_gone_for_good_ends_run() -> None:
    box, counters, _ = outbox(Scripted(ExportError("nobody reads")))

    async def scenario() -> int:
        box.put(batch(b"1"))
        with pytest.raises(ExportError, match="nobody reads"):
            await box.run()
        return await box.drain(60)

    assert asyncio.run(scenario()) == 1
    assert counters["export_dropped.out.stopped"] == 1


def test_merged_and_taken_batches_keep_their_sums() -> None:
    lines = Batch.of("flow", [(b"k", b"a\nb"), (b"k", b"c")], [2, 1])
    both = merged([lines, batch(b"d")])
    assert (both.records, both.octets, both.counts) == (4, 5, [2, 1, 1])
    rest = both.take([0, 2])
    assert (rest.records, rest.octets, rest.counts) == (3, 4, [2, 1])
