import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError
from collector.receivers.capture.bmp_stream import BmpStream, Found
from collector.receivers.capture.notes import Notes
from collector.receivers.capture.tcp import Chunk


def _message(message_type: int, body: bytes = b"", version: int = 3) -> bytes:
    return struct.pack("!BIB", version, 6 + len(body), message_type) + body


_INITIATION = _message(4, b"\0\2\0\1r")
_PEER = bytes(range(42))
_UPDATE = _message(0, _PEER + b"\xff" * 16 + b"\0\x17\2\0\0\0\0")
_STATISTICS = _message(1, _PEER + bytes(4))
_SESSION = [_INITIATION, _UPDATE, _STATISTICS, _message(9, b"unknown"), _UPDATE]


def _feed(
    pieces: list[bytes], from_start: bool = True, expected: bool = False, gap_before: int = 0
) -> list[Found]:
    stream = BmpStream(from_start, expected, Notes())
    found = []
    for n, octets in enumerate(pieces, 1):
        found += stream.feed(Chunk(n, n * 1000, octets, n == gap_before))
    return found + stream.end()


def _messages(found: list[Found]) -> list[bytes | str]:
    return [f.message if isinstance(f.message, bytes) else "error" for f in found]


@pytest.mark.parametrize("expected", [False, True])
@pytest.mark.parametrize("from_start", [False, True])
@pytest.mark.parametrize("size", [1, 5, 6, 50, 10_000])
def test_stream_is_cut_whatever_its_segments(size: int, from_start: bool, expected: bool) -> None:
    octets = b"".join(_SESSION)
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    found = _feed(pieces, from_start, expected)
    assert _messages(found) == _SESSION
    ends, end = [], 0
    for message in _SESSION:
        end += len(message)
        ends.append((end - 1) // size + 1)
    assert [f.packet for f in found] == ends
    assert [f.time_ns for f in found] == [end * 1000 for end in ends]


@given(st.integers(1, len(_UPDATE) - 1), st.integers(1, 60))
def test_stream_that_starts_in_the_middle(start: int, size: int) -> None:
    octets = _UPDATE[start:] + b"".join(_SESSION)
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    assert _messages(_feed(pieces, from_start=False)) == _SESSION


def test_header_that_no_other_one_follows_is_not_believed() -> None:
    # An AS path of three: its count and first AS read as version 3 and a length of 65001.
    path = b"\2\3\0\0\xfd\xe9\0\0\0\1"
    assert _messages(_feed([path + _UPDATE + _UPDATE], from_start=False)) == [_UPDATE, _UPDATE]


def test_last_message_needs_no_successor() -> None:
    assert _messages(_feed([b"tail" + _UPDATE], from_start=False)) == [_UPDATE]
    assert _messages(_feed([b"tail" + _UPDATE + _UPDATE[:3]], from_start=False)) == [_UPDATE]
    assert _messages(_feed([b"tail" + _UPDATE + b"\7"], from_start=False)) == []


def test_waiting_message_holds_its_packet_back() -> None:
    stream = BmpStream(False, False, Notes())
    assert stream.feed(Chunk(1, 1, _UPDATE, False)) == []
    assert stream.held_since == 1
    assert _messages(stream.feed(Chunk(2, 2, _UPDATE[:6], False))) == [_UPDATE]
    assert stream.held_since is None


def test_initiation_at_the_start_is_believed_at_once() -> None:
    stream = BmpStream(True, False, Notes())
    assert _messages(stream.feed(Chunk(1, 1, _INITIATION, False))) == [_INITIATION]


def test_broken_header_is_one_error_and_the_stream_goes_on() -> None:
    octets = _INITIATION + b"\x07garbage" + _UPDATE + _STATISTICS
    assert _messages(_feed([octets])) == [_INITIATION, "error", _UPDATE, _STATISTICS]
    octets = _INITIATION + b"\3\xff\xff\xff\xff\0" + _UPDATE + _STATISTICS
    assert _messages(_feed([octets])) == [_INITIATION, "error", _UPDATE, _STATISTICS]


def test_stream_goes_on_behind_a_gap() -> None:
    pieces = [_INITIATION + _UPDATE[:30], _UPDATE[40:] + _STATISTICS, _UPDATE]
    assert _messages(_feed(pieces, gap_before=2)) == [_INITIATION, _STATISTICS, _UPDATE]


def test_version_4_is_framed_from_the_start() -> None:
    session = [_message(4, b"", 4), _message(0, bytes(60), 4), _UPDATE]
    assert _messages(_feed([b"".join(session)])) == session


def test_unknown_type_at_the_start_needs_a_known_one_behind() -> None:
    unknown = _message(9, b"abc")
    assert _messages(_feed([unknown + _INITIATION])) == [unknown, _INITIATION]
    assert _messages(_feed([unknown + unknown])) == []
    assert _messages(_feed([unknown + unknown], expected=True)) == [unknown, unknown]


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n" * 20, id="http"),
        pytest.param(bytes.fromhex("0300002c27e0000000000043") * 20, id="tpkt"),
        pytest.param(bytes.fromhex("030000010700000021") + bytes(300), id="cassandra"),
        pytest.param(b"\xff" * 16 + b"\0\x13\4", id="bgp"),
    ],
)
def test_other_protocols_are_left_alone(octets: bytes) -> None:
    assert _messages(_feed([octets])) == []
    assert _messages(_feed([octets], from_start=False)) == []


def test_other_protocol_on_a_port_that_was_named_is_an_error() -> None:
    found = _feed([b"GET / HTTP/1.1\r\n\r\n", b"\r\n"], expected=True)
    assert [(f.packet, type(f.message).__mro__[1]) for f in found] == [(1, DecodeError)]
    found = _feed([b"something", b"else"], from_start=False, expected=True)
    assert [(f.packet, type(f.message).__mro__[1]) for f in found] == [(2, DecodeError)]


def test_search_is_given_up_and_memory_is_bounded() -> None:
    stream = BmpStream(False, False, Notes())
    for n in range(200):
        assert stream.feed(Chunk(n, n, b"\x03\x00\x05\xff\xff\x00" + bytes(100_000), False)) == []
    assert stream.feed(Chunk(200, 0, _UPDATE * 3, False)) == []
    assert stream.held_since is None


@given(
    st.lists(
        st.sampled_from([*_SESSION, b"\3", b"\3\0\0\0\6\4", b"\3\0\0\0\x30\0", b"x"]), min_size=1
    )
)
def test_whole_and_octet_by_octet_give_the_same(parts: list[bytes]) -> None:
    octets = b"".join(parts)
    single = [octets[at : at + 1] for at in range(len(octets))]
    for from_start in (False, True):
        for expected in (False, True):
            whole = _messages(_feed([octets], from_start, expected))
            assert _messages(_feed(single, from_start, expected)) == whole
