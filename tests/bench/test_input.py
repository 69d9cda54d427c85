"""What the bench sends is what it says: sums of the datagrams, routes of the streams."""

from collections import Counter
from ipaddress import IPv4Address, ip_address, ip_network

import numpy as np
import pytest

from collector.protocols.bgp.families import IPV4_UNICAST
from collector.protocols.bgp.nlri import split_nlri
from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.framing import BmpFramer
from collector.protocols.bmp.messages import RouteMonitoring
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import DataSet
from collector.protocols.ipfix.registry import Registry
from tests.bench import streams
from tests.bench.loads import NEXT_HOP, PEERS_A_ROUTE, Load, LoadSpec
from tests.bench.sender import Sender
from tests.bench.table import BenchTable, make_table
from tests.bench.traffic import FIRST_DEVICE, Sums, Traffic

_ROUTES = 3_000
_DEVICES = 4


class _Kept(Sender):
    """Keeps what it is given: nothing is sent."""

    def __init__(self) -> None:
        self.streams: dict[str, bytes] = {}

    def give(self, name, octets) -> None:
        self.streams[name] = octets if isinstance(octets, bytes) else octets()

    def give_traffic(self, name: str, traffic: Traffic) -> None:
        pass


@pytest.fixture(scope="module")
def table() -> BenchTable:
    return make_table(_ROUTES)


def test_the_stream_announces_the_table(table: BenchTable) -> None:
    announced, ends = _announced(streams.peer_start() + streams.table_stream(table))
    told = zip(table.networks.tolist(), table.lengths.tolist(), strict=True)
    assert ends == 1
    assert sorted(announced) == sorted(
        bytes((length,)) + network.to_bytes(4)[: (length + 7) // 8] for network, length in told
    )


def test_the_placeholder_stands_for_addresses_only(table: BenchTable) -> None:
    octets = streams.table_stream(table)
    messages = len(BmpFramer().feed(octets))
    # Address and BGP id of each header, the next hop of each but the End-of-RIB.
    assert octets.count(streams.PLACEHOLDER.packed) == 3 * messages - 1


def test_a_peer_has_its_share_and_every_route_has_its_peers() -> None:
    sender = _Kept()
    load = Load("peers", LoadSpec(tables="peers"), 1_000, _ROUTES, sender)
    (session,) = load.sessions
    routes = Counter()
    for name, address in session.parts:
        octets = sender.streams[name].replace(
            streams.PLACEHOLDER.packed, IPv4Address(address).packed
        )
        routes.update(_announced(octets)[0])
    assert set(routes.values()) == {2 * PEERS_A_ROUTE}
    assert routes.total() == load.routes_sent


def test_a_route_changes_with_every_turn_of_churn(table: BenchTable) -> None:
    routes = np.arange(5)
    turns = [streams.churn_stream(table, routes, med) for med in (0, 1)]
    for first, second in zip(*turns, strict=True):
        assert _announced(first)[0] == _announced(second)[0] != []
        assert first != second


def test_the_most_specific_route_answers(table: BenchTable) -> None:
    networks = [
        ip_network((network, length))
        for network, length in zip(table.networks.tolist(), table.lengths.tolist(), strict=True)
    ]
    addresses = np.concatenate([table.networks[:40] | np.uint32(9), [np.uint32(0x0A000001)]])
    for address, route in zip(addresses.tolist(), table.routes_of(addresses), strict=True):
        covering = [n for n, net in enumerate(networks) if ip_address(address) in net]
        assert route == max(covering, key=lambda n: networks[n].prefixlen, default=-1)


@pytest.mark.parametrize("tables", ["one", "own", "peers", "named"])
def test_the_datagrams_add_up_to_the_sums(tables) -> None:
    devices = _DEVICES if tables == "own" else 1
    load = Load("x", LoadSpec(devices=devices, tables=tables), 1_800, _ROUTES, _Kept())
    assert _decoded_sums(load) == load.traffic.sums
    assert len(set(load.traffic.devices.tolist())) == devices


def test_a_flood_has_no_address_twice() -> None:
    load = Load("x", LoadSpec(flood=True), 1_800, _ROUTES, _Kept())
    assert _decoded_sums(load) == load.traffic.sums
    assert load.traffic.groups == load.traffic.sums.flows


def test_sums_repeat_and_add_up() -> None:
    sums = Sums(1, 2, 3, (1 << 64) - 1, 5, 6)
    assert sums.times(2) == sums.plus(sums) == Sums(2, 4, 6, (1 << 64) - 2, 10, 12)
    assert sums.without_routes() == Sums(1, 2, 3)


def _announced(octets: bytes) -> tuple[list[bytes], int]:
    decoder, announced, ends = BmpDecoder(), [], 0
    for message in map(decoder.decode, BmpFramer().feed(octets)):
        if type(message) is RouteMonitoring:
            ends += message.parts.end_of_rib is not None
            announced += split_nlri(message.parts.announced, *IPV4_UNICAST, False)
    return announced, ends


def _decoded_sums(load: Load) -> Sums:
    """The sums of all flows, by our decoder; joined here, flow by flow."""
    decoder, traffic, table = FlowDecoder(Registry.default()), load.traffic, load.table
    sums = Sums(0, 0, 0)
    for device, template in enumerate(traffic.templates):
        decoder.decode(f"192.0.2.{device}", memoryview(template.tobytes()), 1.0)
    for datagram, device in zip(traffic.datagrams, traffic.devices.tolist(), strict=True):
        octets = memoryview(datagram.tobytes())
        (data,) = decoder.decode(f"192.0.2.{device}", octets, 1.0)
        assert type(data) is DataSet
        for _, fields in data.template.layout.rows(data.body, lambda _: None)[0]:
            octets = fields["octetDeltaCount"]
            sides = ("destinationIPv4Address", "sourceIPv4Address")
            routes = table.routes_of(np.array([int(ip_address(fields[s])) for s in sides]))
            origins = table.origin_as(routes).tolist()
            hop = _next_hop(load, fields, int(routes[0]))
            sums = sums.plus(
                Sums(
                    1,
                    octets,
                    fields["packetDeltaCount"],
                    octets * origins[0],
                    octets * origins[1],
                    octets * hop,
                )
            )
    assert not decoder.counters
    return sums


def _next_hop(load: Load, fields: dict, route: int) -> int:
    said = int(ip_address(fields["bgpNextHopIPv4Address"]))
    match load.spec.tables:
        case "one":
            assert said == int(NEXT_HOP)
        case "peers":
            return int(IPv4Address("10.9.0.1")) + int(load.table.sets[route]) % 5
        case "named":
            assert (said - int(IPv4Address("10.9.0.1"))) % 5 == load.table.sets[route] % 5
    return said


def test_devices_are_addresses_of_this_machine() -> None:
    assert ip_address(FIRST_DEVICE + 2_000).is_loopback
