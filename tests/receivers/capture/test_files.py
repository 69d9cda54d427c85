import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.receivers.capture.files import read_frames
from collector.receivers.capture.frame import Frame, NotACaptureError
from collector.receivers.capture.notes import Notes
from tests.capture_writer import ETHERNET, RAW, START_NS, PcapNg, frames, pcap
from tests.captures import capture_files

_MICROSECONDS = START_NS // 1000


def _read(octets: bytes) -> tuple[list[Frame], list[str]]:
    notes = Notes()
    return list(read_frames(io.BytesIO(octets), notes)), notes.take()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_of_either_octet_order_and_unit(order: str, nanoseconds: bool) -> None:
    told, notes = _read(pcap(frames(b"one", b"second"), RAW, order, nanoseconds))
    expected_ns = START_NS if nanoseconds else _MICROSECONDS * 1000
    assert [frame.octets for frame in told] == [b"one", b"second"]
    assert [frame.time_ns for frame in told] == [expected_ns, expected_ns + 1_000_000_000]
    assert {frame.link_type for frame in told} == {RAW}
    assert notes == []


def test_pcap_of_the_patched_libpcap_has_longer_record_headers() -> None:
    header = struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, ETHERNET)
    record = struct.pack("<IIIIIHBB", 1, 2, 3, 3, 0, 0, 0, 0) + b"abc"
    told, _ = _read(header + record * 2)
    assert told == [Frame(1_000_002_000, ETHERNET, b"abc", 3)] * 2


def test_link_type_is_told_without_the_frame_check_sequence_bits() -> None:
    told, _ = _read(pcap(frames(b"x"), ETHERNET | 0x24000000))
    assert told[0].link_type == ETHERNET


def test_cut_frame_keeps_its_original_length() -> None:
    told, _ = _read(pcap(frames(bytes(100)), snap_length=60))
    assert (len(told[0].octets), told[0].original_length) == (60, 100)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_packet_blocks_of_all_kinds(order: str) -> None:
    file = PcapNg(order).interface(ETHERNET)
    file.block(5, b"statistics").block(0xBAD, file.pack("I", 1) + b"custom")
    file.enhanced(b"enhanced", _MICROSECONDS).obsolete(b"old", _MICROSECONDS).simple(b"simple")
    told, notes = _read(file.octets)
    assert [frame.octets for frame in told] == [b"enhanced", b"old", b"simple"]
    assert [frame.time_ns for frame in told] == [_MICROSECONDS * 1000] * 2 + [None]
    assert notes == []


def test_pcapng_interfaces_have_their_own_link_type_resolution_and_offset() -> None:
    file = PcapNg()
    milliseconds = file.option(9, b"\x03") + file.option(14, file.pack("q", -3600))
    binary = file.option(2, b"eth0") + file.option(9, b"\x8a") + file.option(0, b"")
    file.interface(ETHERNET, milliseconds).interface(RAW, binary).interface(RAW)
    file.enhanced(b"a", 5_000_001, 0).enhanced(b"b", 1536, 1).enhanced(b"c", 7, 2)
    told, _ = _read(file.octets)
    assert [frame.link_type for frame in told] == [ETHERNET, RAW, RAW]
    assert [frame.time_ns for frame in told] == [
        (5000 - 3600) * 1_000_000_000 + 1_000_000,
        1_500_000_000,
        7_000,
    ]


def test_pcapng_section_has_its_own_octet_order_and_interfaces() -> None:
    first = PcapNg("<").interface(ETHERNET).enhanced(b"first", 1)
    second = PcapNg(">").interface(RAW).enhanced(b"second", 2)
    lost = PcapNg("<").enhanced(b"lost", 3)
    told, notes = _read(first.octets + second.octets + lost.octets)
    assert [(frame.link_type, frame.octets) for frame in told] == [
        (ETHERNET, b"first"),
        (RAW, b"second"),
    ]
    assert notes == ["a packet of an interface that was not described is left out (packet 3)"]


def test_pcapng_simple_packet_is_cut_at_the_snap_length() -> None:
    file = PcapNg().interface(ETHERNET, snap_length=5).simple(b"12345", original_length=99)
    told, _ = _read(file.octets)
    assert told == [Frame(None, ETHERNET, b"12345", 99)]


_PCAP = pcap(frames(b"one", b"two"))
_PCAPNG = PcapNg().interface(ETHERNET).enhanced(b"one", 1).enhanced(b"two", 2).octets


@pytest.mark.parametrize(
    ("octets", "note"),
    [
        pytest.param(_PCAP[:-1], "within a frame", id="pcap-cut-in-a-frame"),
        pytest.param(_PCAP[:-10], "within a record header", id="pcap-cut-in-a-header"),
        pytest.param(_PCAP[:-11] + b"\xff" * 11, "length makes no sense", id="pcap-huge-frame"),
        pytest.param(_PCAPNG[:-1], "within a block", id="pcapng-cut-in-a-block"),
        pytest.param(_PCAPNG + b"\6\0", "within a block", id="pcapng-cut-in-a-header"),
        pytest.param(_PCAPNG + b"\xff" * 12, "length makes no sense", id="pcapng-huge-block"),
        pytest.param(_PCAPNG + b"\6\0\0\0\0\0\0\0", "length makes no sense", id="pcapng-no-length"),
        pytest.param(
            _PCAPNG + b"\x0a\x0d\x0d\x0a" + bytes(24), "no byte-order magic", id="pcapng-section"
        ),
    ],
)
def test_damage_ends_the_reading_with_a_note(octets: bytes, note: str) -> None:
    told, notes = _read(octets)
    assert [frame.octets for frame in told][:1] == [b"one"]
    assert len(notes) == 1
    assert note in notes[0]


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xd4\xc3", id="half-a-magic"),
        pytest.param(_PCAP[:20], id="half-a-pcap-header"),
        pytest.param(_PCAPNG[:10], id="half-a-section-header"),
        pytest.param(b"\x0a\x0d\x0d\x0a" + bytes(40), id="section-without-magic"),
        pytest.param(b'{"json": true}', id="text"),
    ],
)
def test_what_is_no_capture_is_told(octets: bytes) -> None:
    with pytest.raises(NotACaptureError):
        _read(octets)


@given(st.sampled_from([_PCAP, _PCAPNG]), st.data())
def test_mutated_files_are_read_or_refused(file: bytes, data: st.DataObject) -> None:
    octets = bytearray(file)
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(4, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        told, _ = _read(bytes(octets))
    except NotACaptureError:
        return
    assert sum(len(frame.octets) for frame in told) <= len(octets)


def test_real_captures_are_read_to_their_end() -> None:
    for path in capture_files():
        told, notes = _read(Path(path).read_bytes())
        assert told
        assert notes == []
