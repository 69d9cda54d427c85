import numpy as np

from collector.rib.join import Segment
from collector.rib.peer import GLOBAL_RD, Peer
from collector.rib.rib import Rib
from collector.rib.sync import RibState
from collector.rib.view import View
from tests.rib.wire import DEVICE, V4, V6, addresses, ask, new_rib, path_id, peer_key, prefix

_PRE, _LOC = View.ADJ_RIB_IN_PRE, View.LOC_RIB
_RD = bytes.fromhex("0000fde800000001")


def _rib(*addresses_of_peers: str, device: str = DEVICE, rib: Rib | None = None) -> tuple:
    rib = rib or new_rib()
    return rib, *(rib.peer_up(device, 1, peer_key(each), 0) for each in addresses_of_peers)


def _say(
    rib: Rib, peer: Peer, text: str, next_hop: str, *, view=_PRE, rd=GLOBAL_RD, safi=1, **says
) -> None:
    family = (2 if ":" in text else 1, safi)
    identifier = says.pop("identifier", None)
    path = path_id(rib, next_hop=next_hop, **says)
    peer.table(view, rd, family).announce(prefix(text), identifier, path)


def _hops(rib: Rib, *texts: str) -> np.ndarray:
    return np.array([rib.paths.next_hop_id(text) if text else 0 for text in texts], np.int32)


def test_the_longest_prefix_answers() -> None:
    rib, peer = _rib("10.0.0.1")
    for length in (0, 8, 16, 24, 32):
        _say(rib, peer, f"10.1.1.1/{length}" if length == 32 else _net(length), str(length))
    got = ask(rib, "10.1.1.1", "10.1.1.2", "10.1.2.1", "10.2.1.1", "11.0.0.1")
    assert [row[:2] for row in got] == [("32", 32), ("24", 24), ("16", 16), ("8", 8), ("0", 0)]


def _net(length: int) -> str:
    return {0: "0.0.0.0/0", 8: "10.0.0.0/8", 16: "10.1.0.0/16", 24: "10.1.1.0/24"}[length]


def test_ipv6_and_its_default_route() -> None:
    rib, peer = _rib("10.0.0.1")
    for text in ("::/0", "2001:db8::/32", "2001:db8::/64", "2001:db8::ff/128"):
        _say(rib, peer, text, text)
    got = ask(rib, "2001:db8::ff", "2001:db8::1", "2001:db8:1::", "2001:db9::", "::")
    assert [row[1] for row in got] == [128, 64, 32, 0, 0]


def test_more_specifics_of_other_devices_do_not_hide_ours() -> None:
    rib, peer = _rib("10.0.0.1")
    _, other = _rib("10.0.0.1", device="192.0.2.2", rib=rib)
    _say(rib, peer, "10.0.0.0/8", "ours")
    for text in ("10.1.0.0/16", "10.1.1.0/24", "10.1.1.1/32"):
        _say(rib, other, text, "theirs")
    assert ask(rib, "10.1.1.1")[0][:2] == ("ours", 8)
    assert ask(rib, "10.1.1.1", device="192.0.2.2")[0][:2] == ("theirs", 32)
    assert ask(rib, "10.1.1.1", device="192.0.2.3") == [(None, -1, None, RibState.NONE)]


def test_views_answer_in_the_order_of_the_policy() -> None:
    rib, peer, loc = _rib("10.0.0.1", None)
    _say(rib, peer, "10.0.0.0/8", "pre", view=_PRE)
    _say(rib, peer, "10.1.1.0/24", "pre", view=_PRE)
    _say(rib, loc, "10.1.0.0/16", "loc", view=_LOC)
    asked = ("10.1.1.1", "10.2.0.0", "11.0.0.0")
    assert [row[:3] for row in ask(rib, *asked)] == [
        ("loc", 16, "loc-rib"),
        ("pre", 8, "adj-rib-in-pre"),
        (None, -1, None),
    ]
    assert [row[1] for row in ask(rib, *asked, views=(_PRE,))] == [24, 8, -1]
    assert [row[1] for row in ask(rib, *asked, views=(View.ADJ_RIB_OUT_POST,))] == [-1] * 3


def test_a_missing_route_tells_the_state_of_the_tables_asked() -> None:
    rib, peer, loc = _rib("10.0.0.1", None)
    _say(rib, loc, "10.0.0.0/8", "a", view=_LOC)
    _say(rib, peer, "10.0.0.0/8", "b")
    rib.end_of_rib(loc, _LOC, V4)
    assert ask(rib, "11.0.0.1")[0][3] == RibState.SYNCING
    assert ask(rib, "11.0.0.1", views=(_LOC,))[0][3] == RibState.SYNCED
    assert ask(rib, "10.0.0.1")[0][3] == RibState.SYNCED
    rib.end_of_rib(peer, _PRE, V4)
    assert ask(rib, "11.0.0.1")[0][3] == RibState.SYNCED
    rib.session_down(DEVICE, 1, 0)
    assert {row[3] for row in ask(rib, "10.0.0.1", "11.0.0.1", views=(_LOC,))} == {
        RibState.STALE,
        RibState.SYNCING,
    }


def test_labelled_and_vpn_routes_forward_and_multicast_does_not() -> None:
    rib, peer = _rib("10.0.0.1")
    _say(rib, peer, "10.0.0.0/8", "unicast")
    _say(rib, peer, "10.1.0.0/16", "labelled", safi=4)
    _say(rib, peer, "10.1.1.0/24", "vpn", safi=128, rd=_RD)
    _say(rib, peer, "10.1.1.0/25", "multicast", safi=2)
    _say(rib, peer, "10.1.1.0/26", "multicast-vpn", safi=129, rd=_RD)
    assert ask(rib, "10.1.1.1")[0][0] == "labelled"
    assert ask(rib, "10.1.1.1", rd=_RD)[0][0] == "vpn"
    assert ask(rib, "10.1.1.1", rd=bytes(7) + b"\1")[0][0] is None


def test_the_best_peer_answers_and_the_next_best_after_it() -> None:
    rib, low, high = _rib("10.0.0.2", "10.0.0.10")
    _say(rib, high, "10.0.0.0/8", "high", local_pref=200)
    _say(rib, low, "10.0.0.0/8", "low")
    assert ask(rib, "10.0.0.1")[0][0] == "high"
    _say(rib, high, "10.0.0.0/8", "high", local_pref=100)
    assert ask(rib, "10.0.0.1")[0][0] == "low"  # 10.0.0.2 is below 10.0.0.10
    low.table(_PRE, GLOBAL_RD, V4).withdraw(prefix("10.0.0.0/8"))
    assert ask(rib, "10.0.0.1")[0][0] == "high"


def test_the_flows_next_hop_chooses_among_peers() -> None:
    rib, *peers = _rib("10.0.0.1", "10.0.0.2", "10.0.0.3")
    for number, peer in enumerate(peers):
        _say(rib, peer, "10.0.0.0/8", f"hop{number}", local_pref=number)
    _say(rib, peers[0], "10.1.0.0/16", "hop0")
    asked = ["10.2.0.1"] * 4 + ["10.1.0.1"]
    hops = _hops(rib, "", "hop0", "hop1", "elsewhere", "hop2")
    assert hops.tolist()[3] == -1
    got = [row[0] for row in ask(rib, *asked, next_hops=hops)]
    assert got == ["hop2", "hop0", "hop1", "hop2", "hop0"]


def test_the_flows_next_hop_chooses_among_paths_of_one_peer() -> None:
    rib, peer = _rib("10.0.0.1")
    for identifier in (9, 4, 7):
        _say(rib, peer, "10.0.0.0/8", f"hop{identifier}", identifier=identifier)
    assert ask(rib, "10.0.0.1")[0][0] == "hop4"  # the lowest path identifier breaks the tie
    for wanted in ("hop4", "hop7", "hop9"):
        assert ask(rib, "10.0.0.1", next_hops=_hops(rib, wanted))[0][0] == wanted
    peer.table(_PRE, GLOBAL_RD, V4).withdraw(prefix("10.0.0.0/8"), 4)
    assert ask(rib, "10.0.0.1")[0][0] == "hop7"


def test_the_lowest_identifier_wins_whatever_layer_it_is_in() -> None:
    rib, peer, other = _rib("10.0.0.1", "10.0.0.2")
    _say(rib, other, "10.0.0.0/8", "other", identifier=0)
    for identifier in (9, 7, 5):
        _say(rib, peer, "10.0.0.0/8", f"hop{identifier}", identifier=identifier)
        assert ask(rib, "10.0.0.1")[0][0] == f"hop{identifier}"


def test_the_best_path_with_the_flows_next_hop() -> None:
    rib, *peers = _rib("10.0.0.1", "10.0.0.2", "10.0.0.3")
    for peer, local_pref, hop in zip(peers, (100, 150, 200), ("a", "a", "b"), strict=True):
        _say(rib, peer, "10.0.0.0/8", hop, local_pref=local_pref)
    answer = rib.join(DEVICE, 4, addresses(["10.0.0.1"]), next_hops=_hops(rib, "a"))
    assert rib.paths.path(answer.path[0]).local_pref == 150


def test_states_are_those_of_the_peer_that_answered() -> None:
    rib = new_rib()
    first = rib.peer_up(DEVICE, 1, peer_key("10.0.0.1"), 0)
    second = rib.peer_up(DEVICE, 2, peer_key("10.0.0.2"), 0)
    for number in range(4):
        _say(rib, first, f"10.{number}.0.0/16", "a", local_pref=100 + number % 2)
        _say(rib, second, f"10.{number}.0.0/16", "b", local_pref=101 - number % 2)
    rib.end_of_rib(second, _PRE, V4)
    rib.session_down(DEVICE, 1, 0)
    got = ask(rib, "10.0.0.1", "10.1.0.1", "10.2.0.1", "10.3.0.1")
    assert [(row[0], row[3]) for row in got] == [("b", RibState.SYNCED), ("a", RibState.STALE)] * 2
    hops = _hops(rib, "a", "b", "", "")
    got = ask(rib, "10.0.0.1", "10.1.0.1", "10.2.0.1", "10.3.0.1", next_hops=hops)
    assert [row[0] for row in got] == ["a", "b", "b", "a"]
    assert [row[3] for row in got[:2]] == [RibState.STALE, RibState.SYNCED]


def test_one_batch_of_many_devices() -> None:
    rib = new_rib()
    names = [f"192.0.2.{number}" for number in range(5)]
    for name in names[:4]:
        _, peer = _rib("10.0.0.1", device=name, rib=rib)
        _say(rib, peer, "10.0.0.0/8", name)
        _say(rib, peer, "10.0.0.0/8", f"vpn of {name}", safi=128, rd=_RD)
    hosts = addresses(["10.1.1.1", "11.1.1.1"] * 5)
    segments = [
        Segment(2 * row, 2 * row + 2, name, _RD if row == 3 else GLOBAL_RD)
        for row, name in enumerate(names)
    ]
    answer = rib.join_segments(4, hosts, segments)
    got = [rib.paths.path(path).next_hop if path else None for path in answer.path.tolist()]
    assert got[0::2] == [*names[:3], f"vpn of {names[3]}", None]
    assert got[1::2] == [None] * 5
    assert answer.prefix_length.tolist() == [8, -1] * 4 + [-1, -1]


def test_nothing_to_ask_and_nothing_known() -> None:
    rib = new_rib()
    assert rib.join(DEVICE, 4, addresses([])).path.tolist() == []
    assert rib.join(DEVICE, 6, np.zeros((0, 2), np.uint64)).path.tolist() == []
    assert ask(rib, "0.0.0.0", "255.255.255.255")[0] == (None, -1, None, RibState.NONE)
    rib, peer = _rib("10.0.0.1")
    _say(rib, peer, "2001:db8::/32", "a")
    peer.table(_PRE, GLOBAL_RD, V6).withdraw(prefix("2001:db8::/32"))
    assert ask(rib, "2001:db8::1")[0][:3] == (None, -1, None)


def test_an_answer_is_as_new_as_the_last_update() -> None:
    rib, peer = _rib("10.0.0.1")
    table = peer.table(_PRE, GLOBAL_RD, V4)
    first, second = path_id(rib, next_hop="a"), path_id(rib, next_hop="b")
    for _ in range(3):
        table.announce_many([prefix("10.0.0.0/8")], first)
        assert ask(rib, "10.0.0.1")[0][0] == "a"
        table.announce(prefix("10.0.0.0/8"), None, second)
        assert ask(rib, "10.0.0.1")[0][0] == "b"
        table.withdraw(prefix("10.0.0.0/8"))
        assert ask(rib, "10.0.0.1")[0][0] is None
