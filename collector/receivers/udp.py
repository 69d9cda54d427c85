"""Read datagrams from a UDP socket, many a turn.

The datagrams of a batch stay where the kernel put them until the batch is closed; the reader asks
for it to be closed when there is no room left.
"""

import socket
from collections.abc import Callable

import numpy as np

from collector.metrics import Counters, register
from collector.protocols.flow_burst import Burst
from collector.receivers.recvmmsg import DatagramRooms

register(
    udp_datagrams="datagrams read from the sockets",
    udp_octets="octets of those datagrams",
    udp_errors="reads of a socket that failed",
)

MAX_READS = 2_000
"""Datagrams read at once: the loop must get its turn even under constant load."""


class UdpReader:
    """Drains one non-blocking UDP socket into a buffer.

    Args:
        sock: a bound, non-blocking UDP socket.
        handle: called with datagrams that were read together; they stay as they are until `reset`,
            at least until it returns.
        full: called when the buffer is used up; it must call `reset`.
        rooms: datagrams that have room.
    """

    def __init__(
        self,
        sock: socket.socket,
        handle: Callable[[Burst], object],
        full: Callable[[], object],
        counters: Counters,
        rooms: int = 2048,
    ) -> None:
        self._handle = handle
        self._full = full
        self._counters = counters
        self._rooms = DatagramRooms(sock, rooms)
        self._count = rooms
        self._used = 0
        self._octets = 0

    def reset(self) -> None:
        """Forget all datagrams: the batch that used them is closed."""
        self._used = 0

    def drain(self, reads: int = MAX_READS) -> int:
        """Read what is queued, at most ``reads`` datagrams; return how many there were."""
        left = reads
        while left:
            if self._used == self._count:
                self._full()
            if not self._used:
                # Only now: what was read together stays as it is until it was handled.
                self._rooms.give_back(self._octets)
                self._octets = 0
            limit = min(left, self._count - self._used)
            try:
                count = self._rooms.receive(self._used, limit)
            except OSError:
                # ICMP errors of earlier sends and the like: never a reason to stop reading.
                self._counters.add("udp_errors")
                left -= 1
                continue
            if count:
                left -= count
                self._take(count)
            if count < limit:
                break
        return reads - left

    def _take(self, count: int) -> None:
        first, self._used = self._used, self._used + count
        rooms, part = self._rooms, slice(first, first + count)
        lengths = rooms.lengths[part].astype(np.int64)
        octets = int(lengths.sum())
        self._octets += octets
        self._counters.add("udp_datagrams", count)
        self._counters.add("udp_octets", octets)
        self._handle(Burst(rooms.octets, rooms.starts[part], lengths, rooms.sources(first, count)))
