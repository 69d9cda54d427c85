"""BMP messages to tables and events; what was lost for want of room comes again as a whole."""

import asyncio

import pytest

from collector.pipeline.devices import DeviceSettings
from collector.rib.sync import RibState
from collector.simulation import bgp, bmp
from tests.workers.bmp_bench import OPEN, PEER, VIA, BmpBench


def test_every_message_is_an_event_and_fills_the_tables() -> None:
    bench = BmpBench(DeviceSettings(("192.0.2.200", "192.0.2.1")))
    session = bench.open()
    assert bench.path.device_of(session) == "192.0.2.200"
    update = bgp.announcement(["10.0.0.0/8"], VIA)
    bench.send(session, bmp.initiation("core-1"))
    bench.up(session, update, bgp.end_of_rib())
    bench.send(session, bmp.statistics(PEER, [(0, bytes(4))]), bmp.peer_down(PEER))
    bench.path.closed(session, "closed by the router", 1002.0)
    assert bench.kinds() == [
        "session_up",
        "initiation",
        "peer_up",
        "route_monitoring",
        "route_monitoring",
        "statistics",
        "peer_down",
        "session_down",
    ]
    assert {event["device"] for event in bench.events} == {"192.0.2.200"}
    told = bench.events[3]
    assert (told["sessionAddress"], told["sessionPort"]) == ("192.0.2.1", 30_001)
    assert told["timeReceived"] == 1_001_000_000
    assert told["bgp"]["announced"] == [{"afi": 1, "safi": 1, "prefix": "10.0.0.0/8"}]
    assert bench.events[-1]["reason"] == "closed by the router"
    assert bench.path.device_of(session) is None


def test_a_malformed_message_is_an_event_of_its_own_and_the_session_goes_on() -> None:
    bench = BmpBench()
    session = bench.open()
    update = bmp.route_monitoring(PEER, bgp.announcement(["10.0.0.0/8"], VIA))
    spoilt = update[:-2] + b"\xff\x0a"
    up = bmp.peer_up(PEER, "10.0.0.2", OPEN, OPEN)
    assert bench.send(session, up, spoilt, update)
    assert bench.kinds() == ["session_up", "peer_up", "error", "route_monitoring"]
    assert bench.counters["bmp_malformed"] == 1
    assert bench.rib.devices["192.0.2.1"].routes == 0  # not applied yet, see below
    assert sum(map(len, bench.rib.routes("192.0.2.1"))) == 1


def test_an_unexpected_error_ends_the_session_but_tells_what_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = BmpBench()
    session, other = bench.open(), bench.open(2, "192.0.2.2")

    def fails(*_: object) -> None:
        raise ArithmeticError

    up = bmp.peer_up(PEER, "10.0.0.2", OPEN, OPEN)
    monkeypatch.setattr(bench.rib, "peer_down", fails)
    assert not bench.send(session, bmp.initiation("r"), up, bmp.peer_down(PEER), up)
    assert bench.kinds()[2:] == ["initiation", "peer_up"]
    bench.path.closed(session, "internal error", 1002.0)
    assert bench.send(other, up)
    assert bench.counters["unexpected_errors.bmp"] == 1
    assert bench.rib.state("192.0.2.2") == RibState.SYNCING


def test_hints_are_told_once_a_session_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.workers.bmp_path._MAX_HINTS", 4)
    bench = BmpBench()
    session = bench.open()
    for _ in range(3):
        bench.up(session)
    for number in range(10):
        bench.send(session, bmp.initiation(f"name-{number}"))
    assert [names for _, names in bench.hinted] == [
        {"192.0.2.1"},
        {"10.0.0.2"},
        {"name-0"},
        {"name-1"},
    ]
    ((told,),) = bench.path.sessions_by_device().values()
    assert told["system_name"] == "name-9"
    assert told["messages"] == 13


def test_a_session_without_messages_was_never_seen() -> None:
    bench = BmpBench()
    bench.open()
    ((told,),) = bench.path.sessions_by_device().values()
    assert told["last_seen_s"] is None


def test_nobody_wants_events() -> None:
    bench = BmpBench()
    bench.path.wants_events = False
    bench.up(bench.open(), bgp.announcement(["10.0.0.0/8"], VIA))
    assert bench.events == []
    assert sum(map(len, bench.rib.routes("192.0.2.1"))) == 1


def test_events_that_were_dropped_are_followed_by_a_snapshot_when_there_is_room() -> None:
    async def run() -> BmpBench:
        bench = BmpBench()
        session = bench.open()
        other = bench.open(2, "192.0.2.2")
        bench.takes = False
        bench.up(session, bgp.announcement(["10.0.0.0/8", "10.1.0.0/16"], VIA))
        bench.path.closed(other, "gone", 1002.0)
        bench.rib.tick(1003.0)
        assert "192.0.2.2" not in bench.rib.devices
        bench.takes = True
        bench.events.clear()
        bench.path.snapshot_incomplete()
        await bench.path.snapshots.idle()
        bench.path.snapshot_incomplete()  # nothing is left to repair
        await bench.path.snapshots.idle()
        return bench

    bench = asyncio.run(run())
    assert bench.counters["bmp_events_dropped"] == 3
    told = {"192.0.2.1": [], "192.0.2.2": []}
    for event in bench.events:
        told[event["device"]].append((event["type"], event.get("routes")))
    assert told == {
        "192.0.2.1": [("snapshot_begin", None), ("snapshot_routes", None), ("snapshot_end", 2)],
        # Its session's end was among what was lost: a consumer is told that nothing is left.
        "192.0.2.2": [("snapshot_begin", None), ("snapshot_end", 0)],
    }
