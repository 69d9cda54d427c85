"""Options data: sampling rates, VRFs, names, addresses, each in its scope."""

from pathlib import Path

import pytest

from collector.metrics import Counters
from collector.nfacctd.flows.flow_records import Maps
from collector.nfacctd.flows.options import NfacctdOptions
from collector.nfacctd.maps.flow_to_rd_map import FlowToRdMap
from collector.nfacctd.maps.sampling_map import SamplingMap
from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import Value, address, ipfix, options

_SOURCE: Value = (8, address("10.0.0.1"))
_DOMAIN: Value = (149, b"\0\0\0\5")
_SYSTEM: Value = (1, b"\0\0\0\1")


def u32(value: int) -> bytes:
    return value.to_bytes(4)


def rd(administrator: int, number: int) -> bytes:
    return b"\0\0" + administrator.to_bytes(2) + u32(number)


def rate_of(scope: Value, fields: list[Value], flow: list[Value], **settings: object) -> int:
    datagrams = [options([scope], fields, domain=5), ipfix([_SOURCE, *flow], domain=5)]
    (record,) = records_of(datagrams, "sampling_rate", **settings)
    return record["sampling_rate"]


@pytest.mark.parametrize(
    ("fields", "flow", "rate"),
    [
        ([(48, b"\1"), (50, u32(100))], [(48, b"\1")], 100),
        ([(48, b"\1"), (34, u32(100))], [(48, b"\0\1")], 100),
        ([(302, u32(7)), (305, u32(1)), (306, u32(99))], [(302, bytes(7) + b"\7")], 100),
        ([(302, u32(7)), (305, u32(1)), (309, u32(1)), (310, u32(256))], [(302, u32(7))], 256),
        ([(48, b"\1"), (50, u32(100))], [(48, b"\2")], 0),
        ([(48, b"\1"), (50, u32(100))], [(48, b"\0")], 100),  # 0 is any
        ([(48, b"\1"), (50, u32(100))], [], 100),
        ([(34, u32(100))], [], 100),
        ([(34, u32(100))], [(34, u32(7))], 7),
        ([(82, b"eth0")], [], 0),
    ],
)
def test_sampling_rates(fields: list[Value], flow: list[Value], rate: int) -> None:
    assert rate_of(_DOMAIN, fields, flow) == rate


def test_a_template_stands_in_for_a_sampler() -> None:
    scope: Value = (145, (256).to_bytes(2))
    assert rate_of(scope, [(34, u32(50))], [(302, u32(256))]) == 50
    assert rate_of(scope, [(34, u32(50))], [(302, u32(256))], disable_opt_scope_check=True) == 0


def test_other_domains_hear_of_samplers_of_the_system_and_of_a_single_one() -> None:
    def rate(scope: Value, flow: list[Value], **settings: object) -> int:
        told = options([scope], [(48, b"\1"), (50, u32(100))], domain=5)
        (record,) = records_of(
            [told, ipfix([_SOURCE, *flow], domain=6)], "sampling_rate", **settings
        )
        return record["sampling_rate"]

    named: list[Value] = [(48, b"\1")]
    assert rate(_SYSTEM, named) == 100
    assert rate(_DOMAIN, named) == 0
    assert rate(_DOMAIN, named, disable_opt_scope_check=True) == 100
    assert rate(_DOMAIN, []) == 100


def test_counters_are_multiplied() -> None:
    datagrams = [options([_DOMAIN], [(34, u32(100))], domain=5), ipfix([_SOURCE], domain=5)]
    (record,) = records_of(datagrams, "sampling_rate", renormalize=True)
    assert record == {"sampling_rate": 1, "packets": 300, "bytes": 25600}
    (record,) = records_of(datagrams[1:], "sampling_rate", renormalize=True)
    assert record == {"sampling_rate": 0, "packets": 3, "bytes": 256}


def test_a_configured_rate_comes_first_but_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "sampling.map"
    path.write_text("id=20 ip=192.0.2.1\n")
    maps = Maps(sampling=SamplingMap.load(str(path)))
    datagrams = [options([_DOMAIN], [(34, u32(100))], domain=5), ipfix([_SOURCE], domain=5)]
    (record,) = records_of(datagrams, "sampling_rate", maps=maps)
    assert record["sampling_rate"] == 20
    (record,) = records_of(datagrams, "sampling_rate", maps=maps, renormalize=True)
    assert (record["sampling_rate"], record["packets"]) == (1, 60)
    configured = {"renormalize": True, "ext_sampling_rate": 9}
    (record,) = records_of(datagrams, "sampling_rate", **configured)
    assert (record["sampling_rate"], record["packets"]) == (1, 27)
    (record,) = records_of(datagrams[1:], "sampling_rate", **configured)
    assert (record["sampling_rate"], record["packets"]) == (0, 27)


_VRFS = [
    options([(234, u32(1))], [(236, b"default"), (235, u32(1)), (90, rd(0, 0))]),
    options([(234, u32(2))], [(236, b"blue\0\0\0"), (235, u32(2)), (90, rd(65000, 2))]),
    options([(234, u32(3))], [(236, b"green\0\0"), (235, u32(3)), (90, rd(65000, 3))]),
]


@pytest.mark.parametrize(
    ("ingress", "egress", "direction", "distinguisher", "name"),
    [
        (2, 3, None, "0:65000:2", "blue"),
        (2, 3, 0, "0:65000:2", "blue"),
        (2, 3, 1, "0:65000:3", "blue"),
        (0, 3, 0, "0:65000:3", "green"),
        (2, 0, 1, "0:65000:2", "blue"),
        (1, 3, 0, "0:65000:3", "green"),  # the ingress one is 0:0:0
        (1, 1, 0, "0:0:0", "default"),
        (9, 3, 0, "vrfid:9", ""),
        (0, 9, 0, "vrfid:9", ""),
        (0, 0, 0, "0:0:0", ""),
    ],
)
def test_route_distinguishers_and_names(
    ingress: int, egress: int, direction: int | None, distinguisher: str, name: str
) -> None:
    flow: list[Value] = [_SOURCE, (234, u32(ingress)), (235, u32(egress))]
    if direction is not None:
        flow.append((61, bytes((direction,))))
    names = ("mpls_vpn_rd", "vrf_name", "ingress_vrf_name", "egress_vrf_name")
    (record,) = records_of([*_VRFS, ipfix(flow)], *names)
    assert record["mpls_vpn_rd"] == distinguisher
    assert record["mpls_vpn_rd_origin"] == ("flow" if ingress or egress else "unknown")
    assert record["vrf_name"] == name


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (rd(65000, 7), "0:65000:7"),
        (b"\0\1" + address("192.0.2.1") + b"\0\7", "1:192.0.2.1:7"),
        (b"\0\2\0\1\0\0\0\7", "2:65536:7"),
        (b"\0\7\0\1\0\0\0\7", "unknown"),
        (bytes(8), "0:0:0"),
    ],
)
def test_a_record_may_say_its_route_distinguisher(octets: bytes, text: str) -> None:
    flow: list[Value] = [_SOURCE, (234, u32(2)), (90, octets)]
    (record,) = records_of([*_VRFS, ipfix(flow)], "mpls_vpn_rd", "vrf_name")
    assert (record["mpls_vpn_rd"], record["mpls_vpn_rd_origin"]) == (text, "flow")
    assert record["vrf_name"] == ""


def test_a_map_beats_the_record(tmp_path: Path) -> None:
    path = tmp_path / "rd.map"
    path.write_text("id=1:192.0.2.9:5 in=7\nid=0:0:0 in=8\n")
    maps = Maps(flow_to_rd=FlowToRdMap.load(str(path)))
    told = []
    for interface in (7, 8, 9):
        flow: list[Value] = [_SOURCE, (234, u32(2)), (10, u32(interface))]
        (record,) = records_of([*_VRFS, ipfix(flow)], "mpls_vpn_rd", maps=maps)
        told.append((record["mpls_vpn_rd"], record["mpls_vpn_rd_origin"]))
    assert told == [("1:192.0.2.9:5", "map"), ("0:0:0", "map"), ("0:65000:2", "flow")]


def test_names_of_interfaces_and_applications() -> None:
    told = [
        options([_DOMAIN], [(10, u32(7)), (82, b"GigabitEthernet0/0/0/1-and-so-on")], domain=5),
        options([_DOMAIN], [(95, b"\x0d\0\1\2"), (96, b"http-over-something")], domain=5),
    ]
    flow: list[Value] = [_SOURCE, (10, u32(7)), (14, u32(8)), (95, b"\x0d\0\1\2")]
    names = ("in_iface_name", "out_iface_name", "class")
    (record,) = records_of([*told, ipfix(flow, domain=5)], *names)
    assert record["iface_name_in"] == "GigabitEthernet0/0/0/1-and-so-o"
    assert record["iface_name_out"] == ""
    assert record["class"] == "http-over-somet"
    (record,) = records_of([*told, ipfix(flow, domain=6)], *names)
    assert (record["iface_name_in"], record["class"]) == ("", "unknown")


def test_exporters_may_call_themselves_something_else() -> None:
    told = options([_DOMAIN], [(130, address("10.20.30.40"))], domain=5)
    flow = ipfix([_SOURCE], domain=5)
    (record,) = records_of([told, flow], "peer_src_ip")
    assert record["peer_ip_src"] == "10.20.30.40"
    (record,) = records_of([told, flow], "peer_src_ip", ignore_exporter_address=True)
    assert record["peer_ip_src"] == "192.0.2.1"


def test_a_later_record_replaces_an_earlier_one_and_news_are_counted() -> None:
    learnt = NfacctdOptions()
    learnt.learn(1, {"ingressVRFID": 5}, {"VRFname": "red"})
    learnt.learn(1, {"ingressVRFID": 5}, {"VRFname": "red"})
    assert learnt.revision == 1
    learnt.learn(1, {"ingressVRFID": 5}, {"VRFname": "blue"})
    assert (learnt.revision, learnt.vrf_name(1, 5)) == (2, "blue")


def test_tables_are_bounded() -> None:
    counters = Counters()
    learnt = NfacctdOptions(counters=counters, max_entries=2)
    for number in range(4):
        learnt.learn(1, {"ingressVRFID": number}, {"VRFname": "red"})
        learnt.learn(number, {}, {"samplerId": number, "samplingInterval": 10})
    assert learnt.vrf_name(1, 3) == ""
    assert counters["nfacctd_options_refused"] == 4


@pytest.mark.parametrize(
    "record",
    [
        {"samplerId": "x", "samplingInterval": 0},
        {"samplingPacketInterval": 0, "samplingPacketSpace": 5},
        {"samplingSize": 0, "samplingPopulation": 5},
        {"ingressVRFID": 1, "mplsVpnRouteDistinguisher": "not hex"},
        {"ingressVRFID": [1, 2], "VRFname": None},
        {"applicationId": "0", "applicationName": "x"},
        {"exporterIPv4Address": "10.0.0"},
        {"ingressInterface": True, "interfaceName": []},
    ],
)
def test_records_that_make_no_sense_do_no_harm(record: dict[str, object]) -> None:
    learnt = NfacctdOptions()
    learnt.learn(1, {}, record)
    assert learnt.sampling_rate(1, None) in (None, 0)
    assert learnt.exporter_address(1) is None


def test_flows_before_an_options_record_do_not_know_it() -> None:
    flow = ipfix([_SOURCE, (234, u32(3))], domain=5)
    told = [
        options([_DOMAIN], [(234, u32(3)), (90, rd(64512, number))], domain=5) for number in (1, 2)
    ]
    records = records_of([flow, told[0], flow, told[1], flow], "mpls_vpn_rd", "flows")
    rds = {record["mpls_vpn_rd"]: record["flows"] for record in records}
    assert rds == {"vrfid:3": 1, "0:64512:1": 1, "0:64512:2": 1}


def test_an_exporter_calls_itself_for_its_own_domain_only() -> None:
    said: list[Value] = [(130, address("198.51.100.7"))]
    for scope, shown in ((_DOMAIN, "198.51.100.7"), (_SYSTEM, "192.0.2.1")):
        datagrams = [options([scope], said, domain=5), ipfix([_SOURCE], domain=5)]
        (record,) = records_of(datagrams, "peer_src_ip")
        assert record["peer_ip_src"] == shown


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ([(130, address("198.51.100.9"))], "198.51.100.9"),
        ([(130, bytes(4))], "0.0.0.0"),
        ([(130, bytes(4)), (131, address("2001:db8::9"))], "2001:db8::9"),
        ([(130, address("198.51.100.9")), (131, address("2001:db8::9"))], "198.51.100.9"),
        ([], "198.51.100.7"),
    ],
)
def test_a_record_says_who_exported_it(fields: list[Value], shown: str) -> None:
    said: list[Value] = [(130, address("198.51.100.7"))]
    datagrams = [options([_DOMAIN], said, domain=5), ipfix([_SOURCE, *fields], domain=5)]
    (record,) = records_of(datagrams, "peer_src_ip")
    assert record["peer_ip_src"] == shown


@pytest.mark.parametrize(
    ("fields", "flow", "packets"),
    [
        ([(34, u32(10))], [], 30),
        ([(34, u32(0))], [], 0),
        ([(34, u32(10))], [(34, u32(0))], 0),
        ([(34, u32(10))], [(34, b"\5")], 0),  # in a length that is not read
        ([(82, b"eth0")], [], 3),
    ],
)
def test_a_rate_of_zero_that_somebody_told_makes_zeros_of_counters(
    fields: list[Value], flow: list[Value], packets: int
) -> None:
    datagrams = [options([_DOMAIN], fields, domain=5), ipfix([_SOURCE, *flow], domain=5)]
    (record,) = records_of(datagrams, "src_host", renormalize=True)
    assert record["packets"] == packets
