"""pre_tag_map: what rules look at, what they give, where they jump, what is no rule."""

from pathlib import Path

import pytest

from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.maps.tags import UNTAGGED, Tags
from tests.nfacctd.maps.map_files import mistakes_of, write_map


def _load(directory: Path, *lines: str) -> PreTagMap:
    return PreTagMap.load(write_map(directory, *lines))


def _tag(tag: int) -> Tags:
    return Tags(tag=tag, has_tag=True)


@pytest.mark.parametrize(
    ("rule", "matches", "others"),
    [
        ("ip=192.0.2.1", {"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}),
        ("ip=192.0.2.0/24", {"ip": "192.0.2.9"}, {"ip": "192.0.3.9"}),
        ("ip=0.0.0.0/0", {"ip": "1.2.3.4"}, {"ip": "2001:db8::1"}),
        ("ip=2001:db8::/32", {"ip": "2001:db8:1::1"}, {"ip": "2001:db9::1"}),
        ("ip=2001:DB8:0::1", {"ip": "2001:db8::1"}, {"ip": "2001:db8::2"}),
        ("ip=::ffff:192.0.2.1", {"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}),
        ("in=7", {"in": 7}, {"in": 8}),
        ("in=7", {"in": 7}, {}),
        ("out=-7", {"out": 8}, {"out": 7}),
        ("out=-7", {}, {"out": 7}),
        ("engine_type=1", {"engine_type": 1}, {"engine_type": 0}),
        ("engine_id=70000", {"source_id": 70000}, {"source_id": 1}),
        ("source_id=5", {"source_id": 5}, {"source_id": 6}),
        ("flowset_id=256", {"flowset_id": 256}, {"flowset_id": 257}),
        ("nexthop=10.0.0.254", {"nexthop": "10.0.0.254"}, {"nexthop": "10.0.0.1"}),
        ("bgp_nexthop=2001:db8::1", {"bgp_nexthop": "2001:db8::1"}, {"bgp_nexthop": None}),
        ("sample_type=flow", {"sample_type": "flow-vlan-ipv4"}, {"sample_type": "event"}),
        ("sample_type=flow-ipv4", {"sample_type": "flow-ipv4"}, {"sample_type": "flow-ipv6"}),
        ("sample_type=flow-mpls-ipv6", {"sample_type": "flow-mpls-ipv6"}, {"sample_type": "flow"}),
        ("sample_type=option", {"sample_type": "option"}, {"sample_type": "flow-ipv4"}),
        ("is_bi_flow=true", {"is_bi_flow": True}, {"is_bi_flow": False}),
        ("is_nsel=false", {}, {"is_nsel": True}),
        ("is_nel=-true", {"is_nel": False}, {"is_nel": True}),
        ("is_multicast=true", {"dst_mac": "01:00:5e:00:00:01"}, {"dst_mac": "00:00:5e:00:00:01"}),
        ("is_multicast=false", {}, {"dst_mac": "33:33:00:00:00:01"}),
        ("direction=1", {"direction": 1}, {"direction": 0}),
        ("direction=0", {}, {"direction": 1}),
        ("nat_event=1", {"nat_event": 1}, {}),
        ("fwd_status=64", {"fwd_status": 66}, {"fwd_status": 130}),
        ("fwd_status=130", {"fwd_status": 130}, {"fwd_status": 131}),
        ("fwdstatus=-64", {"fwd_status": 130}, {"fwd_status": None}),
        ("src_mac=0:0:5E:0:0:1", {"src_mac": "00:00:5e:00:00:01"}, {"src_mac": None}),
        ("vlan=0", {}, {"vlan": 5}),
        ("cvlan=-5", {}, {"cvlan": 5}),
        ("src_net=10.0.0.0/8", {"src_net": "10.9.9.9"}, {"src_net": "11.9.9.9"}),
        ("src_net=-10.0.0.0/8", {"src_net": "2001:db8::1"}, {"src_net": "10.9.9.9"}),
        ("dst_net=2001:db8::/33", {"dst_net": "2001:db8:1::"}, {"dst_net": "2001:db8:8000::"}),
        ("dst_net=10.1.2.3", {"dst_net": "10.1.2.3"}, {"dst_net": "10.1.2.4"}),
        ("ip_proto=tcp", {"ip_proto": 6}, {"ip_proto": 17}),
        ("ip_proto=-17", {"ip_proto": 6}, {"ip_proto": 17}),
        (
            "src_port=53 dst_port=-53",
            {"src_port": 53, "dst_port": 9},
            {"src_port": 53, "dst_port": 53},
        ),
        ("tcp_flags=0x12", {"tcp_flags": 18}, {"tcp_flags": 2}),
        ("tcp_flags=12", {"tcp_flags": 18}, {"tcp_flags": 12}),
        ("mpls_pw_id=7", {"mpls_pw_id": 7}, {}),
        ("mpls_vpn_id_in=7", {"mpls_vpn_id_in": 7}, {"mpls_vpn_id_out": 7}),
        ("src_as=0", {}, {"src_as": 65000}),
        (
            "dst_as=65000 peer_dst_as=-1",
            {"dst_as": 65000, "peer_dst_as": 2},
            {"dst_as": 65000, "peer_dst_as": 1},
        ),
        ("local_pref=100 src_local_pref=0", {"local_pref": 100}, {"local_pref": 0}),
        ("comms=65000:1,65000:2", {"comms": ("1:1", "65000:2")}, {"comms": ("1:1",)}),
        ("comms=65000:1", {"comms": ("65000:10",)}, {"comms": ()}),
        ("comms=5000:1", {"comms": ("65000:1",)}, {"comms": None}),
        ("comms=65000:1..", {"comms": ("65000:123",)}, {"comms": ("65000:12", "65000:1234")}),
        ("src_comms=no-export", {"src_comms": ("no-export",)}, {"comms": ("no-export",)}),
        (
            "comms=1:1 src_comms=2:2",
            {"comms": ("1:1",), "src_comms": ("2:2",)},
            {"comms": ("1:1",)},
        ),
        ("src_roa=u", {}, {"src_roa": "i"}),
        ("dst_roa=-v", {"dst_roa": "O"}, {"dst_roa": "v"}),
        ("mpls_vpn_rd=64512:1", {"mpls_vpn_rd": "0:64512:1"}, {"mpls_vpn_rd": "2:64512:1"}),
        (
            "filter='tcp and port 80'",
            {"ip_version": 4, "ip_proto": 6, "dst_port": 80},
            {"ip_version": 4},
        ),
    ],
)
def test_match_key(
    tmp_path: Path, rule: str, matches: dict[str, object], others: dict[str, object]
) -> None:
    tagged = _load(tmp_path, f"set_tag=1 {rule}")
    assert tagged.evaluate(matches) == _tag(1)
    assert tagged.evaluate(others) == UNTAGGED
    assert set(matches) | set(others) <= tagged.keys | {"mpls_vpn_id_out", "comms"}


@pytest.mark.parametrize(
    ("rule", "tags"),
    [
        ("set_tag=5", _tag(5)),
        ("id=5", _tag(5)),
        ("set_tag=18446744073709551615", _tag(2**64 - 1)),
        ("set_tag2=6", Tags(tag2=6, has_tag2=True)),
        ("set_label=nkey%1,pkey%2", Tags(label="nkey%1,pkey%2", has_label=True)),
        ("set_label='two words'", Tags(label="two words", has_label=True)),
        ("set_tos=184", Tags(tos=184)),
        ("set_tag=1 set_tos=0", Tags(tag=1, has_tag=True, tos=0)),
        ("set_tag=0", Tags(has_tag=True)),
    ],
)
def test_set_key(tmp_path: Path, rule: str, tags: Tags) -> None:
    assert _load(tmp_path, rule).evaluate({}) == tags


def test_first_rule_that_matches_wins_whatever_its_keys(tmp_path: Path) -> None:
    tagged = _load(
        tmp_path,
        "set_tag=1 in=9 ip=192.0.2.1",
        "set_tag=2 ip=192.0.2.0/24",
        "set_tag=3 ip=192.0.2.1",
        "set_tag=4",
    )
    found = [
        tagged.evaluate({"ip": ip, "in": 9}).tag
        for ip in ("192.0.2.1", "192.0.2.2", "192.0.3.1", "2001:db8::1")
    ]
    assert found == [1, 2, 4, 4]
    assert tagged.evaluate({"ip": "192.0.2.1", "in": 8}).tag == 2
    assert len(tagged) == 4
    assert not tagged.stateful


def test_jump_goes_on_at_its_label(tmp_path: Path) -> None:
    tagged = _load(
        tmp_path,
        "set_tag=1000 in=1 jeq=eval_out",
        "set_tag=1001 in=2 jeq=eval_out",
        "set_tag2=7 out=9",
        "set_tag2=2000 out=1 label=eval_out",
        "set_tag2=2001 out=9",
    )
    assert tagged.evaluate({"in": 1, "out": 9}) == Tags(1000, 2001, has_tag=True, has_tag2=True)
    assert tagged.evaluate({"in": 2, "out": 1}) == Tags(1001, 2000, has_tag=True, has_tag2=True)
    assert tagged.evaluate({"in": 2, "out": 3}) == _tag(1001)
    assert tagged.evaluate({"in": 3, "out": 9}) == Tags(tag2=7, has_tag2=True)
    assert tagged.keys == {"in", "out", "ip"}


def test_jump_to_next_tries_the_rules_that_follow(tmp_path: Path) -> None:
    tagged = _load(tmp_path, "set_label=a jeq=next", "set_label=b in=1 jeq=next", "set_label=c")
    assert tagged.evaluate({"ip": "192.0.2.1", "in": 1}).label == "a,b,c"
    assert tagged.evaluate({"ip": "2001:db8::1", "in": 2}).label == "a,c"


def test_jump_to_next_of_the_last_rule_ends(tmp_path: Path) -> None:
    assert _load(tmp_path, "set_tag=3 jeq=next").evaluate({}) == _tag(3)


@pytest.mark.parametrize(
    ("stack", "tag"), [("stack=sum", 11100), ("stack=or", 11000 | 100), ("", 100)]
)
def test_tags_stack(tmp_path: Path, stack: str, tag: int) -> None:
    tagged = _load(tmp_path, "set_tag=11000 jeq=out", f"set_tag=100 label=out {stack}")
    assert tagged.evaluate({}) == _tag(tag)


def test_sum_stays_within_64_bits(tmp_path: Path) -> None:
    tagged = _load(tmp_path, f"set_tag={2**64 - 1} jeq=next", "set_tag=3 stack=sum")
    assert tagged.evaluate({}).tag == 2


def test_names_belong_to_the_exporters_of_one_ip_version(tmp_path: Path) -> None:
    tagged = _load(
        tmp_path,
        "set_tag=1 jeq=x",
        "set_label=four ip=0.0.0.0/0 label=x",
        "set_label=six ip=::/0",
    )
    assert tagged.evaluate({"ip": "192.0.2.1"}).label == "four"
    assert tagged.evaluate({"ip": "2001:db8::1"}) == _tag(1)  # no rule for it has the name


def test_return_hands_out_copies(tmp_path: Path) -> None:
    tagged = _load(
        tmp_path,
        "set_tag=1001 set_tos=8 in=1 jeq=eval_out return=true",
        "set_tag=2001 out=1 label=eval_out",
    )
    first = Tags(tag=1001, has_tag=True, tos=8)
    assert tagged.evaluate({"in": 1, "out": 1}) == Tags(2001, has_tag=True, tos=8, copies=(first,))
    assert tagged.evaluate({"in": 1, "out": 2}) == Tags(tos=8, copies=(first,))
    assert tagged.evaluate({"in": 2, "out": 1}) == _tag(2001)


def test_return_without_jump_does_nothing(tmp_path: Path) -> None:
    assert _load(tmp_path, "set_tag=1 return=true").evaluate({}) == _tag(1)


def test_growing_tag_is_another_for_every_flow(tmp_path: Path) -> None:
    tagged = _load(tmp_path, "set_tag=10++ in=1", "set_tag2=5++ in=2")
    asked = [tagged.evaluate({"in": interface}) for interface in (1, 1, 2, 1, 3, 2)]
    assert [(tags.tag, tags.tag2) for tags in asked] == [
        *((10, 0), (11, 0), (0, 5), (12, 0), (0, 0), (0, 6))
    ]
    assert tagged.stateful


def test_mistakes_are_told_all_at_once_with_their_lines(tmp_path: Path) -> None:
    assert mistakes_of(
        PreTagMap.load,
        tmp_path,
        "! comment",
        "set_tag=1 colour=blue",
        "set_tag=1 in=2",
        "set_tag=x",
        "set_tag=1 set_label=a",
        "set_tag=1 jeq=nowhere",
        "set_tag=1 ip = 192.0.2.1",
    ) == [
        "2: unknown key 'colour'",
        "4: set_tag: 'x' is no tag from 0 to 18446744073709551615",
        "5: a rule sets one of tag, tag2, label: not set_tag and set_label",
        "7: 'ip' is not key=value (no blanks around '=')",
    ]


def test_jumps_that_lead_nowhere_or_back_are_told(tmp_path: Path) -> None:
    assert mistakes_of(
        PreTagMap.load,
        tmp_path,
        "set_tag=1 label=a",
        "set_tag=2 jeq=a",
        "set_tag=3 jeq=b",
        "set_tag=4 jeq=c ip=192.0.2.1",
        "set_tag=5 label=c ip=2001:db8::1",
    ) == [
        "2: jeq: label=a is on line 1, and jumps only go forward",
        "3: jeq: no rule for the same exporters has label=b",
        "4: jeq: no rule for the same exporters has label=c",
    ]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("in=1 in=2", "'in' comes twice"),
        ("in=x", "in: 'x' is no number from 0 to 4294967295"),
        ("in=--1", "in: '-1' is no number from 0 to 4294967295"),
        ("ip=-192.0.2.1", "ip: cannot be negated"),
        ("ip=router", "ip: 'router' is no IP address"),
        ("comms=-1:1", "comms: cannot be negated"),
        ("comms=1:1,", "comms: '1:1,' has an empty community"),
        (
            "comms=" + ",".join("1:1" for _ in range(17)),
            "comms: 17 communities, and 16 are the most",
        ),
        ("filter='port'", "filter: 'its end' stands where number or word should"),
        ("filter='ip", "a quote (') is not closed"),
        ("sample_type=flows", "sample_type: 'flows' is none of flow, flow-ipv4, flow-ipv6, "),
        ("is_bi_flow=1", "is_bi_flow: '1' is neither true nor false"),
        ("vlan=4097", "vlan: 4097 is not from 0 to 4096"),
        ("tcp_flags=xyz", "tcp_flags: 'xyz' are no TCP flags in hex digits"),
        ("dst_roa=x", "dst_roa: 'x' is none of u, i, v, o, O"),
        ("mpls_vpn_rd=7", "mpls_vpn_rd: '7' is no route distinguisher"),
        ("src_mac=00:00", "src_mac: '00:00' is no MAC address"),
        ("set_tag=-1", "set_tag: '-1' is no tag from 0 to 18446744073709551615"),
        ("set_tag=18446744073709551616", "set_tag: '18446744073709551616' is no tag"),
        ("set_tos=256", "set_tos: 256 is not from 0 to 255"),
        ("stack=+", "stack: '+' is neither sum nor or"),
        ("return=maybe", "return: 'maybe' is neither true nor false"),
        ("set_label=a set_tag2=1", "a rule sets one of tag, tag2, label"),
    ],
)
def test_malformed_rule(tmp_path: Path, rule: str, reason: str) -> None:
    (mistake,) = mistakes_of(PreTagMap.load, tmp_path, "set_tag=1", rule)
    assert mistake.startswith("2: " + reason)


def test_empty_map_tags_nothing(tmp_path: Path) -> None:
    empty = _load(tmp_path, "! nothing")
    assert (len(empty), empty.keys, empty.evaluate({"ip": "192.0.2.1"})) == (0, set(), UNTAGGED)


class _CountingFlow(dict):
    """A flow that counts how often it is looked at."""

    looks = 0

    def get(self, key: str, default: object = None) -> object:
        self.looks += 1
        return super().get(key, default)


@pytest.mark.parametrize("rows", [10, 5_000])
def test_lookup_costs_the_same_however_many_rules_there_are(tmp_path: Path, rows: int) -> None:
    tagged = _load(
        tmp_path,
        *(f"set_tag={row} ip=10.0.{row >> 8}.{row & 255} in={row}" for row in range(rows)),
        *(f"set_tag={row} src_net=10.{row >> 8}.{row & 255}.0/24" for row in range(rows)),
        "set_tag=7 in=-3",
    )
    flow = _CountingFlow({"ip": "10.0.0.200", "in": 1, "src_net": "10.200.0.1"})
    assert tagged.evaluate(flow).tag == 7
    assert flow.looks <= 5
