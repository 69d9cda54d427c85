"""Writes the records of the log: numbers, stamps and shapes them, and hands them on in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp.dump import DumpEvents
from collector.nfacctd.bmp.quirks import is_logged
from collector.nfacctd.bmp.record import BmpRecord, Router, Sink
from collector.nfacctd.bmp.route_store import RouterRoutes
from collector.nfacctd.bmp.routes import Entry, Table, View
from collector.nfacctd.bmp.shapes import (
    ROUTE_MONITOR,
    RouteHead,
    Shape,
    Stamp,
    fill_route,
)
from collector.nfacctd.bmp.times import time_text
from collector.nfacctd.settings import Timestamps
from collector.protocols.bgp.families import Family
from collector.protocols.bmp.decoder import BmpDecoder

_AT_ONCE = 1_000  # records in a batch

UPDATE, WITHDRAW, DELETE, END_OF_RIB = "update", "withdraw", "delete", "end-of-rib"


@dataclass(slots=True, eq=False)
class RouterSession:
    """One BMP session: who sends it, its routes, and what the next dump repeats of it."""

    router: Router
    routes: RouterRoutes
    logged: bool  # `bmp_daemon_msglog_label_filter` lets it
    decoder: BmpDecoder = field(default_factory=BmpDecoder)
    dump_events: DumpEvents = field(default_factory=DumpEvents)
    arrival: str = ""  # of its last messages, as records have it
    route_arrival: str = ""  # of its last Route Monitoring
    terminated: bool = False  # the router said that it ends the session
    missing_peer_told_s: float = 0.0


class LogWriter:
    """Writes to the log, if there is one.

    Args:
        shape: of the records; None where the conf asks for no log.
        kafka: they go to Kafka, or to a file in its place.
        numbers: of records, one sequence for the whole process.
    """

    def __init__(
        self,
        shape: Shape | None,
        sink: Sink | None,
        numbers: Iterator[int],
        style: Timestamps,
        *,
        avro: bool,
        kafka: bool,
    ) -> None:
        self._shape = shape
        self._sink = sink
        self._numbers = numbers
        self._style = style
        self._avro = avro
        self._kafka = kafka
        self._now_s = 0
        self._now = ""
        self._batch: list[BmpRecord] = []

    def set_time(self, now_s: float) -> str:
        """Note the present, which later records are stamped with; return it as they have it."""
        self._now_s = int(now_s)
        self._now = time_text(int(now_s * 1_000_000), self._style)
        return self._now

    def writes(self, session: RouterSession) -> bool:
        """Whether there are records of a session."""
        return self._shape is not None and session.logged

    def session(self, session: RouterSession, kind: str, event: str) -> None:
        """Write that a session began or ended."""
        if self.writes(session) and is_logged(event, avro=self._avro, kafka=self._kafka):
            stamp = Stamp(next(self._numbers), self._now)
            self._add(kind, session, self._shape.session(kind, event, stamp, session.router))

    def message(
        self, session: RouterSession, kind: str, name: str, time_us: int, body: dict[str, Any]
    ) -> None:
        """Write what a message that is no route says."""
        if self.writes(session):
            time = time_text(time_us, self._style)
            stamp = Stamp(next(self._numbers), time, session.arrival)
            self._add(kind, session, self._shape.message(kind, name, stamp, session.router, body))

    def routes(
        self,
        session: RouterSession,
        log_type: str,
        table: Table,
        entries: Iterable[Entry],
        time_us: int | None,
        message_type: str = ROUTE_MONITOR,
    ) -> None:
        """Write routes of one table.

        Args:
            time_us: None: now.
        """
        head = self._head(session, log_type, table.view, (table.afi, table.safi), time_us)
        head = head._replace(message_type=message_type)
        numbers, add = self._numbers, self._add
        attributes = shared = None
        for entry in entries:
            if entry.attributes is not attributes:
                attributes = entry.attributes
                shared = self._shape.route(head, table, attributes)
            add(kinds.ROUTE_LOG, session, fill_route(shared, next(numbers), table, entry))

    def end_of_rib(self, session: RouterSession, view: View, family: Family, time_us: int) -> None:
        """Write that a table of a family has been told to the end."""
        if self.writes(session):
            head = self._head(session, END_OF_RIB, view, family, time_us)
            record = self._shape.route(head, None, None)
            record["seq"] = next(self._numbers)
            self._add(kinds.ROUTE_LOG, session, record)

    def _head(
        self,
        session: RouterSession,
        log_type: str,
        view: View,
        family: Family,
        time_us: int | None,
    ) -> RouteHead:
        time = self._now if time_us is None else time_text(time_us, self._style)
        stamp = Stamp(0, time, session.route_arrival)
        return RouteHead(stamp, session.router, view, *family, log_type)

    def flush(self) -> None:
        """Hand on what is written."""
        if self._batch:
            batch, self._batch = self._batch, []
            self._sink(batch)

    def _add(self, kind: str, session: RouterSession, fields: dict[str, Any]) -> None:
        self._batch.append(BmpRecord(kind, session.router, self._now_s, fields))
        if len(self._batch) >= _AT_ONCE:
            self.flush()
