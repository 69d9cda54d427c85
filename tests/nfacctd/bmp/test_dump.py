"""Table dumps: their records, numbers, times and slots (reference 3.6)."""

import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp.dump import DumpEvent, DumpEvents, DumpSchedule, djb2
from collector.nfacctd.settings import BmpDump, BmpOutput
from collector.simulation import bgp, bmp
from tests.nfacctd.bmp.lab import (
    NOW_S,
    PEER,
    ROUTE,
    ROUTER,
    Lab,
    announce,
    monitoring,
    up,
    withdraw,
)

_DUMP = BmpDump(target=BmpOutput(file="dump.json"), refresh_s=60)
_SLOT = "1700000040"  # NOW_S and 60 s are 1700000060.5, slots begin at multiples of 60


def _lab(**settings: Any) -> Lab:
    return Lab(**{"dump": _DUMP, **settings})


def test_a_dump_has_init_routes_events_and_close() -> None:
    lab = _lab()
    connection = lab.open()
    nlri = bgp.nlri("20.0.0.0/8", labels=[100])
    lab.send(
        connection,
        bmp.initiation("name"),
        up(),
        monitoring(bgp.mp_announcement(1, 4, nlri, ROUTE)),
        announce("20.0.0.0/8", "30.0.0.0/8"),
        withdraw("30.0.0.0/8"),
        bmp.statistics(PEER, [(99, b"abcd")]),
    )
    told = lab.dump()
    assert [record.kind for record in lab.dump_records] == [
        *(kinds.DUMP_INIT, kinds.ROUTE_DUMP, kinds.ROUTE_DUMP, kinds.INITIATION, kinds.PEER_UP),
        *(kinds.STATISTICS, kinds.DUMP_CLOSE),
    ]
    assert {record.time_s for record in lab.dump_records} == {int(_SLOT)}
    init, unicast, labelled, _, peer_up, statistics, close = told
    sender = ["timestamp", "bmp_router", "bmp_router_port"]
    assert list(init) == [*sender, "event_type", "dump_period", "seq"]
    assert (init["dump_period"], init["timestamp"]) == (60, "1700000060.500000")
    assert list(close) == [*sender, "event_type", "seq"]
    assert (unicast["timestamp"], unicast["event_type"]) == (_SLOT, "dump")
    assert (unicast["safi"], labelled["safi"], labelled["mpls_label"]) == (1, 4, "100")
    assert {"log_type", "timestamp_arrival"}.isdisjoint(unicast)
    assert list(peer_up)[:4] == ["event_type", "seq", "timestamp", "timestamp_event"]
    assert (peer_up["timestamp"], peer_up["timestamp_event"]) == (_SLOT, "1700000000.250000")
    assert statistics["counter_value"] == 0


def test_events_are_dumped_once() -> None:
    lab = _lab()
    connection = lab.open()
    lab.send(connection, up(), announce("20.0.0.0/8"))
    assert len(lab.dump()) == 4
    assert len(lab.dump()) == 3
    lab.send(connection, bmp.peer_down(PEER))
    assert [r.get("bmp_msg_type") for r in lab.dump()] == [None, "peer_down", None]


def test_numbers_of_a_dump() -> None:
    lab = _lab()
    lab.dump()  # of nobody: it takes number 0
    connection, other = lab.open(), lab.open("192.0.2.253")
    lab.send(connection, up())
    told = lab.dump()
    assert [(r["event_type"], r["seq"]) for r in told] == [
        ("dump_init", 4),
        ("dump", 5),
        ("dump_close", 5),
        ("dump_init", 5),
        ("dump_close", 6),
    ]
    (record,) = lab.send(other, up())
    assert record["seq"] == 5


def test_statistics_may_be_left_out() -> None:
    lab = _lab(dump=BmpDump(target=_DUMP.target, refresh_s=60, exclude_stats=True))
    connection = lab.open()
    lab.send(connection, up(), bmp.statistics(PEER, [(0, struct.pack("!I", 1))]))
    assert [r.get("bmp_msg_type") for r in lab.dump()] == [None, "peer_up", None]


def test_avro_dumps_have_entries_and_tables_of_nothing() -> None:
    lab = _lab(dump=BmpDump(target=BmpOutput(output="avro", file="d"), refresh_s=60))
    lab.send(lab.open(), up(), announce("20.0.0.0/8"))
    _, route, event, close = lab.dump()
    assert (close["entries"], close["tables"]) == (None, None)
    assert "log_type" not in route
    assert (event["timestamp_arrival"], event["timestamp_event"]) == (None, "1700000000.250000")


def test_a_dump_shows_one_moment_though_routes_change_meanwhile() -> None:
    lab = _lab()
    connection = lab.open()
    prefixes = [f"20.{number >> 8}.{number & 255}.0/24" for number in range(3_000)]
    lab.send(connection, up(), *(monitoring(u) for u in bgp.announcements(prefixes, ROUTE)))
    lab.daemon.dump(NOW_S + 60)
    lab.daemon.resume()
    assert len(lab.dump_records) == 1_000
    lab.daemon.dump(NOW_S + 120)
    assert lab.counters["nfacctd_bmp_dumps_skipped"] == 1
    other = bgp.Route([65009], "192.0.2.9")
    lab.daemon.received(connection, [withdraw(prefixes[2_500])], 1.0)
    lab.daemon.received(connection, [announce(prefixes[2_600], route=other)], 1.0)
    lab.finish()
    routes = [r.fields for r in lab.dump_records if r.kind == kinds.ROUTE_DUMP]
    assert [r["ip_prefix"] for r in routes] == prefixes
    assert {r["as_path"] for r in routes} == {"65001 65002"}


def test_too_many_events_push_the_oldest_out(monkeypatch: Any) -> None:
    monkeypatch.setattr("collector.nfacctd.bmp.dump._MAX_EVENTS", 2)
    events = DumpEvents()
    told = [DumpEvent("", str(number), 0, dict, ()) for number in range(3)]
    assert [events.add(event) for event in told] == [True, True, False]
    assert [event.name for event in events.take()] == ["1", "2"]
    assert not events.take()


def test_slots_spread_routers() -> None:
    schedule = DumpSchedule(refresh_s=120, slots=4)
    assert (schedule.slot_s, schedule.slot_start_s(1_000.5), schedule.next_s(1_000.5)) == (
        *(30, 990),
        1_020,
    )
    due = [schedule.is_due(ROUTER, now_s) for now_s in range(0, 120, 30)]
    assert due.count(True) == 1
    assert due.index(True) == djb2(ROUTER) % 4


def test_a_dump_takes_routers_of_its_slot_only() -> None:
    lab = _lab(dump=BmpDump(target=_DUMP.target, refresh_s=120, time_slots=2))
    addresses = [f"192.0.2.{number}" for number in range(10)]
    for address in addresses:
        lab.open(address)
    first, second = (
        [r["bmp_router"] for r in lab.dump(now_s) if r["event_type"] == "dump_init"]
        for now_s in (0.5, 60.5)
    )
    assert first
    assert second
    assert sorted(first + second) == addresses


def test_the_hash_is_bernsteins() -> None:
    assert djb2("") == 5381
    assert djb2("a") == 5381 * 33 + 97


@given(st.integers(1, 90_000), st.integers(1, 100), st.floats(0, 2e9))
def test_the_next_slot_is_ahead(refresh_s: int, slots: int, now_s: float) -> None:
    schedule = DumpSchedule(refresh_s, slots)
    assert schedule.slot_start_s(now_s) <= now_s < schedule.next_s(now_s)
    assert schedule.next_s(now_s) - schedule.slot_start_s(now_s) == schedule.slot_s
