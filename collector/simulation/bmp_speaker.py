"""The BMP side of a simulated router: whole tables, then small changes, over and over."""

import asyncio
import contextlib
import random
import struct
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator

from collector.simulation.announced import Announced, AsPath
from collector.simulation.bgp import (
    Network,
    Route,
    announcements,
    end_of_rib,
    multiprotocol,
    open_message,
    withdrawal,
)
from collector.simulation.bmp import (
    LOC_RIB,
    initiation,
    peer_up,
    route_monitoring,
    statistics,
    termination,
)
from collector.simulation.network import OWN_AS, PeerTable, RouterPlan

_FAMILIES = ((1, 1), (2, 1))
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 5.0
_ROUTES_IN_ADJ_RIB_IN, _ROUTES_IN_LOC_RIB = 7, 8  # statistics types, RFC 7854 section 4.8

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]


class BmpSpeaker:
    """One router's BMP session to the collector, made again whenever it is lost.

    Args:
        announced: is told of every announcement and withdrawal as it is sent.
        changes_per_s: routes withdrawn, announced again or announced over another path.
        clock, sleep: `time.time` and `asyncio.sleep`, unless a test has its own.
    """

    def __init__(
        self,
        plan: RouterPlan,
        announced: Announced,
        *,
        changes_per_s: float,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self.sessions = 0
        self.sent_messages = 0
        self.tables_sent = asyncio.Event()
        self._plan = plan
        self._announced = announced
        self._interval_s = 1 / changes_per_s if changes_per_s else None
        self._clock = clock
        self._sleep = sleep
        self._rng = random.Random(f"bmp {plan.seed}")
        self._tables = [dict(table.routes) for table in plan.tables]

    @property
    def end_of_ribs(self) -> int:
        """How many End-of-RIB markers a session begins with: one a table and family."""
        return len(self._plan.tables) * len(_FAMILIES)

    @property
    def routes(self) -> int:
        """Routes in all tables now."""
        return sum(map(len, self._tables))

    async def run(self, host: str, port: int) -> None:
        """Speak to the collector until cancelled; connect again with back-off."""
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                reader, writer = await asyncio.open_connection(
                    host, port, local_addr=(self._plan.address, 0)
                )
            except OSError:
                await self._sleep(delay_s)
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
                continue
            self.sessions += 1
            try:
                with contextlib.suppress(ConnectionError):
                    await self._speak(reader, writer)
            finally:
                writer.close()
            delay_s = _FIRST_DELAY_S
            await self._sleep(delay_s)

    def opening(self, time_s: float) -> Iterator[bytes]:
        """What a session begins with: who we are, the peers, their whole tables, End-of-RIB."""
        yield initiation(self._plan.name)
        for table in self._plan.tables:
            yield self._peer_up(table, time_s)
        for rank, (table, routes) in enumerate(zip(self._plan.tables, self._tables, strict=True)):
            # As a router packs them: routes that share their attributes share an UPDATE.
            shared: dict[tuple[AsPath, int], list[Network]] = defaultdict(list)
            for prefix, as_path in routes.items():
                shared[as_path, prefix.version].append(prefix)
                self._announced.announce(rank, prefix, as_path, time_s)
            for (as_path, _), prefixes in shared.items():
                for update in announcements(prefixes, _route(table, prefixes[0], as_path)):
                    yield route_monitoring(table.peer, update, time_s)
            for family in _FAMILIES:
                yield route_monitoring(table.peer, end_of_rib(*family), time_s)
            yield self._statistics(table, len(routes), time_s)

    def change(self, time_s: float) -> bytes:
        """Withdraw a route, announce it again, or announce it over a longer path: one message."""
        rank = self._rng.randrange(len(self._tables))
        table, routes = self._plan.tables[rank], self._tables[rank]
        prefix = self._rng.choice(self._plan.unstable)
        first_path = table.routes[prefix]
        if routes.get(prefix) == first_path and self._rng.random() < 0.5:
            del routes[prefix]
            self._announced.withdraw(rank, prefix, time_s)
            return route_monitoring(table.peer, withdrawal([prefix]), time_s)
        # The neighbour prepends its AS: a path that nobody but this router's peer has.
        longer = (first_path[0], *first_path)
        as_path = longer if routes.get(prefix) == first_path else first_path
        routes[prefix] = as_path
        self._announced.announce(rank, prefix, as_path, time_s)
        (update,) = announcements([prefix], _route(table, prefix, as_path))
        return route_monitoring(table.peer, update, time_s)

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for message in self.opening(self._clock()):
            await self._send(writer, message)
        self.tables_sent.set()
        # The collector says nothing: what can be read is the end of the connection.
        lost = asyncio.ensure_future(reader.read(1))
        try:
            while self._interval_s is not None and await self._is_open(lost, self._interval_s):
                await self._send(writer, self.change(self._clock()))
            await lost
        except asyncio.CancelledError:
            writer.write(termination())
            raise
        finally:
            lost.cancel()

    async def _is_open(self, lost: asyncio.Future[bytes], interval_s: float) -> bool:
        pause = asyncio.ensure_future(self._sleep(interval_s))
        try:
            await asyncio.wait([lost, pause], return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
        return not lost.done()

    async def _send(self, writer: asyncio.StreamWriter, message: bytes) -> None:
        self.sent_messages += 1
        writer.write(message)
        await writer.drain()

    def _peer_up(self, table: PeerTable, time_s: float) -> bytes:
        families = b"".join(multiprotocol(*family) for family in _FAMILIES)
        peer = table.peer
        sent = open_message(OWN_AS, self._plan.bgp_id, families)
        received = open_message(peer.as_number, peer.bgp_id, families)
        name = "global" if peer.type == LOC_RIB else ""
        return peer_up(peer, self._plan.address, sent, received, time_s, name)

    def _statistics(self, table: PeerTable, routes: int, time_s: float) -> bytes:
        kind = _ROUTES_IN_LOC_RIB if table.peer.type == LOC_RIB else _ROUTES_IN_ADJ_RIB_IN
        return statistics(table.peer, [(kind, struct.pack("!Q", routes))], time_s)


def _route(table: PeerTable, prefix: Network, as_path: AsPath) -> Route:
    return Route(
        as_path,
        table.next_hop(prefix),
        local_pref=table.local_pref,
        med=0,
        communities=((as_path[0], 100),),
        large_communities=((OWN_AS, as_path[0], len(as_path)),),
    )
