"""Maps and flows: tags, labels and TOS, and what of a flow a map can look at."""

from pathlib import Path

import pytest

from collector.nfacctd.flows.flow_records import Maps
from collector.nfacctd.flows.map_values import raw_of
from collector.nfacctd.flows.route_values import RouteValues
from collector.nfacctd.maps.match_keys import PRE_TAG_KEYS
from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.settings import LabelTerm, Plugin, Settings, TagRange
from tests.nfacctd.flows.pipeline import Pipeline, records_of
from tests.nfacctd.flows.wire import Value, address, ipfix, options

_FLOW: list[Value] = [
    (8, address("10.1.1.1")),
    (12, address("10.2.2.2")),
    (4, b"\6"),
    (7, b"\0\x50"),
    (6, b"\x12"),
    (10, b"\0\0\0\7"),
    (61, b"\1"),
    (56, b"\1\2\3\4\5\6"),
    (80, b"\1\0\0\0\0\1"),
    (5, b"\x20"),
    (58, b"\1\2"),
    (18, address("9.9.9.9")),
    (15, address("9.9.9.8")),
    (89, b"\x80"),
    (234, b"\0\0\0\5"),
    (70, b"\0\1\1"),
]


def load(tmp_path: Path, text: str) -> Maps:
    path = tmp_path / "pretag.map"
    path.write_text(text)
    return Maps(pre_tag=PreTagMap.load(str(path)))


@pytest.mark.parametrize(
    "match",
    [
        "ip=192.0.2.1",
        "in=7",
        "out=-0",
        "source_id=3",
        "flowset_id=256",
        "nexthop=9.9.9.8",
        "bgp_nexthop=9.9.9.9",
        "sample_type=flow",
        "sample_type=-event",
        "direction=1",
        "is_multicast=true",
        "src_mac=01:02:03:04:05:06",
        "vlan=258",
        "src_net=10.1.0.0/16",
        "dst_net=10.2.2.2",
        "ip_proto=tcp",
        "src_port=80",
        "tcp_flags=12",
        "fwd_status=128",
        "mpls_vpn_id_in=5",
        "src_as=0",
        "filter='vlan and mpls and tcp and src host 10.1.1.1'",
        "is_bi_flow=false",
        "is_nsel=false",
    ],
)
def test_what_a_map_can_look_at(match: str, tmp_path: Path) -> None:
    maps = load(tmp_path, f"set_tag=5 {match}\n")
    (record,) = records_of([ipfix(_FLOW, domain=3)], "tag", maps=maps)
    assert record["tag"] == 5


def test_every_key_of_the_language_is_answered() -> None:
    derived = {"filter", "engine_id", "is_multicast", "fwdstatus"}
    for key in set(PRE_TAG_KEYS) - derived:
        assert raw_of([key]), key


def test_what_routes_say_can_be_looked_at(tmp_path: Path) -> None:
    maps = load(tmp_path, "set_tag=5 comms=65001:2 src_as=64510 local_pref=100\nset_tag=6\n")
    routes = RouteValues(16, 64510), RouteValues(24, std_comm="65001:2", local_pref=100)
    settings = {"as_source": "bmp", "maps": maps, "routes_of": lambda _: routes}
    (record,) = records_of([ipfix(_FLOW)], "tag", **settings)
    assert record["tag"] == 5


def test_a_rule_sets_one_thing_and_leaves_the_rest_to_the_device(tmp_path: Path) -> None:
    maps = load(tmp_path, "set_label=green in=7\nset_tag=9\n")
    sent: list[Value] = [(1, (3).to_bytes(8), 43874)]
    names = ("tag", "tag2", "label", "src_port")
    first, second = (
        records_of([ipfix([*flow, *sent])], *names, maps=maps)[0]
        for flow in (_FLOW, [v for v in _FLOW if v[0] != 10])
    )
    assert (first["tag"], first["label"]) == (3, "green")
    assert (second["tag"], second["label"]) == (3, "")


def test_what_a_record_says_of_its_tags_comes_last_and_no_filter_sees_it(tmp_path: Path) -> None:
    maps = load(tmp_path, "set_tag=9 jeq=next\nset_label=green\n")
    sent: list[Value] = [(1, (3).to_bytes(8), 43874), (3, b"blue", 43874)]
    for filters, shown in (
        ({}, (3, "blue")),
        ({"pre_tag_filter": (TagRange(9, 9),)}, (3, "blue")),
        ({"pre_tag_label_filter": (LabelTerm("green"),)}, (3, "blue")),
        ({"pre_tag_filter": (TagRange(3, 3),)}, None),
    ):
        plugin = Plugin(name="p", type="kafka", **filters)
        datagrams = [ipfix([*_FLOW, *sent])]
        found = records_of(datagrams, "tag", "label", plugin=plugin, maps=maps)
        assert [(r["tag"], r["label"]) for r in found] == ([] if shown is None else [shown])


def test_the_tos_of_a_rule_is_written_as_it_is(tmp_path: Path) -> None:
    maps = load(tmp_path, "set_tos=46 in=7\n")
    other = ipfix([(8, address("10.1.1.1")), (5, b"\x20")])
    found = records_of([ipfix(_FLOW), other], "tos", maps=maps, tos_encode_as_dscp=True)
    assert sorted(record["tos"] for record in found) == [8, 46]


def test_a_map_may_hand_a_flow_out_twice(tmp_path: Path) -> None:
    text = "set_tag=1 ip=192.0.2.1 jeq=next return=true\nset_tag=2 label=next\n"
    found = records_of([ipfix(_FLOW)], "tag", maps=load(tmp_path, text))
    assert sorted(record["tag"] for record in found) == [1, 2]
    assert [record["packets"] for record in found] == [3, 3]


def test_a_plugin_may_have_a_map_of_its_own(tmp_path: Path) -> None:
    core = load(tmp_path, "set_tag=1\n")
    own = load(tmp_path, "set_tag=2\n")
    maps = Maps(pre_tag=core.pre_tag, plugin_pre_tags={"q": own.pre_tag})
    plugins = tuple(Plugin(name=name, type="kafka", aggregate=("tag",)) for name in "pq")
    worker = Pipeline(Settings(plugins=plugins), maps=maps)
    worker.datagram(ipfix(_FLOW))
    worker.close_batch()
    made = worker.records.purge(0, everything=True)
    assert {p.name: [r["tag"] for r in records] for p, records in made} == {"p": [1], "q": [2]}


def test_another_map_may_ask_for_other_fields(tmp_path: Path) -> None:
    plugin = Plugin(name="p", type="kafka", aggregate=("tag",))
    worker = Pipeline(Settings(plugins=(plugin,)), maps=load(tmp_path, "set_tag=1\n"))
    worker.datagram(ipfix(_FLOW))
    assert [record["tag"] for record in worker.purge()] == [1]
    worker.records.use(load(tmp_path, "set_tag=2 src_port=80\n"))
    worker.datagram(ipfix(_FLOW))
    assert [record["tag"] for record in worker.purge()] == [2]


def test_maps_know_an_exporter_by_what_it_calls_itself(tmp_path: Path) -> None:
    maps = load(tmp_path, "set_tag=1 ip=10.20.30.40\nset_tag=2 ip=192.0.2.1\n")
    told = options([(149, b"\0\0\0\0")], [(130, address("10.20.30.40"))])
    (record,) = records_of([told, ipfix(_FLOW)], "tag", maps=maps)
    assert record["tag"] == 1
    datagrams = [told, ipfix(_FLOW)]
    (record,) = records_of(datagrams, "tag", maps=maps, ignore_exporter_address=True)
    assert record["tag"] == 2


@pytest.mark.parametrize("event", [[(230, b"\1")], []])  # of NAT; any other, without counters
def test_events_are_packets_of_ipv4_to_filters(event: list[Value]) -> None:
    values: list[Value] = [(8, address("10.1.1.1")), (4, b"\1"), *event]
    plugin = Plugin(name="p", type="kafka", aggregate_filter="icmp and src host 10.1.1.1")
    octets = ipfix(values, counted=bool(event))
    records = records_of([octets], "src_host", plugin=plugin)
    assert [record["ip_src"] for record in records] == ["10.1.1.1"]


def test_an_interface_that_a_record_lacks_is_not_interface_0(tmp_path: Path) -> None:
    maps = load(tmp_path, "set_tag=1 in=0\nset_tag=2 out=0\n")
    flows = [[_FLOW[0], (10, b"\0\0")], [_FLOW[0], (14, b"\0\0\0\0")], [_FLOW[0]]]
    tags = [records_of([ipfix(one)], "tag", maps=maps)[0]["tag"] for one in flows]
    assert tags == [1, 2, 0]
