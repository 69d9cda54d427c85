import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.bmp.per_peer import (
    IDENTITY_OCTETS,
    PeerHeader,
    read_identity,
    read_timestamp_us,
)
from tests.protocols.bmp.wire import RD, per_peer


def _peer(octets: bytes) -> PeerHeader:
    return read_identity(octets[:IDENTITY_OCTETS])


def test_a_global_ipv4_peer() -> None:
    octets = per_peer()
    assert _peer(octets) == PeerHeader(
        type=0,
        flags=0,
        distinguisher=bytes(8),
        address="192.0.2.1",
        as_number=65001,
        bgp_id="198.51.100.1",
        view="adj-rib-in-pre",
        as_size=4,
        filtered=False,
        ipv6=False,
        key=(0, bytes(8), "192.0.2.1"),
    )
    assert read_timestamp_us(octets[IDENTITY_OCTETS:]) == 1_700_000_000_000_005


@pytest.mark.parametrize(
    ("flags", "view"),
    [
        pytest.param(0x00, "adj-rib-in-pre", id="pre-policy"),
        pytest.param(0x40, "adj-rib-in-post", id="post-policy"),
        pytest.param(0x10, "adj-rib-out-pre", id="out-pre-policy"),
        pytest.param(0x50, "adj-rib-out-post", id="out-post-policy"),
        pytest.param(0x2F, "adj-rib-in-pre", id="other-bits"),
    ],
)
def test_flags_name_the_view_and_not_another_peer(flags: int, view: str) -> None:
    peer = _peer(per_peer(flags=flags))
    assert (peer.view, peer.key) == (view, _peer(per_peer()).key)


def test_legacy_flag_means_two_octet_ases() -> None:
    assert _peer(per_peer(flags=0x20)).as_size == 2


def test_an_ipv6_peer_of_an_rd() -> None:
    peer = _peer(per_peer(peer_type=1, flags=0x80, distinguisher=RD, address="2001:db8::1"))
    assert (peer.address, peer.ipv6, peer.distinguisher) == ("2001:db8::1", True, RD)


def test_loc_rib_has_no_address_and_flags_of_its_own() -> None:
    peer = _peer(per_peer(peer_type=3, flags=0xF0, distinguisher=RD))
    assert peer.key == (3, RD, None)
    assert (peer.address, peer.view, peer.filtered) == (None, "loc-rib", True)
    assert (peer.as_size, peer.ipv6) == (4, False)


@given(st.binary(min_size=IDENTITY_OCTETS, max_size=IDENTITY_OCTETS))
def test_any_octets_are_a_peer(octets: bytes) -> None:
    peer = read_identity(octets)
    assert (peer.address is None) == (peer.type == 3)
