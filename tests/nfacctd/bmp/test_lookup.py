"""Which route a flow follows: each rule of nfacctd by itself (reference 4.1 to 4.5)."""

from ipaddress import ip_address

import pytest

from collector.nfacctd.bmp.routes import Entry
from collector.simulation import bgp, bmp
from tests.nfacctd.bmp.lab import (
    LOC_RIB,
    PEER,
    RD_1,
    RD_2,
    ROUTE,
    ROUTER,
    Connection,
    Lab,
    announce,
    monitoring,
    up,
    withdraw,
)

_RED = bmp.Peer(as_number=65000, bgp_id="10.9.9.9", type=bmp.LOC_RIB, distinguisher=RD_1)
_RD_PEER = bmp.Peer("192.0.2.7", 65007, "192.0.2.7", type=1, distinguisher=RD_1)
_RED_TEXT, _BLUE_TEXT = "0:65000:1", "0:65000:2"
_POST = bmp.Peer("192.0.2.1", 65001, "192.0.2.1", post_policy=True)
_OUT = bmp.Peer("192.0.2.1", 65001, "192.0.2.1", adj_rib_out=True)


def _route(as_number: int, next_hop: str = "192.0.2.1") -> bgp.Route:
    return bgp.Route([as_number], next_hop, local_pref=None)


def _match(
    lab: Lab, address: str, rd: str = "", origin: str = "unknown", agent: str = ROUTER, **more: str
) -> Entry | None:
    number = ip_address(address)
    return lab.daemon.match(agent, 1 if number.version == 4 else 2, int(number), rd, origin, **more)


def _path(lab: Lab, address: str, *rest: str, **more: str) -> str | None:
    entry = _match(lab, address, *rest, **more)
    return None if entry is None else entry.attributes.as_path


def _lab(*messages: bytes, **bmp_settings: object) -> tuple[Lab, Connection]:
    lab = Lab(**bmp_settings)
    connection = lab.open()
    lab.send(connection, *messages)
    return lab, connection


def test_the_longest_prefix_wins_over_all_tables() -> None:
    lab, _ = _lab(
        up(),
        announce("0.0.0.0/0", route=_route(1)),
        announce("20.0.0.0/8", route=_route(2)),
        announce("20.1.0.0/16", peer=_POST, route=_route(3)),
        announce("20.1.1.0/25", peer=_OUT, route=_route(4)),
    )
    told = [_path(lab, a) for a in ("20.1.1.1", "20.1.1.200", "20.2.0.0", "9.9.9.9", "2001:db8::")]
    assert told == ["4", "3", "2", "1", None]


def test_of_equal_prefixes_the_oldest_wins_and_keeps_its_age() -> None:
    lab, connection = _lab(
        up(),
        announce("20.0.0.0/8", route=_route(11)),
        announce("20.0.0.0/8", peer=_POST, route=_route(12)),
    )
    assert _path(lab, "20.0.0.1") == "11"
    lab.send(connection, announce("20.0.0.0/8", route=_route(13)))
    assert _path(lab, "20.0.0.1") == "13"
    lab.send(connection, withdraw("20.0.0.0/8"))
    assert _path(lab, "20.0.0.1") == "12"
    lab.send(connection, announce("20.0.0.0/8", route=_route(14)))
    assert _path(lab, "20.0.0.1") == "12"


def test_of_host_routes_the_newest_wins() -> None:
    lab, connection = _lab(
        up(),
        announce("20.0.0.1/32", route=_route(11)),
        announce("20.0.0.1/32", peer=_POST, route=_route(12)),
    )
    assert _path(lab, "20.0.0.1") == "12"
    lab.send(connection, withdraw("20.0.0.1/32", peer=_POST))
    assert _path(lab, "20.0.0.1") == "11"


def test_ipv6() -> None:
    lab, _ = _lab(up(), announce("2001:db8::/32", route=_route(6, "2001:db8::1")))
    entry = _match(lab, "2001:db8::5")
    assert entry is not None
    assert (entry.prefix_length, entry.attributes.next_hop) == (32, "2001:db8::1")


@pytest.mark.parametrize(
    ("rd", "origin", "global_only", "red_only"),
    [
        ("0:0:0", "unknown", True, True),
        ("", "unknown", True, True),
        (_RED_TEXT, "flow", False, True),
        (_BLUE_TEXT, "flow", False, False),
        ("0:0:0", "flow", False, False),
        ("vrfid:3", "flow", False, False),
        ("unknown", "flow", False, False),
        ("0:0:0", "map", True, True),
        (_RED_TEXT, "map", False, True),
    ],
)
def test_the_matrix_of_distinguishers(
    rd: str, origin: str, global_only: bool, red_only: bool
) -> None:
    for peer in (_RED, _RD_PEER):
        lab, _ = _lab(
            up(),
            up(peer),
            announce("20.0.0.0/8", route=_route(1)),
            announce("30.0.0.0/8", peer=peer, route=_route(2)),
        )
        assert (_match(lab, "20.0.0.1", rd, origin) is not None) == global_only
        assert (_match(lab, "30.0.0.1", rd, origin) is not None) == red_only


@pytest.mark.parametrize(("rd", "origin"), [("", "unknown"), (_RED_TEXT, "flow")])
def test_vpn_routes_never_match(rd: str, origin: str) -> None:
    nlri = bgp.nlri("20.0.0.0/8", labels=[100], rd=RD_1)
    lab, _ = _lab(up(), monitoring(bgp.mp_announcement(1, 128, nlri, ROUTE)))
    assert _match(lab, "20.0.0.1", rd, origin) is None


def test_without_a_distinguisher_routes_of_any_vrf_match_the_oldest_first() -> None:
    lab, _ = _lab(
        up(_RED),
        up(LOC_RIB),
        announce("20.0.0.0/8", peer=_RED, route=_route(1)),
        announce("20.0.0.0/8", peer=LOC_RIB, route=_route(2)),
    )
    assert _path(lab, "20.0.0.1") == "1"


def test_a_longer_prefix_of_another_vrf_does_not_hide_a_route() -> None:
    blue = bmp.Peer(as_number=65000, type=bmp.LOC_RIB, distinguisher=RD_2)
    lab, _ = _lab(
        up(_RED),
        up(blue),
        announce("20.0.0.0/8", peer=_RED, route=_route(1)),
        announce("20.0.0.0/16", peer=blue, route=_route(2)),
    )
    assert _path(lab, "20.0.0.1", _RED_TEXT, "flow") == "1"
    assert _path(lab, "20.0.0.1", _BLUE_TEXT, "flow") == "2"
    assert _path(lab, "20.1.0.1", _BLUE_TEXT, "flow") is None


def test_labelled_routes_come_after_unicast_ones_however_long_they_are() -> None:
    nlri = bgp.nlri("20.0.0.0/24", labels=[100]) + bgp.nlri("30.0.0.0/24", labels=[101])
    lab, _ = _lab(
        up(),
        announce("20.0.0.0/8", route=_route(1)),
        monitoring(bgp.mp_announcement(1, 4, nlri, _route(4))),
    )
    assert _path(lab, "20.0.0.1") == "1"
    assert _path(lab, "30.0.0.1") == "4"
    assert _path(lab, "30.0.0.1", _RED_TEXT, "flow") is None


def test_multicast_routes_do_not_match() -> None:
    nlri = bgp.nlri("20.0.0.0/8")
    lab, _ = _lab(up(), monitoring(bgp.mp_announcement(1, 2, nlri, ROUTE)))
    assert _match(lab, "20.0.0.1") is None


def test_buckets_by_distinguisher_hide_vrfs_from_flows_without_one() -> None:
    lab, _ = _lab(
        up(),
        up(_RED),
        announce("20.0.0.0/8", peer=_RED, route=_route(1)),
        announce("20.0.0.0/8", route=_route(2)),
        announce("30.0.0.0/8", peer=_RED, route=_route(3)),
        table_per_peer_hash="mpls_vpn_rd",
        table_per_peer_buckets=10,
    )
    assert _path(lab, "20.0.0.1") == "2"
    assert _match(lab, "30.0.0.1") is None
    assert _path(lab, "20.0.0.1", _RED_TEXT, "flow") == "1"


def test_a_vrf_that_falls_into_the_first_bucket_is_seen() -> None:
    # type 0 + AS 65000 + number 1, modulo 3, is 0
    lab, _ = _lab(
        up(_RED),
        announce("30.0.0.0/8", peer=_RED, route=_route(3)),
        table_per_peer_hash="mpls_vpn_rd",
        table_per_peer_buckets=3,
    )
    assert _path(lab, "30.0.0.1") == "3"


def test_of_buckets_by_path_identifier_the_last_wins() -> None:
    messages = (
        up(capabilities=bgp.add_path(1, 1)),
        announce("20.0.0.0/8", route=_route(3), path_id=3),
        announce("20.0.0.0/8", route=_route(2), path_id=2),
        announce("20.0.0.0/8", route=_route(1), path_id=1),
    )
    assert _path(_lab(*messages)[0], "20.0.0.1") == "3"
    assert _path(_lab(*messages, table_per_peer_buckets=2)[0], "20.0.0.1") == "2"


def test_the_next_hop_is_ignored_where_the_exporter_is_the_router() -> None:
    lab, _ = _lab(
        up(capabilities=bgp.add_path(1, 1)),
        announce("20.0.0.0/8", route=_route(1, "10.0.0.1"), path_id=1),
        announce("20.0.0.0/8", route=_route(2, "10.0.0.2"), path_id=2),
    )
    assert _path(lab, "20.0.0.1", next_hop="10.0.0.2") == "1"


def test_an_exporter_is_found_by_the_router_id_of_the_newest_peer_up() -> None:
    lab, connection = _lab(up(), announce("20.0.0.0/8", route=_route(1)))
    assert _path(lab, "20.0.0.1", agent="10.9.9.9") == "1"
    lab.send(connection, up(_POST, router_id="10.8.8.8"))
    assert _path(lab, "20.0.0.1", agent="10.9.9.9") is None
    assert _path(lab, "20.0.0.1", agent="10.8.8.8") == "1"


def test_an_exporter_that_nobody_knows_has_no_routes() -> None:
    lab, _ = _lab(up(), announce("20.0.0.0/8"))
    assert _match(lab, "20.0.0.1", agent="198.51.100.1") is None


def test_an_exporter_that_peers_with_a_reflector_has_its_own_routes_only() -> None:
    other = bmp.Peer("192.0.2.2", 65002, "192.0.2.2")
    lab, connection = _lab(
        up(),
        up(other),
        announce("20.0.0.0/8", peer=other, route=_route(2)),
        announce("20.0.0.0/8", route=_route(1)),
        announce("30.0.0.0/8", peer=other, route=_route(3)),
    )
    assert _path(lab, "20.0.0.1", agent="192.0.2.1") == "1"
    assert _match(lab, "30.0.0.1", agent="192.0.2.1") is None
    lab.send(connection, bmp.peer_down(PEER))
    assert _match(lab, "20.0.0.1", agent="192.0.2.1") is None


def test_a_session_comes_before_a_peer_of_an_earlier_session() -> None:
    lab, _ = _lab(up(), announce("20.0.0.0/8", route=_route(1)))
    assert _path(lab, "20.0.0.1", agent="192.0.2.1") == "1"
    second = lab.open("192.0.2.1")
    lab.send(second, up(), announce("20.0.0.0/8", route=_route(2)))
    assert _path(lab, "20.0.0.1", agent="192.0.2.1") == "2"


def test_of_two_sessions_that_fit_the_first_slot_counts() -> None:
    lab, first = _lab(up(), announce("20.0.0.0/8", route=_route(1)))
    second = lab.open()
    lab.send(second, up(), announce("20.0.0.0/8", route=_route(2)))
    assert _path(lab, "20.0.0.1") == "1"
    lab.close(first)
    assert _path(lab, "20.0.0.1") == "2"
    third = lab.open()  # in the slot that is free again
    lab.send(third, up(), announce("20.0.0.0/8", route=_route(3)))
    assert _path(lab, "20.0.0.1") == "3"


def test_add_path_peers_of_a_reflector_match_by_next_hop_and_never_for_sources() -> None:
    lab, _ = _lab(
        up(capabilities=bgp.add_path(1, 1)),
        announce("20.0.0.0/8", route=_route(1, "10.0.0.1"), path_id=1),
        announce("20.0.0.0/8", route=_route(2, "10.0.0.2"), path_id=2),
    )
    found = [
        _path(lab, "20.0.0.1", agent="192.0.2.1", next_hop=hop)
        for hop in ("10.0.0.2", "10.0.0.1", "10.0.0.3", "")
    ]
    assert found == ["2", "1", None, None]
    assert _match(lab, "20.0.0.1", agent="192.0.2.1") is None


def test_what_was_asked_before_is_asked_again_after_a_change() -> None:
    lab, connection = _lab(up())
    assert _match(lab, "20.0.0.1") is None
    lab.send(connection, announce("20.0.0.0/8", route=_route(1)))
    assert _path(lab, "20.0.0.1") == "1"
    lab.send(connection, announce("20.0.0.0/24", route=_route(2)))
    assert _path(lab, "20.0.0.1") == "2"
    lab.send(connection, bmp.peer_down(PEER))
    assert _match(lab, "20.0.0.1") is None


def test_routes_end_with_their_session() -> None:
    lab, connection = _lab(up(), announce("20.0.0.0/8"))
    assert _match(lab, "20.0.0.1") is not None
    lab.close(connection)
    assert _match(lab, "20.0.0.1") is None
