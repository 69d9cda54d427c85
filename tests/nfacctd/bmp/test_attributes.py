"""Path attributes as nfacctd reads them: what it keeps, leaves out, and what costs the UPDATE."""

import gc
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError
from collector.nfacctd.bmp.attributes import AttributeReader
from collector.nfacctd.bmp.route_attributes import RouteAttributes

_IPV4 = bytes((192, 0, 2, 1))
_MAPPED = bytes(10) + b"\xff\xff" + _IPV4


def _attribute(code: int, value: bytes, flags: int = 0x40) -> bytes:
    return struct.pack("!BBH", flags | 0x10, code, len(value)) + value


def _sequence(*ases: int, kind: int = 2) -> bytes:
    return bytes((kind, len(ases))) + b"".join(struct.pack("!I", number) for number in ases)


def _read(octets: bytes, as_size: int = 4, mp_next_hop: bytes | None = None) -> RouteAttributes:
    return AttributeReader().read(octets, as_size, mp_next_hop)


def test_attributes_of_a_route() -> None:
    octets = b"".join(
        (
            _attribute(1, b"\2"),
            _attribute(2, _sequence(65001, 70000)),
            _attribute(3, _IPV4),
            _attribute(4, struct.pack("!I", 0)),
            _attribute(5, struct.pack("!I", 100)),
            _attribute(8, struct.pack("!II", 0xFDE90002, 0xFDE90001)),
            _attribute(16, bytes.fromhex("0002fde900000001")),
            _attribute(26, b"\1\0\x0b" + bytes(8)),
            _attribute(32, struct.pack("!III", 1, 2, 3)),
            _attribute(35, struct.pack("!I", 65009)),
            _attribute(40, b"\1\0\x07" + bytes(3) + struct.pack("!I", 90)),
        )
    )
    found = _read(octets)
    assert (found.origin, found.as_path, found.next_hop) == ("u", "65001 70000", "192.0.2.1")
    assert (found.med, found.local_pref, found.aigp) == (0, 100, 0)
    assert (found.comms, found.ecomms, found.lcomms) == ("65001:1 65001:2", "RT:65001:1", "1:2:3")
    assert (found.otc, found.psid_li) == (65009, 90)


def test_what_is_not_there() -> None:
    found = _read(b"")
    assert (found.origin, found.as_path, found.next_hop) == ("i", "", "0.0.0.0")
    others = ("comms", "ecomms", "lcomms", "local_pref", "med", "aigp", "psid_li", "otc")
    assert [getattr(found, name) for name in others] == [None] * 8


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(b"\2\5\0\0\xfd\xe9", id="cut short"),
        pytest.param(b"\7\1\0\0\xfd\xe9", id="unknown segment"),
        pytest.param(b"\2", id="odd length"),
    ],
)
def test_a_malformed_path_is_announced_empty(path: bytes) -> None:
    found = _read(_attribute(2, path) + _attribute(3, _IPV4))
    assert (found.as_path, found.path, found.next_hop) == ("", (), "192.0.2.1")


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\x40\2", id="header cut short"),
        pytest.param(b"\x50\2\0", id="extended header cut short"),
        pytest.param(b"\x40\2\5\2", id="value cut short"),
        pytest.param(_attribute(1, b""), id="origin"),
        pytest.param(_attribute(3, b"\1\2\3"), id="next hop"),
        pytest.param(_attribute(4, b"\0\0\0"), id="med"),
        pytest.param(_attribute(5, bytes(5)), id="local preference"),
        pytest.param(_attribute(26, bytes(7)), id="aigp"),
        pytest.param(_attribute(40, b"\1"), id="prefix sid"),
        pytest.param(_attribute(40, b"\1\0\x05" + bytes(5)), id="label index"),
    ],
)
def test_what_costs_the_update(octets: bytes) -> None:
    with pytest.raises(DecodeError):
        _read(octets)


def test_next_hops_of_unknown_lengths_cost_the_update() -> None:
    with pytest.raises(DecodeError):
        _read(b"", mp_next_hop=bytes(7))


@pytest.mark.parametrize(("code", "size"), [(8, 3), (16, 7), (32, 11), (8, 0), (16, 0), (32, 0)])
def test_lists_of_a_wrong_length_are_left_out(code: int, size: int) -> None:
    found = _read(_attribute(code, bytes(size)))
    assert (found.comms, found.ecomms, found.lcomms) == (None, None, None)


def test_flags_are_not_judged_and_the_last_of_two_counts() -> None:
    octets = _attribute(4, struct.pack("!I", 1), 0x40) + _attribute(4, struct.pack("!I", 2), 0xC0)
    assert _read(octets).med == 2


@pytest.mark.parametrize(
    ("sid", "index"),
    [
        pytest.param(b"\1\0\x07" + bytes(3) + struct.pack("!I", 99), 99, id="first TLV"),
        pytest.param(b"\1\0\x07" + bytes(7), None, id="index 0"),
        pytest.param(b"\3\0\1\0" + b"\1\0\x07" + bytes(6) + b"\1", None, id="second TLV"),
        pytest.param(b"\5\0\x04abcd", None, id="SRv6"),
    ],
)
def test_label_indexes(sid: bytes, index: int | None) -> None:
    assert _read(_attribute(40, sid)).psid_li == index


def test_four_octet_paths_are_merged_for_two_octet_peers_only() -> None:
    narrow = b"\2\2" + struct.pack("!HH", 65001, 23456)
    octets = _attribute(2, narrow) + _attribute(17, _sequence(70001))
    assert _read(octets, as_size=2).as_path == "65001 70001"
    wide = _attribute(2, _sequence(65001, 65002)) + _attribute(17, _sequence(70001))
    assert _read(wide).as_path == "65001 65002"


@pytest.mark.parametrize(
    ("next_hop", "text"),
    [
        (_IPV4, "192.0.2.1"),
        (bytes(8) + _IPV4, "192.0.2.1"),
        (bytes.fromhex("20010db8") + bytes(11) + b"\1", "2001:db8::1"),
        (bytes.fromhex("20010db8") + bytes(11) + b"\1" + bytes(16), "2001:db8::1"),
        (bytes(8) + bytes.fromhex("20010db8") + bytes(11) + b"\1", "2001:db8::1"),
    ],
)
def test_the_multiprotocol_next_hop_comes_before_the_classic_one(
    next_hop: bytes, text: str
) -> None:
    assert _read(_attribute(3, b"\1\1\1\1"), mp_next_hop=next_hop).next_hop == text


def test_ipv4_next_hops_show_the_form_that_came_first_while_it_is_held() -> None:
    reader = AttributeReader()
    path = _attribute(2, _sequence(65001))
    first = reader.read(path, 4, _MAPPED)
    second = reader.read(path, 4, _IPV4)
    other = reader.read(_attribute(2, _sequence(65002)), 4, _IPV4)
    assert (first.next_hop, second.next_hop) == ("::ffff:192.0.2.1", "::ffff:192.0.2.1")
    assert other.next_hop == "192.0.2.1"
    del first, second
    gc.collect()
    assert reader.read(path, 4, _IPV4).next_hop == "192.0.2.1"


def test_equal_attributes_are_read_once() -> None:
    reader = AttributeReader()
    octets = _attribute(2, _sequence(65001))
    held = reader.read(octets, 4, None)
    assert reader.read(octets, 4, None) is held
    assert reader.read(octets, 2, None) is not held


@given(st.binary(max_size=80), st.sampled_from((2, 4)), st.none() | st.binary(max_size=48))
def test_octets_are_read_or_refused(octets: bytes, as_size: int, next_hop: bytes | None) -> None:
    try:
        _read(octets, as_size, next_hop)
    except DecodeError as error:
        assert error.reason
