"""End to end: real routers and exporters, the collector with eBPF steering, a real Kafka.

Five routers in namespaces of their own tell the same prefixes with other AS paths, and export what
they forward. All that is asserted is what a Kafka consumer reads, and what an independent decoder
says has reached the collector.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from tests.lab.bgp_routes import Family, Route
from tests.lab.exporters import IPFIX, NETFLOW_V9, Nfprobe, Softflowd
from tests.lab.kafka_broker import KafkaBroker, missing_programs
from tests.lab.namespaces import Network
from tests.lab.routers import LOCAL_PREFERENCE, FrrRouter, GobgpRouter
from tests.lab.service import Service, missing_for_ebpf
from tests.lab.sites import BMP_PORT, COLLECTOR_IPV4, COLLECTOR_IPV6, FLOW_PORT, Plan, Site
from tests.lab.traffic import Stream
from tests.lab.waiting import wait_for
from tests.lab.witness import Witness

pytestmark = pytest.mark.lab

_WORKERS = 2
_KAFKA = "10.99.0.2"
_VPN_SITE = 5
_PLANS = (
    Plan(1, "frr-softflowd", FrrRouter, Softflowd, IPFIX),
    Plan(2, "gobgp-nfprobe", GobgpRouter, Nfprobe, NETFLOW_V9),
    Plan(3, "gobgp-softflowd-ipv6", GobgpRouter, Softflowd, NETFLOW_V9, ipv6=True),
    Plan(4, "frr-nfprobe-ipv6", FrrRouter, Nfprobe, IPFIX, ipv6=True),
    Plan(_VPN_SITE, "frr-vpn", FrrRouter, Softflowd, IPFIX),
)
# Debian's FRR 8.4 has no Loc-RIB, GoBGP has all: each answers from its best view.
_VIEW = {FrrRouter: "adj-rib-in-post", GobgpRouter: "loc-rib"}
_BMP_TYPES = {"route_monitoring": 0, "statistics": 1, "peer_up": 3, "initiation": 4}
_SYSTEM_NAME = 2  # of an Initiation's information TLVs

_CONFIGURATION = f"""\
[collector]
name = "lab"
workers = {_WORKERS}
control_socket = "control"

[steering]
mode = "ebpf"

[[listen]]
kind = "flow"
port = {FLOW_PORT}

[[listen]]
kind = "bmp"
port = {BMP_PORT}

[[rd]]
rd = "65000:{_VPN_SITE}"
device = "10.99.0.{_VPN_SITE + 100}"

[[output]]
name = "kafka"
type = "kafka"
brokers = ["BROKER"]
prefix = "telemetry"

[[publish]]
records = "flow"
output = "kafka"

[[publish]]
records = "bmp"
output = "kafka"
"""


Sum = tuple[str, str, str]
"""Device, destination address, and what is summed: "packets" or "octets"."""


class Lab:
    """Everything running, and what has been sent through it so far."""

    def __init__(self, broker: KafkaBroker, service: Service, sites: list[Site]) -> None:
        self.broker, self.service, self.sites = broker, service, sites
        self.witness: Witness | None = None
        self.sent: Counter[Sum] = Counter()
        self._ports = count(40_000)

    def site(self, number: int) -> Site:
        """Site by its number."""
        return next(site for site in self.sites if site.plan.number == number)

    def records(self, topic: str) -> list[dict]:
        """All that a consumer reads of a topic."""
        try:
            read = self.broker.consume(f"telemetry.{topic}")
        except RuntimeError as error:
            if "nknown topic" in str(error):  # nothing was published yet
                return []
            raise
        return [json.loads(record.value) for record in read]

    def events(self, device: str) -> list[dict]:
        """BMP events of a device, in order."""
        return [event for event in self.records("bmp") if event["device"] == device]

    def send(self, site: Site, *destinations: str) -> list[dict]:
        """Send a stream to each destination; return the site's flow records that tell of it all."""
        port = next(self._ports)  # tells these records from all others
        streams = [Stream(destination, port=port) for destination in destinations]
        site.send(*streams)
        for stream in streams:
            self.sent[site.device, stream.destination, "packets"] += stream.count
            self.sent[site.device, stream.destination, "octets"] += stream.octets
        wanted = sum(stream.count for stream in streams)
        found: list[dict] = []

        def complete() -> bool:
            found[:] = [
                record
                for record in self.records("flow")
                if record["device"] == site.device and record["destinationPort"] == port
            ]
            return sum(record["packets"] for record in found) >= wanted

        wait_for(
            complete, f"{wanted} packets of {site.plan.name}", interval_s=0.5, tell=lambda: found
        )
        return found

    def wait_for_tables(self, sites: list[Site]) -> None:
        """Wait until the BMP events of each router have told all its routes in its best view."""

        def missing() -> dict[str, set[str]]:
            told = _told(self.records("bmp"))
            wanted = {
                site: {name for name, _path in map(site.source.as_seen, site.routes())}
                for site in sites
            }
            left = {
                site.plan.name: names - told[site.device, _VIEW[site.plan.router]].keys()
                for site, names in wanted.items()
            }
            return {name: routes for name, routes in left.items() if routes}

        wait_for(
            lambda: not missing(),
            "the events of all routes",
            interval_s=0.5,
            deadline_s=60,
            tell=missing,
        )

    def wait_for_told(self, site: Site, route: Route, *, held: bool) -> None:
        """Wait until every view of a router has announced (or withdrawn) a route in its events."""
        name, path = site.source.as_seen(route)

        def done() -> bool:
            views = [
                table
                for (device, _view), table in _told(self.events(site.device)).items()
                if device == site.device and name in table
            ]
            return bool(views) and all(
                table[name] == (list(path) if held else None) for table in views
            )

        wait_for(done, f"events of {name}", interval_s=0.5)


@pytest.fixture(scope="module")
def lab(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Five routers with their tables loaded, the collector, and the broker behind it."""
    missing = missing_programs() + missing_for_ebpf()
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    directory = tmp_path_factory.mktemp("lab")
    switch = network.bridge("switch")
    collector, kafka = network.namespace("collector"), network.namespace("kafka")
    for namespace, addresses in (
        (collector, (f"{COLLECTOR_IPV4}/24", f"{COLLECTOR_IPV6}/64")),
        (kafka, (f"{_KAFKA}/24",)),
    ):
        network.plug(namespace, "lan", switch)
        namespace.add_addresses("lan", *addresses)
    properties = {"num.partitions": "2"}
    with KafkaBroker(
        directory / "kafka", address=_KAFKA, namespace=kafka.name, properties=properties
    ) as broker:
        configuration = _CONFIGURATION.replace("BROKER", broker.bootstrap)
        service = Service(network, collector, directory / "collector", configuration)
        sites = [Site(network, switch, directory / plan.name, plan) for plan in _PLANS]
        made = Lab(broker, service, sites)
        service.start()
        made.witness = Witness(network, collector, "lan", directory)
        made.witness.start((FLOW_PORT, BMP_PORT))
        for site in sites:
            site.start()
        with ThreadPoolExecutor() as pool:
            list(pool.map(Site.announce_all, sites))
        made.wait_for_tables(sites)
        yield made


def test_every_router_tells_who_it_is_and_its_routes(lab: Lab) -> None:
    for site in lab.sites:
        events = lab.events(site.device)
        names = [
            item["value"]
            for event in events
            if event["type"] == "initiation"
            for item in event["information"]
            if item["type"] == _SYSTEM_NAME
        ]
        assert names == [site.plan.name]
        assert sum(event["type"] == "peer_up" for event in events) >= 1
        table = _told(events)[site.device, _VIEW[site.plan.router]]
        wanted = dict(site.source.as_seen(route) for route in site.routes())
        assert {name: tuple(table[name] or ()) for name in wanted} == wanted


def test_flows_carry_the_path_that_their_own_router_told(lab: Lab) -> None:
    for site in lab.sites:
        wanted = _routes_of_interest(site)
        records = lab.send(site, *wanted)
        assert {record["destinationAddress"] for record in records} == set(wanted)
        for record in records:
            route = wanted[record["destinationAddress"]]
            _name, path = site.source.as_seen(route)
            told = {
                "destinationPrefix": route.prefix,
                "destinationAsPath": _path_text(path),
                "destinationOriginAs": path[-1],
                "destinationPeerAs": path[0],
                "destinationNextHop": route.next_hop,
                "destinationCommunities": list(route.communities),
                "destinationLocalPref": _local_preference(site),
                "destinationJoin": _VIEW[site.plan.router],
            }
            assert {key: record.get(key) for key in told} == told, record
            assert record["ribState"] not in {"none", "stale"}
            if not route.rd:
                assert record["sourceAsPath"] == _source_path(site, record["sourceAddress"])


def test_both_streams_of_a_device_reach_the_slot_that_steering_names(lab: Lab) -> None:
    slots = defaultdict(set)
    for record in lab.records("flow") + lab.records("bmp"):
        slots[record["device"]].add(record["slot"])
    named = lab.service.slots_of(_WORKERS, *(site.device for site in lab.sites))
    assert dict(slots) == {device: {slot} for device, slot in named.items()}
    assert set().union(*slots.values()) == set(range(_WORKERS)), "the sites use every slot"


@pytest.mark.parametrize("number", [1, 2, 4], ids=["frr", "gobgp", "frr-over-ipv6"])
@pytest.mark.parametrize(
    ("prefix", "destination", "covering", "covering_path"),
    [
        pytest.param("198.18.7.0/24", "198.18.7.77", "198.18.0.0/15", 1, id="ipv4"),
        pytest.param("2001:db8:7::/48", "2001:db8:7::77", "2001:db8::/32", 2, id="ipv6"),
    ],
)
def test_a_withdrawn_route_changes_the_next_record(
    lab: Lab, number: int, prefix: str, destination: str, covering: str, covering_path: int
) -> None:
    site = lab.site(number)
    (route,) = (route for route in site.routes() if route.prefix == prefix)
    instead = site.route(covering, covering_path)
    moved = site.route(prefix, 9000 + number)

    def joined() -> set[tuple[str, str]]:
        records = lab.send(site, destination)
        return {(record["destinationPrefix"], record["destinationAsPath"]) for record in records}

    def expected(of: Route) -> set[tuple[str, str]]:
        return {(of.prefix, _path_text(site.source.as_seen(of)[1]))}

    assert joined() == expected(route)
    site.source.withdraw(route)
    site.wait_for_withdrawal(route)
    lab.wait_for_told(site, route, held=False)
    assert joined() == expected(instead)
    site.source.announce(moved)
    site.wait_for_routes(moved)
    lab.wait_for_told(site, moved, held=True)
    assert joined() == expected(moved)


def test_nothing_is_lost_and_nothing_is_told_twice(lab: Lab) -> None:
    """Last: it ends the exporters and the collector."""
    for site in lab.sites:
        site.exporter.stop()

    def difference() -> dict[str, Counter]:
        told, seen = _sums_told(lab.records("flow")), _sums_seen(lab.witness)
        return {what: left for what, left in (("lost", seen - told), ("new", told - seen)) if left}

    # Also what no test has sent: neighbour discovery, and the packets that flush softflowd.
    wait_for(lambda: not difference(), "all flows", interval_s=0.5, tell=difference)
    lab.witness.stop()
    assert lab.service.stop() == 0
    assert difference() == {}
    told = _sums_told(lab.records("flow"))
    assert {key: told[key] for key in lab.sent} == lab.sent
    events = Counter((event["device"], event["type"]) for event in lab.records("bmp"))
    for device, types in lab.witness.bmp_types(BMP_PORT).items():
        # A statistics report may come while the witness has stopped and the collector not yet.
        assert events[device, "statistics"] >= types[_BMP_TYPES["statistics"]], device
        for name in ("initiation", "peer_up", "route_monitoring"):
            assert events[device, name] == types[_BMP_TYPES[name]], (device, name)


def _sums_told(records: list[dict]) -> Counter[Sum]:
    told: Counter[Sum] = Counter()
    for record in records:
        for what in ("packets", "octets"):
            told[record["device"], record["destinationAddress"], what] += record[what]
    return told


def _sums_seen(witness: Witness) -> Counter[Sum]:
    seen: Counter[Sum] = Counter()
    for flow in witness.flows(FLOW_PORT):
        seen[flow.device, flow.destination, "packets"] += flow.packets
        seen[flow.device, flow.destination, "octets"] += flow.octets
    return seen


def _routes_of_interest(site: Site) -> dict[str, Route]:
    """A destination within some of a site's routes; only the VPN's where its flows are in one."""
    in_vpn = site.plan.number == _VPN_SITE
    routes = [route for route in site.routes() if (route.family is Family.VPNV4) == in_vpn]
    return {_address_in(route): route for route in routes[4::10]}


def _address_in(route: Route) -> str:
    network = route.prefix.partition("/")[0]
    return network + "77" if ":" in network else network.removesuffix("0") + "77"


def _source_path(site: Site, address: str) -> str:
    prefix = (
        f"fd00:{site.plan.number}:1::/64" if ":" in address else f"10.{site.plan.number}.1.0/24"
    )
    (route,) = (route for route in site.routes() if route.prefix == prefix)
    return _path_text(site.source.as_seen(route)[1])


def _local_preference(site: Site) -> int | None:
    return LOCAL_PREFERENCE if site.plan.router is FrrRouter else None


def _path_text(path: tuple[int, ...]) -> str:
    return " ".join(str(number) for number in path)


def _told(events: list[dict]) -> dict[tuple[str, str], dict[str, list[int] | None]]:
    """Table that BMP events tell, by device and view: route to AS path, None once withdrawn."""
    tables: dict[tuple[str, str], dict[str, list[int] | None]] = defaultdict(dict)
    for event in events:
        if event["type"] != "route_monitoring":
            continue
        table = tables[event["device"], event["peer"]["view"]]
        for item in event["bgp"].get("withdrawn", []):
            table[_route_name(item)] = None
        for item in event["bgp"].get("announced", []):
            path = event["bgp"]["attributes"]["as_path"]
            table[_route_name(item)] = [number for _type, numbers in path for number in numbers]
    return tables


def _route_name(item: dict) -> str:
    return f"{item['rd']}:{item['prefix']}" if item.get("rd") else item["prefix"]
