"""All TCP streams of a capture: which connection a segment belongs to, in bounded memory."""

from dataclasses import dataclass
from typing import NamedTuple

from collector.receivers.capture.ip import address_text
from collector.receivers.capture.notes import Notes
from collector.receivers.capture.tcp import Chunk, TcpStream
from collector.receivers.capture.transport import TcpSegment

_MAX_STREAMS = 65536
_MAX_HELD_OCTETS = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One direction of one connection; compared by identity, since ports are used again."""

    source: str
    source_port: int
    destination_port: int
    from_start: bool  # its SYN was captured


class StreamData(NamedTuple):
    """Octets of a stream in sequence order."""

    stream: Stream
    chunk: Chunk


class StreamEnd(NamedTuple):
    """A stream is over; ``packet`` is the one that ended it, or the last of the capture."""

    stream: Stream
    packet: int


_Key = tuple[bytes, bytes, int, int]


@dataclass(slots=True)
class _Entry:
    stream: Stream
    tcp: TcpStream


class Streams:
    """The connections seen so far, least recently used first."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._entries: dict[_Key, _Entry] = {}
        self._waiting: dict[_Key, int] = {}  # earliest packet held back, of streams with a hole
        self._held_octets = 0

    @property
    def held_since(self) -> int | None:
        """Number of the earliest packet whose octets wait for lost or late ones."""
        return min(self._waiting.values(), default=None)

    def add(
        self, ends: tuple[bytes, bytes], segment: TcpSegment, packet: int, time_ns: int | None
    ) -> list[StreamData | StreamEnd]:
        """Take a segment that went between two addresses; give what follows from it, in order."""
        key = (*ends, segment.source_port, segment.destination_port)
        events: list[StreamData | StreamEnd] = []
        entry = self._entries.pop(key, None)
        if entry is not None and not entry.tcp.belongs(segment):
            events += self._finish(key, entry, packet)
            entry = None
        if entry is None:
            if segment.rst:
                return events
            if len(self._entries) >= _MAX_STREAMS:
                oldest = next(iter(self._entries))
                events += self._finish(oldest, self._entries.pop(oldest), packet)
                self._notes.add("a TCP stream forgotten, there are too many")
            entry = _Entry(
                Stream(
                    address_text(ends[0]),
                    segment.source_port,
                    segment.destination_port,
                    segment.syn,
                ),
                TcpStream(),
            )
        self._entries[key] = entry
        was_closed, held = entry.tcp.closed, entry.tcp.held_octets
        chunks = entry.tcp.add(segment, packet, time_ns)
        self._held_octets += entry.tcp.held_octets - held
        if self._held_octets > _MAX_HELD_OCTETS:
            self._held_octets -= entry.tcp.held_octets
            chunks += entry.tcp.flush()
        if held or entry.tcp.held_octets:
            self._mark(key, entry.tcp)
        events += self._data(entry.stream, chunks)
        if entry.tcp.closed and not was_closed:
            events.append(StreamEnd(entry.stream, packet))
        return events

    def end(self, packet: int) -> list[StreamData | StreamEnd]:
        """End all streams, with what still waits in them: the capture is over."""
        events: list[StreamData | StreamEnd] = []
        while self._entries:
            key = next(iter(self._entries))
            events += self._finish(key, self._entries.pop(key), packet)
        return events

    def _finish(self, key: _Key, entry: _Entry, packet: int) -> list[StreamData | StreamEnd]:
        self._held_octets -= entry.tcp.held_octets
        events = self._data(entry.stream, entry.tcp.flush())
        self._waiting.pop(key, None)
        if not entry.tcp.closed:
            events.append(StreamEnd(entry.stream, packet))
        return events

    def _mark(self, key: _Key, tcp: TcpStream) -> None:
        since = tcp.held_since
        if since is None:
            self._waiting.pop(key, None)
        else:
            self._waiting[key] = since

    def _data(self, stream: Stream, chunks: list[Chunk]) -> list[StreamData | StreamEnd]:
        for chunk in chunks:
            if chunk.after_gap:
                self._notes.add("octets of a TCP stream were not captured")
        return [StreamData(stream, chunk) for chunk in chunks]
