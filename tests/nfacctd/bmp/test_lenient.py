"""Messages that are not as their RFC has them, and of which nfacctd tells what there is."""

import gc
import struct
import weakref

import pytest

from collector.simulation import bgp, bmp
from tests.nfacctd.bmp.lab import (
    LOC_RIB,
    NOW_S,
    PEER,
    Lab,
    announce,
    monitoring,
    up,
    withdraw,
)


def _with_length(message: bytes) -> bytes:
    return message[:1] + len(message).to_bytes(4) + message[5:]


def _update(attributes: bytes, announced: bytes = b"", withdrawn: bytes = b"") -> bytes:
    body = struct.pack("!H", len(withdrawn)) + withdrawn
    body += struct.pack("!H", len(attributes)) + attributes + announced
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), 2) + body


def test_statistics_before_a_fault_are_told() -> None:
    lab = Lab()
    report = bmp.statistics(PEER, [(0, bytes(4)), (1, bytes(4))])
    told = lab.send(lab.open(), _with_length(report[:-2]))
    assert [record["counter_type"] for record in told] == [0]


def test_large_gauges_are_negative_and_empty_ones_nothing() -> None:
    lab = Lab()
    told = lab.send(lab.open(), bmp.statistics(PEER, [(7, b"\xff" * 8), (99, b"")]))
    assert [record["counter_value"] for record in told] == [-1, None]


@pytest.mark.parametrize("reason", [1, 3, 4, 6])
def test_what_follows_the_reason_of_a_peer_down_is_not_read(reason: int) -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up(), announce("20.0.0.0/8"))
    told = lab.send(connection, bmp.peer_down(PEER, reason, data=b"\0\1\xff"))
    assert [record["bmp_msg_type"] for record in told] == ["peer_down", "internal"]


def test_a_peer_down_without_a_reason_is_nothing() -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up())
    assert lab.send(connection, _with_length(bmp.peer_down(PEER)[:-1])) == []
    assert lab.counters["nfacctd_bmp_dropped.malformed"] == 1


def test_bad_tlvs_cost_the_peer_up_and_not_the_peer() -> None:
    lab = Lab()
    connection = lab.open()
    assert lab.send(connection, _with_length(up() + b"\0\1\0\x09a")) == []
    assert len(lab.send(connection, announce("20.0.0.0/8"))) == 1


def test_enterprise_tlvs_that_are_cut_cost_the_message() -> None:
    lab = Lab()
    connection = lab.open()
    cut = _with_length(bmp.initiation("name") + b"\x80\1\0\3abc")
    assert lab.send(connection, cut) == []
    whole = _with_length(bmp.initiation("name") + b"\x80\1\0\6\0\0\2\x7dab")
    (told,) = lab.send(connection, whole)
    assert told["bmp_init_info_637_1"] == "61-62"


def test_a_peer_up_with_an_open_that_contradicts_itself_is_no_peer_up() -> None:
    lab = Lab()
    connection = lab.open()
    contradiction = bgp.open_message(65001, "192.0.2.1").replace(b"\0\0\xfd\xe9", b"\0\0\xfd\xea")
    good = bgp.open_message(65000, "10.9.9.9")
    message = bmp.peer_up(PEER, "10.0.0.9", good, contradiction, NOW_S)
    assert lab.send(connection, message, announce("20.0.0.0/8")) == []
    assert lab.counters["nfacctd_bmp_dropped.open"] == 1


def test_the_local_address_of_a_loc_rib_is_told() -> None:
    lab = Lab()
    message = bytearray(up(LOC_RIB))
    message[48 + 12 : 48 + 16] = bytes((10, 0, 0, 9))
    (told,) = lab.send(lab.open(), bytes(message))
    assert told["local_ip"] == "10.0.0.9"


def test_end_of_rib_may_have_other_attributes() -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up())
    unreach = b"\x80\x0f\x03\0\2\1"
    told = lab.send(connection, monitoring(_update(b"\x40\1\1\0" + unreach)))
    assert [(r["log_type"], r["afi"], r["safi"]) for r in told] == [("end-of-rib", 2, 1)]


def test_mp_reach_without_a_route_costs_the_update() -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up(), announce("20.0.0.0/8"))
    reach = b"\x80\x0e\x15\0\2\1\x10" + bytes(16) + b"\0"
    assert lab.send(connection, monitoring(_update(reach, withdrawn=b"\x08\x14"))) == []


def test_a_next_hop_of_no_octets_costs_the_update() -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up())
    flowspec = b"\x80\x0e\x09\0\1\x85\0\0\3\1\x08\x14"
    assert lab.send(connection, monitoring(_update(flowspec, b"\x08\x14"))) == []
    assert lab.counters["nfacctd_bmp_dropped.malformed"] == 1


@pytest.mark.parametrize(
    ("second", "left"),
    [
        pytest.param(b"", {"aigp": 7, "psid_li": 16}, id="both-stay"),
        pytest.param(b"\xc0\x23\4\0\0\0\1", {"psid_li": 16, "otc": 1}, id="no-aigp-any-more"),
    ],
)
def test_what_is_kept_aside_stays_with_other_attributes(second: bytes, left: dict) -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up())
    path, hop = b"\x40\1\1\0\x40\2\0", b"\x40\3\4\xc0\0\2\1"
    aside = b"\x80\x1a\x0b\1\0\x0b" + (7).to_bytes(8)
    aside += b"\xc0\x28\x0a\1\0\7\0\0\0" + (16).to_bytes(4)
    lab.send(connection, monitoring(_update(path + hop + aside, b"\x08\x14")))
    med = b"\x80\4\4\0\0\0\1"
    (told,) = lab.send(connection, monitoring(_update(path + hop + med + second, b"\x08\x14")))
    assert {k: told[k] for k in ("aigp", "psid_li", "otc") if k in told} == left
    (withdrawn,) = lab.send(connection, withdraw("20.0.0.0/8"))
    assert {k: withdrawn[k] for k in ("aigp", "psid_li", "otc") if k in withdrawn} == left


def test_routes_of_a_session_that_ended_are_in_no_cycle() -> None:
    lab = Lab(log=False)
    connection = lab.open()
    lab.send(connection, up(), announce("20.0.0.0/8"), announce("30.0.0.0/8", peer=PEER))
    (routes,) = lab.daemon._store
    (table, *_) = routes.all_tables()
    attributes = [weakref.ref(entry.attributes) for entry in table.entries.values()]
    del routes, table
    gc.disable()
    try:
        lab.close(connection)
        assert [reference() for reference in attributes] == [None] * len(attributes)
    finally:
        gc.enable()
