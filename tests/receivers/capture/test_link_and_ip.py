import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.receivers.capture.ip import address_text, parse_ip
from collector.receivers.capture.link import ip_packet, is_known
from collector.receivers.capture.transport import parse_tcp, parse_udp
from tests.capture_writer import (
    ETHERNET,
    LOOP,
    NULL,
    RAW,
    SLL,
    SLL2,
    UDP,
    cooked,
    cooked_v2,
    ether_type,
    ethernet,
    ipv4,
    ipv6,
    tagged,
    tcp,
    udp,
)

_V4 = ipv4("192.0.2.1", "192.0.2.9", UDP, udp(b"payload"))
_V6 = ipv6("2001:db8::1", "2001:db8::9", UDP, udp(b"payload"))
_SNAP = b"\xaa\xaa\x03\0\0\0"


def _frames_of(packet: bytes) -> dict[str, tuple[int, bytes]]:
    """The same packet in every link layer, by name."""
    family = 2 if packet is _V4 else 10
    ppp = b"\x00\x21" if packet is _V4 else b"\x00\x57"
    return {
        "ethernet": (ETHERNET, ethernet(packet)),
        "802.1q": (ETHERNET, ethernet(packet, [0x8100])),
        "q-in-q": (ETHERNET, ethernet(packet, [0x88A8, 0x8100])),
        "old-q-in-q": (ETHERNET, ethernet(packet, [0x9100, 0x8100])),
        "snap": (ETHERNET, bytes(12) + struct.pack("!H", 99) + _SNAP + tagged(packet)),
        "cooked": (SLL, cooked(packet)),
        "cooked-vlan": (SLL, cooked(packet, [0x8100])),
        "cooked-v2": (SLL2, cooked_v2(packet)),
        "cooked-v2-q-in-q": (SLL2, cooked_v2(packet, [0x88A8, 0x8100])),
        "raw": (RAW, packet),
        "raw-12": (12, packet),
        "raw-14": (14, packet),
        "ipv4-or-ipv6": (228 if packet is _V4 else 229, packet),
        "null-little": (NULL, struct.pack("<I", family) + packet),
        "null-big": (NULL, struct.pack(">I", family) + packet),
        "null-darwin-v6": (NULL, struct.pack("<I", 30) + packet),
        "loop": (LOOP, struct.pack(">I", family) + packet),
        "ppp": (9, ppp + packet),
        "ppp-hdlc": (50, b"\xff\x03" + ppp + packet),
        "ppp-short": (50, b"\xff\x03" + ppp[1:] + packet),
        "cisco-hdlc": (104, b"\x0f\0" + struct.pack("!H", ether_type(packet)) + packet),
    }


@pytest.mark.parametrize("name", _frames_of(_V4))
@pytest.mark.parametrize("packet", [_V4, _V6], ids=["ipv4", "ipv6"])
def test_packet_is_found_in_every_link_layer(packet: bytes, name: str) -> None:
    link_type, frame = _frames_of(packet)[name]
    assert is_known(link_type)
    told = parse_ip(ip_packet(link_type, memoryview(frame)))
    assert bytes(told.payload) == udp(b"payload")
    assert (told.protocol, told.missing, told.is_fragment) == (UDP, 0, False)


@pytest.mark.parametrize(
    ("link_type", "frame"),
    [
        (ETHERNET, bytes(12) + b"\x08\x06" + bytes(28)),
        (ETHERNET, bytes(12) + b"\x81\x00\x00\x01"),
        (ETHERNET, bytes(12) + b"\x00\x26\x42\x42\x03" + bytes(35)),
        (ETHERNET, b"\0"),
        (SLL, bytes(15)),
        (SLL2, bytes(19)),
        (SLL2, b"\x81\0" + bytes(19)),
        (9, b"\xff\x03\xc0"),
        (9, b"\xc0\x21\1\1"),
        (50, b""),
        (104, b"\x0f"),
    ],
)
def test_frames_without_ip_give_none(link_type: int, frame: bytes) -> None:
    assert ip_packet(link_type, memoryview(frame)) is None


def test_unknown_link_type_is_not_known() -> None:
    assert not is_known(127)


@given(st.sampled_from([0, 1, 9, 12, 50, 101, 104, 113, 228, 276]), st.binary(max_size=80))
def test_any_frame_is_read_or_left_out(link_type: int, octets: bytes) -> None:
    packet = ip_packet(link_type, memoryview(octets))
    if packet is not None and (told := parse_ip(packet)) is not None:
        assert len(told.payload) <= len(octets)
        parse_udp(told.payload)
        parse_tcp(told.payload)


# IP


def test_ethernet_padding_is_not_payload() -> None:
    short = ipv4("192.0.2.1", "192.0.2.9", UDP, b"12345678")
    assert bytes(parse_ip(memoryview(short + b"padding")).payload) == b"12345678"


def test_total_length_0_reaches_to_the_end() -> None:
    packet = bytearray(_V4)
    packet[2:4] = b"\0\0"
    assert bytes(parse_ip(memoryview(packet)).payload) == udp(b"payload")
    packet = bytearray(_V6)
    packet[4:6] = b"\0\0"
    assert bytes(parse_ip(memoryview(packet)).payload) == udp(b"payload")


@pytest.mark.parametrize("packet", [_V4, _V6], ids=["ipv4", "ipv6"])
def test_octets_cut_off_are_counted(packet: bytes) -> None:
    assert parse_ip(memoryview(packet[:-3])).missing == 3


def test_ipv4_options_are_skipped() -> None:
    packet = ipv4("192.0.2.1", "192.0.2.9", UDP, b"data", options=b"\x94\4\0\0")
    assert bytes(parse_ip(memoryview(packet)).payload) == b"data"


def test_ipv6_extension_headers_are_skipped() -> None:
    authentication = bytes([60, 4]) + bytes(22)  # 6 words, less two
    hop_by_hop = bytes([43, 0]) + bytes(6)
    routing = bytes([51, 1]) + bytes(14)
    destination_options = bytes([UDP, 0]) + bytes(6)
    headers = hop_by_hop + routing + authentication + destination_options
    packet = ipv6("2001:db8::1", "2001:db8::9", 0, headers + b"data")
    told = parse_ip(memoryview(packet))
    assert (told.protocol, bytes(told.payload)) == (UDP, b"data")


def test_ipv6_atomic_fragment_is_a_whole_datagram() -> None:
    packet = ipv6("2001:db8::1", "2001:db8::9", 44, struct.pack("!BBHI", UDP, 0, 0, 7) + b"data")
    told = parse_ip(memoryview(packet))
    assert (told.protocol, bytes(told.payload), told.is_fragment) == (UDP, b"data", False)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x25" + bytes(40), id="version-2"),
        pytest.param(_V4[:19], id="half-an-ipv4-header"),
        pytest.param(b"\x44" + _V4[1:], id="header-length-16"),
        pytest.param(b"\x4f" + _V4[1:], id="header-length-60"),
        pytest.param(_V6[:39], id="half-an-ipv6-header"),
        pytest.param(ipv6("::1", "::1", 0, b"\x11"), id="half-an-extension"),
        pytest.param(ipv6("::1", "::1", 43, b"\x11\x02" + bytes(6)), id="extension-passes-the-end"),
        pytest.param(ipv6("::1", "::1", 44, bytes(7)), id="half-a-fragment-header"),
    ],
)
def test_what_is_no_ip_gives_none(octets: bytes) -> None:
    assert parse_ip(memoryview(octets)) is None


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("c0000201", "192.0.2.1"),
        ("20010db8000000000000000000000001", "2001:db8::1"),
        ("00000000000000000000ffffc0000201", "192.0.2.1"),
    ],
)
def test_address_text_is_canonical(octets: str, text: str) -> None:
    assert address_text(bytes.fromhex(octets)) == text


# UDP and TCP headers


@pytest.mark.parametrize(
    ("length", "payload"), [(None, b"12345"), (11, b"123"), (0, b"12345"), (99, b"12345")]
)
def test_udp_length_is_honoured(length: int | None, payload: bytes) -> None:
    told = parse_udp(memoryview(udp(b"12345", 4739, 1234, length)))
    assert (told.source_port, told.destination_port) == (1234, 4739)
    assert bytes(told.payload) == payload


@pytest.mark.parametrize("octets", [b"1234567", udp(b"12345", length=7)])
def test_bad_udp_header_gives_none(octets: bytes) -> None:
    assert parse_udp(memoryview(octets)) is None


def test_tcp_header_is_read() -> None:
    told = parse_tcp(memoryview(tcp(7, b"data", flags=0x13)))
    assert (told.source_port, told.destination_port, told.sequence_number) == (40000, 1790, 7)
    assert (told.syn, told.fin, told.rst) == (True, True, False)
    assert bytes(told.payload) == b"data"


@pytest.mark.parametrize("octets", [bytes(19), bytes(20), bytes(12) + b"\xf0" + bytes(30)])
def test_bad_tcp_header_gives_none(octets: bytes) -> None:
    assert parse_tcp(memoryview(octets)) is None
