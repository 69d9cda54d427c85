"""When UDP sockets are read: a few times a second while datagrams come, not at each of them.

Waking up costs as much as reading and decoding half a dozen datagrams, and a batch as much as a
thousand of its records. So what is read in a turn is a batch; sockets that had datagrams are left
alone until the next turn, and only when there were none are they watched. One whose buffer is small
is always watched.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from collector.receivers.udp import MAX_READS

# At such a rate the cost of a batch matters more than when its records come: turns are longer.
_BUSY_PER_S = 700
_BUSY_TURNS = 2
# Holds 3600 datagrams of 1400 octets, the system's default 92: a burst would be lost in a turn.
_LARGE_BUFFER_OCTETS = 8 << 20


class UdpTurns:
    """Turns of all sockets of a worker.

    Args:
        sockets: non-blocking, each with what reads what is queued, at most ``MAX_READS`` datagrams,
            and gives how many there were.
        turn_s: from one turn to the next; twice that under load.
        end: called after each turn: what was read until then should be worked on.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sockets: Sequence[tuple[socket.socket, Callable[[], int]]],
        turn_s: float,
        end: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._reads = [read for _, read in sockets]
        self._turn_s = turn_s
        self._end = end
        self._timer: asyncio.Handle | None = None
        self._began_s = loop.time()
        self._small: list[tuple[int, Callable[[], int]]] = []
        self._large: list[int] = []
        for sock, read in sockets:
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < _LARGE_BUFFER_OCTETS:
                self._small.append((sock.fileno(), read))
            else:
                self._large.append(sock.fileno())

    def start(self) -> None:
        """Read from now on."""
        for descriptor, read in self._small:
            self._loop.add_reader(descriptor, self._read_small, read)
        self._watch()

    def stop(self) -> None:
        """Read no more."""
        for descriptor in (*self._large, *(descriptor for descriptor, _ in self._small)):
            self._loop.remove_reader(descriptor)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        for descriptor in self._large:
            self._loop.add_reader(descriptor, self._turn)

    def _read_small(self, read: Callable[[], int]) -> None:
        if read() and self._timer is None:
            # The first of a batch: the others have a turn's time to come.
            self._begin_turns()
            self._timer = self._loop.call_later(self._turn_s, self._turn)

    def _begin_turns(self) -> None:
        for descriptor in self._large:
            self._loop.remove_reader(descriptor)

    def _turn(self) -> None:
        if self._timer is None:
            self._begin_turns()
        began_s = self._loop.time()
        counts = [read() for read in self._reads]
        self._end()
        since_s, self._began_s = max(began_s - self._began_s, self._turn_s), began_s
        if max(counts) >= MAX_READS:
            self._timer = self._loop.call_soon(self._turn)
        elif any(counts):
            turns = _BUSY_TURNS if sum(counts) > _BUSY_PER_S * since_s else 1
            # From its beginning: who is busy for longer than a turn must not be idle after it.
            self._timer = self._loop.call_at(began_s + turns * self._turn_s, self._turn)
        else:
            self._timer = None
            self._watch()
