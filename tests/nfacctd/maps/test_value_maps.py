"""Maps in which the first match gives one value: RDs, sampling rates, agents, tags of routers."""

from pathlib import Path

import pytest

from collector.nfacctd.maps.agent_map import Agent, AgentMap
from collector.nfacctd.maps.bmp_tag_map import BmpTagMap
from collector.nfacctd.maps.flow_to_rd_map import FlowToRdMap
from collector.nfacctd.maps.sampling_map import SamplingMap
from collector.nfacctd.maps.tags import UNTAGGED, Tags
from tests.nfacctd.maps.map_files import mistakes_of, write_map


def test_flow_to_rd_map(tmp_path: Path) -> None:
    table = FlowToRdMap.load(
        write_map(
            tmp_path,
            "id=0:65000:203  ip=192.0.2.1 in=203",
            "id=1:10.10.0.33:188\tip=192.0.2.1 out=188",
            "id=0:0:0 mpls_vpn_id=7",
            "id=4200000000:9 ip=2001:db8::/32 bgp_nexthop=-10.0.0.1",
            "id=2:5:5 mpls_label_bottom=24001",
        )
    )
    assert table.keys == {"ip", "in", "out", "mpls_vpn_id", "bgp_nexthop", "mpls_label_bottom"}
    given = [
        table.evaluate(flow)
        for flow in (
            {"ip": "192.0.2.1", "in": 203, "out": 188},
            {"ip": "192.0.2.1", "in": 1, "out": 188},
            {"ip": "192.0.2.9", "mpls_vpn_id": 7},
            {"ip": "192.0.2.9", "mpls_vpn_id": (1, 7)},
            {"ip": "2001:db8::9", "bgp_nexthop": "10.0.0.2"},
            {"ip": "2001:db8::9", "bgp_nexthop": "10.0.0.1", "mpls_label_bottom": 24001},
            {"ip": "192.0.2.9", "mpls_vpn_id": None},
        )
    ]
    assert given == [
        *("0:65000:203", "1:10.10.0.33:188", "0:0:0", "0:0:0", "2:4200000000:9", "2:5:5", None)
    ]


def test_sampling_map(tmp_path: Path) -> None:
    lines = ("id=1024 ip=192.0.2.1", "id=2048 ip=192.0.2.2 in=5", "id=1 ip=::/0 out=-3")
    table = SamplingMap.load(write_map(tmp_path, *lines))
    assert (len(table), table.keys) == (3, {"ip", "in", "out"})
    assert table.evaluate({"ip": "192.0.2.1", "in": 9}) == 1024
    assert table.evaluate({"ip": "192.0.2.2", "in": 5}) == 2048
    assert table.evaluate({"ip": "192.0.2.2", "in": 6}) is None
    assert table.evaluate({"ip": "2001:db8::1", "out": 4}) == 1


def test_agent_map(tmp_path: Path) -> None:
    table = AgentMap.load(
        write_map(
            tmp_path,
            "bmp_ip=10.10.0.1 ip=0.0.0.0/0 filter='ip or (vlan and ip)'",
            "bgp_ip=FD00::1:8:0 ip=0.0.0.0/0 filter='ip6 or (vlan and ip6)' bgp_port=1790",
            "id=10.0.0.9 ip=2001:db8::1 in=4",
        )
    )
    assert table.keys == {"ip", "in", "ip_version", "encapsulation"}
    ipv4 = Agent("10.10.0.1")
    assert table.evaluate({"ip": "192.0.2.1", "ip_version": 4}) == ipv4
    assert table.evaluate({"ip": "192.0.2.1", "ip_version": 4, "encapsulation": "vlan"}) == ipv4
    assert table.evaluate({"ip": "192.0.2.1", "ip_version": 6}) == Agent("fd00::1:8:0", 1790)
    assert table.evaluate({"ip": "192.0.2.1", "ip_version": 4, "encapsulation": "mpls"}) is None
    assert table.evaluate({"ip": "2001:db8::1", "in": 4}) == Agent("10.0.0.9")


def test_bmp_daemon_tag_map_leaves_rules_about_flows_out(tmp_path: Path) -> None:
    table = BmpTagMap.load(
        write_map(
            tmp_path,
            "set_label=flows ip=192.0.2.1 in=3",
            "set_tag=3 jeq=next",
            "set_label=nkey%1,pkey%2 ip=192.0.2.1/32",
            "set_tag=7 ip=2001:db8::/32",
        )
    )
    assert table.evaluate({"ip": "192.0.2.1"}) == Tags(label="nkey%1,pkey%2", has_label=True)
    assert table.evaluate({"ip": "2001:db8::5"}) == Tags(tag=7, has_tag=True)
    assert table.evaluate({"ip": "198.51.100.1"}) == UNTAGGED
    assert (len(table), table.skipped, table.keys) == (2, 2, {"ip"})


@pytest.mark.parametrize(
    ("load", "line", "reason"),
    [
        (FlowToRdMap.load, "ip=192.0.2.1", "'id' is missing"),
        (FlowToRdMap.load, "id=7 ip=192.0.2.1", "id: '7' is no route distinguisher"),
        (FlowToRdMap.load, "id=0:1:1 src_net=10.0.0.0/8", "unknown key 'src_net'"),
        (FlowToRdMap.load, "id=0:1:1 mpls_vpn_id=0", "mpls_vpn_id: 0 is not from 1 to 4294967295"),
        (FlowToRdMap.load, "id=0:1:1 id=0:1:2", "'id' comes twice"),
        (SamplingMap.load, "id=0 ip=192.0.2.1", "id: 0 is not from 1 to 4294967295"),
        (SamplingMap.load, "ip=192.0.2.1", "'id' is missing"),
        (SamplingMap.load, "id=5 filter='ip'", "unknown key 'filter'"),
        (AgentMap.load, "ip=192.0.2.1", "'bmp_ip' is missing"),
        (AgentMap.load, "bmp_ip=10.0.0.1 id=10.0.0.2", "'bmp_ip' and 'id' are one key"),
        (AgentMap.load, "bmp_ip=router", "bmp_ip: 'router' is no IP address"),
        (AgentMap.load, "bmp_ip=10.0.0.1 bgp_port=0", "bgp_port: 0 is not from 1 to 65535"),
        (BmpTagMap.load, "set_tag=1++", "set_tag: '1++': routers have tags that stay"),
        (BmpTagMap.load, "set_tag=1 set_label=a", "a rule sets one of tag, label"),
        (BmpTagMap.load, "set_label=a id=7", "unknown key 'id'"),
    ],
)
def test_malformed_rule(tmp_path: Path, load: object, line: str, reason: str) -> None:
    (mistake,) = mistakes_of(load, tmp_path, "! first", line)
    assert mistake.startswith("2: " + reason)
