"""The loads for benches: as many flows and routes as was asked for, all of them well-formed."""

import numpy as np
import pytest

from collector.protocols.bgp.attributes import Attributes, parse_attributes
from collector.protocols.bgp.nlri import split_nlri
from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.messages import Initiation, PeerUp, RouteMonitoring
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import DataSet
from collector.protocols.ipfix.registry import Registry
from collector.simulation.bmp import Peer
from collector.simulation.flow_load import MAX_LAYOUTS, flow_load, load_fields
from collector.simulation.table_load import table_load, table_prefixes

_PEER = Peer("192.0.2.254", 64600, "192.0.2.254")


@pytest.mark.parametrize(("devices", "layouts"), [(1, 1), (7, 3), (20, 20)])
def test_flow_load_decodes_to_its_sums(devices: int, layouts: int) -> None:
    destinations = np.arange(50, dtype=np.uint32) + (198 << 24)
    load = flow_load(4, destinations=destinations, devices=devices, layouts=layouts, seed=3)
    decoder = FlowDecoder(Registry.default())
    for device, template in enumerate(load.templates):
        decoder.decode(str(device), memoryview(template), 0)
    flows = octets = packets = 0
    seen, found = set(), set()
    for device, datagram in zip(load.devices, load.datagrams, strict=True):
        (event,) = decoder.decode(str(device), memoryview(datagram), 0)
        assert isinstance(event, DataSet)
        seen.add(event.template.layout)
        rows, fault = event.template.layout.rows(event.body, decoder.lists(event.message))
        assert fault is None
        flows += len(rows)
        octets += sum(fields["octetDeltaCount"] for _, fields in rows)
        packets += sum(fields["packetDeltaCount"] for _, fields in rows)
        found |= {fields["destinationIPv4Address"] for _, fields in rows}
    assert (flows, octets, packets) == (load.flows, load.octets, load.packets)
    assert flows == 4 * 18 * devices
    assert len(seen) == layouts
    assert found <= {f"198.0.0.{host}" for host in range(50)}
    assert not decoder.counters


def test_layouts_differ() -> None:
    assert len({tuple(load_fields(number)) for number in range(MAX_LAYOUTS)}) == MAX_LAYOUTS
    with pytest.raises(ValueError, match="257 layouts"):
        flow_load(1, destinations=np.ones(1, np.uint32), layouts=MAX_LAYOUTS + 1)


@pytest.mark.parametrize(("count", "attribute_sets"), [(1, 1), (3000, 1), (5000, 700), (9, 9)])
def test_table_load_has_each_prefix_once(count: int, attribute_sets: int) -> None:
    prefixes = table_prefixes(count)
    decoder = BmpDecoder()
    messages = [
        decoder.decode(octets)
        for octets in table_load(prefixes, attribute_sets=attribute_sets, peer=_PEER)
    ]
    assert [type(message) for message in messages[:2]] == [Initiation, PeerUp]
    assert messages[-1].parts.end_of_rib == (1, 1)
    announced, sets = [], set()
    for message in messages[2:-1]:
        assert isinstance(message, RouteMonitoring)
        announced += split_nlri(message.parts.announced, 1, 1, False)
        sets.add(message.parts.attributes_key)
    expected = {
        bytes((length,)) + int(address).to_bytes(4)[: (length + 7) // 8]
        for address, length in zip(
            prefixes.addresses.tolist(), prefixes.lengths.tolist(), strict=True
        )
    }
    assert len(announced) == count
    assert set(announced) == expected
    assert len(sets) == attribute_sets
    assert all(isinstance(parse_attributes(octets, 4), Attributes) for octets in sets)


def test_hosts_lie_in_the_prefixes() -> None:
    prefixes = table_prefixes(200)
    hosts = prefixes.hosts(100)
    masks = (0xFFFFFFFF << (32 - prefixes.lengths.astype(np.int64))) & 0xFFFFFFFF
    inside = (hosts[:, np.newaxis] & masks) == prefixes.addresses
    assert 90 < len(hosts) <= 100
    assert inside.any(axis=1).all()
