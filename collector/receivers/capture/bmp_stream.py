"""BMP messages out of a captured TCP stream, which may begin or have holes anywhere."""

from collections import deque
from typing import NamedTuple

from collector.errors import DecodeError, MalformedError
from collector.protocols.bmp.framing import COMMON_HEADER
from collector.receivers.capture.bmp_start import find_start, is_framed
from collector.receivers.capture.notes import Notes
from collector.receivers.capture.tcp import Chunk

_SOURCE = "RFC 7854 section 4.1"
# Where that much of a stream shows no BMP, it carries another protocol.
_MAX_SEARCHED_OCTETS = 8 << 20


class Found(NamedTuple):
    """A whole message, or the fault that cost the stream its framing.

    ``packet`` and ``time_ns`` are those of the segment that brought its last octet.
    """

    packet: int
    time_ns: int | None
    message: bytes | DecodeError


class _Arrival(NamedTuple):
    """Which segment brought the octets before ``end``, a position in the stream."""

    end: int
    packet: int
    time_ns: int | None


class BmpStream:
    """Finds where messages begin, then cuts them; anew behind a gap or a broken header.

    Args:
        from_start: the first octet that comes is the first of the connection.
        expected: the operator says that this is BMP, so that what does not fit is an error.
        notes: for octets that are left out.
    """

    def __init__(self, from_start: bool, expected: bool, notes: Notes) -> None:
        self._expected = expected
        self._notes = notes
        self._octets = bytearray()  # not yet cut
        self._position = 0  # of its first octet in the stream
        self._arrivals: deque[_Arrival] = deque()  # of the octets not yet cut
        self._last: _Arrival | None = None
        self._begins = from_start
        self._synced = False
        self._is_bmp = False  # a message was found, or a fault told in its place
        self._searched = 0
        self._found: list[Found] = []

    @property
    def held_since(self) -> int | None:
        """Number of the earliest packet of which a message may still be found, if there is one.

        A first message needs the header of the next one to be believed.
        """
        undecided = not self._synced and len(self._octets) >= COMMON_HEADER.size
        return self._arrivals[0].packet if undecided else None

    def feed(self, chunk: Chunk) -> list[Found]:
        """Take the stream's next octets; give what they complete."""
        if chunk.after_gap:
            self._end_run()
        if self._is_bmp or self._searched <= _MAX_SEARCHED_OCTETS:
            self._octets += chunk.octets
            end = self._position + len(self._octets)
            self._last = _Arrival(end, chunk.packet, chunk.time_ns)
            self._arrivals.append(self._last)
            self._run(final=False)
        else:
            self._drop(len(self._octets))
        return self._take()

    def end(self) -> list[Found]:
        """Give what only the end of the stream decides."""
        self._end_run()
        return self._take()

    def _take(self) -> list[Found]:
        found, self._found = self._found, []
        return found

    def _end_run(self) -> None:
        """Decide on what is left before a gap or the end, and begin anew behind it."""
        self._run(final=True)
        if self._last is not None and self._expected and not self._is_bmp:
            self._fault(self._last, "no BMP common header in the stream")
        if self._synced and self._octets:
            self._notes.add("a BMP message whose rest was not captured")
        self._drop(len(self._octets))
        self._synced = self._begins = False

    def _run(self, final: bool) -> None:
        while self._synced or self._search(final):
            if self._cut():
                return

    def _search(self, final: bool) -> bool:
        """Drop what lies before the next message; False where none is known to begin."""
        at, self._synced = find_start(
            self._octets, begins=self._begins, expected=self._expected, final=final
        )
        if at and self._begins and self._expected:
            self._fault(self._arrivals[0], "the connection begins with no BMP common header")
        self._begins &= at == 0 and not self._synced
        self._searched += at
        self._is_bmp |= self._synced
        if at and self._is_bmp:
            self._notes.add("octets of a TCP stream before the next BMP common header", at)
        self._drop(at)
        return self._synced

    def _cut(self) -> bool:
        """Cut whole messages off; False where what follows them is no common header."""
        start, framed = 0, True
        while len(self._octets) - start >= COMMON_HEADER.size:
            version, length, _ = COMMON_HEADER.unpack_from(self._octets, start)
            framed = is_framed(version, length)
            if not framed or length > len(self._octets) - start:
                break
            message = bytes(self._octets[start : start + length])
            start += length
            self._add(self._arrival_of(self._position + start), message)
        if not framed:
            self._synced = False
            reason = f"version {version} and Message Length {length} are no BMP common header"
            self._fault(self._arrival_of(self._position + start + COMMON_HEADER.size), reason)
        self._drop(start)
        return framed

    def _fault(self, arrival: _Arrival, reason: str) -> None:
        self._is_bmp = True
        self._add(arrival, MalformedError(0, reason, _SOURCE))

    def _add(self, arrival: _Arrival, message: bytes | DecodeError) -> None:
        self._found.append(Found(arrival.packet, arrival.time_ns, message))

    def _arrival_of(self, end: int) -> _Arrival:
        """Find the segment that brought the octet before position ``end``; never one before it."""
        while self._arrivals[0].end < end:
            self._arrivals.popleft()
        return self._arrivals[0]

    def _drop(self, octets: int) -> None:
        del self._octets[:octets]
        self._position += octets
        while self._arrivals and self._arrivals[0].end <= self._position:
            self._arrivals.popleft()
