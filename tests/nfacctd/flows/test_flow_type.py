"""Flow types: by the template's fields, and by what they hold."""

import pytest

from collector.nfacctd.flows.flow_type import MPLS, VLAN, FlowType
from collector.nfacctd.settings import Plugin, Settings
from tests.nfacctd.flows.pipeline import Pipeline, records_of
from tests.nfacctd.flows.wire import Value, address, ipfix

_V4, _V6 = address("10.0.0.1"), address("2001:db8::1")
_NO_V4, _NO_V6 = bytes(4), bytes(16)


def type_of(*values: Value, counted: bool = True) -> int:
    plugin = Plugin(name="p", type="kafka", aggregate=("src_host",))
    pipeline = Pipeline(Settings(plugins=(plugin,)))
    pipeline.datagram(ipfix(values, counted=counted))
    batch, _ = pipeline.builder.read(pipeline.builder.take())
    (found,) = batch.columns["flow_type"].tolist()
    return found


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([(8, _V4)], FlowType.IPV4),
        ([(12, _V4)], FlowType.IPV4),
        ([(44, _V4)], FlowType.IPV4),
        ([(366, _V4)], FlowType.IPV4),
        ([(27, _V6)], FlowType.IPV6),
        ([(169, _V6)], FlowType.IPV6),
        ([(8, _V4), (27, _NO_V6)], FlowType.IPV4),
        ([(8, _NO_V4), (27, _V6)], FlowType.IPV6),
        ([(27, _V6), (8, _V4)], FlowType.IPV6),
        ([(27, _NO_V6), (8, _V4)], FlowType.IPV4),
        ([(27, _NO_V6), (8, _NO_V4)], FlowType.IPV6),
        ([(8, _NO_V4), (27, _NO_V6)], FlowType.IPV6),
        ([(8, _V4), (27, _V6), (60, b"\6")], FlowType.IPV6),
        ([(8, _V4), (27, _V6), (60, b"\0")], FlowType.IPV4),
        ([(56, bytes(6))], FlowType.LINK),
        ([(10, b"\0\1")], FlowType.NONE),
        ([(8, _V4), (230, b"\1")], FlowType.NAT_EVENT),
        ([(8, _V4), (70, b"\0\0\x11")], FlowType.IPV4 | MPLS),
        ([(8, _V4), (58, b"\1\0")], FlowType.IPV4 | VLAN),
        ([(8, _V4), (58, b"\0\7")], FlowType.IPV4),
        ([(27, _V6), (59, b"\1\0"), (70, b"\0\0\x11")], FlowType.IPV6 | VLAN | MPLS),
        ([(27, _V6), (4, b"\x04"), (8, _V4)], FlowType.SRV6_IPV4),
        ([(27, _V6), (4, b"\x29"), (27, _V6)], FlowType.SRV6_IPV6),
        ([(27, _V6), (4, b"\x8f")], FlowType.SRV6),
        ([(27, _V6), (4, b"\x8f"), (27, _V6)], FlowType.IPV6),
        ([(27, _V6), (4, b"\x06"), (8, _NO_V4)], FlowType.IPV6),
        ([(8, _V4), (4, b"\x29"), (27, _V6)], FlowType.IPV4),
    ],
)
def test_a_record_has_the_type_of_its_fields(values: list[Value], expected: int) -> None:
    assert type_of(*values) == expected


@pytest.mark.parametrize("values", [[(8, _V4)], [(8, _V4), (2, b"\0\0\0\1")]])
def test_without_octets_it_is_an_event(values: list[Value]) -> None:
    assert type_of(*values, counted=False) == FlowType.EVENT


def test_records_of_no_type_are_dropped_and_counted() -> None:
    plugin = Plugin(name="p", type="kafka", aggregate=("in_iface",))
    pipeline = Pipeline(Settings(plugins=(plugin,)))
    pipeline.datagram(ipfix([(10, b"\0\1")]))
    assert pipeline.purge() == []
    assert pipeline.counters["nfacctd_untyped"] == 1


def test_events_have_no_counters() -> None:
    event = ipfix([(8, _V4), (2, b"\0\0\0\1")], counted=False)
    assert records_of([event], "src_host", "flows") == [{"ip_src": "10.0.0.1"}]
    nat = ipfix([(8, _V4), (230, b"\1")])
    assert records_of([nat], "src_host", "nat_event") == [{"ip_src": "10.0.0.1", "nat_event": 1}]


def test_an_event_of_both_families_shows_the_address_of_ipv6() -> None:
    event = ipfix([(8, _V4), (27, _V6)], counted=False)
    assert records_of([event], "src_host", "etype") == [{"etype": "800", "ip_src": "2001:db8::1"}]
