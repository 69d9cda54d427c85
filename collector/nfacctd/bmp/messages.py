"""What each BMP message does: to the routes that are held, to the log, to the next dump."""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from operator import attrgetter

from collector.errors import DecodeError
from collector.metrics import Counters, register
from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp import wire
from collector.nfacctd.bmp.attributes import AttributeReader
from collector.nfacctd.bmp.dump import DumpEvent
from collector.nfacctd.bmp.events import Bodies, are_whole
from collector.nfacctd.bmp.quirks import is_acceptable, stamp_us
from collector.nfacctd.bmp.routes import Entry, peer_name
from collector.nfacctd.bmp.shapes import INTERNAL
from collector.nfacctd.bmp.updates import changes, end_of_rib
from collector.nfacctd.bmp.writer import DELETE, UPDATE, WITHDRAW, LogWriter, RouterSession
from collector.protocols.bmp import framing
from collector.protocols.bmp.messages import (
    BmpMessage,
    Initiation,
    RouteMirroring,
    RouteMonitoring,
    Termination,
    UnknownType,
    Version4,
)
from collector.protocols.bmp.per_peer import PeerHeader

register(
    nfacctd_bmp_dropped="BMP messages without their effect, or part of it, by reason (malformed, "
    "missing_peer_up, loc_rib_address, open, route_mirroring, version_4, unknown_type)",
    nfacctd_bmp_dump_events_dropped="BMP events too many for the next table dump",
)

_LOG = logging.getLogger(__name__)

_IDENTITY = slice(6, 40)  # per-peer header without its time, in a BMP message
_ADDRESS = slice(16, 32)  # its address
_TYPE_AT = 5  # in the common header
_NO_ADDRESS = bytes(16)
_DELETED_AT_ONCE = 100
_TOLD_EVERY_S = 60.0  # a log line about messages of a peer without Peer Up


class MessageHandler:
    """Applies messages of sessions, in order.

    Args:
        dumped: there are table dumps, which repeat events.
        exclude_statistics: ... but not those.
        peers_changed: called when peers came or went.
    """

    def __init__(
        self,
        writer: LogWriter,
        attributes: AttributeReader,
        bodies: Bodies,
        counters: Counters,
        peers_changed: Callable[[], None],
        *,
        dumped: bool,
        exclude_statistics: bool,
    ) -> None:
        self._writer = writer
        self._attributes = attributes
        self._bodies = bodies
        self._counters = counters
        self._peers_changed = peers_changed
        self._dumped = dumped
        self._dumps_statistics = dumped and not exclude_statistics

    def take(self, session: RouterSession, octets: bytes, now_s: float) -> Iterator[int] | None:
        """Take one message, common header included.

        Returns:
            What is left to do, step by step, with the number of routes in each; None where all
            is done.
        """
        try:
            match tuple(octets[:1] + octets[_TYPE_AT : _TYPE_AT + 1]):
                case framing.VERSION_3, framing.STATISTICS_REPORT:
                    return self._statistics(session, octets)
                case framing.VERSION_3, framing.PEER_DOWN:
                    return self._peer_down(session, octets, now_s)
                case framing.VERSION_3, framing.PEER_UP:
                    return self._peer_up(session, octets)
            message = session.decoder.decode(octets)
            if type(message) is RouteMonitoring:
                return self._route_monitoring(session, octets, message, now_s)
            return self._other(session, message)
        except DecodeError:
            return self._malformed()

    def _malformed(self) -> None:
        self._counters.add("nfacctd_bmp_dropped.malformed")

    def deleted(self, session: RouterSession, entries: Iterable[Entry]) -> Iterator[int]:
        """Write routes that are gone with their peer or session; gives how many at a step."""
        is_written = self._writer.writes(session)
        for table, routes in groupby(entries, attrgetter("table")):
            while part := list(islice(routes, _DELETED_AT_ONCE)):
                if is_written:
                    self._writer.routes(session, DELETE, table, part, None, INTERNAL)
                yield len(part)

    def _other(self, session: RouterSession, message: BmpMessage) -> None:
        match message:
            case Initiation() | Termination() if not are_whole(message.information):
                session.terminated = isinstance(message, Termination)
                self._malformed()
            case Initiation():
                body = self._bodies.initiation
                self._event(session, DumpEvent(kinds.INITIATION, "init", 0, body, (message,)))
            case Termination():
                session.terminated = True
                body = self._bodies.termination
                self._event(session, DumpEvent(kinds.TERMINATION, "term", 0, body, (message,)))
            case RouteMirroring():
                self._counters.add("nfacctd_bmp_dropped.route_mirroring")
            case Version4():
                self._counters.add("nfacctd_bmp_dropped.version_4")
            case UnknownType():
                self._counters.add("nfacctd_bmp_dropped.unknown_type")

    def _peer_up(self, session: RouterSession, octets: bytes) -> None:
        is_told = True
        try:
            message = session.decoder.decode(octets)
        except DecodeError:
            message = session.decoder.decode(wire.without_information(octets))
            is_told = False
        if self._is_addressed(octets, message.peer):
            return
        if not (is_acceptable(message.sent_open) and is_acceptable(message.received_open)):
            self._counters.add("nfacctd_bmp_dropped.open")
            return
        session.routes.peer_up(message)
        self._peers_changed()
        if not is_told or not are_whole(message.information):
            self._malformed()
            return
        body = self._bodies.peer_up
        arguments = message, wire.local_ipv4(octets)
        time_us = stamp_us(message.time_us)
        self._event(session, DumpEvent(kinds.PEER_UP, "peer_up", time_us, body, arguments))

    def _peer_down(
        self, session: RouterSession, octets: bytes, now_s: float
    ) -> Iterator[int] | None:
        peer, time_us = session.decoder.per_peer(octets)
        message = wire.peer_down(octets, peer, stamp_us(time_us))
        if message is None:
            return self._malformed()
        if self._is_addressed(octets, peer):
            return None
        body = self._bodies.peer_down
        event = DumpEvent(kinds.PEER_DOWN, "peer_down", message.time_us, body, (message,))
        self._event(session, event)
        entries = session.routes.peer_down(peer)
        if entries is None:
            self._missing_peer(session, "peer down", peer, now_s)
            return None
        self._peers_changed()
        return self.deleted(session, entries)

    def _statistics(self, session: RouterSession, octets: bytes) -> None:
        peer, time_us = session.decoder.per_peer(octets)
        if self._is_addressed(octets, peer):
            return
        for kind, value in wire.statistics(octets):
            body = self._bodies.statistic
            arguments = peer, kind, value, True
            event = DumpEvent(kinds.STATISTICS, "stats", stamp_us(time_us), body, arguments)
            self._write(session, event)
            if self._dumps_statistics:
                self._keep(session, event._replace(arguments=(*arguments[:-1], False)))

    def _route_monitoring(
        self, session: RouterSession, octets: bytes, message: RouteMonitoring, now_s: float
    ) -> None:
        header = message.peer
        if self._is_addressed(octets, header):
            return
        view = session.routes.view(octets[_IDENTITY], header)
        if view is None:
            if not session.routes.is_up(header):
                self._missing_peer(session, "route monitor", header, now_s)
            return
        session.route_arrival = session.arrival
        parts, time_us = message.parts, stamp_us(message.time_us)
        reach = parts.mp_reach
        if reach is not None and not reach.nlri:
            self._malformed()
            return
        attributes = None
        if parts.attributes_key or parts.announced or reach is not None:
            # First of all: an attribute that nfacctd cannot read costs withdrawals too.
            next_hop = None if reach is None else reach.next_hop
            attributes = self._attributes.read(parts.attributes_key, view.as_size, next_hop)
        family = end_of_rib(parts)
        if family is not None:
            self._writer.end_of_rib(session, view, family, time_us)
            return
        routes, is_written = session.routes, self._writer.writes(session)
        found, fault = changes(parts, view.peer.add_path_families)
        if fault is not None:
            self._malformed()
        for announced, afi, safi, nlri in found:
            table = routes.table(view, afi, safi)
            if table is None:
                continue
            if announced:
                entries = [routes.announce(table, one, attributes) for one in nlri]
            else:
                entries = [routes.withdraw(table, one) for one in nlri]
            if is_written:
                told = filter(None, entries)
                log_type = UPDATE if announced else WITHDRAW
                self._writer.routes(session, log_type, table, told, time_us)

    def _is_addressed(self, octets: bytes, header: PeerHeader) -> bool:
        """Whether it is a Loc-RIB with an address, which nfacctd drops (RFC 9069 section 4.1)."""
        if header.address is not None or octets[_ADDRESS] == _NO_ADDRESS:
            return False
        self._counters.add("nfacctd_bmp_dropped.loc_rib_address")
        return True

    def _missing_peer(
        self, session: RouterSession, message: str, header: PeerHeader, now_s: float
    ) -> None:
        self._counters.add("nfacctd_bmp_dropped.missing_peer_up")
        if now_s - session.missing_peer_told_s >= _TOLD_EVERY_S:
            session.missing_peer_told_s = now_s
            _LOG.info(
                "[%s] [%s] packet discarded: missing peer up BMP message for peer %s",
                *(session.router.address, message, peer_name(header)[0]),
            )

    def _event(self, session: RouterSession, event: DumpEvent) -> None:
        self._write(session, event)
        if self._dumped:
            self._keep(session, event)

    def _write(self, session: RouterSession, event: DumpEvent) -> None:
        if self._writer.writes(session):
            body = event.body(*event.arguments)
            self._writer.message(session, event.kind, event.name, event.time_us, body)

    def _keep(self, session: RouterSession, event: DumpEvent) -> None:
        if not session.dump_events.add(event):
            self._counters.add("nfacctd_bmp_dump_events_dropped")
