"""Golden messages of each type through decoder and JSON form, and what is refused."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.json_form import message_json
from collector.protocols.bmp.messages import RouteMonitoring, Version4
from tests.protocols.bgp.wire import (
    AS4,
    add_path,
    attribute,
    bgp,
    capabilities,
    mp_unreach,
    open_body,
    prefix,
    segment,
    update,
)
from tests.protocols.bmp.wire import RD, message, monitoring, peer_up, per_peer, tlv

PEER = {
    "type": 0,
    "distinguisher": "0:0",
    "address": "192.0.2.1",
    "as": 65001,
    "bgp_id": "198.51.100.1",
    "time": "2023-11-14T22:13:20.000005Z",
    "view": "adj-rib-in-pre",
}


def _json(*messages: bytes) -> dict[str, Any]:
    """What the last of some messages says, in one session."""
    decoder = BmpDecoder()
    return [message_json(decoder.decode(octets)) for octets in messages][-1]


def test_initiation() -> None:
    assert _json(message(4, tlv(1, b"Router OS 1") + tlv(2, b"r1") + tlv(77, b"\xab"))) == {
        "type": "initiation",
        "information": [
            {"type": 1, "value": "Router OS 1"},
            {"type": 2, "value": "r1"},
            {"type": 77, "value": "ab"},
        ],
    }


def test_termination() -> None:
    assert _json(message(5, tlv(0, b"bye") + tlv(1, b"\0\3"))) == {
        "type": "termination",
        "information": [{"type": 0, "value": "bye"}, {"type": 1, "value": 3}],
    }


def test_peer_up() -> None:
    sent = capabilities((1, b"\0\1\0\1"), AS4)
    octets = peer_up(sent, b"", tlvs=tlv(3, b"vrf1") + tlv(4, b"blue"))
    assert _json(octets) == {
        "type": "peer_up",
        "peer": PEER,
        "local_address": "192.0.2.2",
        "local_port": 179,
        "remote_port": 40000,
        "sent_open": {
            "version": 4,
            "as": 65001,
            "hold_time": 180,
            "bgp_id": "192.0.2.1",
            "capabilities": [{"code": 1, "value": "00010001"}, {"code": 65, "value": "0000fde9"}],
        },
        "received_open": {
            "version": 4,
            "as": 65001,
            "hold_time": 180,
            "bgp_id": "192.0.2.1",
            "capabilities": [],
        },
        "information": [{"type": 3, "value": "vrf1"}, {"type": 4, "value": "blue"}],
    }


def test_peer_up_of_loc_rib_has_no_addresses() -> None:
    form = _json(peer_up(b"", b"", per_peer(peer_type=3, flags=0x80, distinguisher=RD)))
    assert form["local_address"] is None
    assert form["peer"] == {
        **PEER,
        "type": 3,
        "distinguisher": "64512:1",
        "address": None,
        "view": "loc-rib",
        "filtered": True,
    }


def test_peer_up_of_an_ipv6_peer() -> None:
    form = _json(peer_up(b"", b"", per_peer(flags=0x80, address="2001:db8::1")))
    assert (form["peer"]["address"], form["local_address"]) == ("2001:db8::1", "::c000:202")


def test_a_time_of_0_is_none() -> None:
    form = _json(message(1, per_peer(time=(0, 0)) + bytes(4)))
    assert form == {"type": "statistics", "peer": {**PEER, "time": None}, "statistics": []}


@pytest.mark.parametrize(
    ("body", "carried"),
    [
        pytest.param(
            b"\1" + bgp(3, b"\6\2xy"),
            {"notification": {"code": 6, "subcode": 2, "data": "7879"}},
            id="we-notified",
        ),
        pytest.param(b"\2\0\x18", {"fsm_event": 24}, id="fsm-event"),
        pytest.param(
            b"\3" + bgp(3, b"\4\0"),
            {"notification": {"code": 4, "subcode": 0, "data": ""}},
            id="they-notified",
        ),
        pytest.param(b"\4", {}, id="they-left"),
        pytest.param(b"\5", {}, id="no-longer-monitored"),
        pytest.param(b"\6" + tlv(3, b"v"), {"information": [{"type": 3, "value": "v"}]}, id="tlvs"),
        pytest.param(b"\6", {"information": []}, id="no-tlvs"),
        pytest.param(b"\1", {}, id="notification-not-carried"),
        pytest.param(b"\2", {}, id="event-not-carried"),
        pytest.param(b"\x63\1\2", {}, id="unknown"),
    ],
)
def test_peer_down(body: bytes, carried: dict[str, Any]) -> None:
    assert _json(message(2, per_peer() + body)) == {
        "type": "peer_down",
        "peer": PEER,
        "reason": body[0],
        **carried,
    }


def test_statistics() -> None:
    tlvs = tlv(0, b"\0\0\0\7") + tlv(17, struct.pack("!HBQ", 1, 128, 5)) + tlv(99, b"\xab")
    assert _json(message(1, per_peer() + b"\0\0\0\3" + tlvs)) == {
        "type": "statistics",
        "peer": PEER,
        "statistics": [
            {"type": 0, "value": 7},
            {"type": 17, "value": 5, "afi": 1, "safi": 128},
            {"type": 99, "value": "ab"},
        ],
    }


def test_route_monitoring() -> None:
    body = update(attribute(1, b"\0"), prefix("10.0.0.0/8"))
    assert _json(monitoring(body, per_peer(flags=0x60))) == {
        "type": "route_monitoring",
        "peer": {**PEER, "view": "adj-rib-in-post", "as2": True},
        "bgp": {
            "announced": [{"afi": 1, "safi": 1, "prefix": "10.0.0.0/8"}],
            "withdrawn": [],
            "attributes": {"origin": "igp"},
        },
    }


def test_legacy_flag_decides_the_as_size() -> None:
    for flags, as_size in ((0, 4), (0x20, 2)):
        body = update(attribute(2, segment(2, (64512,), as_size)), prefix("10.0.0.0/8"))
        form = _json(peer_up(b"", b""), monitoring(body, per_peer(flags=flags)))
        assert form["bgp"]["attributes"] == {"as_path": [[2, [64512]]]}


def test_octets_after_the_update_are_ignored() -> None:
    octets = message(0, per_peer() + bgp(2, update()) + b"more")
    assert _json(octets)["bgp"] == {"end_of_rib": {"afi": 1, "safi": 1}}


def test_unknown_types_keep_their_octets() -> None:
    assert _json(message(200, b"\1\2")) == {"type": 200, "octets": "0102"}
    assert _json(message(0, b"\1\2", version=4)) == {"version": 4, "type": 0, "octets": "0102"}
    assert BmpDecoder().decode(message(7, b"x", version=4)) == Version4(7, b"x")


BOTH = capabilities(add_path((1, 1, 3), (2, 1, 1)))
RECEIVES = capabilities(add_path((1, 1, 1)))
SENDS = capabilities(add_path((1, 1, 2)))
IN, POST, OUT, LOC = per_peer(), per_peer(flags=0x40), per_peer(flags=0x10), per_peer(peer_type=3)


@pytest.mark.parametrize(
    ("sent", "received", "up", "monitored", "add_path"),
    [
        pytest.param(BOTH, BOTH, IN, IN, True, id="both"),
        pytest.param(RECEIVES, SENDS, IN, POST, True, id="in-router-receives"),
        pytest.param(SENDS, RECEIVES, IN, IN, False, id="in-router-sends"),
        pytest.param(SENDS, RECEIVES, IN, OUT, True, id="out-router-sends"),
        pytest.param(RECEIVES, SENDS, OUT, OUT, False, id="out-router-receives"),
        pytest.param(BOTH, b"", IN, IN, False, id="one-side-only"),
        pytest.param(BOTH, BOTH, LOC, LOC, True, id="loc-rib"),
        pytest.param(SENDS, RECEIVES, LOC, LOC, True, id="loc-rib-one-way"),
        pytest.param(SENDS, SENDS, LOC, LOC, False, id="loc-rib-nobody-receives"),
        pytest.param(BOTH, BOTH, LOC, IN, False, id="another-type"),
        pytest.param(BOTH, BOTH, per_peer(address="192.0.2.9"), IN, False, id="another-address"),
        pytest.param(BOTH, BOTH, per_peer(distinguisher=RD), IN, False, id="another-rd"),
        pytest.param(BOTH, BOTH, per_peer(bgp_id="1.1.1.1", as_number=1), IN, True, id="same"),
    ],
)
def test_add_path_follows_the_peer_up(
    sent: bytes, received: bytes, up: bytes, monitored: bytes, add_path: bool
) -> None:
    decoder = BmpDecoder()
    decoder.decode(peer_up(sent, received, up))
    found = decoder.decode(monitoring(update(), monitored))
    assert isinstance(found, RouteMonitoring)
    assert found.add_path(1, 1) == add_path
    assert not found.add_path(2, 1) or (sent, received) == (BOTH, BOTH)


def test_path_ids_come_and_go_with_peer_ups() -> None:
    octets = monitoring(update(b"", bytes(4) + prefix("10.0.0.0/8")))
    assert _json(peer_up(BOTH, BOTH), octets)["bgp"]["announced"] == [
        {"afi": 1, "safi": 1, "prefix": "10.0.0.0/8", "path_id": 0}
    ]
    prefixes = ["0.0.0.0/0"] * 4 + ["10.0.0.0/8"]
    for messages in ((octets,), (peer_up(BOTH, BOTH), peer_up(b"", b""), octets)):
        announced = _json(*messages)["bgp"]["announced"]
        assert announced == [{"afi": 1, "safi": 1, "prefix": text} for text in prefixes]


def test_headers_are_shared_but_for_their_time() -> None:
    decoder = BmpDecoder()
    first, second = (
        decoder.decode(monitoring(update(), per_peer(time=(seconds, 0)))) for seconds in (1, 2)
    )
    assert isinstance(first, RouteMonitoring)
    assert isinstance(second, RouteMonitoring)
    assert first.peer is second.peer
    assert (first.time_us, second.time_us) == (1_000_000, 2_000_000)


def _mirroring(*tlvs: bytes) -> bytes:
    return message(6, per_peer() + b"".join(tlvs))


def test_route_mirroring() -> None:
    octets = _mirroring(
        tlv(0, bgp(2, update())), tlv(1, b"\0\1"), tlv(0, bgp(5, b"\0\1\0\1")), tlv(9, b"\xab")
    )
    assert _json(octets) == {
        "type": "route_mirroring",
        "peer": PEER,
        "mirrored": [
            {"bgp": {"end_of_rib": {"afi": 1, "safi": 1}}},
            {"information": 1},
            {"bgp": {"type": 5, "octets": "00010001"}},
            {"type": 9, "value": "ab"},
        ],
    }


@pytest.mark.parametrize(
    ("ups", "as_size"),
    [
        pytest.param([], 4, id="no-peer-up"),
        pytest.param([peer_up(b"", b"")], 2, id="two-octets"),
        pytest.param([peer_up(capabilities(AS4), capabilities(AS4))], 4, id="four-octets"),
    ],
)
def test_mirrored_updates_have_the_session_s_as_size(ups: list[bytes], as_size: int) -> None:
    body = update(attribute(2, segment(2, (64512,), as_size)), prefix("10.0.0.0/8"))
    form = _json(*ups, _mirroring(tlv(0, bgp(2, body))))
    assert form["mirrored"][0]["bgp"]["attributes"] == {"as_path": [[2, [64512]]]}


def test_mirrored_updates_have_path_ids() -> None:
    body = update(b"", b"\0\0\0\1" + prefix("10.0.0.0/8"))
    form = _json(peer_up(BOTH, BOTH), _mirroring(tlv(0, bgp(2, body))))
    assert form["mirrored"][0]["bgp"]["announced"][0]["path_id"] == 1


OPEN_A, OPEN_B = bgp(1, open_body(1)), bgp(1, open_body(2))
LOCAL = bytes(20)


@pytest.mark.parametrize(
    ("octets", "error", "offset"),
    [
        pytest.param(b"\3\0\0\0", TruncatedError, 0, id="common-header"),
        pytest.param(message(4, b"")[:-1] + b"\4more", MalformedError, 1, id="length"),
        pytest.param(message(4, b"", version=2), MalformedError, 0, id="version-2"),
        pytest.param(message(4, b"\0\1\0\5a"), TruncatedError, 6, id="initiation"),
        pytest.param(message(5, b"\0\1"), TruncatedError, 6, id="termination"),
        pytest.param(message(0, per_peer()[:-1]), TruncatedError, 6, id="per-peer-header"),
        pytest.param(message(0, per_peer()), TruncatedError, 48, id="no-update"),
        pytest.param(message(0, per_peer() + bgp(4, b"")), MalformedError, 66, id="keepalive"),
        pytest.param(monitoring(b"\0\0\0"), TruncatedError, 67, id="update"),
        pytest.param(monitoring(b"\0\0\0\5"), TruncatedError, 69, id="update-attributes"),
        pytest.param(message(1, per_peer() + b"\0"), TruncatedError, 48, id="statistics"),
        pytest.param(message(2, per_peer()), TruncatedError, 48, id="no-reason"),
        pytest.param(message(2, per_peer() + b"\1x"), TruncatedError, 49, id="notification"),
        pytest.param(
            message(2, per_peer() + b"\3" + bgp(3, b"\6")), TruncatedError, 68, id="subcode"
        ),
        pytest.param(message(2, per_peer() + b"\2\0"), TruncatedError, 49, id="fsm-event"),
        pytest.param(message(2, per_peer() + b"\6\0"), TruncatedError, 49, id="down-tlv"),
        pytest.param(message(3, per_peer() + LOCAL[1:]), TruncatedError, 48, id="peer-up"),
        pytest.param(message(3, per_peer() + LOCAL), TruncatedError, 68, id="no-open"),
        pytest.param(message(3, per_peer() + LOCAL + OPEN_A), TruncatedError, 97, id="one-open"),
        pytest.param(
            message(3, per_peer() + LOCAL + OPEN_A + bgp(4, b"")), MalformedError, 115, id="no-open"
        ),
        pytest.param(
            message(3, per_peer() + LOCAL + OPEN_A + OPEN_B + b"\0"),
            TruncatedError,
            126,
            id="peer-up-tlv",
        ),
        pytest.param(_mirroring(b"\0\0"), TruncatedError, 48, id="mirroring-tlv"),
        pytest.param(_mirroring(tlv(1, b"\1")), MalformedError, 52, id="mirroring-information"),
        pytest.param(_mirroring(tlv(0, b"\1")), TruncatedError, 52, id="mirrored"),
        pytest.param(
            _mirroring(tlv(1, b"\0\0"), tlv(0, bgp(2, b""))),
            TruncatedError,
            77,
            id="mirrored-update",
        ),
    ],
)
def test_a_bad_message_is_told_with_its_offset(
    octets: bytes, error: type[DecodeError], offset: int
) -> None:
    with pytest.raises(error) as told:
        BmpDecoder().decode(octets)
    assert told.value.offset == offset


def test_a_session_goes_on_after_a_bad_message() -> None:
    decoder = BmpDecoder()
    with pytest.raises(DecodeError):
        decoder.decode(monitoring(b""))
    assert message_json(decoder.decode(message(4, b""))) == {
        "type": "initiation",
        "information": [],
    }


def test_bad_nlri_are_told_from_the_start_of_the_message() -> None:
    octets = monitoring(update(mp_unreach(2, 1, b"\x81")))
    with pytest.raises(MalformedError) as told:
        message_json(BmpDecoder().decode(octets))
    assert told.value.offset == len(octets) - 1


SAMPLES = [
    message(4, tlv(1, b"a") + tlv(2, b"b")),
    message(5, tlv(1, b"\0\1")),
    peer_up(BOTH, BOTH, tlvs=tlv(3, b"v")),
    message(2, per_peer() + b"\1" + bgp(3, b"\6\2x")),
    message(2, per_peer() + b"\6" + tlv(3, b"v")),
    message(1, per_peer() + b"\0\0\0\2" + tlv(0, bytes(4)) + tlv(9, bytes(11))),
    monitoring(update(attribute(2, segment(2, (1, 2))) + mp_unreach(1, 128, b"\x58" + bytes(11)))),
    _mirroring(tlv(0, bgp(2, update(b"", prefix("10.0.0.0/8")))), tlv(1, b"\0\0")),
]


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(6, 200), st.integers(0, 255)), max_size=6),
    st.integers(0, 30),
    st.binary(max_size=10),
)
def test_damaged_messages_are_decoded_or_a_decode_error(
    sample: bytes, damage: list[tuple[int, int]], cut: int, tail: bytes
) -> None:
    octets = bytearray(sample[: max(6, len(sample) - cut)] + tail)
    for position, value in damage:
        octets[position % len(octets)] = value
    octets[:5] = struct.pack("!BI", 3, len(octets))
    decoder = BmpDecoder()
    for attempt in (SAMPLES[2], bytes(octets)):
        try:
            message_json(decoder.decode(attempt))
        except DecodeError as error:
            assert 0 <= error.offset <= len(octets)


@given(st.binary(max_size=120), st.integers(0, 7))
def test_any_octets_are_decoded_or_a_decode_error(octets: bytes, message_type: int) -> None:
    try:
        message_json(BmpDecoder().decode(message(message_type, octets)))
    except DecodeError as error:
        assert 0 <= error.offset <= 6 + len(octets)
