"""Accept BMP sessions and read them in turns, so that UDP datagrams never wait for a table load.

A router that (re)starts sends whole tables as fast as TCP takes them. Sessions that have octets
waiting stand in a queue; a turn of the event loop reads from them for a few milliseconds, then the
loop looks at the UDP sockets again. What is not read waits in TCP, which slows the router down.

A session that was read empty is left alone for some milliseconds: routes that change all the time
come in small pieces, and a message costs several times less among a hundred others.
"""

import asyncio
import errno
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Protocol

from collector.errors import DecodeError
from collector.metrics import Counters, register
from collector.protocols.bmp.framing import BmpFramer

register(
    bmp_sessions="BMP connections accepted",
    bmp_sessions_refused="BMP connections closed at once because there are too many",
    bmp_sessions_lost="BMP connections that ended, by reason",
    bmp_accept_failed="times that no connection could be accepted, mostly for want of descriptors",
    bmp_octets="octets read from BMP connections",
)

SERVICE_STOPS = "service stops"
"""The reason of sessions that our own end ends."""

_TURN_S = 0.005
# Four octets announce a route or withdraw it, and what one read brings must fit in a turn. With
# half of it a route of a table costs a third more, with twice as much a tenth less (measured).
_READ_OCTETS = 32_768
_PAUSE_S = 0.01  # a tenth of what a batch of flows waits for its end
_MAX_SESSIONS = 4_096
_MAX_ACCEPTS = 64  # a wake-up
_ACCEPT_PAUSE_S = 1.0
# The router gave up between SYN and accept: the next connection may be well (accept(2)).
_PEER_GAVE_UP = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN})


@dataclass(slots=True, eq=False)
class BmpSession:
    """One connection of one router."""

    number: int
    address: str  # canonical text
    port: int
    opened_s: float
    sock: socket.socket
    framer: BmpFramer = field(default_factory=BmpFramer)


class SessionHandler(Protocol):
    """What becomes of sessions and their messages."""

    def opened(self, session: BmpSession) -> None:
        """A router connected."""

    def received(self, session: BmpSession, messages: Sequence[bytes], now_s: float) -> bool:
        """Whole messages came, in order; False: the session cannot go on and is to be closed."""

    def closed(self, session: BmpSession, reason: str, now_s: float) -> None:
        """The connection ended; ``reason`` is for the log."""


class BmpReceiver:
    """All BMP sessions of one worker."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listeners: Sequence[socket.socket],
        handler: SessionHandler,
        counters: Counters,
    ) -> None:
        self.sessions: dict[int, BmpSession] = {}
        self._loop = loop
        self._listeners = listeners
        self._handler = handler
        self._counters = counters
        self._number = 0
        self._ready: deque[BmpSession] = deque()
        self._turn_due = False
        self._accepting = False

    def start(self) -> None:
        """Accept connections from now on."""
        self._accepting = True
        for listener in self._listeners:
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    def stop(self) -> None:
        """Accept no more."""
        self._accepting = False
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())

    def read_queued(self, deadline_s: float) -> None:
        """Read every session until it would block, or until ``deadline_s`` (monotonic)."""
        for session in list(self.sessions.values()):
            while time.monotonic() < deadline_s and self._read(session):
                pass

    def close_all(self, reason: str) -> None:
        """End all sessions."""
        for session in list(self.sessions.values()):
            self.close(session, reason)

    def close(self, session: BmpSession, reason: str) -> None:
        """End one session, for whatever reason."""
        if self.sessions.pop(session.number, None) is None:
            return
        self._loop.remove_reader(session.sock.fileno())
        session.sock.close()
        self._counters.add(f"bmp_sessions_lost.{_counter_reason(reason)}")
        self._handler.closed(session, reason, time.time())

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_MAX_ACCEPTS):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._counters.add("bmp_accept_failed")
                if error.errno not in _PEER_GAVE_UP:
                    self._pause(listener)
                    return
                continue
            if len(self.sessions) >= _MAX_SESSIONS:
                self._counters.add("bmp_sessions_refused")
                sock.close()
                continue
            self._open(sock, address)

    def _pause(self, listener: socket.socket) -> None:
        # Without a descriptor left the listener stays readable, and the loop would do nothing else.
        self._loop.remove_reader(listener.fileno())
        self._loop.call_later(_ACCEPT_PAUSE_S, self._resume, listener)

    def _resume(self, listener: socket.socket) -> None:
        if self._accepting:
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    def _open(self, sock: socket.socket, address: tuple) -> None:
        sock.setblocking(False)
        # A router that vanishes without a FIN would keep its routes alive for ever.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
        self._number += 1
        session = BmpSession(
            self._number, canonical_address(address[0]), address[1], time.time(), sock
        )
        self.sessions[session.number] = session
        self._counters.add("bmp_sessions")
        self._handler.opened(session)
        self._listen(session)

    def _readable(self, session: BmpSession) -> None:
        # Level-triggered: while the session waits for its turn, its readiness is no news.
        self._loop.remove_reader(session.sock.fileno())
        self._ready.append(session)
        self._schedule()

    def _schedule(self) -> None:
        if self._ready and not self._turn_due:
            self._turn_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_due = False
        deadline_s = time.monotonic() + _TURN_S
        while self._ready and time.monotonic() < deadline_s:
            session = self._ready.popleft()
            if session.number not in self.sessions:
                continue
            if self._read(session) == _READ_OCTETS:
                self._ready.append(session)
            elif session.number in self.sessions:
                self._loop.call_later(_PAUSE_S, self._listen, session)
        self._schedule()

    def _listen(self, session: BmpSession) -> None:
        if session.number in self.sessions:
            self._loop.add_reader(session.sock.fileno(), self._readable, session)

    def _read(self, session: BmpSession) -> int:
        """Read once; return how many octets, 0 where none are left or the session has ended."""
        if session.number not in self.sessions:
            return 0
        try:
            octets = session.sock.recv(_READ_OCTETS)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.close(session, f"connection lost: {error.strerror}")
            return 0
        if not octets:
            self.close(session, "closed by the router")
            return 0
        self._counters.add("bmp_octets", len(octets))
        try:
            messages = session.framer.feed(octets)
        except DecodeError as error:
            self.close(session, f"framing lost: {error}")
            return 0
        if messages and not self._handler.received(session, messages, time.time()):
            self.close(session, "internal error")
        return len(octets) if session.number in self.sessions else 0


def canonical_address(address: bytes | str) -> str:
    """Write an address as the kernel gives it in its canonical form, IPv4-mapped ones as IPv4."""
    address = ip_address(address.partition("%")[0] if isinstance(address, str) else address)
    return str(getattr(address, "ipv4_mapped", None) or address)


def _counter_reason(reason: str) -> str:
    return reason.partition(":")[0].replace(" ", "_")
