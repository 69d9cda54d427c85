"""Read datagrams from a UDP socket: many a turn, into one buffer, without a copy each.

The datagrams of a batch stay where the kernel put them until the batch is closed; the reader takes
a new place for each and asks for the batch to be closed when the buffer is full.
"""

import socket
from collections.abc import Callable

from collector.metrics import Counters, register

register(
    udp_datagrams="datagrams read from the sockets",
    udp_octets="octets of those datagrams",
    udp_errors="reads of a socket that failed",
)

_MAX_DATAGRAM_OCTETS = 65_536
_MAX_READS = 1_000  # a turn; the loop must get its turn even under constant load


class UdpReader:
    """Drains one non-blocking UDP socket into a buffer.

    Args:
        sock: a bound, non-blocking UDP socket.
        handle: called for each datagram with the source address as the kernel writes it, and a view
            that stays valid until ``full`` is called.
        full: called when the buffer is used up; after it the views may be overwritten.
        buffer_octets: size of the buffer.
    """

    def __init__(
        self,
        sock: socket.socket,
        handle: Callable[[str, memoryview], None],
        full: Callable[[], None],
        counters: Counters,
        buffer_octets: int = 4 << 20,
    ) -> None:
        self._sock = sock
        self._handle = handle
        self._full = full
        self._counters = counters
        self._buffer = memoryview(bytearray(buffer_octets))
        self._used = 0

    def reset(self) -> None:
        """Forget all datagrams: the batch that used them is closed."""
        self._used = 0

    def drain(self, reads: int = _MAX_READS) -> bool:
        """Read what is queued, at most ``reads`` datagrams; return whether there were any."""
        receive, handle, buffer = self._sock.recvfrom_into, self._handle, self._buffer
        used = start = self._used
        limit = len(buffer) - _MAX_DATAGRAM_OCTETS
        octets = done = failed = 0
        try:
            while done + failed < reads:
                if used > limit:
                    octets += used - start
                    used = start = 0
                    self._full()
                try:
                    count, address = receive(buffer[used:])
                except BlockingIOError:
                    break
                except OSError:
                    # ICMP errors of earlier sends and the like: never a reason to stop reading.
                    failed += 1
                    continue
                begin, used = used, used + count
                done += 1
                handle(address[0], buffer[begin:used])
        finally:
            # Also where ``handle`` raised: the batch has views of what was read so far.
            self._used = used
            self._counters.add("udp_datagrams", done)
            self._counters.add("udp_octets", octets + used - start)
            if failed:
                self._counters.add("udp_errors", failed)
        return done > 0
