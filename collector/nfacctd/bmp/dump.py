"""Table dumps: when they are due, and what is in them (reference 3.6)."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp.record import BmpRecord, Router
from collector.nfacctd.bmp.route_store import RouterRoutes
from collector.nfacctd.bmp.shapes import RouteHead, Shape, Stamp, fill_route
from collector.nfacctd.bmp.times import slot_text, time_text
from collector.nfacctd.settings import Timestamps

_DJB2_START, _DJB2_FACTOR, _MASK = 5381, 33, (1 << 64) - 1
_MAX_EVENTS = 100_000  # of a router between two dumps; the oldest go first


@dataclass(frozen=True, slots=True)
class DumpSchedule:
    """When which routers are dumped: at multiples of a slot's length on the wall clock."""

    refresh_s: int
    slots: int = 1

    @property
    def slot_s(self) -> int:
        """Length of a slot."""
        return max(1, self.refresh_s // self.slots)

    def next_s(self, now_s: float) -> int:
        """The moment, after now, when the next slot begins."""
        return (int(now_s) // self.slot_s + 1) * self.slot_s

    def slot_start_s(self, now_s: float) -> int:
        """The moment when the present slot began: the time of its dump."""
        return int(now_s) // self.slot_s * self.slot_s

    def is_due(self, address: str, now_s: float) -> bool:
        """Whether a router is dumped in the present slot."""
        present = int(now_s) // self.slot_s % self.slots
        return djb2(address) % self.slots == present


def djb2(text: str) -> int:
    """Hash an address as nfacctd does to find its slot: D. J. Bernstein's, in 64 bits."""
    value = _DJB2_START
    for octet in text.encode():
        value = value * _DJB2_FACTOR + octet & _MASK
    return value


class DumpEvent(NamedTuple):
    """A message to repeat in the next dump; ``body`` of ``arguments`` makes what it says."""

    kind: str
    name: str
    time_us: int
    body: Callable[..., dict[str, Any]]
    arguments: tuple


@dataclass(slots=True)
class DumpEvents:
    """What a router said since its last dump, besides routes."""

    _events: deque[DumpEvent] = field(default_factory=deque)

    def add(self, event: DumpEvent) -> bool:
        """Keep an event; False where an older one had to go."""
        fits = len(self._events) < _MAX_EVENTS
        if not fits:
            self._events.popleft()
        self._events.append(event)
        return fits

    def take(self) -> deque[DumpEvent]:
        """Give all, and forget them."""
        taken, self._events = self._events, deque()
        return taken


class DumpTime(NamedTuple):
    """The numbers and times of a dump of all routers that are due."""

    slot_s: int
    now_us: int
    period_s: int


def dump_router(
    routes: RouterRoutes,
    router: Router,
    events: deque[DumpEvent],
    shape: Shape,
    style: Timestamps,
    seq: int,
    time: DumpTime,
) -> Iterator[BmpRecord]:
    """Write the dump of one router: init, routes by family, events, close.

    The routes are those of the moment when the first record is taken.

    Args:
        seq: number of dump_init; all that follows has the next one.
    """
    now = Stamp(seq, time_text(time.now_us, style))

    def told(kind: str, fields: dict[str, Any]) -> BmpRecord:
        return BmpRecord(kind, router, time.slot_s, fields)

    held = sorted(routes.all_tables(), key=lambda table: (table.afi, table.safi))
    entries = [
        (table, list(table.entries.values()), [e.attributes for e in table.entries.values()])
        for table in held
    ]
    yield told(
        kinds.DUMP_INIT,
        shape.session(kinds.DUMP_INIT, "dump_init", now, router, dump_period=time.period_s),
    )
    now = now._replace(seq=seq + 1)
    slot = Stamp(seq + 1, slot_text(time.slot_s, style))
    for table, told_routes, attributes in entries:
        head = RouteHead(slot, router, table.view, table.afi, table.safi, None)
        last = shared = None
        for entry, then in zip(told_routes, attributes, strict=True):
            if then is not last:
                last, shared = then, shape.route(head, table, then)
            yield told(kinds.ROUTE_DUMP, fill_route(shared, slot.seq, table, entry))
    for event in events:
        stamp = slot._replace(event=time_text(event.time_us, style))
        body = event.body(*event.arguments)
        yield told(event.kind, shape.message(event.kind, event.name, stamp, router, body))
    yield told(kinds.DUMP_CLOSE, shape.session(kinds.DUMP_CLOSE, "dump_close", now, router))
