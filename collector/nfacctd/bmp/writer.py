"""Writes the records of the log: numbers, stamps and shapes them, and hands them on in batches."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp.dump import DumpEvents
from collector.nfacctd.bmp.quirks import is_logged
from collector.nfacctd.bmp.record import BmpRecord, Router, Sink
from collector.nfacctd.bmp.route_store import RouterRoutes
from collector.nfacctd.bmp.routes import Entry, View
from collector.nfacctd.bmp.shapes import ROUTE_MONITOR, Shape, Stamp
from collector.nfacctd.bmp.times import time_text
from collector.nfacctd.settings import Timestamps
from collector.protocols.bmp.decoder import BmpDecoder

_AT_ONCE = 1_000  # records in a batch


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

    def route(
        self,
        session: RouterSession,
        log_type: str,
        view: View,
        family: tuple[int, int],
        entry: Entry | None,
        time_us: int | None,
        message_type: str = ROUTE_MONITOR,
    ) -> None:
        """Write a route, or an End-of-RIB.

        Args:
            time_us: None: now.
        """
        if self._shape is None or not session.logged:
            return
        time = self._now if time_us is None else time_text(time_us, self._style)
        stamp = Stamp(next(self._numbers), time, session.route_arrival)
        self._add(
            kinds.ROUTE_LOG,
            session,
            self._shape.route(stamp, session.router, log_type, view, family, entry, message_type),
        )

    def flush(self) -> None:
        """Hand on what is written."""
        if self._batch:
            batch, self._batch = self._batch, []
            self._sink(batch)

    def _add(self, kind: str, session: RouterSession, fields: dict[str, Any]) -> None:
        self._batch.append(BmpRecord(kind, session.router, self._now_s, fields))
        if len(self._batch) >= _AT_ONCE:
            self.flush()
