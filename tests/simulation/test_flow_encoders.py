"""What the flow encoders make is what our decoder reads out of it."""

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import DataSet, TemplateAnnounced
from collector.protocols.ipfix.registry import Registry
from collector.simulation import ipfix, netflow

_TIME_S = 1_700_000_000
_ADDRESSES = st.ip_addresses(v=4).map(str)
_COUNTS = st.integers(0, 2**32 - 1)
_V5_RECORDS = st.builds(
    netflow.V5Record,
    source=_ADDRESSES,
    destination=_ADDRESSES,
    next_hop=_ADDRESSES,
    ingress_interface=st.integers(0, 65535),
    packets=_COUNTS,
    octets=_COUNTS,
    source_port=st.integers(0, 65535),
    tcp_flags=st.integers(0, 255),
    source_as=st.integers(0, 65535),
    destination_mask=st.integers(0, 32),
)


def _decoded(*datagrams: bytes) -> tuple[FlowDecoder, list]:
    decoder = FlowDecoder(Registry.default())
    events = []
    for datagram in datagrams:
        events += decoder.decode("192.0.2.1", memoryview(datagram), _TIME_S)
    return decoder, events


def _rows(*datagrams: bytes) -> list[tuple[dict, dict]]:
    decoder, events = _decoded(*datagrams)
    rows = []
    for event in events:
        if isinstance(event, DataSet):
            found, fault = event.template.layout.rows(event.body, decoder.lists(event.message))
            assert fault is None
            rows += found
        else:
            assert isinstance(event, TemplateAnnounced), event
    assert not decoder.counters
    return rows


def test_ipfix_data_of_every_kind_of_field() -> None:
    fields = [(8, 4), (1, 4), (82, 65535), (56, 6), (1, 8, 29305)]
    record = IPv4Address("192.0.2.7").packed + struct.pack("!I", 1500)
    record += ipfix.variable_length(b"ge-0/0/0") + bytes.fromhex("00005e005301")
    record += struct.pack("!Q", 40)
    message = ipfix.ipfix_message(
        [ipfix.template_set(256, fields), ipfix.data_set(256, record * 2, padded=False)],
        export_time_s=_TIME_S,
        sequence=5,
        domain=9,
    )
    expected = {
        "sourceIPv4Address": "192.0.2.7",
        "octetDeltaCount": 1500,
        "interfaceName": "ge-0/0/0",
        "sourceMacAddress": "00:00:5e:00:53:01",
        "reverseOctetDeltaCount": 40,
    }
    assert _rows(message) == [({}, expected)] * 2


@given(st.binary(max_size=600))
def test_variable_length_of_either_form(octets: bytes) -> None:
    message = ipfix.ipfix_message(
        [
            ipfix.template_set(256, [(210, 65535)]),
            ipfix.data_set(256, ipfix.variable_length(octets), padded=False),
        ],
        export_time_s=_TIME_S,
        sequence=0,
    )
    ((_, fields),) = _rows(message)
    assert fields == {"paddingOctets": octets.hex()}


def test_ipfix_options_and_padding() -> None:
    message = ipfix.ipfix_message(
        [
            ipfix.options_template_set(300, [(149, 4)], [(305, 4), (306, 2)]),
            ipfix.data_set(300, struct.pack("!IIH", 9, 1, 999)),
        ],
        export_time_s=_TIME_S,
        sequence=0,
    )
    assert len(message) % 4 == 2  # of the template: 10 octets of record, then 2 of padding
    assert _rows(message) == [
        (
            {"observationDomainId": 9},
            {"samplingPacketInterval": 1, "samplingPacketSpace": 999},
        )
    ]


@pytest.mark.parametrize("options", [False, True])
def test_ipfix_withdrawal(options: bool) -> None:
    announced = (
        ipfix.options_template_set(300, [(149, 4)], [(305, 4)])
        if options
        else ipfix.template_set(300, [(8, 4)])
    )
    message = ipfix.ipfix_message(
        [announced, ipfix.withdrawal_set(300, options=options)],
        export_time_s=_TIME_S,
        sequence=0,
    )
    _, events = _decoded(message)
    assert [event.withdrawn for event in events] == [False, True]


@given(st.lists(_V5_RECORDS, min_size=1, max_size=30))
def test_v5_round_trip(records: list[netflow.V5Record]) -> None:
    packet = netflow.v5_packet(
        records, uptime_ms=1000, export_time_s=_TIME_S, sequence=7, engine=(1, 2)
    )
    _, (event,) = _decoded(packet)
    assert event.message.observation_domain_id == 258
    assert event.message.sequence == 7
    for (_, fields), record in zip(_rows(packet), records, strict=True):
        assert fields["sourceIPv4Address"] == record.source
        assert fields["destinationIPv4Address"] == record.destination
        assert fields["ipNextHopIPv4Address"] == record.next_hop
        assert fields["ingressInterface"] == record.ingress_interface
        assert fields["packetDeltaCount"] == record.packets
        assert fields["octetDeltaCount"] == record.octets
        assert fields["sourceTransportPort"] == record.source_port
        assert fields["tcpControlBits"] == record.tcp_flags
        assert fields["protocolIdentifier"] == record.protocol
        assert fields["bgpSourceAsNumber"] == record.source_as
        assert fields["destinationIPv4PrefixLength"] == record.destination_mask


def test_v9_data_and_options() -> None:
    packet = netflow.v9_packet(
        [
            netflow.v9_template_flowset(256, [(8, 4), (1, 4)]),
            netflow.v9_options_template_flowset(257, [(1, 4)], [(34, 4), (35, 1)]),
            netflow.v9_data_flowset(256, IPv4Address("192.0.2.7").packed + struct.pack("!I", 60)),
            netflow.v9_data_flowset(257, struct.pack("!IIB", 1, 100, 2)),
        ],
        uptime_ms=1000,
        export_time_s=_TIME_S,
        sequence=0,
        source_id=3,
    )
    assert _rows(packet) == [
        ({}, {"sourceIPv4Address": "192.0.2.7", "octetDeltaCount": 60}),
        ({"scopeSystem": 1}, {"samplingInterval": 100, "samplingAlgorithm": 2}),
    ]
