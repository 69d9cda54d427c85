"""BMP messages put into tables: what a router said is what the tables hold."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.errors import DecodeError
from collector.processors.bmp_tables import BmpTables
from collector.protocols.bgp.addresses import prefix_text
from collector.rib.rib import Rib
from collector.rib.shared import Limits
from collector.rib.sync import RibState
from collector.rib.view import View
from collector.simulation import bgp, bmp
from tests.processors.bmp_session import DEVICE, OPEN, PEER, VIA, Session, new_rib
from tests.rib.wire import addresses

RD = bytes.fromhex("0000fde800000064")
LOC_RIB = bmp.Peer(bgp_id="192.0.2.9", type=bmp.LOC_RIB)


@pytest.fixture(name="rib")
def _rib() -> Rib:
    return new_rib()


@pytest.fixture(name="session")
def _session(rib: Rib) -> Session:
    session = Session(rib)
    session.up()
    return session


def routes(rib: Rib, device: str = DEVICE) -> Iterator[Any]:
    for chunk in rib.routes(device):
        yield from chunk


def held(rib: Rib) -> dict[str, str | None]:
    """Prefix to next hop, of unicast routes."""
    return {
        prefix_text(route.family[0], route.octets): rib.paths.path(route.path).next_hop
        for route in routes(rib)
    }


def test_announce_replace_withdraw(session: Session, rib: Rib) -> None:
    session.update(bgp.announcement(["10.0.0.0/8", "10.1.0.0/16"], VIA))
    session.update(bgp.announcement(["10.0.0.0/8"], bgp.Route([1], "10.8.8.8")))
    session.update(bgp.announcement(["2001:db8::/32"], bgp.Route([1], "2001:db8::1")))
    assert held(rib) == {
        "10.0.0.0/8": "10.8.8.8",
        "10.1.0.0/16": "10.9.9.9",
        "2001:db8::/32": "2001:db8::1",
    }
    session.update(bgp.withdrawal(["10.0.0.0/8"]), bgp.withdrawal(["2001:db8::/32"]))
    assert held(rib) == {"10.1.0.0/16": "10.9.9.9"}
    assert session.counters["bmp_updates"] == 5


def test_one_attribute_set_is_parsed_once_for_all_its_routes(session: Session, rib: Rib) -> None:
    for third in range(50):
        session.update(bgp.announcement([f"10.0.{third}.0/24"], VIA))
    assert len(rib.paths) == 1


def test_devices_share_what_differs_in_the_next_hop_only_and_nothing_else(rib: Rib) -> None:
    names = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    sessions = [Session(rib, number, name) for number, name in enumerate(names, 1)]
    for session, name in zip(sessions, names, strict=True):
        session.up()
        session.update(bgp.announcement(["10.0.0.0/8"], bgp.Route([1, 2], name)))
        session.update(bgp.announcement(["2001:db8::/32"], bgp.Route([1, 2], "2001:db8::1")))
    rib.tick(0)
    # Of IPv6 all have one next hop; its attributes are those of IPv4.
    assert (len(rib.paths), rib.paths.contents, rib.paths.next_hops) == (4, 1, 4)
    sessions[0].update(bgp.announcement(["10.0.0.0/8"], bgp.Route([1, 3], names[0])))
    sessions[1].update(bgp.withdrawal(["10.0.0.0/8"]))
    rib.tick(1)
    told = [
        {prefix_text(r.family[0], r.octets): rib.paths.path(r.path) for r in routes(rib, name)}
        for name in names
    ]
    assert [each.pop("2001:db8::/32").as_path_text for each in told] == ["1 2"] * 3
    (first,), second, (third,) = told[0].values(), told[1], told[2].values()
    assert (first.as_path_text, first.next_hop, second) == ("1 3", names[0], {})
    assert (third.as_path_text, third.next_hop) == ("1 2", names[2])


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("400304 0a090909 400304 0a080808", id="twice"),
        pytest.param("50030004 0a090909", id="length-in-two-octets"),
        pytest.param("410304 0a090909", id="a-reserved-flag"),
    ],
)
def test_a_next_hop_in_an_odd_form_is_the_same(session: Session, rib: Rib, octets: str) -> None:
    attributes = bytes.fromhex("40010100") + bytes.fromhex(octets)
    body = bytes(2) + len(attributes).to_bytes(2) + attributes + b"\x08\x0a"
    message = bytes([255] * 16) + (19 + len(body)).to_bytes(2) + b"\2" + body
    for _ in range(3):
        session.update(message)
    assert held(rib) == {"10.0.0.0/8": "10.9.9.9"}
    assert len(rib.paths) == 1


@pytest.mark.parametrize(
    ("peer", "view"),
    [
        (PEER, View.ADJ_RIB_IN_PRE),
        (bmp.Peer("10.0.0.1", 64500, "10.0.0.1", post_policy=True), View.ADJ_RIB_IN_POST),
        (bmp.Peer("10.0.0.1", 64500, "10.0.0.1", adj_rib_out=True), View.ADJ_RIB_OUT_PRE),
        (LOC_RIB, View.LOC_RIB),
    ],
)
def test_each_view_has_its_tables(rib: Rib, peer: bmp.Peer, view: View) -> None:
    session = Session(rib)
    session.up(peer)
    session.update(bgp.announcement(["10.0.0.0/8"], VIA), peer=peer)
    assert [(route.view, route.peer.address) for route in routes(rib)] == [
        (view, None if view is View.LOC_RIB else "10.0.0.1")
    ]


def test_vpn_labelled_and_multicast_vpn_routes(session: Session, rib: Rib) -> None:
    vpn = bgp.nlri("10.1.0.0/16", rd=RD, labels=[100])
    labelled = bgp.nlri("10.2.0.0/16", labels=[200, 300])
    session.update(
        bgp.mp_announcement(1, 128, vpn, VIA),
        bgp.mp_announcement(1, 4, labelled, VIA),
        bgp.mp_announcement(1, 129, vpn, VIA),
    )
    told = {
        route.family: (route.octets.hex(), route.rd.hex(), route.labels) for route in routes(rib)
    }
    assert told == {
        (1, 128): ("100a01", RD.hex(), (100,)),
        (1, 4): ("100a02", bytes(8).hex(), (200, 300)),
        # Nobody cuts those: octets as they came, and no prefix of any table.
        (1, 129): (vpn.hex(), bytes(8).hex(), ()),
    }
    assert rib.join(DEVICE, 4, addresses(["10.1.2.3"])).path.tolist() == [0]
    session.update(bgp.mp_withdrawal(1, 128, vpn), bgp.mp_withdrawal(1, 129, vpn))
    assert [route.family for route in routes(rib)] == [(1, 4)]


def test_an_rd_instance_peer_s_routes_stand_under_its_distinguisher(rib: Rib) -> None:
    session = Session(rib)
    peer = bmp.Peer("10.0.0.1", 64500, "10.0.0.1", type=1, distinguisher=RD)
    session.up(peer)
    session.update(bgp.announcement(["10.0.0.0/8"], VIA), peer=peer)
    assert [route.rd for route in routes(rib)] == [RD]


def test_add_path_as_the_opens_negotiated_it(rib: Rib) -> None:
    session = Session(rib)
    session.up(capabilities=bgp.multiprotocol(1, 1) + bgp.add_path(1, 1))
    for number in (0, 1, 2**32 - 1):
        session.update(bgp.announcement(["10.0.0.0/8"], VIA, path_id=number))
    assert sorted(route.add_path_id for route in routes(rib)) == [0, 1, 2**32 - 1]
    session.update(bgp.withdrawal(["10.0.0.0/8"], path_id=1))
    assert sorted(route.add_path_id for route in routes(rib)) == [0, 2**32 - 1]


def test_a_malformed_attribute_withdraws_the_routes(session: Session, rib: Rib) -> None:
    session.update(bgp.announcement(["10.0.0.0/8", "10.1.0.0/16"], VIA))
    good = bgp.announcement(["10.0.0.0/8"], VIA)
    session.update(good.replace(b"\x40\x01\x01\x00", b"\x40\x01\x01\x09"))  # ORIGIN 9
    assert held(rib) == {"10.1.0.0/16": "10.9.9.9"}
    assert session.counters["bmp_treat_as_withdraw"] == 1


def test_an_update_that_cannot_be_cut_applies_nothing(session: Session, rib: Rib) -> None:
    session.update(bgp.announcement(["10.0.0.0/8"], VIA))
    bad = bgp.announcement(["10.1.0.0/16"], VIA)[:-3] + b"\xff\x0a\x01"
    assert len(bad) == len(bgp.announcement(["10.1.0.0/16"], VIA))
    with pytest.raises(DecodeError):
        session.update(bad)
    both = bgp.mp_announcement(2, 1, b"\x81", bgp.Route([1], "2001:db8::1"))
    with pytest.raises(DecodeError):
        session.update(both)
    assert held(rib) == {"10.0.0.0/8": "10.9.9.9"}


def test_peer_down_withdraws_and_what_comes_after_is_not_kept(session: Session, rib: Rib) -> None:
    session.update(bgp.announcement(["10.0.0.0/8"], VIA))
    session.send(bmp.peer_down(PEER))
    session.update(bgp.announcement(["10.1.0.0/16"], VIA))
    assert held(rib) == {}
    assert session.counters["bmp_peer_down"] == 1
    session.up()
    session.update(bgp.announcement(["10.1.0.0/16"], VIA))
    assert held(rib) == {"10.1.0.0/16": "10.9.9.9"}


def test_routes_without_a_peer_up_imply_it(rib: Rib) -> None:
    # GoBGP announces its Loc-RIB so.
    session = Session(rib)
    session.update(bgp.announcement(["10.0.0.0/8"], VIA), peer=LOC_RIB)
    session.update(bgp.announcement(["10.1.0.0/16"], VIA), peer=LOC_RIB)
    assert sorted(held(rib)) == ["10.0.0.0/8", "10.1.0.0/16"]
    assert session.counters["bmp_peer_implied"] == 1


def test_the_latest_peer_up_owns_the_peer(session: Session, rib: Rib) -> None:
    session.update(bgp.announcement(["10.0.0.0/8", "10.1.0.0/16"], VIA))
    other = Session(rib, 2)
    other.update(bgp.announcement(["10.3.0.0/16"], VIA))
    assert other.counters["bmp_peer_down"] == 1  # nobody's implied peer: it has an owner
    other.send(bmp.peer_up(PEER, "10.0.0.2", OPEN, OPEN))
    other.update(bgp.announcement(["10.0.0.0/8"], bgp.Route([7], "10.7.7.7")))
    session.update(bgp.withdrawal(["10.0.0.0/8"]), bgp.announcement(["10.4.0.0/16"], VIA))
    session.send(bmp.peer_down(PEER))
    session.lost()
    assert held(rib) == {"10.0.0.0/8": "10.7.7.7", "10.1.0.0/16": "10.9.9.9"}
    other.update(bgp.end_of_rib())
    assert held(rib) == {"10.0.0.0/8": "10.7.7.7"}


def test_end_of_rib_makes_a_table_whole_and_a_lost_session_makes_it_stale(
    session: Session, rib: Rib
) -> None:
    session.update(bgp.announcement(["10.0.0.0/8"], VIA))
    assert rib.state(DEVICE) == RibState.SYNCING
    session.update(bgp.end_of_rib(), bgp.end_of_rib(2, 1))
    assert rib.state(DEVICE) == RibState.SYNCED
    session.lost(now_s=100)
    assert rib.state(DEVICE) == RibState.STALE
    again = Session(rib, 2)
    again.up()
    again.update(bgp.announcement(["10.1.0.0/16"], VIA), bgp.end_of_rib())
    assert sorted(held(rib)) == ["10.1.0.0/16"]


def test_tables_that_withdrawals_made_do_not_stay(session: Session, rib: Rib) -> None:
    for number in range(100):
        vpn = bgp.nlri("10.1.0.0/16", rd=number.to_bytes(8), labels=[100])
        session.update(bgp.mp_withdrawal(1, 128, vpn))
    session.update(bgp.announcement(["10.0.0.0/8"], VIA))
    rib.tick(1.0)
    assert rib.devices[DEVICE].tables == 1
    assert list(held(rib)) == ["10.0.0.0/8"]


def test_peers_past_the_limit_are_refused_and_forgotten_downs_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("collector.processors.bmp_tables._MAX_DOWN", 8)
    rib = new_rib(limits=Limits(peers_per_device=2))
    session = Session(rib)
    peers = [bmp.Peer(f"10.0.0.{number}", 64500, "10.0.0.1") for number in range(20)]
    for peer in peers:
        session.up(peer)
        session.update(bgp.announcement(["10.0.0.0/8"], VIA), peer=peer)
    assert len(list(routes(rib))) == 2
    assert rib.devices[DEVICE].tables == 2
    for peer in peers:
        session.send(bmp.peer_down(peer))
    tables: BmpTables = session._tables
    assert len(tables._peers) <= 8
    assert held(rib) == {}


def test_attribute_sets_past_the_limit_withdraw_their_routes() -> None:
    rib = new_rib(limits=Limits(paths=1))
    session = Session(rib)
    session.up()
    session.update(bgp.announcement(["10.0.0.0/8"], VIA))
    session.update(bgp.announcement(["10.0.0.0/8", "10.1.0.0/16"], bgp.Route([1], "10.8.8.8")))
    assert held(rib) == {}


ROUTE_MESSAGES = [
    bmp.route_monitoring(PEER, update)
    for update in (
        bgp.announcement(["10.0.0.0/8", "10.1.0.0/16"], VIA),
        bgp.announcement(["2001:db8::/32"], bgp.Route([1], "2001:db8::1", communities=[(1, 2)])),
        bgp.mp_announcement(1, 128, bgp.nlri("10.1.0.0/16", rd=RD, labels=[100]), VIA),
        bgp.mp_announcement(25, 70, bytes((2, 3, 1, 2, 3)), VIA),
        bgp.mp_withdrawal(1, 4, bgp.nlri("10.2.0.0/16", labels=[3])),
        bgp.withdrawal(["10.0.0.0/8"]),
        bgp.end_of_rib(2, 1),
    )
] + [bmp.peer_up(PEER, "10.0.0.2", OPEN, OPEN), bmp.peer_down(PEER)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ROUTE_MESSAGES),
            st.lists(st.tuples(st.integers(6, 200), st.integers(0, 255)), max_size=3),
        ),
        max_size=8,
    )
)
def test_spoilt_messages_cost_no_more_than_themselves(
    messages: list[tuple[bytes, list[tuple[int, int]]]],
) -> None:
    rib = new_rib()
    session = Session(rib)
    session.up()
    for number, (message, changes) in enumerate(messages):
        spoilt = bytearray(message)
        for at, octet in changes:
            if at < len(spoilt):
                spoilt[at] = octet
        with suppress(DecodeError):
            session.send(bytes(spoilt))
        rib.tick(number)
        for route in routes(rib):
            assert rib.paths.path(route.path) is not None
    session.lost(10)
    rib.tick(10_000)
    rib.tick(10_001)
    assert not rib.devices
    assert not len(rib.paths)
