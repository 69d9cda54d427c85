import random

import pytest

from collector.receivers.capture.fragments import Fragments
from collector.receivers.capture.ip import parse_ip
from collector.receivers.capture.notes import Notes
from tests.capture_writer import UDP, ipv4, ipv4_fragments, ipv6_fragments

_ENDS_V4 = ("192.0.2.1", "192.0.2.9")
_ENDS_V6 = ("2001:db8::1", "2001:db8::9")
_PAYLOAD = bytes(range(256)) * 20
_SECOND_NS = 1_000_000_000


def _cut(family: int, payload: bytes = _PAYLOAD, size: int = 1280) -> list[bytes]:
    if family == 4:
        return ipv4_fragments(ipv4(*_ENDS_V4, UDP, payload), size)
    return ipv6_fragments(*_ENDS_V6, UDP, payload, size)


def _feed(fragments: Fragments, packets: list[bytes], start_ns: int = 0) -> list[bytes]:
    wholes = [
        fragments.add(parse_ip(memoryview(packet)), start_ns + n * _SECOND_NS)
        for n, packet in enumerate(packets)
    ]
    assert {whole[0] for whole in wholes if whole} <= {UDP}
    return [whole[1] for whole in wholes if whole]


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("seed", range(5))
def test_fragments_in_any_order_with_duplicates(family: int, seed: int) -> None:
    packets = _cut(family)
    shuffled = packets[:-1] * 2
    random.Random(seed).shuffle(shuffled)
    shuffled.append(packets[-1])
    assert _feed(Fragments(Notes()), shuffled) == [_PAYLOAD]


@pytest.mark.parametrize("family", [4, 6])
def test_last_fragment_to_arrive_completes(family: int) -> None:
    packets = _cut(family)
    fragments = Fragments(Notes())
    for packet in reversed(packets[1:]):
        assert fragments.add(parse_ip(memoryview(packet)), 0) is None
    assert fragments.add(parse_ip(memoryview(packets[0])), 0) == (UDP, _PAYLOAD)


def test_datagrams_are_told_apart() -> None:
    one, two = (
        ipv4_fragments(ipv4(*_ENDS_V4, UDP, bytes([n]) * 2000, identification=n), 1000)
        for n in (1, 2)
    )
    mixed = [one[0], two[0], two[1], one[1]]
    told = _feed(Fragments(Notes()), mixed)
    assert told == [b"\2" * 2000, b"\1" * 2000]


def test_overlapping_fragments_are_joined() -> None:
    payload = _PAYLOAD[:2400]
    parts = [(0, 1600, True), (800, 2400, False)]
    packets = [
        ipv4(*_ENDS_V4, UDP, payload[start:stop], 1, start // 8 | 0x2000 * more)
        for start, stop, more in parts
    ]
    assert _feed(Fragments(Notes()), packets) == [payload]
    assert _feed(Fragments(Notes()), packets[::-1]) == [payload]


def test_identification_used_again_after_a_timeout_begins_anew() -> None:
    notes = Notes()
    fragments = Fragments(notes)
    old, new = _cut(4, b"o" * 2000, 1000), _cut(4, b"n" * 2000, 1000)
    assert _feed(fragments, old[:1]) == []
    assert _feed(fragments, new, start_ns=100 * _SECOND_NS) == [b"n" * 2000]
    assert "without the rest" in notes.take()[0]


def test_cut_fragment_does_not_complete_a_datagram() -> None:
    notes = Notes()
    fragments = Fragments(notes)
    packets = _cut(4)
    packets[-1] = packets[-1][:-1]
    assert _feed(fragments, packets) == []
    fragments.end()
    assert "without the rest" in notes.take()[0]


def test_memory_is_bounded() -> None:
    notes = Notes()
    fragments = Fragments(notes)
    for n in range(6000):
        packet = ipv4(f"10.0.{n >> 8}.{n & 255}", "192.0.2.9", UDP, bytes(9000), 1, 0x2000)
        assert fragments.add(parse_ip(memoryview(packet)), 0) is None
    assert fragments.held_octets <= 33 << 20
    assert any("too many" in note for note in notes.take())


def test_overlaps_of_one_datagram_are_bounded() -> None:
    notes = Notes()
    fragments = Fragments(notes)
    for n in range(64):
        packet = ipv4(*_ENDS_V4, UDP, bytes(30000), 1, 0x2000 | n)
        assert fragments.add(parse_ip(memoryview(packet)), 0) is None
    assert fragments.held_octets < 5 * 65535
    assert any("overlap" in note for note in notes.take())


def test_fragment_past_the_longest_datagram_is_left_out() -> None:
    notes = Notes()
    packet = ipv4(*_ENDS_V4, UDP, bytes(1000), 1, 0x1FFF)
    assert Fragments(notes).add(parse_ip(memoryview(packet)), 0) is None
    assert "passes" in notes.take()[0]
