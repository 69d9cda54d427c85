"""When a UDP socket is read: every few milliseconds while datagrams come, not at each of them.

A wake-up of the event loop costs as much as reading and decoding half a dozen datagrams (measured:
11 us of 24 us a datagram of 18 flows, at 3 300 datagrams/s). A socket that had datagrams is left
alone until its next turn; only one that had none is watched.
"""

import asyncio
import socket
from collections.abc import Callable

# The default receive buffer (92 datagrams of 1400 octets) holds what comes at 400 000 flows/s.
_TURN_S = 0.004


class UdpTurns:
    """Turns of one socket.

    Args:
        sock: non-blocking.
        read: reads what is queued; whether anything was.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, read: Callable[[], bool]
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._read = read
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Read from now on."""
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def stop(self) -> None:
        """Read no more."""
        self._loop.remove_reader(self._sock.fileno())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _readable(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._turn()

    def _turn(self) -> None:
        began_s = self._loop.time()
        if self._read():
            # From its beginning: who is busy for longer than a turn must not be idle after it.
            self._timer = self._loop.call_at(began_s + _TURN_S, self._turn)
        else:
            self._timer = None
            self._loop.add_reader(self._sock.fileno(), self._readable)
