"""One direction of a TCP connection, its octets put in sequence order (RFC 9293 section 3.4)."""

import heapq
from typing import NamedTuple

from collector.receivers.capture.transport import TcpSegment

# A sender has at most one window of octets on its way, so what is still missing when more than
# that was seen behind it was lost by the capture, not by the network.
_MAX_HELD_OCTETS = 4 << 20
_HELD_SEGMENT_COST = 256  # what Python needs for a held segment beside its octets
# Farther than any window from what comes next: another connection with the same ports.
_ELSEWHERE_OCTETS = 64 << 20
# Without a SYN, a stream begins with the earliest octet that this many data segments in a row do
# not precede: the first ones captured may be out of order, but few wait for that.
_SEGMENTS_TO_TELL_THE_START = 4


class Chunk(NamedTuple):
    """Octets that a segment brought into sequence order.

    ``packet`` and ``time_ns`` are those of the segment that made them available; ``after_gap``
    tells that octets before them were lost.
    """

    packet: int
    time_ns: int | None
    octets: bytes
    after_gap: bool


class _Held(NamedTuple):
    """A segment whose predecessors have not been seen; ``start`` is its place in the stream."""

    start: int
    packet: int
    time_ns: int | None
    octets: bytes


def _distance(number: int, reference: int) -> int:
    """``number - reference`` in sequence space, from -2^31 up to 2^31 - 1."""
    return ((number - reference + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class TcpStream:
    """One direction of one connection.

    Places in the stream count from 0, the first octet after the SYN or the first one captured;
    negative ones were captured after it, out of order.
    """

    def __init__(self) -> None:
        self.closed = False
        self._position = 0  # of the octet wanted next
        self._start = 0  # of the first octet
        self._start_is_open = False  # no SYN: an earlier octet may come, so all segments wait
        self._not_earlier = 0  # data segments since the one that has the earliest octet
        self._first_number: int | None = None  # sequence number of place 0
        self._initial_number: int | None = None  # of the SYN
        self._syn_octets = 0
        self._only_acknowledged = False  # nothing but segments without data was seen
        self._end: int | None = None  # place of the FIN
        self._held: list[_Held] = []  # heap
        self._held_cost = 0
        self._held_since = 0  # packet that made the heap no longer empty

    @property
    def held_since(self) -> int | None:
        """A packet number that none whose octets wait for their predecessors is below."""
        return self._held_since if self._held else None

    @property
    def held_octets(self) -> int:
        """What the waiting segments take in memory, about."""
        return self._held_cost

    def belongs(self, segment: TcpSegment) -> bool:
        """Tell whether a segment is of this connection, not of a later one with the same ports."""
        number = segment.sequence_number
        if self._first_number is None:
            return True
        if segment.syn:
            if self._initial_number is None:
                # The SYN of a stream that seemed to start in the middle, captured out of order.
                return _distance(self._first_number + self._start, number) in (0, 1)
            return number == self._initial_number
        if not segment.payload:
            return True
        place = self._place(number)
        end = self._position if self.closed else self._end
        if end is not None and place + len(segment.payload) > end:
            return False
        return abs(place - self._position) < _ELSEWHERE_OCTETS

    def add(self, segment: TcpSegment, packet: int, time_ns: int | None) -> list[Chunk]:
        """Take a segment that `belongs`; give what is in sequence order now, maybe nothing."""
        octets = b"" if segment.rst else bytes(segment.payload)  # a reset carries but a reason
        chunks: list[Chunk] = []
        if segment.syn:
            self._begin(segment.sequence_number, len(octets))
            start = self._start
            if self._start_is_open:
                chunks = self._read_from_start()
        else:
            self._settle(segment.sequence_number, len(octets))
            start = self._place(segment.sequence_number)
        if octets and start <= self._position and not self._start_is_open:
            self._append(chunks, start, packet, time_ns, octets)
            self._release(chunks, packet, time_ns)
        elif octets:
            self._hold(_Held(start, packet, time_ns, octets))
            if self._start_is_open and self._tells_the_start(start):
                chunks = self._read_from_start()
            if self._held_cost > _MAX_HELD_OCTETS:
                chunks += self.skip_gap()
        if segment.fin:
            self._end = start + len(octets)
        if segment.rst:
            chunks += self.flush()
        self.closed |= segment.rst or self._has_ended()
        return chunks

    def skip_gap(self) -> list[Chunk]:
        """Give up the octets that are missing; give what waited for them."""
        if not self._held:
            return []
        self._position = self._held[0].start
        chunks = self._take_run()
        chunks[0] = chunks[0]._replace(after_gap=True)
        return chunks

    def flush(self) -> list[Chunk]:
        """Give everything that waits, jumping over gaps: nothing more will come."""
        chunks = self._read_from_start() if self._start_is_open else []
        while self._held:
            chunks += self.skip_gap()
        return chunks

    def _has_ended(self) -> bool:
        """Tell whether all before the FIN came; of a stream whose start is open nobody knows."""
        start_is_known = not (self._start_is_open or self._only_acknowledged)
        return start_is_known and self._end is not None and self._position >= self._end

    def _tells_the_start(self, place: int) -> bool:
        """Learn from one more segment where the stream starts; True where no more are needed."""
        if place < self._start:
            self._start = self._position = place
            self._not_earlier = 0
        self._not_earlier += 1
        enough = self._not_earlier >= _SEGMENTS_TO_TELL_THE_START
        return enough or self._held_cost > _MAX_HELD_OCTETS

    def _read_from_start(self) -> list[Chunk]:
        """Take the earliest octet seen for the first one; give what is in sequence from there."""
        self._start_is_open = False
        return self._take_run()

    def _take_run(self) -> list[Chunk]:
        """Give what waits at the octet wanted next, up to the next hole."""
        chunks: list[Chunk] = []
        packet, time_ns = -1, None
        while self._held and self._held[0].start <= self._position:
            held = self._pop()
            if held.packet > packet:  # of several out of order, the last one completes
                packet, time_ns = held.packet, held.time_ns
            self._append(chunks, held.start, packet, time_ns, held.octets)
        return chunks

    def _begin(self, number: int, octets: int) -> None:
        if self._initial_number is None:
            self._initial_number, self._syn_octets = number, octets
        if self._first_number is None:
            self._first_number = (number + 1) & 0xFFFFFFFF

    def _settle(self, number: int, octets: int) -> None:
        """Learn from a segment's number where the stream begins, while that is open."""
        if self._first_number is None:
            self._first_number, self._only_acknowledged = number, not octets
            self._start_is_open = octets > 0
        elif not octets:
            return
        elif self._only_acknowledged:
            # A keep-alive has the number before the next octet's (RFC 9293 section 3.8.4).
            if (place := self._place(number)) <= 1:
                self._start = self._position = place
                self._start_is_open = place < 0 and self._initial_number is None
            self._only_acknowledged = False
        elif (
            # A SYN that took no number: what follows its data has ISN + length. A keep-alive
            # before any data has that number too, with one octet at most.
            self._initial_number is not None
            and self._position == self._start + self._syn_octets
            and octets > 1
            and number == (self._initial_number + self._syn_octets) & 0xFFFFFFFF
        ):
            self._first_number = self._initial_number
            self._initial_number = None
            self._held = [held._replace(start=held.start + 1) for held in self._held]
            if self._end is not None:
                self._end += 1

    def _place(self, number: int) -> int:
        assert self._first_number is not None
        return self._position + _distance(number, self._first_number + self._position)

    def _hold(self, held: _Held) -> None:
        if not self._held:
            self._held_since = held.packet
        heapq.heappush(self._held, held)
        self._held_cost += len(held.octets) + _HELD_SEGMENT_COST

    def _append(
        self, chunks: list[Chunk], start: int, packet: int, time_ns: int | None, octets: bytes
    ) -> None:
        fresh = octets[self._position - start :]
        if fresh:
            self._position += len(fresh)
            chunks.append(Chunk(packet, time_ns, fresh, after_gap=False))

    def _release(self, chunks: list[Chunk], packet: int, time_ns: int | None) -> None:
        while self._held and self._held[0].start <= self._position:
            held = self._pop()
            self._append(chunks, held.start, packet, time_ns, held.octets)

    def _pop(self) -> _Held:
        held = heapq.heappop(self._held)
        self._held_cost -= len(held.octets) + _HELD_SEGMENT_COST
        return held
