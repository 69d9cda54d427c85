"""Routes of BMP sessions as flows take them: the bridge between the join and the tables."""

from ipaddress import ip_address

from collector.nfacctd.bgp_text import first_as, last_as
from collector.nfacctd.bmp.log import BmpLog
from collector.nfacctd.bmp.routes import Entry
from collector.nfacctd.flows.route_values import RouteQuestion, RouteValues
from collector.nfacctd.flows.vrf import ORIGIN_TEXTS, Origin, flow_rd_text

_AFI = {4: 1, 6: 2}


class FlowRoutes:
    """Answers the questions of flows from the routes that a worker's routers told."""

    def __init__(self, log: BmpLog) -> None:
        self._log = log

    def __call__(self, question: RouteQuestion) -> tuple[RouteValues | None, RouteValues | None]:
        """Look up the routes to a flow's source and to its destination."""
        rd = "" if question.rd_origin == Origin.UNKNOWN else flow_rd_text(question.rd)
        origin = ORIGIN_TEXTS[question.rd_origin]

        def route_to(address: str, next_hop: str | None) -> RouteValues | None:
            if not address:
                return None
            parsed = ip_address(address)
            afi = _AFI[parsed.version]
            entry = self._log.match(question.agent, afi, int(parsed), rd, origin, next_hop)
            return None if entry is None else _values(entry)

        # Of the way back to its source a flow tells no next hop.
        return route_to(question.source, None), route_to(question.destination, question.next_hop)


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
        next_hop=attributes.next_hop or "",
    )
