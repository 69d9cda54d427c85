"""Whole tables as events, at the pace of the outputs and while tables go on changing."""

import asyncio
from collections.abc import Callable
from typing import Any

from collector.simulation import bgp
from collector.workers.snapshots import Snapshots
from tests.workers.bmp_bench import VIA, BmpBench

DEVICE = "192.0.2.1"
PREFIXES = [f"10.{number >> 8}.{number & 255}.0/24" for number in range(2500)]


class Paused:
    """Snapshots whose waiting for room a test fills."""

    def __init__(self, bench: BmpBench, while_waiting: Callable[[], None]) -> None:
        self.bench = bench
        self.waited = 0
        self._while_waiting = while_waiting
        self.snapshots = Snapshots(
            bench.rib,
            bench.counters,
            bench.path._guard,
            bench.path._publish_snapshot,
            lambda: bench.has_room,
            self._pause,
        )

    async def _pause(self, _: float) -> None:
        self.waited += 1
        self._while_waiting()
        await asyncio.sleep(0)


def filled() -> BmpBench:
    bench = BmpBench()
    session = bench.open()
    bench.up(session, *bgp.announcements(PREFIXES, VIA))
    bench.events.clear()
    return bench


def told(events: list[dict[str, Any]]) -> list[str]:
    return [
        route["prefix"]
        for event in events
        if event["type"] == "snapshot_routes"
        for route in event["bgp"]["announced"]
    ]


def test_begin_routes_end() -> None:
    async def run() -> BmpBench:
        bench = filled()
        assert bench.path.snapshots.start(["192.0.2.99", DEVICE]) == [DEVICE]
        await bench.path.snapshots.idle()
        return bench

    bench = asyncio.run(run())
    assert sorted(told(bench.events)) == sorted(PREFIXES)
    first, *_, last = bench.events
    assert (first["type"], first["snapshot"]) == ("snapshot_begin", 1)
    assert (last["type"], last["routes"]) == ("snapshot_end", len(PREFIXES))
    routes = bench.events[1]
    assert routes["peer"]["view"] == "adj-rib-in-pre"
    assert routes["bgp"]["attributes"]["communities"] == ["64500:7"]
    assert routes["bgp"]["attributes"]["as_path"] == [[2, [64500, 64501]]]


def test_a_table_that_goes_while_there_is_no_room() -> None:
    # Its paths are freed, and their ids given to others, whose attributes must not be told here.
    async def run() -> BmpBench:
        bench = filled()
        session = bench.open(2, "192.0.2.2")

        def swap() -> None:
            bench.rib.session_down(DEVICE, 1, 0.0)
            bench.rib.tick(10_000.0)
            bench.rib.tick(10_001.0)
            bench.up(session, bgp.announcement(["10.99.0.0/16"], bgp.Route([1], "10.1.1.1")))
            bench.has_room = True

        paused = Paused(bench, swap)
        publish = bench.path._publish_snapshot

        def full_after_the_first(device: str, events: list[dict[str, Any]]) -> bool:
            bench.has_room = paused.waited > 0
            return publish(device, events)

        paused.snapshots._publish = full_after_the_first
        paused.snapshots.start([DEVICE])
        await paused.snapshots.idle()
        assert paused.waited == 1
        return bench

    bench = asyncio.run(run())
    told_hops = {
        event["bgp"]["attributes"]["next_hop"]
        for event in bench.events
        if event["type"] == "snapshot_routes"
    }
    assert told_hops == {"10.9.9.9"}
    assert bench.events[-1]["routes"] == len(told(bench.events)) < len(PREFIXES)


def test_a_snapshot_that_is_lost_half_way_says_nothing_more_and_is_to_come_again() -> None:
    async def run() -> BmpBench:
        bench = filled()
        publish = bench.path._publish_snapshot

        def only_two(device: str, events: list[dict[str, Any]]) -> bool:
            bench.takes = len(bench.events) < 2
            return publish(device, events)

        bench.path.snapshots._publish = only_two
        bench.path.snapshots.start_all()
        await bench.path.snapshots.idle()
        return bench

    bench = asyncio.run(run())
    assert bench.kinds() == ["snapshot_begin", "snapshot_routes"]
    assert bench.path._incomplete == {DEVICE}
    assert (bench.counters["snapshots.begun"], bench.counters["snapshots.whole"]) == (1, 0)


def test_what_fails_costs_one_device(caplog: object) -> None:
    async def run() -> BmpBench:
        bench = filled()
        bench.up(bench.open(2, "192.0.2.2"), bgp.announcement(["10.99.0.0/16"], VIA))
        bench.events.clear()
        routes = bench.rib.routes

        def fails(device: str, chunk: int) -> Any:
            if device == DEVICE:
                raise ArithmeticError
            return routes(device, chunk)

        bench.rib.routes = fails  # type: ignore[method-assign]
        bench.path.snapshots.start_all()
        await bench.path.snapshots.idle()
        return bench

    bench = asyncio.run(run())
    assert bench.counters["unexpected_errors.snapshot"] == 1
    assert [event["device"] for event in bench.events if event["type"] == "snapshot_end"] == [
        "192.0.2.2"
    ]


def test_stop_ends_it_at_once_and_for_good() -> None:
    async def run() -> BmpBench:
        bench = filled()
        bench.has_room = False
        bench.path.snapshots.start_all()
        await asyncio.sleep(0)
        bench.path.snapshots.stop()
        await bench.path.snapshots.idle()
        bench.has_room = True
        bench.path.snapshots.start_all()
        await bench.path.snapshots.idle()
        return bench

    bench = asyncio.run(run())
    assert bench.events == []
    assert "unexpected_errors.snapshot" not in bench.counters
