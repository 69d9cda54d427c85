"""IP fragments put together (RFC 791 section 3.2, RFC 8200 section 4.5), in bounded memory."""

from dataclasses import dataclass, field

from collector.receivers.capture.ip import IpPacket
from collector.receivers.capture.notes import Notes

# Hosts wait between 15 s (RFC 791) and 60 s (RFC 8200); an identification comes again some time.
_TIMEOUT_NS = 60_000_000_000
_MAX_DATAGRAMS = 4096
_MAX_OCTETS = 32 << 20
_MAX_DATAGRAM_OCTETS = 65535


@dataclass(slots=True)
class _Datagram:
    """The fragments of one datagram so far."""

    first_ns: int
    protocol: int
    length: int | None = None  # known once the last fragment came
    octets: int = 0  # held, overlaps counted twice
    parts: dict[int, bytes] = field(default_factory=dict)  # by offset

    def whole(self) -> bytes | None:
        """Join the parts; None while there is a hole. Where they overlap, the lower offset wins."""
        if self.length is None or self.octets < self.length:
            return None
        joined = bytearray()
        for offset in sorted(self.parts):
            if offset > len(joined):
                return None
            joined += self.parts[offset][len(joined) - offset :]
        return bytes(joined) if len(joined) == self.length else None


class Fragments:
    """The datagrams whose fragments have not all been seen."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._held: dict[tuple[bytes, bytes, int, int], _Datagram] = {}  # oldest first
        self.held_octets = 0  # in memory, about

    def add(self, packet: IpPacket, time_ns: int) -> tuple[int, bytes] | None:
        """Take a fragment.

        Returns:
            Protocol and octets of the datagram it completes; None while some are missing.
        """
        # IPv6 names the protocol in the first fragment only; IPv4 counts it to the identity.
        is_ipv4 = len(packet.source) == 4
        key = (
            packet.source,
            packet.destination,
            packet.identification,
            packet.protocol if is_ipv4 else -1,
        )
        start, data = packet.fragment_offset, bytes(packet.payload)
        if start + len(data) > _MAX_DATAGRAM_OCTETS:
            self._notes.add("a fragment passes the longest datagram")
            return None
        datagram = self._held.get(key)
        if datagram is not None and abs(time_ns - datagram.first_ns) > _TIMEOUT_NS:
            self._drop(key, "fragments without the rest of their datagram")
            datagram = None
        if datagram is None:
            self._make_room()
            datagram = self._held[key] = _Datagram(time_ns, packet.protocol)
        if start == 0:
            datagram.protocol = packet.protocol
        if not packet.more_fragments and not packet.missing:
            datagram.length = start + len(data)
        known = datagram.parts.get(start)
        if known is None or len(known) < len(data):
            growth = len(data) - len(known or b"")
            datagram.parts[start] = data
            datagram.octets += growth
            self.held_octets += growth
        if datagram.octets > 2 * _MAX_DATAGRAM_OCTETS:
            self._drop(key, "a datagram whose fragments overlap too much is left out")
            return None
        joined = datagram.whole()
        if joined is None:
            return None
        self.held_octets -= self._held.pop(key).octets
        return datagram.protocol, joined

    def end(self) -> None:
        """Note what stayed incomplete; the capture is over."""
        for key in list(self._held):
            self._drop(key, "fragments without the rest of their datagram")

    def _make_room(self) -> None:
        while len(self._held) >= _MAX_DATAGRAMS or self.held_octets > _MAX_OCTETS:
            self._drop(next(iter(self._held)), "incomplete datagrams given up, there are too many")

    def _drop(self, key: tuple[bytes, bytes, int, int], remark: str) -> None:
        self.held_octets -= self._held.pop(key).octets
        self._notes.add(remark)
