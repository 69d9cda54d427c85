"""The way of BMP messages through a worker in nfacctd's mode: who may speak, and long work."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Sequence

from collector.metrics import Counters, register
from collector.nfacctd.bmp.log import BmpLog
from collector.receivers.bmp_tcp import SERVICE_STOPS, BmpSession
from collector.steering.allow_list import AllowList
from collector.workers.guard import Guard

register(nfacctd_bmp_not_allowed="BMP connections of addresses outside of bmp_daemon_allow_file")

_PAUSE_S = 0.02
_MANY_ROUTES = 20_000

log = logging.getLogger(__name__)


class NfacctdBmpPath:
    """Hands BMP sessions to the log; work that one call leaves is done in further turns.

    Args:
        allow: `bmp_daemon_allow_file`; None: everybody may speak.
        has_room: whether outputs take more; long work, whose records are many, waits for it.
    """

    def __init__(
        self,
        bmp_log: BmpLog,
        counters: Counters,
        guard: Guard,
        allow: AllowList | None,
        has_room: Callable[[], bool],
    ) -> None:
        self._log = bmp_log
        self._counters = counters
        self._guard = guard
        self._allow = allow
        self._has_room = has_room
        self._turn_due = False
        self._refused: set[int] = set()
        self._routes_at_rest = 0

    def opened(self, session: BmpSession) -> None:
        """A router connected. One that may not is ended as soon as it speaks."""
        if self._allow is not None and not self._allow.allows(session.address):
            self._counters.add("nfacctd_bmp_not_allowed")
            self._refused.add(session.number)
            return
        self._guard.run("bmp_open", self._log.opened, session, session.opened_s)

    def received(self, session: BmpSession, messages: Sequence[bytes], now_s: float) -> bool:
        """Whole messages came, in order; False: the session is to be closed."""
        if session.number in self._refused:
            return False
        done = self._guard.run("bmp", self._log.received, session, messages, now_s)
        self.schedule()
        return done

    def closed(self, session: BmpSession, reason: str, now_s: float) -> None:
        """The connection ended.

        Where the service is what ends, nfacctd tells nothing of its sessions (reference 7.2).
        """
        if session.number in self._refused:
            self._refused.discard(session.number)
        elif reason != SERVICE_STOPS:
            self._guard.run("bmp_close", self._log.closed, session, now_s)
            self.schedule()

    def schedule(self) -> None:
        """Go on with long work in a later turn of the loop."""
        if not self._log.has_work or self._turn_due:
            return
        self._turn_due = True
        loop = asyncio.get_running_loop()
        if self._has_room():
            loop.call_soon(self._turn)
        else:
            loop.call_later(_PAUSE_S, self._turn)

    def rest(self) -> None:
        """Take routes that have come out of what Python's collector of cycles looks through.

        It would go through a million of them again and again, and flows wait meanwhile. They are
        in no cycle once their session or peer has ended, so that they are freed all the same.
        """
        routes = self._log.routes
        if routes > self._routes_at_rest + _MANY_ROUTES:
            gc.collect(1)
            gc.freeze()
            self._routes_at_rest = routes
        self._routes_at_rest = min(routes, self._routes_at_rest)

    async def finish(self, timeout_s: float) -> None:
        """Do all that is left, as fast as outputs take it."""
        deadline_s = time.monotonic() + timeout_s
        self.schedule()
        while self._log.has_work:
            if time.monotonic() >= deadline_s:
                log.error("BMP messages that came last are not all published: no time is left")
                return
            await asyncio.sleep(0 if self._has_room() else _PAUSE_S)

    def _turn(self) -> None:
        self._turn_due = False
        if self._has_room():
            self._guard.run("bmp", self._log.resume)
        self.schedule()
