"""BMP sessions over real TCP on uvloop: whole messages, lost framing, and turns that are fair."""

import asyncio
import errno
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

import pytest
import uvloop

from collector.metrics import Counters
from collector.receivers import bmp_tcp
from collector.receivers.bmp_tcp import BmpReceiver, BmpSession, canonical_address
from collector.simulation import bmp

HELLO = bmp.initiation("r")


class Handler:
    """Keeps what sessions bring."""

    def __init__(self) -> None:
        self.opened_sessions: list[BmpSession] = []
        self.messages: dict[int, list[bytes]] = defaultdict(list)
        self.reasons: dict[int, str] = {}
        self.on_messages: Callable[[BmpSession], bool] = lambda _: True
        self._news = asyncio.Event()

    def opened(self, session: BmpSession) -> None:
        self.opened_sessions.append(session)
        self._news.set()

    def received(self, session: BmpSession, messages: Sequence[bytes], now_s: float) -> bool:
        self.messages[session.number] += messages
        self._news.set()
        return self.on_messages(session)

    def closed(self, session: BmpSession, reason: str, now_s: float) -> None:
        self.reasons[session.number] = reason
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._news.clear()
                await self._news.wait()


class Bench:
    """A receiver on loopback, and routers that connect to it."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.handler = Handler()
        self.listener = socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=256)
        self.listener.setblocking(False)
        self.loop = asyncio.get_running_loop()
        self.receiver = BmpReceiver(self.loop, [self.listener], self.handler, self.counters)
        self.receiver.start()
        self.routers: list[socket.socket] = []

    async def connect(self) -> socket.socket:
        router = socket.socket(socket.AF_INET6)
        router.setblocking(False)
        await self.loop.sock_connect(router, self.listener.getsockname())
        self.routers.append(router)
        return router

    async def send(self, router: socket.socket, octets: bytes) -> None:
        await self.loop.sock_sendall(router, octets)

    def close(self) -> None:
        self.receiver.stop()
        self.receiver.close_all("service stops")
        for sock in (*self.routers, self.listener):
            sock.close()


def on_uvloop(test: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        bench = Bench()
        try:
            await test(bench)
        finally:
            bench.close()

    uvloop.run(run())


def test_messages_come_whole_however_tcp_cuts_them() -> None:
    async def test(bench: Bench) -> None:
        router = await bench.connect()
        sent = [bmp.initiation(f"router-{number}" * 50) for number in range(20)]
        octets = b"".join(sent)
        for first in range(0, len(octets), 777):
            await bench.send(router, octets[first : first + 777])
        await bench.handler.until(lambda: len(bench.handler.messages[1]) == 20)
        assert bench.handler.messages[1] == sent
        (session,) = bench.handler.opened_sessions
        assert (session.address, session.port) == ("::1", router.getsockname()[1])
        router.close()
        await bench.handler.until(lambda: bool(bench.handler.reasons))
        assert bench.handler.reasons == {1: "closed by the router"}
        assert not bench.receiver.sessions
        assert bench.counters == {
            "bmp_sessions": 1,
            "bmp_octets": len(octets),
            "bmp_sessions_lost.closed_by_the_router": 1,
        }

    on_uvloop(test)


def test_small_pieces_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmp_tcp, "_PAUSE_S", 0.3)

    async def test(bench: Bench) -> None:
        reads = 0

        def read(_: BmpSession) -> bool:
            nonlocal reads
            reads += 1
            return True

        bench.handler.on_messages = read
        router = await bench.connect()
        await bench.send(router, HELLO)
        await bench.handler.until(lambda: len(bench.handler.messages[1]) == 1)
        for _ in range(10):
            await bench.send(router, HELLO)
        await bench.handler.until(lambda: len(bench.handler.messages[1]) == 11)
        assert reads == 2
        # One that ends while it is left alone is not listened to again.
        (session,) = bench.receiver.sessions.values()
        bench.receiver.close(session, "service stops")
        bench.receiver._listen(session)

    on_uvloop(test)


def test_lost_framing_closes_that_session_only() -> None:
    async def test(bench: Bench) -> None:
        bad, good = await bench.connect(), await bench.connect()
        await bench.send(bad, HELLO + b"GET / HTTP/1.1\r\n")
        await bench.handler.until(lambda: bool(bench.handler.messages))
        await bench.send(bad, b"Host: x\r\n")
        await bench.handler.until(lambda: bool(bench.handler.reasons))
        assert await bench.loop.sock_recv(bad, 1) == b""
        await bench.send(good, HELLO)
        await bench.handler.until(lambda: len(bench.handler.messages) == 2)
        (reason,) = bench.handler.reasons.values()
        assert reason.startswith("framing lost: octet 0: BMP version 71")
        assert bench.counters["bmp_sessions_lost.framing_lost"] == 1

    on_uvloop(test)


def test_a_session_whose_messages_cannot_be_taken_is_closed() -> None:
    async def test(bench: Bench) -> None:
        bench.handler.on_messages = lambda session: session.number != 1
        first, second = await bench.connect(), await bench.connect()
        await bench.send(first, HELLO)
        await bench.handler.until(lambda: bool(bench.handler.reasons))
        await bench.send(second, HELLO)
        await bench.handler.until(lambda: bool(bench.handler.messages[2]))
        assert bench.handler.reasons == {1: "internal error"}

    on_uvloop(test)


def test_a_reset_connection_is_lost() -> None:
    async def test(bench: Bench) -> None:
        router = await bench.connect()
        await bench.handler.until(lambda: bool(bench.handler.opened_sessions))
        linger = b"\1\0\0\0\0\0\0\0"
        router.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        router.close()
        await bench.handler.until(lambda: bool(bench.handler.reasons))
        assert bench.counters["bmp_sessions_lost.connection_lost"] == 1

    on_uvloop(test)


def test_sessions_past_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmp_tcp, "_MAX_SESSIONS", 2)

    async def test(bench: Bench) -> None:
        routers = [await bench.connect() for _ in range(3)]
        assert await bench.loop.sock_recv(routers[2], 1) == b""
        assert len(bench.receiver.sessions) == 2
        assert bench.counters["bmp_sessions_refused"] == 1

    on_uvloop(test)


@pytest.mark.parametrize(("sessions", "octets"), [(1, 20_000_000), (100, 200_000)])
def test_datagrams_do_not_wait_for_tables(
    monkeypatch: pytest.MonkeyPatch, sessions: int, octets: int
) -> None:
    # Time stands still but for messages, of which each read takes 2 ms: a turn is three reads.
    now_s = 0.0
    monkeypatch.setattr(bmp_tcp.time, "monotonic", lambda: now_s)

    async def test(bench: Bench) -> None:
        reads = between = most = 0

        def take(_: BmpSession) -> bool:
            nonlocal now_s, reads, between, most
            now_s += 0.002
            reads += 1
            between += 1
            most = max(most, between)
            return True

        def datagram_readable() -> None:
            nonlocal between
            between = 0
            datagrams.recv(100)
            datagrams_sender.send(b"next")

        bench.handler.on_messages = take
        message = bmp.initiation("x" * 1000)
        wanted = octets // len(message)
        routers = [await bench.connect() for _ in range(sessions)]
        await bench.handler.until(lambda: len(bench.handler.opened_sessions) == sessions)
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(("127.0.0.1", 0))
            datagrams.setblocking(False)
            with socket.socket(type=socket.SOCK_DGRAM) as datagrams_sender:
                datagrams_sender.connect(datagrams.getsockname())
                bench.loop.add_reader(datagrams.fileno(), datagram_readable)
                datagrams_sender.send(b"first")
                sending = [bench.send(router, message * wanted) for router in routers]
                await asyncio.gather(*sending)
                await bench.handler.until(
                    lambda: (
                        all(len(m) == wanted for m in bench.handler.messages.values())
                        and len(bench.handler.messages) == sessions
                    )
                )
                bench.loop.remove_reader(datagrams.fileno())
        assert reads >= octets * sessions // 65_536
        assert most <= 6  # a turn before the datagram was looked at, and one after

    on_uvloop(test)


def test_what_is_queued_at_the_end_is_read() -> None:
    async def test(bench: Bench) -> None:
        router = await bench.connect()
        await bench.handler.until(lambda: bool(bench.handler.opened_sessions))
        router.setblocking(True)
        router.sendall(HELLO * 3000)
        bench.receiver.stop()
        bench.receiver.read_queued(float("inf"))
        assert len(bench.handler.messages[1]) == 3000
        bench.receiver.close_all("service stops")
        assert bench.handler.reasons == {1: "service stops"}
        assert await bench.loop.sock_recv(_unblocked(router), 1) == b""

    on_uvloop(test)


def test_accepting_pauses_where_no_descriptor_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmp_tcp, "_ACCEPT_PAUSE_S", 0.01)

    class Full:
        """A listener whose process has no descriptor left, once."""

        def __init__(self, listener: socket.socket) -> None:
            self.listener = listener
            self.refusals = [errno.EMFILE, errno.ECONNABORTED]

        def fileno(self) -> int:
            return self.listener.fileno()

        def accept(self) -> tuple[socket.socket, tuple[str, int]]:
            if self.refusals:
                raise OSError(self.refusals.pop(0), "refused")
            return self.listener.accept()

    async def test(bench: Bench) -> None:
        bench.receiver.stop()
        bench.receiver._listeners = [Full(bench.listener)]  # type: ignore[list-item]
        bench.receiver.start()
        router = await bench.connect()
        await bench.send(router, HELLO)
        await bench.handler.until(lambda: bool(bench.handler.messages))
        assert bench.counters["bmp_accept_failed"] == 2

    on_uvloop(test)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_addresses_are_canonical(text: str, canonical: str) -> None:
    assert canonical_address(text) == canonical


def _unblocked(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    return sock
