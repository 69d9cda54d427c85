"""The BMP daemon of one worker: messages in; records of the log and of dumps, and routes, out.

What one call has to say may be very much: a peer that goes down takes a million routes along. So
long work is left to `resume`, and its session is busy meanwhile: its next messages wait.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Protocol

from collector.metrics import Counters, register
from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp.attributes import AttributeReader
from collector.nfacctd.bmp.dump import DumpSchedule, DumpTime, dump_router
from collector.nfacctd.bmp.events import Bodies
from collector.nfacctd.bmp.lookup import NO_ORIGIN, RouteLookup
from collector.nfacctd.bmp.messages import MessageHandler
from collector.nfacctd.bmp.record import BmpRecord, Router, Sink
from collector.nfacctd.bmp.route_buckets import Buckets
from collector.nfacctd.bmp.route_store import RouteStore
from collector.nfacctd.bmp.routes import Entry
from collector.nfacctd.bmp.shapes import SHAPES, Shape, Style
from collector.nfacctd.bmp.writer import LogWriter, RouterSession
from collector.nfacctd.maps.bmp_tag_map import BmpTagMap
from collector.nfacctd.maps.tags import UNTAGGED
from collector.nfacctd.settings import BmpOutput, Settings

register(nfacctd_bmp_dumps_skipped="table dumps not begun because the one before was going on")

_WORK_AT_ONCE = 2_000  # records, about: some 10 ms
_OCTETS_A_RECORD = 16  # of a BMP message
_RECORDS_AT_ONCE = 1_000  # in a batch of a dump
_MAX_WAITING = 16  # receptions of a session that is busy, and read all the same
_HASH_BY_RD = "mpls_vpn_rd"


class Connection(Protocol):
    """What is asked of a BMP connection, as `receivers.bmp_tcp` has it."""

    number: int
    address: str  # canonical text
    port: int


class BmpLog:
    """All BMP sessions of one worker.

    Args:
        settings: the whole conf: BMP's part, and what of the rest bears on the form of records.
        tag_map: `bmp_daemon_tag_map`, if there is one.
        writer_id: unique over workers.
        log: where the log's records go; None as long as the conf asks for none.
        dump: the same for dumps.
    """

    def __init__(
        self,
        settings: Settings,
        tag_map: BmpTagMap | None,
        counters: Counters,
        *,
        writer_id: str,
        log: Sink | None = None,
        dump: Sink | None = None,
    ) -> None:
        bmp = settings.bmp
        self._bmp = bmp
        self._style = settings.timestamps
        self._counters = counters
        self._tag_map = tag_map
        self._numbers = count()
        self._sessions: dict[int, RouterSession] = {}
        self._work: dict[int, deque[Iterator[int]]] = {}  # of sessions that are busy
        buckets = Buckets(bmp.table_per_peer_hash == _HASH_BY_RD, bmp.table_per_peer_buckets)
        self._store = RouteStore(buckets, counters)
        self._lookup = RouteLookup(self._store, buckets)
        self._writer = LogWriter(
            _shape(settings, bmp.msglog if log else None, writer_id),
            log,
            self._numbers,
            settings.timestamps,
            avro=bmp.msglog is not None and bmp.msglog.output != "json",
            kafka=bmp.msglog is not None and bmp.msglog.kafka is not None,
        )
        self._handler = MessageHandler(
            self._writer,
            AttributeReader(settings.bgp_comms_num),
            Bodies(bmp.set_pd),
            counters,
            self._lookup.peers_changed,
            dumped=bool(dump and bmp.dump),
            exclude_statistics=bool(bmp.dump and bmp.dump.exclude_stats),
        )
        self._dump_sink = dump
        self._dump_shape = _shape(settings, bmp.dump.target if bmp.dump else None, writer_id)
        self._dumps: deque[Iterator[list[BmpRecord]]] = deque()
        self.schedule = (
            DumpSchedule(bmp.dump.refresh_s, bmp.dump.time_slots) if dump and bmp.dump else None
        )

    def opened(self, connection: Connection, now_s: float) -> None:
        """A router connected."""
        router = self._router(connection.address, connection.port)
        session = RouterSession(router, self._store.open(connection.address), self._logged(router))
        self._sessions[connection.number] = session
        self._lookup.peers_changed()
        self._writer.set_time(now_s)
        self._writer.session(session, kinds.LOG_INIT, "log_init")
        self._writer.flush()

    def received(self, connection: Connection, messages: Sequence[bytes], now_s: float) -> bool:
        """Whole messages came, in order; False: a Termination did, and the session is to end."""
        session = self._sessions[connection.number]
        self._begin(connection.number, self._messages(session, messages, now_s))
        return not session.terminated

    def closed(self, connection: Connection, now_s: float) -> None:
        """The connection ended; its routes are no flow's from now on."""
        session = self._sessions.pop(connection.number)
        self._store.close(session.routes)
        self._lookup.peers_changed()
        self._begin(connection.number, self._end(session, now_s))

    def is_busy(self, connection: Connection) -> bool:
        """Whether what a session sent is still being worked on: read no more of it meanwhile."""
        return connection.number in self._work

    @property
    def routes(self) -> int:
        """How many routes are held."""
        return self._store.routes

    @property
    def has_work(self) -> bool:
        """Whether `resume` has something to do."""
        return bool(self._work or self._dumps)

    def resume(self) -> None:
        """Go on with long work for some milliseconds."""
        for number in list(self._work):
            self._go_on(number)
        if self._dumps:
            self._dump_on()

    def dump(self, now_s: float) -> None:
        """Begin the dump of the routers that are due in the present slot (`schedule`)."""
        seq = next(self._numbers)  # a dump takes a number, whether there is a router or not
        if self._dumps:
            self._counters.add("nfacctd_bmp_dumps_skipped")
            return
        time = DumpTime(
            self.schedule.slot_start_s(now_s), int(now_s * 1e6), self.schedule.refresh_s
        )
        for session in self._sessions.values():
            if self.schedule.is_due(session.router.address, now_s):
                self._dumps.append(self._dumped(session, seq, time))
                seq += 1

    def set_tag_map(self, tag_map: BmpTagMap | None) -> None:
        """Use another `bmp_daemon_tag_map`, for the sessions that there are as well."""
        self._tag_map = tag_map
        for session in self._sessions.values():
            session.router = self._router(session.router.address, session.router.port)
            session.logged = self._logged(session.router)

    def match(
        self,
        agent: str,
        afi: int,
        address: int,
        rd: str = "",
        rd_origin: str = NO_ORIGIN,
        next_hop: str | None = None,
    ) -> Entry | None:
        """Find the route that an address of a flow follows; see `RouteLookup.match`."""
        return self._lookup.match(agent, afi, address, rd, rd_origin, next_hop)

    def _router(self, address: str, port: int) -> Router:
        tags = self._tag_map.evaluate({"ip": address}) if self._tag_map else UNTAGGED
        return Router(address, port, tags)

    def _logged(self, router: Router) -> bool:
        wanted = self._bmp.msglog_label_filter
        return not wanted or router.tags.label in wanted

    def _messages(
        self, session: RouterSession, messages: Sequence[bytes], now_s: float
    ) -> Iterator[int]:
        session.arrival = self._writer.set_time(now_s)
        for octets in messages:
            rest = self._handler.take(session, octets, now_s)
            yield 1 + len(octets) // _OCTETS_A_RECORD
            if rest is not None:
                yield from rest

    def _end(self, session: RouterSession, now_s: float) -> Iterator[int]:
        self._writer.set_time(now_s)
        for table in session.routes.end():
            yield from self._handler.deleted(session, table.entries.values())
        self._writer.session(session, kinds.LOG_CLOSE, "log_close")

    def _begin(self, number: int, steps: Iterator[int]) -> None:
        work = self._work.get(number)
        if work is None:
            self._work[number] = deque((steps,))
            self._go_on(number)
            return
        work.append(steps)
        while len(work) > _MAX_WAITING:
            self._go_on(number)

    def _go_on(self, number: int) -> None:
        work = self._work[number]
        left = _WORK_AT_ONCE
        try:
            while work:
                for done in work[0]:
                    left -= done
                    if left <= 0:
                        return
                work.popleft()
            del self._work[number]
        except BaseException:
            # Whoever is told ends the session; there is nothing to go on with.
            self._work.pop(number, None)
            raise
        finally:
            self._writer.flush()

    def _dumped(
        self, session: RouterSession, seq: int, time: DumpTime
    ) -> Iterator[list[BmpRecord]]:
        records = dump_router(
            session.routes,
            session.router,
            session.dump_events.take(),
            self._dump_shape,
            self._style,
            seq,
            time,
        )
        batch: list[BmpRecord] = []
        for record in records:
            batch.append(record)
            if len(batch) >= _RECORDS_AT_ONCE:
                yield batch
                batch = []
        yield batch

    def _dump_on(self) -> None:
        batch = next(self._dumps[0], None)
        if batch is None:
            self._dumps.popleft()
        elif batch:
            self._dump_sink(batch)


def _shape(settings: Settings, output: BmpOutput | None, writer_id: str) -> Shape | None:
    if output is None:
        return None
    style = Style(
        as_path_array=settings.as_path_encode_as_array,
        communities_array=settings.bgp_comms_encode_as_array,
        label_map=settings.pre_tag_label_encode_as_map,
        tagged=settings.bmp.tag_map is not None,
        set_pd=settings.bmp.set_pd,
        writer_id=writer_id,
        json_writer_id=output.kafka is not None,
    )
    return SHAPES[output.output](style)
