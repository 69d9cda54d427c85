import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.receivers.capture.notes import Notes
from collector.receivers.capture.streams import StreamData, StreamEnd, Streams
from collector.receivers.capture.tcp import TcpStream
from collector.receivers.capture.transport import TcpSegment, parse_tcp
from tests.capture_writer import ACK, FIN, RST, SYN, tcp

_ENDS = (bytes((192, 0, 2, 1)), bytes((192, 0, 2, 9)))
_DATA = bytes(range(256)) * 4


def _segment(sequence_number: int, payload: bytes = b"", flags: int = ACK) -> TcpSegment:
    return parse_tcp(memoryview(tcp(sequence_number, payload, flags)))


def _feed(stream: TcpStream, *segments: TcpSegment) -> bytes:
    chunks = [
        chunk
        for packet, segment in enumerate(segments, 1)
        for chunk in stream.add(segment, packet, packet * 1000)
    ]
    return b"".join(chunk.octets for chunk in [*chunks, *stream.flush()])


def _begun(number: int) -> TcpStream:
    """A stream whose first octet is known to have that number."""
    stream = TcpStream()
    stream.add(_segment(number - 1, flags=SYN), 0, 0)
    return stream


def _cut(first: int, data: bytes, size: int) -> list[TcpSegment]:
    """Segments of ``size`` octets, the first with sequence number ``first``."""
    return [_segment(first + at, data[at : at + size]) for at in range(0, len(data), size)]


_WRAPS = 0xFFFFFF00


@pytest.mark.parametrize("isn", [0, 7, _WRAPS, 0xFFFFFFFF])
def test_in_order(isn: int) -> None:
    segments = [_segment(isn, flags=SYN), *_cut(isn + 1, _DATA, 100)]
    assert _feed(TcpStream(), *segments) == _DATA


@pytest.mark.parametrize("isn", [7, _WRAPS])
@pytest.mark.parametrize("on_syn", [b"", b"x", _DATA[:50]])
def test_syn_that_takes_a_number(isn: int, on_syn: bytes) -> None:
    segments = [_segment(isn, on_syn, SYN), *_cut(isn + 1 + len(on_syn), _DATA, 100)]
    assert _feed(TcpStream(), *segments) == on_syn + _DATA


@pytest.mark.parametrize("isn", [7, _WRAPS])
@pytest.mark.parametrize("on_syn", [b"", b"x", _DATA[:50]])
def test_syn_that_takes_no_number(isn: int, on_syn: bytes) -> None:
    segments = [_segment(isn, on_syn, SYN), *_cut(isn + len(on_syn), _DATA, 100)]
    assert _feed(TcpStream(), *segments) == on_syn + _DATA
    # Out of order too: what came early had been counted from the wrong number.
    segments[1], segments[2] = segments[2], segments[1]
    assert _feed(TcpStream(), *segments) == on_syn + _DATA


def test_syn_that_takes_no_number_and_is_sent_again() -> None:
    syn = _segment(7, b"syn", SYN)
    segments = [syn, syn, *_cut(10, _DATA, 100), syn, _segment(10 + len(_DATA), b"end")]
    assert _feed(TcpStream(), *segments) == b"syn" + _DATA + b"end"


def test_keep_alive_before_data_is_no_data() -> None:
    segments = [_segment(7, flags=SYN), _segment(7, b"\0"), _segment(8, b"data")]
    assert _feed(TcpStream(), *segments) == b"data"


def test_keep_alive_after_data_is_no_data() -> None:
    segments = [_segment(8, b"data"), _segment(11, b"\0"), _segment(11), _segment(12, b"more")]
    assert _feed(TcpStream(), *segments) == b"datamore"


def _start(places: list[int]) -> int:
    """Where a stream without SYN begins: the earliest place that the three after do not precede."""
    return next(
        place
        for n, place in enumerate(places, 1)
        if place == min(places[:n]) and place <= min(places[n : n + 3], default=place)
    )


@given(st.data(), st.booleans())
def test_any_order_overlap_and_retransmission_give_the_stream(
    data: st.DataObject, from_start: bool
) -> None:
    isn = data.draw(st.integers(0, 0xFFFFFFFF))
    octets = data.draw(st.binary(min_size=1, max_size=200))
    cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=8))
    bounds = [0, *sorted(cuts), len(octets)]
    pieces = list(pairwise(bounds))
    pieces += data.draw(
        st.lists(st.tuples(st.integers(0, len(octets)), st.integers(0, len(octets))), max_size=8)
    )
    order = data.draw(st.permutations(pieces))
    order = [(start, stop) for start, stop in order if stop > start]
    segments = [_segment(isn + 1 + start, octets[start:stop]) for start, stop in order]
    stream = TcpStream()
    if from_start:
        assert _feed(stream, _segment(isn, flags=SYN), *segments) == octets
    else:
        assert _feed(stream, *segments) == octets[_start([start for start, _ in order]) :]
    assert stream.held_octets == 0


def test_chunk_has_the_segment_that_made_it_available() -> None:
    stream = _begun(7)
    assert stream.add(_segment(7, b"one"), 1, 1000)[0].packet == 1
    assert stream.add(_segment(13, b"three"), 2, 2000) == []
    assert stream.held_since == 2
    chunks = stream.add(_segment(10, b"two"), 3, 3000)
    assert [(c.packet, c.time_ns, c.octets) for c in chunks] == [
        (3, 3000, b"two"),
        (3, 3000, b"three"),
    ]
    assert stream.held_since is None


@pytest.mark.parametrize("isn", [0, 7, _WRAPS, 0xFFFFFFFF])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3), (3, 0, 1, 2), (4, 3, 2, 1, 0)])
@pytest.mark.parametrize("last", [ACK, ACK | FIN])
def test_without_syn_the_start_may_come_out_of_order(
    isn: int, order: tuple[int, ...], last: int
) -> None:
    segments = _cut(isn, _DATA, 100)
    segments[len(order) - 1] = segments[len(order) - 1]._replace(fin=bool(last & FIN))
    segments = segments[: len(order)]
    assert _feed(TcpStream(), *[segments[n] for n in order]) == _DATA[: 100 * len(order)]


def test_without_syn_the_start_is_told_by_four_segments() -> None:
    stream = TcpStream()
    came = [stream.add(s, n, n * 1000) for n, s in enumerate(_cut(7, _DATA[:60], 10), 1)]
    assert [[c.packet for c in chunks] for chunks in came] == [[], [], [], [1, 2, 3, 4], [5], [6]]
    stream, early = TcpStream(), _cut(7, _DATA[:60], 10)
    early[0], early[1] = early[1], early[0]
    came = [stream.add(s, n, n * 1000) for n, s in enumerate(early, 1)]
    assert [[c.packet for c in chunks] for chunks in came] == [[], [], [], [], [2, 2, 3, 4, 5], [6]]
    assert stream.add(_segment(0, b"earlier"), 7, 7000) == []


def test_without_syn_an_acknowledgement_tells_the_start() -> None:
    stream = TcpStream()
    assert stream.add(_segment(7), 1, 0) == []
    assert [c.octets for c in stream.add(_segment(7, b"data"), 2, 0)] == [b"data"]
    assert _feed(TcpStream(), _segment(11), _segment(11, b"more"), _segment(7, b"data")) == b"more"
    early = [_segment(15), _segment(11, b"more"), _segment(7, b"data")]
    assert _feed(TcpStream(), *early) == b"datamore"


def test_without_syn_a_stream_that_comes_backwards_is_bounded() -> None:
    stream, waiting, told = TcpStream(), 0, []
    for packet in range(100):
        told += stream.add(_segment(10_000_000 - packet * 60_000, bytes(60_000)), packet, 0)
        waiting = max(waiting, stream.held_octets)
    assert told
    assert waiting < 5 << 20


def test_fin_that_comes_first_closes_when_all_before_it_came() -> None:
    stream = TcpStream()
    stream.add(_segment(19, flags=FIN | ACK), 1, 0)
    for number in (16, 13, 10, 7):
        stream.add(_segment(number, b"...", ACK), 2, 0)
        assert not stream.closed
    for _ in range(3):
        stream.add(_segment(7, b"..."), 3, 0)
    assert stream.closed


def test_gap_is_jumped_over_at_the_end_in_the_time_of_what_came() -> None:
    stream = _begun(7)
    stream.add(_segment(7, b"one"), 1, 1000)
    stream.add(_segment(103, b"fourth"), 2, 2000)
    stream.add(_segment(100, b"3rd"), 3, 3000)
    stream.add(_segment(109, b"5th"), 4, 4000)
    chunks = stream.flush()
    assert [(c.packet, c.octets, c.after_gap) for c in chunks] == [
        (3, b"3rd", True),
        (3, b"fourth", False),
        (4, b"5th", False),
    ]


def test_gap_is_jumped_over_when_more_than_a_window_waits() -> None:
    stream, waiting = _begun(7), 0
    stream.add(_segment(7, b"first"), 0, 0)
    for packet in range(1, 100):
        chunks = stream.add(_segment(100 + packet * 60_000, bytes(60_000)), packet, 0)
        waiting = max(waiting, stream.held_octets)
        if chunks:
            break
    assert chunks[0].after_gap
    assert waiting < 5 << 20


def test_reset_gives_what_waited_and_its_reason_is_no_data() -> None:
    stream = _begun(7)
    stream.add(_segment(7, b"one"), 1, 0)
    stream.add(_segment(20, b"two"), 2, 0)
    chunks = stream.add(_segment(23, b"go away", RST), 3, 0)
    assert [chunk.octets for chunk in chunks] == [b"two"]
    assert stream.closed


def test_fin_closes_when_all_before_it_came() -> None:
    stream = _begun(7)
    stream.add(_segment(7, b"one"), 1, 0)
    stream.add(_segment(13, b"three", FIN | ACK), 2, 0)
    assert not stream.closed
    stream.add(_segment(10, b"two"), 3, 0)
    assert stream.closed


def _run(*segments: TcpSegment) -> list[tuple[bytes, ...] | str]:
    """Octets of each stream in the order they came up; "end" where one ended."""
    streams, told = Streams(Notes()), []
    for packet, segment in enumerate(segments, 1):
        told += streams.add(_ENDS, segment, packet, packet)
    told += streams.end(len(segments))
    names = {}
    for event in told:
        names.setdefault(event.stream, len(names))
    return [
        (names[event.stream], "end" if isinstance(event, StreamEnd) else event.chunk.octets)
        for event in told
    ]


def test_ports_used_again_make_another_stream() -> None:
    segments = [_segment(7, flags=SYN), _segment(8, b"old")]
    segments += [_segment(90, flags=SYN), _segment(91, b"new")]
    assert _run(*segments) == [(0, b"old"), (0, "end"), (1, b"new"), (1, "end")]


def test_ports_used_again_after_a_fin_without_a_syn() -> None:
    segments = [_segment(7, b"old", FIN), _segment(7, b"old"), _segment(70, b"new")]
    assert _run(*segments) == [(0, b"old"), (0, "end"), (1, b"new"), (1, "end")]


def test_number_far_away_is_another_stream() -> None:
    segments = [_segment(7, b"old"), _segment(0x90000000, b"new")]
    assert _run(*segments) == [(0, b"old"), (0, "end"), (1, b"new"), (1, "end")]


def test_syn_after_its_data_is_of_the_same_stream() -> None:
    segments = [_segment(8, b"one"), _segment(7, flags=SYN), _segment(11, b"two")]
    assert _run(*segments) == [(0, b"one"), (0, b"two"), (0, "end")]


def test_stream_that_shows_acknowledgements_first() -> None:
    early = [_segment(8), _segment(13, b"two"), _segment(8, b"first")]
    assert _run(*early) == [(0, b"first"), (0, b"two"), (0, "end")]
    keep_alive = [_segment(8), _segment(9, b"data")]
    assert _run(*keep_alive) == [(0, b"data"), (0, "end")]


def test_reset_of_nothing_is_no_stream() -> None:
    assert _run(_segment(7, flags=RST)) == []


def test_number_of_streams_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.receivers.capture.streams._MAX_STREAMS", 10)
    notes = Notes()
    streams = Streams(notes)
    ended = 0
    for port in range(100):
        segment = _segment(7, b"x")._replace(source_port=port)
        ended += sum(isinstance(event, StreamEnd) for event in streams.add(_ENDS, segment, port, 0))
    assert ended == 90
    assert "forgotten" in notes.take()[0]


def test_what_all_streams_hold_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.receivers.capture.streams._MAX_HELD_OCTETS", 100_000)
    streams, given_up = Streams(Notes()), 0
    for port in range(100):
        for number in (0, 5000):
            segment = _segment(number, bytes(4000))._replace(source_port=port)
            events = streams.add(_ENDS, segment, port, 0)
            given_up += any(isinstance(e, StreamData) and e.chunk.after_gap for e in events)
    assert given_up > 70


@pytest.mark.parametrize("seed", range(3))
def test_any_segments_are_survived(seed: int) -> None:
    draw = random.Random(seed)
    streams = Streams(Notes())
    for packet in range(3000):
        flags = draw.choice([ACK, ACK, ACK, SYN, FIN, RST, SYN | FIN])
        number = draw.choice([draw.randrange(1 << 32), draw.randrange(2000)])
        segment = _segment(number, bytes(draw.randrange(100)), flags)
        streams.add(_ENDS, segment._replace(source_port=draw.randrange(3)), packet, packet)
    streams.end(3000)
    assert streams.held_since is None
