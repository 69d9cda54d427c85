"""From captures to the lines that `decode` prints: which packets are read as what."""

import heapq
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.ipfix.registry import Registry
from collector.receivers.capture.bmp_stream import BmpStream, Found
from collector.receivers.capture.flow_payload import fits, without_rest
from collector.receivers.capture.notes import Notes
from collector.receivers.capture.reader import CaptureReader, Datagram, Event
from collector.receivers.capture.streams import Stream, StreamData
from collector.records.decode_lines import Json, bmp_line, flow_lines, time_text

CaptureLine = tuple[int, Json]  # number of the packet that gave it, from 1 over all files


@dataclass(slots=True)
class _Session:
    """One stream that may be BMP, and what the Peer Ups in it said."""

    messages: BmpStream
    decoder: BmpDecoder = field(default_factory=BmpDecoder)


class _Earliest:
    """The earliest of the packets that streams stand at, found without a look at all of them."""

    def __init__(self) -> None:
        self._packets: dict[Stream, int] = {}
        self._heap: list[tuple[int, int, Stream]] = []  # packet, a number of its own, stream
        self._number = itertools.count()

    def put(self, stream: Stream, packet: int | None) -> None:
        """Have a stream stand at another packet, or at none any more."""
        if packet == self._packets.get(stream):
            return
        if packet is None:
            del self._packets[stream]
            return
        self._packets[stream] = packet
        heapq.heappush(self._heap, (packet, next(self._number), stream))
        if len(self._heap) > 2 * len(self._packets) + 64:
            standing = self._packets.items()
            self._heap = [(at, next(self._number), kept) for kept, at in standing]
            heapq.heapify(self._heap)

    @property
    def packet(self) -> int | None:
        """The earliest of all, None where no stream stands at any."""
        while self._heap and self._packets.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # where that stream stood once
        return self._heap[0][0] if self._heap else None


class CaptureDecoder:
    """Decodes captures, several as one stream of time.

    Args:
        udp_ports: destination ports of flow messages.
        tcp_ports: destination ports of BMP streams. Where the collector opened the connection it
            is the source port, and the other direction has nothing to say.
            Without ports of either protocol, messages are told by what they look like; with some,
            nothing else is looked at.
        notes: what is odd about the captures themselves.
    """

    def __init__(
        self, udp_ports: Collection[int] | None, tcp_ports: Collection[int] | None, notes: Notes
    ) -> None:
        by_look = not (udp_ports or tcp_ports)
        self._udp_ports = None if by_look else frozenset(udp_ports or ())
        self._tcp_ports = None if by_look else frozenset(tcp_ports or ())
        self._notes = notes
        self._reader = CaptureReader(notes)
        self._flows = FlowDecoder(Registry.default())
        self._sessions: dict[Stream, _Session] = {}
        self._undecided = _Earliest()  # packet of a stream that may still give a line

    @property
    def held_since(self) -> int | None:
        """Number of the earliest packet that may still give a line, None if none but new ones."""
        held = (self._undecided.packet, self._reader.held_since)
        return min((packet for packet in held if packet is not None), default=None)

    def read(self, file: BinaryIO) -> Iterator[list[CaptureLine]]:
        """Yield the lines that each packet of a file completes.

        Raises:
            NotACaptureError: the file begins like no capture.
        """
        for events in self._reader.read(file):
            if events:
                yield [*self._lines(events)]

    def end(self) -> Iterator[CaptureLine]:
        """Yield what only the end of the last file decides."""
        return self._lines(self._reader.end())

    def _lines(self, events: list[Event]) -> Iterator[CaptureLine]:
        for event in events:
            if isinstance(event, Datagram):
                yield from self._datagram(event)
            elif isinstance(event, StreamData):
                session = self._session(event.stream)
                if session is not None:
                    yield from self._found(
                        event.stream, session, session.messages.feed(event.chunk)
                    )
            elif (session := self._sessions.pop(event.stream, None)) is not None:
                yield from self._found(event.stream, session, session.messages.end())

    def _datagram(self, datagram: Datagram) -> Iterator[CaptureLine]:
        payload = datagram.payload
        wanted = (
            fits(payload)
            if self._udp_ports is None
            else datagram.destination_port in self._udp_ports
        )
        if not wanted:
            return
        payload = without_rest(payload, self._notes)
        now_s = (datagram.time_ns or 0) / 1e9
        for line in flow_lines(self._flows, datagram.source, payload, now_s):
            yield datagram.packet, _with_origin(line, datagram.time_ns, datagram)

    def _session(self, stream: Stream) -> _Session | None:
        session = self._sessions.get(stream)
        if session is None:
            expected = self._tcp_ports is not None and stream.destination_port in self._tcp_ports
            if not (expected or self._tcp_ports is None or stream.source_port in self._tcp_ports):
                return None
            session = _Session(BmpStream(stream.from_start, expected, self._notes))
            self._sessions[stream] = session
        return session

    def _found(
        self, stream: Stream, session: _Session, found: list[Found]
    ) -> Iterator[CaptureLine]:
        for packet, time_ns, message in found:
            yield packet, _with_origin(bmp_line(session.decoder, message), time_ns, stream)
        self._undecided.put(stream, session.messages.held_since)


def _with_origin(line: Json, time_ns: int | None, origin: Datagram | Stream) -> Json:
    """Add the keys that every line has; ``time`` is absent where the capture does not tell it."""
    kind = {"kind": line.pop("kind")}
    time = time_text(time_ns)
    if time is not None:
        kind["time"] = time
    return {**kind, "device": origin.source, "source_port": origin.source_port, **line}
