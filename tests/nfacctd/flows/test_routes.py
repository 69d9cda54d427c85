"""Whose AS numbers, prefixes, next hops and paths a flow has: its own, a route's, a file's."""

from pathlib import Path
from typing import Any

import pytest

from collector.nfacctd.flows.flow_records import Maps
from collector.nfacctd.flows.route_values import RouteQuestion, RouteShaper, RouteValues
from collector.nfacctd.flows.vrf import Origin
from collector.nfacctd.maps.agent_map import AgentMap
from collector.nfacctd.maps.networks_file import NetworksFile
from collector.nfacctd.settings import Networks, Plugin, Settings
from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import Value, address, ipfix

_FLOW: list[Value] = [
    (8, address("10.1.1.1")),
    (12, address("10.2.2.2")),
    (9, b"\x14"),
    (13, b"\x16"),
    (16, b"\0\0\0\x0b"),
    (17, b"\0\0\0\x0c"),
    (18, address("9.9.9.9")),
    (128, b"\0\0\0\x0d"),
    (129, b"\0\0\0\x0e"),
]
_TO_SOURCE = RouteValues(
    16, 64510, 64511, "64511 64510", "65001:1", "RT:65001:1", "1:2:3", 50, 60, "10.0.0.9"
)
_TO_DESTINATION = RouteValues(
    24, 5, 64501, "64501 5 {7,8}", "65001:2 no-export", "?", "4:5:6", 100, 200, "10.0.0.10"
)
_NETS = ("src_as", "dst_as", "src_mask", "dst_mask", "peer_src_as", "peer_dst_as", "peer_dst_ip")
_PATHS = (
    *("as_path", "std_comm", "ext_comm", "lrg_comm", "local_pref", "med", "dst_roa"),
    *("src_as_path", "src_std_comm", "src_ext_comm", "src_lrg_comm", "src_local_pref", "src_med"),
)


def both(_: RouteQuestion) -> tuple[RouteValues | None, RouteValues | None]:
    return _TO_SOURCE, _TO_DESTINATION


def nets(routes_of: Any = both, values: list[Value] = _FLOW, **settings: Any) -> list[Any]:
    (record,) = records_of([ipfix(values)], *_NETS, routes_of=routes_of, **settings)
    keys = ("as_src", "as_dst", "mask_src", "mask_dst", "peer_as_src", "peer_as_dst")
    return [*(record[key] for key in keys), record["peer_ip_dst"]]


@pytest.mark.parametrize(
    ("as_source", "net_source", "expected"),
    [
        ("netflow", "netflow", [11, 12, 20, 22, 14, 13, "9.9.9.9"]),
        ("netflow", "bmp", [11, 12, 16, 24, 14, 13, "10.0.0.10"]),
        ("bmp", "netflow", [64510, 5, 20, 22, 14, 64501, "9.9.9.9"]),
        ("bmp", "bmp", [64510, 5, 16, 24, 14, 64501, "10.0.0.10"]),
        # The source's route is shorter than the flow's own mask.
        ("longest", "longest", [11, 5, 20, 24, 14, 64501, "10.0.0.10"]),
    ],
)
def test_the_conf_says_whose_they_are(as_source: str, net_source: str, expected: list[Any]) -> None:
    assert nets(as_source=as_source, net_source=net_source) == expected


def test_without_a_route_there_is_nothing() -> None:
    told = nets(lambda _: (None, None), as_source="bmp", net_source="bmp")
    assert told == [0, 0, 0, 0, 14, 0, ""]


def test_the_peer_of_the_source_is_asked_for_by_itself() -> None:
    told = nets(as_source="bmp", net_source="bmp", peer_src_as_type="bgp")
    assert told[4] == 64511


def test_prefixes_follow_their_masks() -> None:
    names = ("src_net", "dst_net")
    (record,) = records_of(
        [ipfix(_FLOW)], *names, routes_of=both, as_source="bmp", net_source="bmp"
    )
    assert (record["net_src"], record["net_dst"]) == ("10.1.0.0", "10.2.2.0")


_FROM_BGP = {
    f"src_{name}_from_bgp": True
    for name in ("std_comm", "ext_comm", "lrg_comm", "as_path", "local_pref", "med")
}


def test_paths_and_communities_as_text() -> None:
    settings = {"as_source": "bmp", **_FROM_BGP}
    (record,) = records_of([ipfix(_FLOW)], *_PATHS, routes_of=both, **settings)
    assert record == {
        "comms": "65001:2_no-export",
        "ecomms": "?",
        "lcomms": "4:5:6",
        "as_path": "64501_5_{7,8}",
        "local_pref": 100,
        "med": 200,
        "roa_dst": "u",
        "comms_src": "65001:1",
        "ecomms_src": "RT:65001:1",
        "lcomms_src": "1:2:3",
        "as_path_src": "64511_64510",
        "local_pref_src": 50,
        "med_src": 60,
        "packets": 3,
        "bytes": 256,
    }


@pytest.mark.parametrize(
    ("output", "path", "communities"),
    [("json", ["64501", "{7,8}"], []), ("avro", ["64501", "5", "{7,8}"], ["?"])],
)
def test_arrays_lack_words_of_one_character_in_json(
    output: str, path: list[str], communities: list[str]
) -> None:
    encode = {"as_path_encode_as_array": True, "bgp_comms_encode_as_array": True}
    plugin = Plugin(name="p", type="kafka", output=output)
    names = ("as_path", "ext_comm")
    (record,) = records_of(
        [ipfix(_FLOW)], *names, plugin=plugin, routes_of=both, as_source="bmp", **encode
    )
    assert (record["as_path"], record["ecomms"]) == (path, communities)


def test_paths_stay_empty_where_as_numbers_are_not_from_routes() -> None:
    for as_source in ("netflow", "file"):
        settings = {"as_source": as_source, "net_source": "bmp", **_FROM_BGP}
        (record,) = records_of([ipfix(_FLOW)], *_PATHS, routes_of=both, **settings)
        assert (record["as_path"], record["as_path_src"], record["local_pref"]) == ("", "", 0)


def test_those_of_the_source_are_asked_for_one_by_one() -> None:
    (record,) = records_of([ipfix(_FLOW)], *_PATHS, routes_of=both, as_source="bmp")
    assert record["as_path"] == "64501_5_{7,8}"
    assert (record["as_path_src"], record["comms_src"], record["med_src"]) == ("", "", 0)


def test_what_routes_are_asked_for_by(tmp_path: Path) -> None:
    asked: list[RouteQuestion] = []

    def routes_of(question: RouteQuestion) -> tuple[None, None]:
        asked.append(question)
        return None, None

    twice = [*_FLOW, (8, address("10.3.3.3")), (234, b"\0\0\0\7")]
    records_of([ipfix(twice, twice)], "dst_as", routes_of=routes_of, as_source="bmp")
    (question,) = asked
    assert question == RouteQuestion(
        *("192.0.2.1", "10.1.1.1", "10.2.2.2"), 0xFFFF_0000_0000_0007, Origin.FLOW, "9.9.9.9"
    )
    path = tmp_path / "agent.map"
    path.write_text("bmp_ip=198.51.100.7 ip=192.0.2.1\n")
    maps = Maps(agent=AgentMap.load(str(path)))
    records_of([ipfix(_FLOW)], "dst_as", routes_of=routes_of, as_source="bmp", maps=maps)
    assert asked[-1].agent == "198.51.100.7"
    assert asked[-1].rd_origin == Origin.UNKNOWN


def test_a_tunnel_is_looked_up_by_its_payload() -> None:
    asked: list[RouteQuestion] = []

    def routes_of(question: RouteQuestion) -> tuple[None, None]:
        asked.append(question)
        return None, None

    values: list[Value] = [
        (27, address("2001:db8::1")),
        (4, b"\4"),
        (8, address("10.3.3.3")),
        (12, address("10.4.4.4")),
    ]
    records_of([ipfix(values)], "dst_as", routes_of=routes_of, as_source="bmp")
    assert (asked[0].source, asked[0].destination) == ("10.3.3.3", "10.4.4.4")


_FILE = "64500,10.0.0.0/8\n192.0.2.9,64499_64502,10.2.2.0/24\n"


@pytest.mark.parametrize(
    ("as_source", "net_source", "expected"),
    [
        ("file", "netflow", [64500, 64502, 20, 22, 0, 64499, "9.9.9.9"]),
        ("netflow", "file", [11, 12, 8, 24, 14, 13, "192.0.2.9"]),
        ("longest", "longest", [11, 64502, 20, 24, 14, 64499, "192.0.2.9"]),
        ("longest", "file", [64500, 64502, 8, 24, 0, 64499, "192.0.2.9"]),
    ],
)
def test_a_file_of_networks(
    as_source: str, net_source: str, expected: list[Any], tmp_path: Path
) -> None:
    path = tmp_path / "networks"
    path.write_text(_FILE)
    settings = {
        "maps": Maps(networks=NetworksFile.load(str(path))),
        "networks": Networks(file=str(path)),
        "as_source": as_source,
        "net_source": net_source,
    }
    assert nets(None, **settings) == expected


def test_an_address_that_the_file_lacks_is_in_a_prefix_of_length_0(tmp_path: Path) -> None:
    path = tmp_path / "networks"
    path.write_text("64500,203.0.113.0/24\n")
    settings = {
        "maps": Maps(networks=NetworksFile.load(str(path))),
        "networks": Networks(file=str(path)),
        "as_source": "longest",
        "net_source": "longest",
    }
    values = [value if value[0] != 13 else (13, b"\0") for value in _FLOW]
    # nfacctd compares 0 with 0, and takes the AS number of no line.
    assert nets(None, values, **settings) == [11, 0, 20, 0, 14, 0, ""]


def test_one_mask_for_all() -> None:
    assert nets(None, net_source="mask", networks=Networks(mask=12))[2:4] == [12, 12]


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({"aspath_radius": 1}, {"as_path": "64501"}),
        ({"stdcomm_pattern": ("65001:.",)}, {"std_comm": "65001:2"}),
        ({"lrgcomm_pattern": ("9:9",)}, {"lrg_comm": ""}),
        ({"stdcomm_pattern_to_asn": ("65001:.",)}, {"origin_as": 2, "peer_as": 65001}),
        ({"lrgcomm_pattern_to_asn": ("4:5:6",)}, {"origin_as": 5, "peer_as": 4}),
        ({"peer_as_skip_subas": True}, {"peer_as": 64501}),
    ],
)
def test_routes_are_cut_to_what_the_conf_wants(
    settings: dict[str, Any], changes: dict[str, Any]
) -> None:
    without_as = {"origin_as": 0, "peer_as": 0} if "peer_as" in changes else {}
    route = RouteValues(
        24,
        without_as.get("origin_as", 5),
        without_as.get("peer_as", 64501),
        "(65100 65101) 64501 5" if "peer_as" in changes else "64501 5 {7,8}",
        "no-export 65001:2",
        lrg_comm="4:5:6",
    )
    shaped = RouteShaper(Settings(**settings)).shape(route)
    assert {name: getattr(shaped, name) for name in changes} == changes


def test_numbers_of_communities_do_not_replace_those_of_paths() -> None:
    route = RouteValues(24, 5, 64501, "64501 5", "65001:2")
    shaper = RouteShaper(Settings(stdcomm_pattern_to_asn=("65001",)))
    assert shaper.shape(route) == route
