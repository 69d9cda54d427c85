"""The log: what becomes of each message, in nfacctd's words and order of keys (reference 3)."""

import struct
from pathlib import Path
from typing import Any

import pytest

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.maps.bmp_tag_map import BmpTagMap
from collector.nfacctd.settings import Timestamps
from collector.simulation import bgp, bmp
from tests.nfacctd.bmp.lab import (
    LOC_RIB,
    PEER,
    RD_1,
    ROUTE,
    ROUTER,
    Lab,
    announce,
    monitoring,
    up,
    withdraw,
)

_RED = bmp.Peer(as_number=65000, bgp_id="10.9.9.9", type=bmp.LOC_RIB, distinguisher=RD_1)
_OUT = bmp.Peer("192.0.2.1", 65001, "192.0.2.1", adj_rib_out=True, post_policy=True)
_HEAD = ["event_type", "seq", "timestamp", "timestamp_arrival", "bmp_router", "bmp_router_port"]
_SENDER = ["bmp_router", "bmp_router_port", "peer_ip", "peer_asn", "peer_tcp_port", "bmp_msg_type"]


def _tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BIB", 3, 6 + len(body), kind) + body


def _told(*messages: bytes, **settings: Any) -> list[dict[str, Any]]:
    lab = Lab(**settings)
    return lab.send(lab.open(), *messages)


def _types(records: list[dict[str, Any]]) -> list[str]:
    return [record.get("log_type", record.get("bmp_msg_type")) for record in records]


def test_a_connection_is_logged_with_its_number() -> None:
    lab = Lab()
    connection = lab.open()
    lab.close(connection)
    first, last = lab.log_records
    assert list(first.fields) == ["seq", "timestamp", *_HEAD[4:], "event_type"]
    assert first.fields["event_type"] == "log_init"
    assert first.fields["timestamp"] == "1700000000.500000"
    assert (first.fields["bmp_router"], first.fields["bmp_router_port"]) == (ROUTER, 40_001)
    assert (last.fields["event_type"], last.fields["seq"]) == ("log_close", 1)
    assert (first.kind, last.kind) == (kinds.LOG_INIT, kinds.LOG_CLOSE)


def test_initiation() -> None:
    tlvs = [(0, b"a"), (0, b"b"), (1, b"descr"), (2, b"name"), (3, b"x"), (9, b"baz")]
    enterprise = _tlv(0x8007, struct.pack("!I", 9) + b"abc")
    body = b"".join(_tlv(*tlv) for tlv in tlvs) + enterprise
    (record,) = _told(_message(4, body))
    assert record["timestamp"] == "0.000000"
    assert list(record.items())[6:] == [
        ("bmp_msg_type", "init"),
        ("bmp_init_info_string", "b"),
        ("bmp_init_info_sysdescr", "descr"),
        ("bmp_init_info_sysname", "name"),
        ("bmp_init_info_reserved", "x"),
        ("bmp_init_info_9", "62-61-7A"),
        ("bmp_init_info_9_7", "61-62-63"),
    ]
    assert list(record)[:6] == _HEAD


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (0, "Session administratively closed"),
        (3, "Redundant connection"),
        (4, "Session permanently administratively closed"),
        (77, "77"),
    ],
)
def test_termination_ends_the_session(reason: int, text: str) -> None:
    lab = Lab()
    connection = lab.open()
    body = _tlv(0, b"bye") + _tlv(1, struct.pack("!H", reason))
    assert lab.daemon.received(connection, [up()], 1.0)
    assert not lab.daemon.received(connection, [_message(5, body)], 1.0)
    record = lab.log_records[-1].fields
    assert (record["bmp_msg_type"], record["timestamp"]) == ("term", "0.000000")
    assert record["bmp_term_info_string"] == "bye"
    assert record["bmp_term_info_reason"] == text


def test_peer_up() -> None:
    opens = bgp.open_message(65000, "10.9.9.9"), bgp.open_message(65001, "192.0.2.1")
    tlvs = b"".join(map(_tlv, (0, 1, 3, 4, 7), (b"s", b"r", b"red", b"adm", b"\1\2")))
    local = bytes(12) + bytes((10, 0, 0, 9)) + struct.pack("!HH", 179, 30_000)
    body = PEER.header(1_700_000_000.25) + local + b"".join(opens) + tlvs
    (record,) = _told(_message(3, body))
    assert record["timestamp"] == "1700000000.250000"
    assert list(record.items())[6:] == [
        ("bmp_msg_type", "peer_up"),
        ("peer_ip", "192.0.2.1"),
        ("peer_asn", 65001),
        ("local_as", 65000),
        ("bgp_id", "192.0.2.1"),
        ("peer_type", 0),
        ("peer_type_str", "Global Instance Peer"),
        ("bmp_rib_type", "Adj-Rib-In Pre-Policy"),
        ("is_filtered", 0),
        ("is_post", 0),
        ("is_in", 1),
        ("local_port", 179),
        ("remote_port", 30_000),
        ("local_ip", "10.0.0.9"),
        ("bmp_peer_up_info_string", "s"),
        ("bmp_peer_up_info_reserved", "r"),
        ("bmp_peer_up_info_vrf_table_name", "red"),
        ("bmp_peer_up_info_admin_label", "adm"),
        ("bmp_peer_up_info_7", "01-02"),
    ]


@pytest.mark.parametrize(
    ("peer", "fields"),
    [
        (_OUT, {"bmp_rib_type": "Adj-Rib-Out Post-Policy", "is_post": 1, "is_out": 1}),
        (
            bmp.Peer("2001:db8::1", 1, "1.1.1.1", type=2, distinguisher=RD_1),
            {"peer_ip": "2001:db8::1", "peer_type_str": "Local Instance Peer", "rd": None},
        ),
        (
            bmp.Peer("192.0.2.9", 1, "1.1.1.1", type=1, distinguisher=RD_1),
            {"rd": "0:65000:1", "rd_origin": "bmp", "peer_type_str": "RD Instance Peer"},
        ),
        (
            bmp.Peer(as_number=65000, type=bmp.LOC_RIB, filtered=True),
            {"peer_ip": "0.0.0.0", "is_filtered": 1, "is_loc": 1, "is_post": None, "is_in": None},
        ),
    ],
)
def test_tables_of_peers(peer: bmp.Peer, fields: dict[str, Any]) -> None:
    (record,) = _told(up(peer))
    assert {name: record.get(name) for name in fields} == fields


def test_a_routes_keys() -> None:
    _, record = _told(up(), announce("20.0.0.0/8"))
    assert list(record) == [
        *("seq", "log_type", "timestamp", "bmp_rib_type", "is_filtered", "is_post", "is_in"),
        *("bgp_id", "event_type", "afi", "safi", "ip_prefix", "bgp_nexthop", "as_path", "origin"),
        *("timestamp_arrival", *_SENDER),
    ]
    assert record["timestamp"] == "1700000000.750000"
    assert record["timestamp_arrival"] == "1700000001.500000"
    assert (record["event_type"], record["bmp_msg_type"]) == ("log", "route_monitor")
    assert (record["ip_prefix"], record["as_path"]) == ("20.0.0.0/8", "65001 65002")


def test_all_keys_of_a_vpn_route() -> None:
    route = bgp.Route(
        [65001],
        "10.0.0.1",
        local_pref=100,
        med=5,
        communities=[(65001, 1)],
        extended_communities=[bytes.fromhex("0002fde900000001")],
        large_communities=[(1, 2, 3)],
    )
    nlri = bgp.nlri("20.0.0.0/8", labels=[100], rd=RD_1)
    _, record = _told(up(_RED), monitoring(bgp.mp_announcement(1, 128, nlri, route), _RED))
    assert list(record) == [
        *("seq", "log_type", "timestamp", "bmp_rib_type", "is_filtered", "is_loc", "bgp_id"),
        *("rd", "rd_origin", "event_type", "afi", "safi", "ip_prefix", "bgp_nexthop", "as_path"),
        *("comms", "ecomms", "lcomms", "origin", "local_pref", "med", "mpls_label"),
        *("timestamp_arrival", *_SENDER),
    ]
    assert (record["rd_origin"], record["mpls_label"], record["med"]) == ("bgp", "100", 5)


def test_a_distinguisher_of_the_nlri_stands_behind_without_one_of_the_peer() -> None:
    nlri = bgp.nlri("20.0.0.0/8", labels=[100], rd=RD_1)
    _, record = _told(up(), monitoring(bgp.mp_announcement(1, 128, nlri, ROUTE)))
    keys = list(record)
    assert keys.index("rd") > keys.index("origin")


def test_set_pd_keeps_the_two_distinguishers_apart() -> None:
    nlri = bgp.nlri("20.0.0.0/8", labels=[100], rd=bytes.fromhex("0000fde800000007"))
    update = bgp.mp_announcement(1, 128, nlri, ROUTE)
    told_up, record = _told(up(_RED), monitoring(update, _RED), set_pd=True)
    assert (told_up["pd"], told_up["pd_origin"], "rd" in told_up) == ("0:65000:1", "bmp", False)
    assert (record["pd"], record["rd"], record["rd_origin"]) == ("0:65000:1", "0:65000:7", "bgp")


def test_the_bottom_label_of_a_stack_is_told() -> None:
    nlri = bgp.nlri("20.0.0.0/8", labels=[100, 200])
    _, record = _told(up(), monitoring(bgp.mp_announcement(1, 4, nlri, ROUTE)))
    assert record["mpls_label"] == "200"


def test_an_identical_announcement_is_told_again() -> None:
    records = _told(up(), announce("20.0.0.0/8"), announce("20.0.0.0/8"))
    assert _types(records) == ["peer_up", "update", "update"]
    assert [record["seq"] for record in records] == [1, 2, 3]


def test_a_new_label_with_the_old_attributes_goes_unnoticed() -> None:
    updates = [
        monitoring(bgp.mp_announcement(1, 4, bgp.nlri("20.0.0.0/8", labels=[label]), route))
        for label, route in ((1, ROUTE), (2, ROUTE), (3, bgp.Route([65009], "192.0.2.1")))
    ]
    assert [record["mpls_label"] for record in _told(up(), *updates)[1:]] == ["1", "1", "3"]


def test_a_withdrawal_tells_what_was_held_and_is_silent_about_the_rest() -> None:
    records = _told(
        up(), announce("20.0.0.0/8"), withdraw("20.0.0.0/8", "30.0.0.0/8"), withdraw("20.0.0.0/8")
    )
    assert _types(records) == ["peer_up", "update", "withdraw"]
    assert (records[2]["as_path"], records[2]["ip_prefix"]) == ("65001 65002", "20.0.0.0/8")


def test_tables_of_a_peer_are_withdrawn_from_one_by_one() -> None:
    records = _told(up(), announce("20.0.0.0/8"), withdraw("20.0.0.0/8", peer=_OUT))
    assert _types(records) == ["peer_up", "update"]


def test_path_identifiers_make_routes_different() -> None:
    records = _told(
        up(capabilities=bgp.add_path(1, 1)),
        announce("20.0.0.0/8", path_id=1),
        announce("20.0.0.0/8", path_id=2),
        withdraw("20.0.0.0/8", path_id=1),
        withdraw("20.0.0.0/8", path_id=1),
    )
    assert [r.get("as_path_id") for r in records] == [None, 1, 2, 1]
    assert list(records[1]).index("as_path_id") == list(records[1]).index("ip_prefix") + 1


def test_end_of_rib() -> None:
    updates = [bgp.end_of_rib(), bgp.end_of_rib(2, 128)]
    records = _told(up(_RED), *(monitoring(update, _RED) for update in updates))[1:]
    assert [(r["log_type"], r["afi"], r["safi"]) for r in records] == [
        ("end-of-rib", 1, 1),
        ("end-of-rib", 2, 128),
    ]
    assert all("ip_prefix" not in r and "as_path" not in r for r in records)
    assert records[0]["rd"] == "0:65000:1"


def test_families_without_prefixes_are_passed_over() -> None:
    route = bytes((2, 2)) + b"ab"
    assert _types(_told(up(), monitoring(bgp.mp_announcement(25, 70, route, ROUTE)))) == ["peer_up"]


def test_an_update_is_worked_through_in_nfacctds_order() -> None:
    withdrawn, announced = bgp.nlri("20.0.0.0/8"), bgp.nlri("30.0.0.0/8")
    reach = struct.pack("!HBB", 2, 1, 16) + bytes(16) + b"\0" + bgp.nlri("2001:db8::/32")
    unreach = struct.pack("!HB", 1, 1) + bgp.nlri("40.0.0.0/8")
    attributes = b"".join(
        bytes((flags, code, len(value))) + value
        for flags, code, value in ((0x40, 1, b"\0"), (0x80, 14, reach), (0x80, 15, unreach))
    )
    body = struct.pack("!H", len(withdrawn)) + withdrawn
    body += struct.pack("!H", len(attributes)) + attributes + announced
    update = b"\xff" * 16 + struct.pack("!HB", 19 + len(body), 2) + body
    records = _told(up(), announce("20.0.0.0/8", "40.0.0.0/8"), monitoring(update))[3:]
    assert [(r["log_type"], r["ip_prefix"], r["bgp_nexthop"]) for r in records] == [
        ("withdraw", "20.0.0.0/8", "192.0.2.1"),
        ("update", "30.0.0.0/8", "::"),  # the next hop of MP_REACH_NLRI, for all
        ("withdraw", "40.0.0.0/8", "192.0.2.1"),
        ("update", "2001:db8::/32", "::"),
    ]


def test_peer_down_then_the_peers_routes() -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up(), up(_RED), up(LOC_RIB))
    for peer in (PEER, _OUT, _RED, LOC_RIB):
        lab.send(connection, announce("20.0.0.0/8", peer=peer))
    told = lab.send(connection, bmp.peer_down(PEER, 2, data=b"\0\x19"))
    assert _types(told) == ["peer_down", "delete", "delete"]
    down, delete = told[:2]
    assert list(down)[6:] == [
        *("bmp_msg_type", "peer_ip", "peer_asn", "bgp_id", "peer_type", "peer_type_str"),
        *("bmp_rib_type", "is_filtered", "is_post", "is_in"),
        *("reason_type", "reason_str", "reason_loc_code"),
    ]
    assert (down["reason_type"], down["reason_loc_code"]) == (2, 25)
    assert (delete["bmp_msg_type"], delete["as_path"]) == ("internal", "65001 65002")
    assert delete["timestamp"] == "1700000001.500000"  # the collector's clock
    told = lab.send(connection, bmp.peer_down(_RED, 6))
    assert _types(told) == ["peer_down", "delete"]  # its own instance only
    assert "reason_str" not in told[0]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (0, "Reserved"),
        (1, "The local system closed the session"),
        (4, "The remote system closed the session without a notification message"),
        (5, "Info for this peer will no longer be sent for configuration reasons"),
    ],
)
def test_reasons_of_peer_down(reason: int, text: str) -> None:
    _, record = _told(up(), bmp.peer_down(PEER, reason))
    assert (record["reason_type"], record["reason_str"]) == (reason, text)


def test_after_a_peer_down_routes_wait_for_a_peer_up() -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up(), announce("20.0.0.0/8"), bmp.peer_down(PEER))
    assert lab.send(connection, announce("20.0.0.0/8"), withdraw("20.0.0.0/8")) == []
    assert _types(lab.send(connection, bmp.peer_down(PEER))) == ["peer_down"]
    assert lab.counters["nfacctd_bmp_dropped.missing_peer_up"] == 3
    assert _types(lab.send(connection, up(), announce("20.0.0.0/8"))) == ["peer_up", "update"]


def test_a_missing_peer_up_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    lab = Lab()
    connection = lab.open()
    for now_s in (100.0, 101.0, 159.0, 161.0):
        lab.daemon.received(connection, [announce("20.0.0.0/8")], now_s)
    text = f"[{ROUTER}] [route monitor] packet discarded: missing peer up BMP message for peer"
    assert [text in line for line in caplog.messages] == [True, True]


def test_a_closed_connection_deletes_all_ipv4_peers_first() -> None:
    lab = Lab()
    connection = lab.open()
    six = bmp.Peer("2001:db8::1", 65006, "1.1.1.6")
    lab.send(connection, up(six), up())
    lab.send(connection, announce("20.0.0.0/8", peer=six), announce("30.0.0.0/8", "40.0.0.0/8"))
    told = lab.close(connection)
    assert [r.get("ip_prefix") for r in told] == ["30.0.0.0/8", "40.0.0.0/8", "20.0.0.0/8", None]
    assert [r["event_type"] for r in told] == ["log"] * 3 + ["log_close"]
    assert told[0]["timestamp"] == "1700000002.500000"
    assert told[0]["timestamp_arrival"] == "1700000001.500000"  # of the last Route Monitoring


def test_statistics_are_told_one_by_one() -> None:
    values = [
        (0, struct.pack("!I", 5)),
        (7, struct.pack("!Q", 6)),
        (9, struct.pack("!HBQ", 1, 128, 7)),
        (16, struct.pack("!HBQ", 1, 1, 8)),
        (18, struct.pack("!Q", 9)),
        (77, b"\1\2\3"),
        (1, struct.pack("!Q", 11)),
    ]
    records = _told(bmp.statistics(_OUT, values, 1_700_000_002))
    assert list(records[2])[6:] == [
        *("bmp_msg_type", "peer_ip", "peer_asn", "bgp_id", "peer_type", "bmp_rib_type"),
        *("is_filtered", "is_post", "is_out", "counter_type", "counter_type_str"),
        *("afi", "safi", "counter_value"),
    ]
    told = [(r["counter_type"], r["counter_value"], r.get("safi")) for r in records]
    assert told == [
        (0, 5, None),
        (7, 6, None),
        (9, 7, 128),
        (16, 8, None),  # nfacctd tells AFI and SAFI of 9 and 10 only
        (18, "00-00-00-00-00-00-00-09", None),
        (77, "01-02-03", None),
        (1, 0, None),  # of a length that the counter has not
    ]
    assert records[4]["counter_type_str"] == "Unknown"
    assert records[2]["counter_type_str"] == "Number of routes in per-AFI/SAFI Abj-RIB-In"


def test_a_loc_rib_with_an_address_is_dropped() -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up(LOC_RIB))
    update = bytearray(announce("20.0.0.0/8", peer=LOC_RIB))
    update[31] = 1
    assert lab.send(connection, bytes(update)) == []
    assert lab.counters["nfacctd_bmp_dropped.loc_rib_address"] == 1


def test_what_nfacctd_drops_is_counted() -> None:
    lab = Lab()
    connection = lab.open()
    version_4 = struct.pack("!BIB", 4, 6, 0)
    bad_med = b"\x80\4\1\0"
    body = struct.pack("!HH", 0, len(bad_med)) + bad_med + bgp.nlri("20.0.0.0/8")
    update = b"\xff" * 16 + struct.pack("!HB", 19 + len(body), 2) + body
    told = lab.send(
        connection,
        *(up(), monitoring(update), _message(0, b""), version_4, _message(99, b"")),
        bmp.route_mirroring(PEER, []),
    )
    assert _types(told) == ["peer_up"]
    assert lab.counters == {
        "nfacctd_bmp_dropped.malformed": 2,
        "nfacctd_bmp_dropped.version_4": 1,
        "nfacctd_bmp_dropped.unknown_type": 1,
        "nfacctd_bmp_dropped.route_mirroring": 1,
    }


def test_routes_before_a_fault_are_told() -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, up())
    good, bad = bgp.nlri("20.0.0.0/8") + bgp.nlri("30.0.0.0/8"), b"\x21" + bytes(5)
    told = lab.send(connection, monitoring(bgp.ipv4_announcement(good + bad, ROUTE)))
    assert [r["ip_prefix"] for r in told] == ["20.0.0.0/8", "30.0.0.0/8"]
    labelled = bgp.nlri("20.0.0.0/8", labels=[1]) + b"\x08\x01"
    told = lab.send(connection, monitoring(bgp.mp_announcement(1, 4, labelled, ROUTE)))
    assert [r["ip_prefix"] for r in told] == ["20.0.0.0/8"]
    assert lab.counters["nfacctd_bmp_dropped.malformed"] == 2


def test_the_a_flag_and_both_opens_say_how_long_as_numbers_are() -> None:
    flagged = bmp.Peer("192.0.2.1", 65001, "192.0.2.1", as_size=2)
    narrow = bgp.Route([65001, 65002], "192.0.2.1", as_size=2)
    _, record = _told(up(flagged), announce("20.0.0.0/8", peer=flagged, route=narrow))
    assert record["as_path"] == "65001 65002"
    without = b"\xff" * 16 + struct.pack("!HBBHH4sB", 29, 1, 4, 65001, 180, bytes(4), 0)
    wide = bgp.open_message(65000, "10.9.9.9")
    old = bmp.peer_up(PEER, "10.0.0.9", wide, without)
    _, record = _told(old, announce("20.0.0.0/8", route=narrow))
    assert record["as_path"] == "65001 65002"


def test_a_second_peer_up_changes_nothing_of_what_was_agreed() -> None:
    again = up(capabilities=bgp.add_path(1, 1))
    records = _told(up(), again, announce("20.0.0.0/8"))
    assert _types(records) == ["peer_up", "peer_up", "update"]
    assert "as_path_id" not in records[2]


def test_arrays_and_texts() -> None:
    route = bgp.Route([1, 65001], "192.0.2.1", communities=[(65001, 2)], local_pref=None)
    core = {"as_path_encode_as_array": True, "bgp_comms_encode_as_array": True}
    _, record = _told(up(), announce("20.0.0.0/8", route=route), core=core)
    assert (record["as_path"], record["comms"]) == (["65001"], ["65001:2"])
    _, record = _told(up(), announce("20.0.0.0/8", route=route))
    assert (record["as_path"], record["comms"]) == ("1 65001", "65001:2")


def test_the_writer_is_told_in_kafka() -> None:
    lab = Lab(kafka=True)
    lab.send(lab.open(), up(), announce("20.0.0.0/8"))
    assert all(list(r.fields.items())[-1] == ("writer_id", "core") for r in lab.log_records)


@pytest.mark.parametrize(
    ("style", "unknown", "text"),
    [
        (
            Timestamps(utc=True, secs=True),
            "0000-00-00 00:00:00.000000",
            "2023-11-14 22:13:20.250000",
        ),
        (
            Timestamps(utc=True, rfc9557=True),
            "0000-00-00T00:00:00.000000",
            "2023-11-14T22:13:20.250000+00:00",
        ),
    ],
)
def test_times_as_dates(style: Timestamps, unknown: str, text: str) -> None:
    told = _told(_message(4, b""), up(), timestamps=style)
    assert [r["timestamp"] for r in told] == [unknown, text]


def _tag_map(tmp_path: Path, text: str) -> BmpTagMap:
    path = tmp_path / "tags.map"
    path.write_text(text)
    return BmpTagMap.load(str(path))


def test_tags_and_labels_of_routers(tmp_path: Path) -> None:
    tags = _tag_map(tmp_path, "set_label=a%1 ip=192.0.2.254\nset_tag=7 ip=192.0.2.253\n")
    lab = Lab(tag_map=tags, core={"pre_tag_label_encode_as_map": True})
    for address in (ROUTER, "192.0.2.253", "192.0.2.252"):
        lab.send(lab.open(address), up(), announce("20.0.0.0/8"))
    told = [(r.fields.get("tag"), r.fields.get("label")) for r in lab.log_records]
    assert told == [(None, {"a": "1"})] * 3 + [(7, None)] * 3 + [(None, None)] * 3
    init, event, route = (list(record.fields) for record in lab.log_records[:3])
    assert init.index("label") == init.index("bmp_router_port") - 1
    assert event.index("label") == event.index("bmp_router_port") + 1
    assert route.index("label") == route.index("event_type") - 1


def test_a_reloaded_map_tags_sessions_that_are_there(tmp_path: Path) -> None:
    lab = Lab(tag_map=_tag_map(tmp_path, "set_label=old\n"))
    connection = lab.open()
    lab.daemon.set_tag_map(_tag_map(tmp_path, "set_label=new\n"))
    (record,) = lab.send(connection, up())
    assert record["label"] == "new"


def test_the_log_takes_routers_of_some_labels_only(tmp_path: Path) -> None:
    tags = _tag_map(tmp_path, "set_label=red ip=192.0.2.254\nset_label=blue ip=192.0.2.253\n")
    for wanted, expected in ((("red",), 2), (("", "blue"), 4), ((), 6)):
        lab = Lab(tag_map=tags, msglog_label_filter=wanted)
        for address in (ROUTER, "192.0.2.253", "192.0.2.252"):
            lab.send(lab.open(address), up())
        assert len(lab.log_records) == expected


def test_without_a_log_routes_are_kept_all_the_same() -> None:
    lab = Lab(log=False)
    connection = lab.open()
    assert lab.send(connection, up(), announce("20.0.0.0/8")) == []
    assert lab.daemon.match(ROUTER, 1, 20 << 24) is not None
    assert lab.close(connection) == []


def test_a_peer_with_many_routes_goes_down_step_by_step() -> None:
    lab = Lab()
    connection = lab.open()
    prefixes = [f"20.{number >> 8}.{number & 255}.0/24" for number in range(5_000)]
    for update in bgp.announcements(prefixes, ROUTE):
        lab.send(connection, monitoring(update))
        lab.send(connection, up(), monitoring(update))
    before = len(lab.log_records)
    lab.daemon.received(connection, [bmp.peer_down(PEER)], 1.0)
    assert lab.daemon.is_busy(connection)
    assert len(lab.log_records) - before < 2_500
    # What the session sends meanwhile waits; other sessions do not.
    lab.daemon.received(connection, [up(), announce("30.0.0.0/8")], 2.0)
    other = lab.open("192.0.2.99")
    assert not lab.daemon.is_busy(other)
    lab.finish()
    assert not lab.daemon.is_busy(connection)
    types = _types([record.fields for record in lab.log_records[before:]])
    assert types.count("delete") == 5_000
    assert types[-2:] == ["peer_up", "update"]
    assert lab.batches > 5


def test_a_session_that_is_read_though_busy_does_not_pile_up() -> None:
    lab = Lab()
    connection = lab.open()
    prefixes = [f"20.{number >> 8}.{number & 255}.0/24" for number in range(3_000)]
    lab.send(connection, up(), *(monitoring(u) for u in bgp.announcements(prefixes, ROUTE)))
    lab.daemon.received(connection, [bmp.peer_down(PEER)], 1.0)
    before = len(lab.log_records)
    for _ in range(50):
        lab.daemon.received(connection, [up()], 2.0)
    assert len(lab.log_records) - before > 1_000
    assert lab.daemon.is_busy(connection) is lab.daemon.has_work


def test_a_session_may_end_while_it_is_busy() -> None:
    lab = Lab()
    connection = lab.open()
    prefixes = [f"20.{number >> 8}.{number & 255}.0/24" for number in range(3_000)]
    lab.send(connection, up(), *(monitoring(u) for u in bgp.announcements(prefixes, ROUTE)))
    lab.daemon.received(connection, [bmp.peer_down(PEER)], 1.0)
    lab.daemon.closed(connection, 2.0)
    lab.finish()
    assert lab.log_records[-1].kind == kinds.LOG_CLOSE
    assert not lab.daemon.is_busy(connection)


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [("_MAX_PEERS", 1, "peers"), ("_MAX_TABLES", 3, "tables"), ("_MAX_ROUTES", 2, "routes")],
)
def test_what_a_router_may_fill_is_limited(
    limit: str, value: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"collector.nfacctd.bmp.route_store.{limit}", value)
    lab = Lab()
    connection = lab.open()
    second = bmp.Peer("192.0.2.2", 65002, "192.0.2.2")
    lab.send(connection, up(), announce("20.0.0.0/8", "30.0.0.0/8"))
    told = lab.send(connection, up(second), announce("20.0.0.0/8", peer=second))
    assert _types(told) == ["peer_up"]
    assert lab.counters[f"nfacctd_bmp_routes_dropped.{reason}"] == 1
    lab.send(connection, bmp.peer_down(PEER), up(second))
    assert _types(lab.send(connection, announce("20.0.0.0/8", peer=second))) == ["update"]
