"""Answers the questions of flows about their routes (`flows.route_values`) from BMP's routes."""

from collections.abc import Callable
from socket import AF_INET, AF_INET6, inet_pton
from weakref import WeakKeyDictionary

from collector.nfacctd.bgp_text import first_as, last_as
from collector.nfacctd.bmp.route_attributes import RouteAttributes
from collector.nfacctd.bmp.routes import Entry
from collector.nfacctd.flows.route_values import RouteQuestion, RouteValues
from collector.nfacctd.flows.vrf import ORIGIN_TEXTS, flow_rd_text
from collector.protocols.bgp.families import AFI_IPV4, AFI_IPV6

Match = Callable[[str, int, int, str, str, str | None], Entry | None]
"""`BmpLog.match`."""


class FlowRoutes:
    """Looks routes up for flows; give `answer` where `RoutesOf` is asked for."""

    def __init__(self, match: Match) -> None:
        self._match = match
        self._written: WeakKeyDictionary[RouteAttributes, dict[int, RouteValues]] = (
            WeakKeyDictionary()
        )

    def answer(self, question: RouteQuestion) -> tuple[RouteValues | None, RouteValues | None]:
        """Give the routes to a flow's source and to its destination."""
        return (
            self._route(question, question.source, None),
            self._route(question, question.destination, question.next_hop),
        )

    def _route(
        self, question: RouteQuestion, address: str, next_hop: str | None
    ) -> RouteValues | None:
        if not address:
            return None
        afi, number = _number(address)
        rd, origin = flow_rd_text(question.rd), ORIGIN_TEXTS[question.rd_origin]
        entry = self._match(question.agent, afi, number, rd, origin, next_hop)
        return None if entry is None else self._values(entry)

    def _values(self, entry: Entry) -> RouteValues:
        by_length = self._written.get(entry.attributes)
        if by_length is None:
            by_length = self._written[entry.attributes] = {}
        values = by_length.get(entry.prefix_length)
        if values is None:
            values = by_length[entry.prefix_length] = _values(entry)
        return values


def _values(entry: Entry) -> RouteValues:
    attributes = entry.attributes
    return RouteValues(
        prefix_length=entry.prefix_length,
        origin_as=last_as(attributes.path),
        peer_as=first_as(attributes.path),
        as_path=attributes.as_path,
        std_comm=attributes.comms or "",
        ext_comm=attributes.ecomms or "",
        lrg_comm=attributes.lcomms or "",
        local_pref=attributes.local_pref or 0,
        med=attributes.med or 0,
        next_hop=attributes.next_hop,
    )


def _number(address: str) -> tuple[int, int]:
    """AFI and number of an address in canonical text."""
    if ":" in address:
        return AFI_IPV6, int.from_bytes(inet_pton(AF_INET6, address))
    return AFI_IPV4, int.from_bytes(inet_pton(AF_INET, address))
