from collector.rib.peer import GLOBAL_RD, Peer
from collector.rib.rib import Rib
from collector.rib.sync import RibState
from collector.rib.view import View
from tests.rib.wire import DEVICE, V4, V6, ask, limited, new_rib, path_id, peer_key, prefix

_PRE = View.ADJ_RIB_IN_PRE
_TEN = prefix("10.0.0.0/8")
_EVPN = (25, 70)


def _peer(rib: Rib, session: int = 1, address: str | None = "10.0.0.1", now_s: float = 0) -> Peer:
    return rib.peer_up(DEVICE, session, peer_key(address), now_s)


def _announce(rib: Rib, peer: Peer, text: str, next_hop: str = "a", **arguments) -> None:
    table = peer.table(arguments.pop("view", _PRE), GLOBAL_RD, arguments.pop("family", V4))
    table.announce(prefix(text), arguments.pop("identifier", None), path_id(rib, next_hop=next_hop))


def test_peer_down_withdraws_what_the_peer_owned() -> None:
    rib = new_rib()
    peer, other = _peer(rib), _peer(rib, address="10.0.0.2")
    _announce(rib, peer, "10.0.0.0/8")
    _announce(rib, peer, "2001:db8::/32", family=V6)
    _announce(rib, other, "10.0.0.0/8", "b")
    assert ask(rib, "10.1.1.1")[0][0] == "a"
    assert rib.peer_down(DEVICE, 1, peer.key) == 2
    assert ask(rib, "10.1.1.1")[0][0] == "b"
    assert ask(rib, "2001:db8::1") == [(None, -1, None, RibState.NONE)]
    assert peer.table(_PRE, GLOBAL_RD, V4) is None


def test_sessions_of_one_device_do_not_replace_each_others_peers() -> None:
    rib = new_rib()
    first, second = _peer(rib, 1, "10.0.0.1"), _peer(rib, 2, "10.0.0.2")
    _announce(rib, first, "10.0.0.0/8", "a")
    _announce(rib, second, "11.0.0.0/8", "b")
    rib.session_down(DEVICE, 2, 5)
    assert [row[0::3] for row in ask(rib, "10.1.1.1", "11.1.1.1")] == [
        ("a", RibState.SYNCING),
        ("b", RibState.STALE),
    ]


def test_the_latest_peer_up_owns_the_peer() -> None:
    rib = new_rib()
    first = _peer(rib, 1)
    _announce(rib, first, "10.0.0.0/8")
    second = _peer(rib, 2)
    assert first.table(_PRE, GLOBAL_RD, V4) is None
    assert rib.peer(DEVICE, 1, first.key) is None
    assert rib.peer_down(DEVICE, 1, first.key) == 0
    assert rib._counters["rib_updates_ignored"] == 3
    assert ask(rib, "10.1.1.1") == [("a", 8, "adj-rib-in-pre", RibState.STALE)]
    rib.session_down(DEVICE, 1, 5)  # nothing of it is left to lose
    _announce(rib, second, "10.0.0.0/8", "b")
    assert ask(rib, "10.1.1.1") == [("b", 8, "adj-rib-in-pre", RibState.SYNCING)]
    assert rib.peer(DEVICE, 2, second.key) is second


def test_stale_routes_go_when_the_table_came_again() -> None:
    rib = new_rib(stale_s=100)
    peer = _peer(rib)
    for text in ("10.0.0.0/8", "11.0.0.0/8"):
        _announce(rib, peer, text)
    rib.end_of_rib(peer, _PRE, V4)
    assert rib.state(DEVICE) == RibState.SYNCED
    rib.session_down(DEVICE, 1, 10)
    assert rib.state(DEVICE) == RibState.STALE
    again = _peer(rib, 2, now_s=20)
    assert rib.state(DEVICE) == RibState.SYNCING
    _announce(rib, again, "10.0.0.0/8")
    assert rib.end_of_rib(again, _PRE, V4) == 1
    assert [row[0] for row in ask(rib, "10.1.1.1", "11.1.1.1")] == ["a", None]
    assert rib._counters["rib_routes_swept.resync"] == 1


def test_stale_routes_of_a_session_that_stays_away_expire() -> None:
    rib = new_rib(stale_s=100)
    _announce(rib, _peer(rib), "10.0.0.0/8")
    rib.session_down(DEVICE, 1, 10)
    rib.tick(109)
    assert ask(rib, "10.1.1.1")[0][3] == RibState.STALE
    rib.tick(110)
    assert ask(rib, "10.1.1.1") == [(None, -1, None, RibState.NONE)]
    assert rib.devices == {}
    assert rib._counters["rib_routes_swept.expired"] == 1


def test_a_flapping_session_keeps_no_route_for_ever() -> None:
    rib = new_rib(stale_s=100)
    _announce(rib, _peer(rib), "10.0.0.0/8")
    for session in range(1, 12):
        rib.session_down(DEVICE, session, 10 * session)
        _peer(rib, session + 1, now_s=10 * session + 1)
        rib.tick(10 * session + 2)
    assert ask(rib, "10.1.1.1")[0][0] is None


def test_a_second_loss_after_all_came_again_has_its_own_time() -> None:
    rib = new_rib(stale_s=100)
    _announce(rib, _peer(rib), "10.0.0.0/8")
    rib.session_down(DEVICE, 1, 10)
    _announce(rib, _peer(rib, 2, now_s=20), "10.0.0.0/8")
    rib.tick(21)
    rib.session_down(DEVICE, 2, 90)
    rib.tick(111)
    assert ask(rib, "10.1.1.1")[0][3] == RibState.STALE
    rib.tick(191)
    assert ask(rib, "10.1.1.1")[0][0] is None


def test_silence_after_the_burst_means_synced() -> None:
    rib = new_rib(silence_s=30)
    peer = _peer(rib)
    for second in range(40):
        _announce(rib, peer, f"10.{second}.0.0/16")
        rib.tick(second)
        assert rib.state(DEVICE) == RibState.SYNCING
    rib.tick(68)
    assert rib.state(DEVICE) == RibState.SYNCING
    rib.tick(69)
    assert rib.state(DEVICE) == RibState.SYNCED_BY_SILENCE
    assert ask(rib, "10.1.1.1")[0][3] == RibState.SYNCED_BY_SILENCE


def test_a_trickle_is_silence_where_the_table_is_large() -> None:
    rib = new_rib(silence_s=30)
    peer = _peer(rib)
    for number in range(4000):
        _announce(rib, peer, f"10.{number >> 8}.{number & 255}.0/24")
    rib.tick(1)
    for second in range(2, 32):
        if second % 10 == 0:
            _announce(rib, peer, f"11.{second}.0.0/16")
        _announce(rib, peer, "10.1.1.0/24", str(second))  # nothing new: churn
        rib.tick(second)
    assert rib.state(DEVICE) == RibState.SYNCED_BY_SILENCE


def test_a_peer_waits_for_its_turn_in_the_session() -> None:
    rib = new_rib(silence_s=30)
    first, second = _peer(rib), _peer(rib, address="10.0.0.2")
    second.table(_PRE, GLOBAL_RD, V4)
    for now_s in range(60):
        _announce(rib, first, f"10.{now_s}.0.0/16")
        rib.tick(now_s)
    assert second.state == RibState.SYNCING
    rib.tick(89)
    assert (first.state, second.state) == (RibState.SYNCED_BY_SILENCE,) * 2


def test_a_peer_without_routes_is_whole_when_the_session_is_silent() -> None:
    rib = new_rib(silence_s=30)
    _peer(rib)
    rib.tick(29)
    assert rib.state(DEVICE) == RibState.SYNCING
    rib.tick(30)
    assert rib.state(DEVICE) == RibState.SYNCED_BY_SILENCE
    assert not rib.devices[DEVICE].unsettled


def test_silence_sweeps_what_did_not_come_again() -> None:
    rib = new_rib(silence_s=30, stale_s=1000)
    _announce(rib, _peer(rib), "10.0.0.0/8")
    rib.session_down(DEVICE, 1, 0)
    peer = _peer(rib, 2, now_s=10)
    _announce(rib, peer, "11.0.0.0/8")
    for now_s in (11, 40, 41):
        rib.tick(now_s)
    assert [row[0] for row in ask(rib, "10.1.1.1", "11.1.1.1")] == [None, "a"]


def test_opaque_families_live_as_the_others_do() -> None:
    rib = new_rib(stale_s=100)
    peer = _peer(rib)
    table = peer.table(_PRE, GLOBAL_RD, _EVPN)
    path = path_id(rib)
    table.announce_many([b"one", b"two"], path)
    table.announce(b"two", 7, path)
    table.withdraw(b"one")
    table.withdraw(b"unheard")
    assert {route.octets: route.add_path_id for (route, *_) in rib.routes(DEVICE, 1)} == {b"two": 7}
    assert rib.device_statistics(DEVICE).routes_by_table == {("adj-rib-in-pre", *_EVPN): 2}
    rib.session_down(DEVICE, 1, 0)
    again = _peer(rib, 2, now_s=1)
    again.table(_PRE, GLOBAL_RD, _EVPN).announce(b"two", None, path_id(rib))
    assert rib.device_statistics(DEVICE).stale_routes == 1
    assert rib.end_of_rib(again, _PRE, _EVPN) == 1
    assert rib.peer_down(DEVICE, 2, again.key) == 1
    rib.tick(5)
    assert (len(rib.paths), rib.paths.holders.any()) == (0, False)


def test_views_that_nobody_asks_for_are_not_kept() -> None:
    rib = new_rib(views=(View.LOC_RIB,))
    peer = _peer(rib)
    assert peer.table(_PRE, GLOBAL_RD, V4) is None
    assert rib.end_of_rib(peer, _PRE, V4) == 0
    assert rib._counters == {}
    assert peer.table(View.LOC_RIB, GLOBAL_RD, V4) is not None


def test_a_route_without_room_for_its_path_is_withdrawn() -> None:
    rib = limited(paths=1)
    peer = _peer(rib)
    _announce(rib, peer, "10.0.0.0/8", "a")
    _announce(rib, peer, "10.0.0.0/8", "b")
    assert ask(rib, "10.1.1.1")[0][0] is None
    assert rib._counters["rib_paths_refused"] == 1


def test_routes_past_the_limit_are_dropped_and_counted() -> None:
    rib = limited(routes_per_peer=10, routes_per_device=15)
    peers = _peer(rib), _peer(rib, address="10.0.0.2")
    for peer in peers:
        for number in range(12):
            _announce(rib, peer, f"10.{number}.0.0/16")
            peer.table(_PRE, GLOBAL_RD, _EVPN).announce(bytes((number,)), None, 1)
    assert [peer.routes for peer in peers] == [10, 5]
    assert rib.device_statistics(DEVICE).routes == 15
    assert rib._counters["rib_routes_dropped.routes"] == 48 - 15
    # A route that is there may still change, and go.
    octets = next(iter(peers[0].table(_PRE, GLOBAL_RD, _EVPN).routes))
    peers[0].table(_PRE, GLOBAL_RD, _EVPN).withdraw(octets)
    assert peers[0].routes == 9
    for peer in peers:
        rib.peer_down(DEVICE, 1, peer.key)
    rib.tick(1)
    assert rib._shared.indexes[4].live == 0
    assert rib.devices[DEVICE].routes == 0


def test_peers_and_tables_past_the_limit_are_refused_and_counted() -> None:
    rib = limited(peers_per_device=1, tables_per_device=2)
    peer = _peer(rib)
    assert _peer(rib, address="10.0.0.2") is None
    assert _peer(rib, 2) is not None
    peer = rib.peer(DEVICE, 2, peer.key)
    tables = [peer.table(_PRE, bytes((0, 0, 0, 0, 0, 0, 0, rd)), (1, 128)) for rd in range(4)]
    assert [table is None for table in tables] == [False, False, True, True]
    assert (rib._counters["rib_peers_refused"], rib._counters["rib_tables_refused"]) == (1, 2)


def test_paths_of_one_prefix_past_the_limit_are_dropped_and_counted() -> None:
    rib = limited(paths_per_prefix=3)
    peer = _peer(rib)
    for identifier in range(5):
        _announce(rib, peer, "10.0.0.0/8", str(identifier), identifier=identifier)
    assert peer.routes == 0
    assert rib.device_statistics(DEVICE).routes == 3
    assert rib._counters["rib_routes_dropped.add_path"] == 2
    table = peer.table(_PRE, GLOBAL_RD, V4)
    for identifier in range(1, 5):
        table.withdraw(_TEN, identifier)
    assert rib.device_statistics(DEVICE).routes == 1
    assert len(table.layers) == 1


def test_tables_without_routes_go_and_come() -> None:
    rib = new_rib()
    peer = _peer(rib)
    _announce(rib, peer, "10.0.0.0/8")
    rib.tick(0)
    peer.table(_PRE, GLOBAL_RD, V4).withdraw(_TEN)
    rib.tick(1)
    assert (peer.tables, rib.devices[DEVICE].groups, rib.devices[DEVICE].tables) == ([], {}, 0)
    _announce(rib, peer, "10.0.0.0/8")
    assert ask(rib, "10.1.1.1")[0][0] == "a"


def test_what_is_written_to_a_table_that_is_gone_changes_nothing() -> None:
    rib = new_rib()
    peer = _peer(rib)
    table = peer.table(_PRE, GLOBAL_RD, V4)
    opaque = peer.table(_PRE, GLOBAL_RD, _EVPN)
    rib.peer_down(DEVICE, 1, peer.key)
    table.announce(_TEN, None, path_id(rib))
    opaque.announce(b"one", None, path_id(rib))
    assert ask(rib, "10.1.1.1")[0][0] is None
    rib.tick(0)
    assert (rib.devices[DEVICE].routes, len(rib.paths), rib._shared.indexes[4].live) == (0, 0, 0)


def test_labels_follow_the_last_word_on_a_route() -> None:
    rib = new_rib()
    peer = _peer(rib)
    rd = bytes((0, 0, 0, 1, 0, 0, 0, 1))
    table = peer.table(_PRE, rd, (1, 128))
    path = path_id(rib)
    table.announce(_TEN, None, path, (16, 17))
    table.announce(_TEN, None, path)
    table.announce(prefix("11.0.0.0/8"), None, path, (18, 19))
    table.announce_many([prefix("12.0.0.0/8")], path)
    labels = {route.octets[1]: route.labels for chunk in rib.routes(DEVICE) for route in chunk}
    assert labels == {10: (), 11: (18, 19), 12: ()}
    rib.tick(0)
    assert len(rib._shared.labels) == 1
    rib.peer_down(DEVICE, 1, peer.key)
    rib.tick(1)
    assert len(rib._shared.labels) == 0


def test_statistics() -> None:
    rib = new_rib()
    peer = _peer(rib)
    assert rib.device_statistics("198.51.100.1") is None
    for text in ("10.0.0.0/8", "11.0.0.0/8"):
        _announce(rib, peer, text)
        _announce(rib, peer, text, view=View.LOC_RIB)
    _announce(rib, peer, "2001:db8::/32", family=V6)
    told = rib.device_statistics(DEVICE)
    assert (told.peers, told.peers_up, told.routes, told.tables) == (1, 1, 5, 3)
    assert told.routes_by_table == {
        ("adj-rib-in-pre", 1, 1): 2,
        ("loc-rib", 1, 1): 2,
        ("adj-rib-in-pre", 2, 1): 1,
    }
    whole = rib.statistics()
    assert (whole.routes, whole.prefixes_v4, whole.prefixes_v6, whole.paths) == (5, 2, 1, 1)
    assert whole.octets > told.octets > 0
