"""What becomes messages: columns, filters, numbers that go on, and failures that stay alone."""

from typing import Any

import numpy as np
import pytest

from collector.config.model import PublishTable
from collector.processors.aggregate import AggregateSpec, Aggregator
from collector.rib.paths import Path
from tests.processors.raw import raw
from tests.rib.wire import add_path
from tests.workers.parts import Parts

NOW_S = 1_700_000_060.0


@pytest.fixture(name="parts")
def _parts() -> Parts:
    parts = Parts()
    for number in range(3):
        parts.directory.exporter(f"192.0.2.{number}")
    return parts


def aggregator(parts: Parts, **changed: Any) -> dict[str, Aggregator]:
    spec = AggregateSpec("sums", ("device",), ("octets",), 60, "arrival", 0, 3600, 1000)
    return {"sums": Aggregator(spec, parts.tables, parts.counters)}


def test_every_record_says_who_made_it_and_which_one_it_is(parts: Parts) -> None:
    for _ in range(2):
        parts.publisher.flows(raw(NOW_S, device=[0, 1], octets=[1, 2]), NOW_S)
    told = list(parts.outputs.records())
    assert [row["sequence"] for row in told] == [0, 1, 2, 3]
    assert told[1] == {
        "collector": "test",
        "slot": 3,
        "incarnation": 2,
        "sequence": 1,
        "device": "192.0.2.1",
        "timeReceived": int(NOW_S * 1e6),
        "octets": 2,
    }
    assert [key for _, batch in parts.outputs.batches for key, _ in batch.messages] == [
        b"192.0.2.0",
        b"192.0.2.1",
    ] * 2


def test_one_topic_of_one_output_has_one_sequence_whoever_publishes(parts: Parts) -> None:
    same = [PublishTable("flow", "out", topic="t"), PublishTable("bmp", "out", topic="t")]
    parts.publisher = parts.publisher_of([*same, PublishTable("flow", "other", topic="t")])
    parts.publisher.flows(raw(NOW_S, octets=[1, 2]), NOW_S)
    assert parts.publisher.events([{"device": "192.0.2.0"}])
    # A reload makes a new publisher of the same worker.
    parts.publisher = parts.publisher_of(same)
    parts.publisher.flows(raw(NOW_S, octets=[3]), NOW_S)
    numbers = [
        (publish.output, row["sequence"])
        for publish, row in zip(
            [p for p, batch in parts.outputs.batches for _ in batch.messages],
            parts.outputs.records(),
            strict=True,
        )
    ]
    assert sorted(numbers) == [("other", 0), ("other", 1), *(("out", n) for n in range(4))]


def test_filter_and_columns(parts: Parts) -> None:
    add_path(parts.rib.paths, Path(origin_as=64500))
    where = "destinationOriginAs = 64500 AND vlanId IS NULL AND device <> '192.0.2.1'"
    publish = PublishTable("flow", "out", columns=("octets", "device"), filter=where)
    parts.publisher = parts.publisher_of([publish])
    batch = raw(NOW_S, device=[0, 1, 2], destinationRoute=[1, 1, 0], octets=[1, 2, 4])
    parts.publisher.flows(batch, NOW_S)
    ((row),) = parts.outputs.records()
    assert list(row)[4:] == ["octets", "device"]
    assert (row["octets"], row["sequence"]) == (1, 0)


def test_a_filter_that_no_record_passes_publishes_nothing(parts: Parts) -> None:
    parts.publisher = parts.publisher_of([PublishTable("flow", "out", filter="octets > 5")])
    parts.publisher.flows(raw(NOW_S, octets=[1]), NOW_S)
    parts.publisher.flows(raw(NOW_S, packets=[1]), NOW_S)
    assert parts.outputs.batches == []


def test_windows_are_published_when_due_and_at_the_end(parts: Parts) -> None:
    publish = PublishTable("sums", "out")
    parts.publisher = parts.publisher_of([publish], aggregator(parts))
    parts.publisher.flows(raw(NOW_S, octets=[1]), NOW_S)
    parts.publisher.tick(NOW_S + 1)
    assert parts.outputs.batches == []
    parts.publisher.tick(NOW_S + 60)
    parts.publisher.flows(raw(NOW_S + 60, octets=[2]), NOW_S + 60)
    parts.publisher.flush()
    assert [(row["octets"], row["sequence"]) for row in parts.outputs.records()] == [(1, 0), (2, 1)]


def test_a_publication_that_fails_leaves_the_others(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishes = [
        PublishTable("flow", name, format=form) for name, form in (("a", "arrow"), ("b", "json"))
    ]
    parts.publisher = parts.publisher_of(publishes, aggregator(parts))

    def no_arrow(*what: object, **_: object) -> object:
        raise ArithmeticError

    monkeypatch.setattr("collector.records.encode._arrow", no_arrow)
    parts.publisher.flows(raw(NOW_S, octets=[1, 2]), NOW_S)
    assert [publish.output for publish, _ in parts.outputs.batches] == ["b"]
    assert parts.counters["publish_failed.flow"] == 2
    assert parts.counters["unexpected_errors.publish"] == 1
    assert parts.publisher.aggregators["sums"].groups == 1


def test_events_that_find_no_room_are_told_to_be_lost(parts: Parts) -> None:
    parts.publisher = parts.publisher_of([PublishTable("bmp", "out")])
    assert parts.publisher.wants_events
    parts.outputs.room = False
    assert not parts.publisher.has_room_for_events
    assert not parts.publisher.events([{"device": "d"}])
    parts.outputs.room = True
    assert parts.publisher.events([{"device": "d"}])
    # The gap in the sequence is what a consumer sees of the loss.
    assert [row["sequence"] for row in parts.outputs.records()] == [1]


def test_an_aggregate_without_the_device_has_no_key(parts: Parts) -> None:
    spec = AggregateSpec("sums", ("protocol",), ("octets",), 60, "arrival", 0, 3600, 1000)
    aggregators = {"sums": Aggregator(spec, parts.tables, parts.counters)}
    parts.publisher = parts.publisher_of([PublishTable("sums", "out")], aggregators)
    parts.publisher.flows(raw(NOW_S, protocol=[6, 6], octets=[1, 2]), NOW_S)
    parts.publisher.flush()
    ((_, batch),) = parts.outputs.batches
    assert [key for key, _ in batch.messages] == [None]


def test_records_that_have_nothing_of_what_is_wanted_are_published_all_the_same(
    parts: Parts,
) -> None:
    columns = ("vlanId", "protocol")
    parts.publisher = parts.publisher_of([PublishTable("flow", "out", columns=columns)])
    parts.publisher.flows(raw(NOW_S, octets=[1, 2]), NOW_S)
    parts.publisher.flows(raw(NOW_S, protocol=[None, None]), NOW_S)
    parts.publisher.flows(raw(NOW_S, protocol=[None, 6]), NOW_S)
    told = list(parts.outputs.records())
    assert [row["sequence"] for row in told] == list(range(6))
    assert [row.get("protocol") for row in told] == [None] * 5 + [6]
    assert all(batch.records == 2 for _, batch in parts.outputs.batches)


def test_a_window_larger_than_the_outputs_buffer_waits_for_room(parts: Parts) -> None:
    spec = AggregateSpec(
        "sums",
        ("sourcePort", "destinationPort"),
        ("octets",),
        *(60, "arrival"),
        *(0, 3600, 1_000_000),
    )
    aggregator = Aggregator(spec, parts.tables, parts.counters)
    publisher = parts.publisher_of([PublishTable("sums", "out")], {"sums": aggregator})
    rows = 50_000
    numbers = np.arange(rows)
    batch = raw(NOW_S, octets=numbers.tolist())
    batch.add("sourcePort", (numbers % 60_000).astype(np.uint16))
    publisher.flows(batch, NOW_S)
    parts.outputs.room = False
    publisher.tick(NOW_S + 120)
    assert (publisher.waits, list(parts.outputs.records())) == (True, [])
    assert publisher.pump()
    parts.outputs.room = True
    turns = 1
    while publisher.pump():
        turns += 1
    assert turns > 1  # the loop has its turn in between
    told = [row["octets"] for row in parts.outputs.records()]
    assert (len(told), sum(told)) == (rows, rows * (rows - 1) // 2)


def test_what_waits_is_dropped_by_its_output_when_the_next_window_comes(parts: Parts) -> None:
    spec = AggregateSpec("sums", ("device",), ("octets",), 60, "arrival", 0, 3600, 1000)
    aggregator = Aggregator(spec, parts.tables, parts.counters)
    publisher = parts.publisher_of([PublishTable("sums", "out")], {"sums": aggregator})
    parts.outputs.room = False
    for minute in range(3):
        publisher.flows(raw(NOW_S + 60 * minute, octets=[minute]), NOW_S + 60 * minute)
        publisher.tick(NOW_S + 60 * minute + 60)
    parts.outputs.room = True
    assert not publisher.pump()
    assert [row["octets"] for row in parts.outputs.records()] == [2]
    assert parts.counters["published_records.sums"] == 3
