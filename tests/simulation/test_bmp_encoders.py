"""What the BGP and BMP encoders make is what our decoder reads out of it."""

import struct
from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.framing import BmpFramer
from collector.protocols.bmp.json_form import message_json
from collector.simulation import bgp, bmp

_RD = bytes.fromhex("0000fde800000064")  # 65000:100
_PEER = bmp.Peer("192.0.2.2", 65001, "192.0.2.2")
_AS = st.integers(1, 2**32 - 1)


def _networks(kind: type, bits: int) -> st.SearchStrategy:
    return st.builds(
        lambda address, length: kind((address >> bits - length << bits - length, length)),
        st.integers(0, 2**bits - 1),
        st.integers(0, bits),
    )


_V4, _V6 = _networks(IPv4Network, 32), _networks(IPv6Network, 128)
_ROUTES = st.builds(
    bgp.Route,
    as_path=st.lists(_AS, max_size=300),
    next_hop=st.just("192.0.2.254"),
    local_pref=st.none() | st.integers(0, 2**32 - 1),
    med=st.none() | st.integers(0, 2**32 - 1),
    communities=st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), max_size=70),
    large_communities=st.lists(st.tuples(_AS, _AS, _AS), max_size=30),
)


def _json(*messages: bytes) -> dict:
    """Frame and decode messages of one session; the last one as `decode` would print it."""
    decoder = BmpDecoder()
    framed = BmpFramer().feed(b"".join(messages))
    assert [bytes(message) for message in framed] == list(messages)
    return [message_json(decoder.decode(bytes(message))) for message in framed][-1]


def _peer_up(peer: bmp.Peer = _PEER, capabilities: bytes = b"") -> bytes:
    opens = [bgp.open_message(number, "192.0.2.1", capabilities) for number in (65000, 400_000)]
    return bmp.peer_up(peer, "192.0.2.1", *opens, 12.5)


def _update(update: bytes, peer: bmp.Peer = _PEER, capabilities: bytes = b"") -> dict:
    return _json(_peer_up(peer, capabilities), bmp.route_monitoring(peer, update, 1.0))["bgp"]


@given(st.lists(_V4 | _V6, min_size=1, max_size=1), st.lists(_V4, max_size=20), _ROUTES)
def test_announcement_round_trip(first: list, more: list[IPv4Network], route: bgp.Route) -> None:
    prefixes = first + (more if first[0].version == 4 else [])
    if prefixes[0].version == 6:
        route = bgp.Route(route.as_path, "2001:db8::1", route.local_pref, route.med)
    said = _update(bgp.announcement(prefixes, route))
    assert [ip_network(one["prefix"]) for one in said["announced"]] == prefixes
    attributes = said["attributes"]
    ases = [number for _, segment in attributes["as_path"] for number in segment]
    assert ases == list(route.as_path)
    assert attributes["next_hop"] == route.next_hop
    assert attributes.get("local_pref") == route.local_pref
    assert attributes.get("med") == route.med
    assert attributes.get("communities", []) == [f"{a}:{b}" for a, b in route.communities]
    assert attributes.get("large_communities", []) == [
        f"{a}:{b}:{c}" for a, b, c in route.large_communities
    ]


@pytest.mark.parametrize("space", ["198.18.0.0/15", "2001:db8::/32"])
def test_announcements_keep_to_the_length_of_a_message(space: str) -> None:
    network = ip_network(space)
    prefixes = list(network.subnets(new_prefix=network.prefixlen + 11))
    route = bgp.Route(range(1, 200), "192.0.2.254" if network.version == 4 else "2001:db8::1")
    updates = list(bgp.announcements(prefixes, route))
    assert max(map(len, updates)) <= 4096
    announced = [one["prefix"] for update in updates for one in _update(update)["announced"]]
    assert announced == [str(prefix) for prefix in prefixes]


@pytest.mark.parametrize("prefix", ["198.18.0.0/24", "2001:db8::/48"])
def test_withdrawal(prefix: str) -> None:
    said = _update(bgp.withdrawal([prefix]))
    assert [one["prefix"] for one in said["withdrawn"]] == [prefix]
    assert said["announced"] == []


@pytest.mark.parametrize("family", [(1, 1), (2, 1), (1, 128)])
def test_end_of_rib(family: tuple[int, int]) -> None:
    assert _update(bgp.end_of_rib(*family)) == {"end_of_rib": {"afi": family[0], "safi": family[1]}}


def test_vpn_route() -> None:
    octets = bgp.nlri("198.18.0.0/24", rd=_RD, labels=[24001])
    route = bgp.Route([65001], "192.0.2.254", extended_communities=[_RD])
    said = _update(bgp.mp_announcement(1, 128, octets, route))
    (announced,) = said["announced"]
    assert announced == {
        "afi": 1,
        "safi": 128,
        "prefix": "198.18.0.0/24",
        "rd": "65000:100",
        "labels": [24001],
    }
    assert said["attributes"]["next_hop"] == "192.0.2.254"
    withdrawn = _update(bgp.mp_withdrawal(1, 128, octets))["withdrawn"]
    assert withdrawn[0]["rd"] == "65000:100"


def test_labelled_route() -> None:
    octets = bgp.nlri("2001:db8::/48", labels=[16, 17])
    said = _update(bgp.mp_announcement(2, 4, octets, bgp.Route([65001], "2001:db8::1")))
    assert said["announced"][0]["labels"] == [16, 17]
    assert said["announced"][0]["prefix"] == "2001:db8::/48"


def test_path_identifiers_as_negotiated() -> None:
    capabilities = bgp.multiprotocol(1, 1) + bgp.add_path(1, 1)
    update = bgp.announcement(["198.18.0.0/24"], bgp.Route([65001], "192.0.2.254"), path_id=7)
    said = _update(update, capabilities=capabilities)
    assert said["announced"] == [{"afi": 1, "safi": 1, "prefix": "198.18.0.0/24", "path_id": 7}]


def test_peer_up_with_its_opens() -> None:
    said = _json(_peer_up(bmp.Peer("2001:db8::2", 400_000, "192.0.2.2"), bgp.multiprotocol(2, 1)))
    assert said["peer"]["address"] == "2001:db8::2"
    assert said["peer"]["time"] == "1970-01-01T00:00:12.500000Z"
    assert said["sent_open"]["as"] == 65000
    assert said["received_open"]["as"] == 400_000
    assert said["received_open"]["capabilities"][1] == {"code": 1, "value": "00020001"}


@pytest.mark.parametrize(
    ("peer", "view"),
    [
        (bmp.Peer("192.0.2.2"), "adj-rib-in-pre"),
        (bmp.Peer("192.0.2.2", post_policy=True), "adj-rib-in-post"),
        (bmp.Peer("192.0.2.2", adj_rib_out=True), "adj-rib-out-pre"),
        (bmp.Peer("192.0.2.2", adj_rib_out=True, post_policy=True), "adj-rib-out-post"),
        (bmp.Peer(type=bmp.LOC_RIB, filtered=True), "loc-rib"),
    ],
)
def test_views(peer: bmp.Peer, view: str) -> None:
    said = _json(_peer_up(peer), bmp.route_monitoring(peer, bgp.end_of_rib()))
    assert said["peer"]["view"] == view
    assert said["peer"].get("filtered", False) == peer.filtered


def test_loc_rib_has_a_table_name_and_no_address() -> None:
    opens = [bgp.open_message(64512, "192.0.2.1")] * 2
    peer = bmp.Peer(type=bmp.LOC_RIB, as_number=64512)
    said = _json(bmp.peer_up(peer, "192.0.2.1", *opens, table_name="global"))
    assert said["local_address"] is None
    assert said["information"] == [{"type": 3, "value": "global"}]


def test_two_octet_ases() -> None:
    peer = bmp.Peer("192.0.2.2", 65001, as_size=2)
    update = bgp.announcement(["198.18.0.0/24"], bgp.Route([65001, 7], "192.0.2.254", as_size=2))
    assert _update(update, peer)["attributes"]["as_path"] == [[2, [65001, 7]]]


def test_session_messages() -> None:
    assert _json(bmp.initiation("lab-1"))["information"][1] == {"type": 2, "value": "lab-1"}
    assert _json(bmp.termination(1))["information"] == [{"type": 1, "value": 1}]


def test_peer_down_with_a_notification() -> None:
    said = _json(bmp.peer_down(_PEER, 3, data=bgp.notification(6, 2)))
    assert said["reason"] == 3
    assert said["notification"] == {"code": 6, "subcode": 2, "data": ""}


def test_statistics() -> None:
    values = [(0, struct.pack("!I", 5)), (9, struct.pack("!HBQ", 1, 1, 6))]
    assert _json(bmp.statistics(_PEER, values))["statistics"] == [
        {"type": 0, "value": 5},
        {"type": 9, "value": 6, "afi": 1, "safi": 1},
    ]


def test_route_mirroring() -> None:
    said = _json(_peer_up(), bmp.route_mirroring(_PEER, [bgp.withdrawal(["198.18.0.0/24"])]))
    assert said["mirrored"][0]["bgp"]["withdrawn"][0]["prefix"] == "198.18.0.0/24"
