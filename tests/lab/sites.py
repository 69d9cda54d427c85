"""One router with its world: a client behind it, an upstream in front, a flow exporter inside.

    client ── access ── router ── uplink ── upstream (route source, swallows the traffic)
                          │
                      management: to the collector's switch

Sites have the same prefixes with other AS paths, so that a record joined with another router's
table is seen.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.lab.bgp_routes import Family, Route
from tests.lab.exporters import FlowExporter, Nfprobe, Probe, Softflowd
from tests.lab.namespaces import Namespace, Network
from tests.lab.routers import FrrRouter, GobgpRouter, Router, RouteSource, Speaker, Station
from tests.lab.traffic import Stream, send
from tests.lab.waiting import wait_for

COLLECTOR_IPV4, COLLECTOR_IPV6 = "10.99.0.1", "fd00:99::1"
FLOW_PORT, BMP_PORT = 4739, 1790

_PREFIXES = 200
_IPV6_PREFIXES = 100
_VPN_PREFIXES = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What a site is made of.

    ``ipv6`` makes the router export flows and open its BMP session over IPv6.
    """

    number: int  # 1...99, in every address and AS number of the site
    name: str
    router: type[FrrRouter] | type[GobgpRouter]
    exporter: type[Softflowd] | type[Nfprobe]
    version: int
    ipv6: bool = False


class Site:
    """The namespaces and daemons of one router."""

    def __init__(self, network: Network, switch: Namespace, directory: Path, plan: Plan) -> None:
        n = plan.number
        self.plan = plan
        self.device = f"fd00:99::{n + 100:x}" if plan.ipv6 else f"10.99.0.{n + 100}"
        self.client_address, self.client_address6 = f"10.{n}.1.2", f"fd00:{n}:1::2"
        self._upstream_address6 = f"fd00:{n}:2::2"
        self.client, self._router, self._upstream = (
            network.namespace(f"{role}-{n}") for role in ("client", "router", "upstream")
        )
        self._wire(network, switch)
        station = Station(COLLECTOR_IPV6 if plan.ipv6 else COLLECTOR_IPV4, BMP_PORT, plan.name)
        # FRR 8.4 tells an eBGP peer's routes as it would send them back: with its own AS in front
        # and no local preference. Over iBGP it tells what it has received.
        own = 65000 + n
        upstream = own if plan.router is FrrRouter else 65100 + n
        inside = Speaker(f"10.{n}.2.1", own, f"10.{n}.2.2", upstream)
        outside = Speaker(f"10.{n}.2.2", upstream, f"10.{n}.2.1", own)
        self.source = RouteSource(network, self._upstream, directory / "source", outside)
        self.router: Router = plan.router(
            network, self._router, directory / "router", inside, station
        )
        collector = f"[{COLLECTOR_IPV6}]" if plan.ipv6 else COLLECTOR_IPV4
        probe = Probe("access", f"{collector}:{FLOW_PORT}", plan.version)
        self.exporter: FlowExporter = plan.exporter(
            network, self._router, directory / "exporter", probe
        )

    def _wire(self, network: Network, switch: Namespace) -> None:
        n = self.plan.number
        network.link(self.client, "eth", self._router, "access")
        network.link(self._router, "uplink", self._upstream, "eth")
        network.plug(self._router, "management", switch)
        for namespace, interface, addresses in (
            (self.client, "eth", (f"{self.client_address}/24", f"{self.client_address6}/64")),
            (self._router, "access", (f"10.{n}.1.1/24", f"fd00:{n}:1::1/64")),
            (self._router, "uplink", (f"10.{n}.2.1/24", f"fd00:{n}:2::1/64")),
            (self._router, "management", (f"10.99.0.{n + 100}/24", f"fd00:99::{n + 100:x}/64")),
            (self._upstream, "eth", (f"10.{n}.2.2/24", f"{self._upstream_address6}/64")),
        ):
            namespace.add_addresses(interface, *addresses)
        self._router.forward()
        for default, through, onward in (
            ("0.0.0.0/0", f"10.{n}.1.1", f"10.{n}.2.2"),
            ("::/0", f"fd00:{n}:1::1", self._upstream_address6),
        ):
            self.client.add_route(default, "via", through)
            self._router.add_route(default, "via", onward)
            # A blackhole swallows silently: no ICMP that would be traffic of its own.
            self._upstream.add_route(default, "blackhole")

    def routes(self) -> list[Route]:
        """All that the upstream announces: per prefix another path, over all sites too."""
        return [
            self.route("198.18.0.0/15", 1),
            self.route("2001:db8::/32", 2),
            self.route(f"10.{self.plan.number}.1.0/24", 3),
            self.route(f"fd00:{self.plan.number}:1::/64", 4),
            *(self.route(f"198.18.{k}.0/24", 1000 + k) for k in range(_PREFIXES)),
            *(self.route(f"2001:db8:{k:x}::/48", 2000 + k) for k in range(1, _IPV6_PREFIXES + 1)),
            *(
                self.route(f"172.20.{k}.0/24", 3000 + k, f"65000:{self.plan.number}")
                for k in range(_VPN_PREFIXES)
            ),
        ]

    def route(self, prefix: str, path: int, rd: str | None = None) -> Route:
        """A route of this site; ``path`` numbers its AS path within the site."""
        next_hop = self._upstream_address6 if ":" in prefix else f"10.{self.plan.number}.2.2"
        as_path = (4_200_000_000 + self.plan.number * 10_000 + path, 64999)
        return Route(prefix, as_path, next_hop, (f"65000:{path}",), rd)

    def start(self) -> None:
        """Start all daemons; the BMP station and the flow collector should be there already."""
        self.source.start()
        self.router.start()
        self.exporter.start()

    def announce_all(self) -> None:
        """Announce all routes and wait until the router has them."""
        self.source.announce(*self.routes())
        self.wait_for_routes(*self.routes())

    def wait_for_routes(self, *routes: Route) -> None:
        """Wait until the router has these routes with these paths."""
        wanted = dict(self.source.as_seen(route) for route in routes)

        def missing() -> dict:
            held = {k: v for family in Family for k, v in self.router.table(family).items()}
            return {k: v for k, v in wanted.items() if held.get(k) != v}

        wait_for(lambda: not missing(), f"{self.plan.name} to have its routes", tell=missing)

    def wait_for_withdrawal(self, route: Route) -> None:
        """Wait until the router has a route no more."""
        name, _path = self.source.as_seen(route)
        wait_for(
            lambda: name not in self.router.table(route.family),
            f"{self.plan.name} to lose {name}",
        )

    def send(self, *streams: Stream) -> None:
        """Send streams from the client through the router, and have the exporter tell of them."""
        send(self.client, *streams)
        self.exporter.flush(self._push)

    def _push(self) -> None:
        # 70 KiB to the discard port of an address that no test looks at.
        send(self.client, Stream("192.0.2.1", count=50, payload=1400, port=9))
