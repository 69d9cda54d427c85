import struct
from typing import Any

import pytest

from collector.errors import DecodeError
from collector.protocols.bgp.json_form import open_json, update_json
from collector.protocols.bgp.open import read_open
from collector.protocols.bgp.update import split_update
from tests.protocols.bgp.wire import (
    AS4,
    attribute,
    capabilities,
    label,
    labelled,
    mp_reach,
    mp_unreach,
    open_body,
    prefix,
    segment,
    update,
)

RD = bytes.fromhex("0000fc0000000001")
GLOBAL = bytes.fromhex("20010db8000000000000000000000001")
BOTH = 0xC0


def _json(body: bytes, as_size: int = 4, add_path: bool = False) -> dict[str, Any]:
    return update_json(split_update(body), as_size, lambda afi, safi: add_path)


def test_every_attribute() -> None:
    attributes = b"".join(
        (
            attribute(1, b"\1"),
            attribute(2, segment(2, (65001,)) + segment(1, (7, 8))),
            attribute(3, b"\xc0\0\2\1"),
            attribute(4, bytes(4), 0x80),
            attribute(5, struct.pack("!I", 100)),
            attribute(6, b""),
            attribute(7, struct.pack("!I4s", 70000, b"\xc0\0\2\2"), BOTH),
            attribute(8, struct.pack("!HH", 64512, 1), BOTH),
            attribute(9, b"\xc0\0\2\3", 0x80),
            attribute(10, b"\xc0\0\2\4", 0x80),
            attribute(16, RD, BOTH),
            attribute(26, bytes.fromhex("01000b0000000000000000"), 0x80),
            attribute(32, struct.pack("!III", 64512, 1, 2), BOTH),
            attribute(35, struct.pack("!I", 65001), BOTH),
            attribute(40, b"\1\0\1\0", BOTH),
            attribute(99, b"\xab", 0xE0),
        )
    )
    assert _json(update(attributes, prefix("192.0.2.0/24"), prefix("10.0.0.0/8"))) == {
        "announced": [{"afi": 1, "safi": 1, "prefix": "192.0.2.0/24"}],
        "withdrawn": [{"afi": 1, "safi": 1, "prefix": "10.0.0.0/8"}],
        "attributes": {
            "origin": "egp",
            "as_path": [[2, [65001]], [1, [7, 8]]],
            "next_hop": "192.0.2.1",
            "med": 0,
            "local_pref": 100,
            "atomic_aggregate": True,
            "aggregator": [70000, "192.0.2.2"],
            "communities": ["64512:1"],
            "originator_id": "192.0.2.3",
            "cluster_list": ["192.0.2.4"],
            "extended_communities": ["0000fc0000000001"],
            "aigp": 0,
            "large_communities": ["64512:1:2"],
            "otc": 65001,
            "prefix_sid": "01000100",
            "unknown": [[0xE0, 99, "ab"]],
        },
    }


def test_classic_routes_come_before_those_of_mp_attributes() -> None:
    attributes = b"".join(
        (
            mp_reach(1, 128, RD + b"\xc0\0\2\1", labelled("10.1.0.0/16", label(100), RD)),
            mp_unreach(1, 4, labelled("10.2.0.0/16", b"\x80\0\0")),
            attribute(3, b"\xc0\0\2\x09"),
            attribute(2, b""),
        )
    )
    assert _json(update(attributes, prefix("10.3.0.0/16"), prefix("10.4.0.0/16"))) == {
        "announced": [
            {"afi": 1, "safi": 1, "prefix": "10.3.0.0/16"},
            {"afi": 1, "safi": 128, "prefix": "10.1.0.0/16", "rd": "64512:1", "labels": [100]},
        ],
        "withdrawn": [
            {"afi": 1, "safi": 1, "prefix": "10.4.0.0/16"},
            {"afi": 1, "safi": 4, "prefix": "10.2.0.0/16", "labels": [524288]},
        ],
        "attributes": {"as_path": [], "next_hop": "192.0.2.1", "next_hop_rd": "64512:1"},
    }


def test_path_ids_and_opaque_families() -> None:
    evpn = b"\0\0\0\5" + b"\2\3abc"
    attributes = mp_reach(25, 70, GLOBAL + GLOBAL, evpn)
    assert _json(update(attributes, b"\0\0\0\6" + prefix("10.0.0.0/8")), add_path=True) == {
        "announced": [
            {"afi": 1, "safi": 1, "prefix": "10.0.0.0/8", "path_id": 6},
            {"afi": 25, "safi": 70, "nlri": "0203616263", "path_id": 5},
        ],
        "withdrawn": [],
        "attributes": {"next_hop": "2001:db8::1", "next_hop_link_local": "2001:db8::1"},
    }


def test_flowspec_has_an_empty_next_hop() -> None:
    assert _json(update(mp_reach(1, 133, b"", b"\3\1\x08\x0a"))) == {
        "announced": [{"afi": 1, "safi": 133, "nlri": "0301080a"}],
        "withdrawn": [],
        "attributes": {"next_hop": ""},
    }


def test_a_withdrawal_has_no_attributes() -> None:
    assert _json(update(mp_unreach(2, 1, prefix("2001:db8::/32")))) == {
        "announced": [],
        "withdrawn": [{"afi": 2, "safi": 1, "prefix": "2001:db8::/32"}],
        "attributes": {},
    }


@pytest.mark.parametrize(
    ("body", "family"),
    [(update(), (1, 1)), (update(mp_unreach(2, 128, b"")), (2, 128))],
)
def test_end_of_rib_stands_alone(body: bytes, family: tuple[int, int]) -> None:
    assert _json(body) == {"end_of_rib": {"afi": family[0], "safi": family[1]}}


def test_two_octet_ases() -> None:
    attributes = attribute(2, segment(2, (1, 23456), 2)) + attribute(17, segment(2, (70000,)), BOTH)
    form = _json(update(attributes, prefix("10.0.0.0/8")), as_size=2)
    assert form["attributes"] == {"as_path": [[2, [1, 70000]]]}


@pytest.mark.parametrize("reach_first", [True, False])
def test_a_malformed_attribute_withdraws_all_routes(reach_first: bool) -> None:
    reach = mp_reach(2, 1, GLOBAL, prefix("2001:db8::/32"))
    unreach = mp_unreach(2, 2, prefix("2001:db8:1::/48"))
    mp = (reach + unreach) if reach_first else (unreach + reach)
    form = _json(update(mp + attribute(1, b"\7"), prefix("10.0.0.0/8"), prefix("10.1.0.0/16")))
    later = [
        {"afi": 2, "safi": 1, "prefix": "2001:db8::/32"},
        {"afi": 2, "safi": 2, "prefix": "2001:db8:1::/48"},
    ]
    assert form == {
        "announced": [],
        "withdrawn": [
            {"afi": 1, "safi": 1, "prefix": "10.1.0.0/16"},
            {"afi": 1, "safi": 1, "prefix": "10.0.0.0/8"},
            *(later if reach_first else later[::-1]),
        ],
        "attributes": {},
        "treat_as_withdraw": "ORIGIN: undefined value 7",
    }


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        pytest.param(update(withdrawn=b"\x21"), b"\x21", id="withdrawn"),
        pytest.param(update(attribute(1, b"\0"), b"\x22\1"), b"\x22\1", id="announced"),
        pytest.param(update(mp_unreach(2, 1, b"\x81")), b"\x81", id="mp-unreach"),
        pytest.param(update(mp_reach(2, 1, GLOBAL, b"\x82")), b"\x82", id="mp-reach"),
    ],
)
def test_bad_nlri_are_told_where_they_are_in_the_message(body: bytes, bad: bytes) -> None:
    with pytest.raises(DecodeError) as told:
        update_json(split_update(body, offset=67), 4, lambda afi, safi: False)
    assert told.value.offset == 67 + body.index(bad)


def test_open() -> None:
    opened = read_open(open_body(23456, capabilities(AS4, (2, b""))))
    assert open_json(opened) == {
        "version": 4,
        "as": 65001,
        "hold_time": 180,
        "bgp_id": "192.0.2.1",
        "capabilities": [{"code": 65, "value": "0000fde9"}, {"code": 2, "value": ""}],
    }
