"""What the bench sends is what it says: sums of the datagrams, routes of the table."""

from ipaddress import ip_address, ip_network

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
from tests.bench.jobs import JOBS
from tests.bench.measure import Run
from tests.bench.report import markdown
from tests.bench.table import BenchTable, make_table
from tests.bench.traffic import make_traffic


@pytest.fixture(scope="module")
def table() -> BenchTable:
    return make_table(3_000)


def test_the_bmp_octets_announce_the_table(table: BenchTable) -> None:
    decoder, announced, ends = BmpDecoder(), [], 0
    for octets in BmpFramer().feed(table.bmp):
        message = decoder.decode(octets)
        if type(message) is RouteMonitoring:
            ends += message.parts.end_of_rib is not None
            announced += split_nlri(message.parts.announced, *IPV4_UNICAST, False)
    told = zip(table.networks.tolist(), table.lengths.tolist(), strict=True)
    assert ends == 1
    assert sorted(announced) == sorted(
        bytes((length,)) + network.to_bytes(4)[: (length + 7) // 8] for network, length in told
    )


def test_origins_are_those_of_the_longest_match(table: BenchTable) -> None:
    networks = [
        ip_network((network, length))
        for network, length in zip(table.networks.tolist(), table.lengths.tolist(), strict=True)
    ]
    addresses = np.concatenate([table.networks[:40] | np.uint32(9), [np.uint32(0x0A000001)]])
    for address, origin in zip(addresses.tolist(), table.origins_of(addresses), strict=True):
        covering = [n for n, net in enumerate(networks) if ip_address(address) in net]
        best = max(covering, key=lambda number: networks[number].prefixlen, default=None)
        assert origin == (0 if best is None else table.origin_as[best])


def test_the_datagrams_add_up_to_the_sums(table: BenchTable) -> None:
    traffic = make_traffic(1_800, table)
    decoder = FlowDecoder(Registry.default())
    decoder.decode("192.0.2.1", memoryview(traffic.template), 1.0)
    flows = octets = packets = origins = 0
    for datagram in traffic.datagrams:
        (data,) = decoder.decode("192.0.2.1", memoryview(datagram.tobytes()), 1.0)
        assert type(data) is DataSet
        for _, fields in data.template.layout.rows(data.body, lambda _: None)[0]:
            flows += 1
            octets += fields["octetDeltaCount"]
            packets += fields["packetDeltaCount"]
            address = np.array([int(ip_address(fields["destinationIPv4Address"]))], np.uint32)
            origins += fields["octetDeltaCount"] * int(table.origins_of(address)[0])
    sums = traffic.sums
    assert (flows, octets, packets, origins) == (
        sums.flows,
        sums.octets,
        sums.packets,
        sums.origins,
    )
    assert not decoder.counters


def test_a_run_with_a_fault_counts_for_nothing_and_is_named() -> None:
    runs = [
        Run("B", "ours", 2.0, 1 << 20, 10),
        Run("B", "ours", 1.0, 1 << 20, 10, faults=("3 datagrams dropped by the kernel",)),
        Run("B", "nfacctd", 4.0, 1 << 20, 10),
    ]
    text = markdown(runs)
    assert JOBS["B"].what in text
    assert "2.00 (2.00-2.00) us/flow | 4.00 (4.00-4.00) us/flow | 0.50" in text
    assert "invalid: B, ours: 3 datagrams dropped by the kernel" in text
