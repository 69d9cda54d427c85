import io
import json

import orjson
from hypothesis import given
from hypothesis import strategies as st

from collector.cli.capture_decoder import CaptureDecoder
from collector.receivers.capture.frame import NotACaptureError
from collector.receivers.capture.notes import Notes
from collector.records.decode_lines import KINDS
from tests.capture_writer import SYN, ethernet, frames, pcap, tcp_packet, udp_packet
from tests.captures import capture_files
from tests.cli.vendor_shapes import SHAPES
from tests.protocols.flow_wire import netflow_v5

_INITIATION = bytes.fromhex("03 0000000f 04 0002 0005") + b"hello"
_PEER_UP = (
    bytes.fromhex("03 0000007e 03")
    + bytes(42 + 20)
    + (b"\xff" * 16 + bytes.fromhex("001d 01 04 fbf4 00b4 c0000201 00")) * 2
)


def _captures() -> list[bytes]:
    flows = [ethernet(udp_packet(d)) for shape in SHAPES.values() for d in shape()]
    flows.append(ethernet(udp_packet(netflow_v5(bytes(48)))))
    stream = _INITIATION + _PEER_UP * 3
    packets = [tcp_packet(7, stream[:50], SYN), tcp_packet(58, stream[50:])]
    bmp = [ethernet(packet) for packet in packets]
    return [pcap(frames(*flows)), pcap(frames(*bmp)), pcap(frames(*bmp, *flows[:6]))]


_CAPTURES = _captures()


def _run(octets: bytes, ports: tuple[int, ...] | None) -> list[dict]:
    decoder = CaptureDecoder(ports, ports, Notes())
    lines = []
    try:
        for told in decoder.read(io.BytesIO(octets)):
            lines += told
    except NotACaptureError:
        pass
    lines += decoder.end()
    assert decoder.held_since is None
    return [line for _, line in lines]


@given(st.sampled_from(_CAPTURES), st.sampled_from([None, (2055, 1790)]), st.data())
def test_damaged_captures_give_lines_never_an_exception(
    capture: bytes, ports: tuple[int, ...] | None, data: st.DataObject
) -> None:
    octets = bytearray(capture)
    for _ in range(data.draw(st.integers(1, 8))):
        octets[data.draw(st.integers(24, len(octets) - 1))] = data.draw(st.integers(0, 255))
    for line in _run(bytes(octets), ports):
        assert line["kind"] in KINDS
        try:
            orjson.dumps(line)
        except TypeError:  # more than 64 bits
            json.dumps(line)


@given(st.integers(24, len(_CAPTURES[0])))
def test_cut_capture_gives_the_first_lines_of_the_whole(end: int) -> None:
    whole, cut = _run(_CAPTURES[0], None), _run(_CAPTURES[0][:end], None)
    assert cut == whole[: len(cut)]


def test_packets_in_several_files_give_the_same_lines() -> None:
    for path in capture_files():
        octets = path.read_bytes()
        whole = _run(octets, None)
        decoder, lines, start = CaptureDecoder(None, None, Notes()), [], 24
        while start < len(octets):  # each packet in a file of its own
            end = start + 16 + int.from_bytes(octets[start + 8 : start + 12], "little")
            for told in decoder.read(io.BytesIO(octets[:24] + octets[start:end])):
                lines += told
            start = end
        lines += decoder.end()
        assert [line for _, line in lines] == whole


def test_lines_are_held_for_the_earliest_packet_whose_stream_is_undecided() -> None:
    # A header, and what shows that it was none: no other one comes behind its message.
    header, disproof = bytes.fromhex("03 00000030 00"), bytes(60)
    devices = [f"192.0.2.{n}" for n in range(1, 6)]
    packets = [tcp_packet(7, source=device) for device in devices]
    packets += [tcp_packet(7, header, source=device) for device in devices]
    packets += [tcp_packet(13, disproof, source=devices[n]) for n in (1, 0, 3, 2, 4)]
    decoder = CaptureDecoder(None, None, Notes())
    capture = io.BytesIO(pcap(frames(*map(ethernet, packets))))
    held = [decoder.held_since for _ in decoder.read(capture)]
    assert held == [6, 6, 6, 6, 6, 6, 8, 8, 10, None]  # acknowledgements tell nothing


def test_lines_are_held_while_the_start_of_a_stream_is_open() -> None:
    stream = _INITIATION + _PEER_UP * 2
    cuts = [stream[n : n + 50] for n in range(0, len(stream), 50)]
    packets = [tcp_packet(7 + 50 * n, cut) for n, cut in enumerate(cuts)]
    packets[0], packets[1] = packets[1], packets[0]
    decoder = CaptureDecoder(None, None, Notes())
    capture = io.BytesIO(pcap(frames(*map(ethernet, packets))))
    told = [(decoder.held_since, [at for at, _ in lines]) for lines in decoder.read(capture)]
    assert told == [(None, [2, 3]), (None, [6])]
