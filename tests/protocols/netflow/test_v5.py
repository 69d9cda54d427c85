import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, TruncatedError
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import Message
from collector.protocols.ipfix.registry import Registry
from collector.protocols.netflow import v5
from tests.protocols import flow_wire

_RECORD = bytes.fromhex(
    "c0000201 c6336402 cb007103"  # srcaddr, dstaddr, nexthop
    "0007 0009 0000000a 000005dc"  # input, output, dPkts, dOctets
    "00057bc0 00057e18 c350 01bb"  # First, Last, srcport, dstport
    "ff 1b 06 b8 fc00 fde8 18 10 ffff"  # pad1, tcp_flags, prot, tos, ASes, masks, pad2
)


def test_record_with_iana_names_in_wire_order_and_without_paddings() -> None:
    decoder = FlowDecoder(Registry.default())
    datagram = memoryview(flow_wire.netflow_v5(_RECORD, sequence=77))
    (data_set,) = decoder.decode("192.0.2.1", datagram, 0.0)
    assert data_set.message == Message(
        5, "192.0.2.1", 1 * 256 + 2, 1_700_000_000, 77, 360_000, 0x4064, 5
    )
    assert data_set.template.template_id == 0
    rows, fault = data_set.template.layout.rows(data_set.body, decoder.lists(data_set.message))
    assert fault is None
    assert [list(fields.items()) for _, fields in rows] == [
        [
            ("sourceIPv4Address", "192.0.2.1"),
            ("destinationIPv4Address", "198.51.100.2"),
            ("ipNextHopIPv4Address", "203.0.113.3"),
            ("ingressInterface", 7),
            ("egressInterface", 9),
            ("packetDeltaCount", 10),
            ("octetDeltaCount", 1500),
            ("flowStartSysUpTime", 359_360),
            ("flowEndSysUpTime", 359_960),
            ("sourceTransportPort", 50_000),
            ("destinationTransportPort", 443),
            ("tcpControlBits", 0x1B),
            ("protocolIdentifier", 6),
            ("ipClassOfService", 0xB8),
            ("bgpSourceAsNumber", 64_512),
            ("bgpDestinationAsNumber", 65_000),
            ("sourceIPv4PrefixLength", 24),
            ("destinationIPv4PrefixLength", 16),
        ]
    ]


def test_the_built_in_template_is_as_long_as_a_record() -> None:
    assert sum(field.length for field in v5.FIELDS) == v5.RECORD_OCTETS == len(_RECORD)


def test_octets_after_the_counted_records_are_ignored() -> None:
    datagram = flow_wire.netflow_v5(_RECORD, _RECORD, count=1) + b"rest"
    _, body = v5.parse_message("192.0.2.1", memoryview(datagram))
    assert bytes(body) == _RECORD


def test_no_records_are_no_set() -> None:
    _, body = v5.parse_message("192.0.2.1", memoryview(flow_wire.netflow_v5()))
    assert v5.split_records(body, 24) == ([], None)


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(flow_wire.netflow_v5()[:23], id="half-a-header"),
        pytest.param(flow_wire.netflow_v5(_RECORD, count=2), id="count-past-the-datagram"),
        pytest.param(flow_wire.netflow_v5(_RECORD)[:-1], id="last-octet-missing"),
    ],
)
def test_bad_datagram_is_told(wire: bytes) -> None:
    with pytest.raises(TruncatedError) as told:
        v5.parse_message("192.0.2.1", memoryview(wire))
    assert told.value.offset == 0


@given(st.binary(max_size=200))
def test_any_octets_give_whole_records_or_an_error(octets: bytes) -> None:
    try:
        _, body = v5.parse_message("192.0.2.1", memoryview(octets))
    except DecodeError:
        return
    assert len(body) == 48 * int.from_bytes(octets[2:4])
