"""From a capture file to datagrams and streams, in the order of the capture."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from collector.receivers.capture.files import read_frames
from collector.receivers.capture.fragments import Fragments
from collector.receivers.capture.frame import Frame
from collector.receivers.capture.ip import IpPacket, address_text, behind_extensions, parse_ip
from collector.receivers.capture.link import ip_packet, is_known
from collector.receivers.capture.notes import Notes
from collector.receivers.capture.streams import StreamData, StreamEnd, Streams
from collector.receivers.capture.transport import TCP, UDP, parse_tcp, parse_udp


class Datagram(NamedTuple):
    """A UDP datagram; ``packet`` is the number of the packet or fragment that completed it."""

    packet: int
    time_ns: int | None
    source: str
    source_port: int
    destination_port: int
    payload: memoryview


Event = Datagram | StreamData | StreamEnd


class CaptureReader:
    """Reads several files as one stream of time: fragments and connections go on in the next."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._fragments = Fragments(notes)
        self._streams = Streams(notes)
        self._packet = 0  # over all files

    @property
    def held_since(self) -> int | None:
        """Number of the earliest packet of which something may still come, None if nothing can."""
        return self._streams.held_since

    def read(self, file: BinaryIO) -> Iterator[list[Event]]:
        """Yield what each packet of a file completes.

        Raises:
            NotACaptureError: the file begins like no capture.
        """
        self._notes.packet = 0
        for frame in read_frames(file, self._notes):
            self._packet += 1
            yield self._frame(frame)

    def end(self) -> list[Event]:
        """Give what is left when no file follows."""
        self._fragments.end()
        return [*self._streams.end(self._packet)]

    def _frame(self, frame: Frame) -> list[Event]:
        if not is_known(frame.link_type):
            self._notes.add(f"frames of link type {frame.link_type} are left out")
            return []
        octets = ip_packet(frame.link_type, memoryview(frame.octets))
        packet = parse_ip(octets) if octets else None
        if packet is None:
            return []
        if packet.missing:
            self._notes.add("packets cut short by the snap length")
        protocol, payload = packet.protocol, packet.payload
        if packet.is_fragment:
            whole = self._fragments.add(packet, frame.time_ns or 0)
            if whole is None:
                return []
            behind = behind_extensions(whole[0], memoryview(whole[1]))
            if behind is None:
                return []
            protocol, payload = behind
        return self._transport(packet, frame.time_ns, protocol, payload)

    def _transport(
        self, packet: IpPacket, time_ns: int | None, protocol: int, payload: memoryview
    ) -> list[Event]:
        if protocol == UDP:
            datagram = parse_udp(payload)
            if datagram is None:
                self._notes.add("UDP headers that are cut short or make no sense")
                return []
            return [Datagram(self._packet, time_ns, address_text(packet.source), *datagram)]
        if protocol == TCP:
            segment = parse_tcp(payload)
            if segment is None:
                self._notes.add("TCP headers that are cut short or make no sense")
                return []
            ends = (packet.source, packet.destination)
            return [*self._streams.add(ends, segment, self._packet, time_ns)]
        return []
