import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.bgp.addresses import ipv4_text, ipv6_text, prefix_text
from collector.protocols.bgp.communities import (
    community_text,
    extended_community_text,
    large_community_text,
)
from collector.protocols.bgp.next_hop import NextHop, next_hop
from collector.protocols.bgp.route_distinguisher import rd_text
from tests.protocols.bgp.wire import prefix

GLOBAL = ipaddress.IPv6Address("2001:db8::1").packed
LINK_LOCAL = ipaddress.IPv6Address("fe80::1").packed
RD = bytes.fromhex("0000fc0000000001")


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        pytest.param("20010db8000000000001000000000001", "2001:db8::1:0:0:1", id="first-of-two"),
        pytest.param("20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1", id="one-group"),
        pytest.param("00000000000000000000000000000000", "::", id="zero"),
        pytest.param("00000000000000000000ffffc0000201", "::ffff:192.0.2.1", id="ipv4-mapped"),
        pytest.param("000000000000000000000000c0000201", "::c000:201", id="ipv4-compatible"),
        pytest.param("0064ff9b0000000000000000c0000201", "64:ff9b::c000:201", id="translated"),
    ],
)
def test_ipv6_is_canonical(octets: str, text: str) -> None:
    assert ipv6_text(bytes.fromhex(octets)) == text


@given(st.binary(min_size=16, max_size=16))
def test_addresses_read_back(octets: bytes) -> None:
    assert ipaddress.ip_address(ipv6_text(octets)).packed == octets
    assert ipaddress.ip_address(ipv4_text(octets[:4])).packed == octets[:4]


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "10.0.0.0/9", "192.0.2.1/32", "::/0", "2001:db8::/29", "2001:db8::1/128"]
)
def test_prefixes_get_their_missing_octets(text: str) -> None:
    assert prefix_text(2 if ":" in text else 1, prefix(text)) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        pytest.param("0000fc0000000001", "64512:1", id="type-0"),
        pytest.param("0001c00002010001", "192.0.2.1:1", id="type-1"),
        pytest.param("0002fbf000010002", "4226809857:2", id="type-2"),
        pytest.param("0000000000000000", "0:0", id="none"),
        pytest.param("0003fc0000000001", "0003fc0000000001", id="unknown"),
        pytest.param("0100fc0000000001", "0100fc0000000001", id="type-256"),
    ],
)
def test_route_distinguishers(octets: str, text: str) -> None:
    assert rd_text(bytes.fromhex(octets)) == text


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        pytest.param(b"\xc0\0\2\1", NextHop("192.0.2.1"), id="4"),
        pytest.param(GLOBAL, NextHop("2001:db8::1"), id="16"),
        pytest.param(GLOBAL + LINK_LOCAL, NextHop("2001:db8::1", None, "fe80::1"), id="32"),
        pytest.param(RD + b"\xc0\0\2\1", NextHop("192.0.2.1", "64512:1"), id="12"),
        pytest.param(bytes(8) + b"\xc0\0\2\1", NextHop("192.0.2.1"), id="12-zero-rd"),
        pytest.param(bytes(8) + GLOBAL, NextHop("2001:db8::1"), id="24"),
        pytest.param(
            RD + GLOBAL + RD + LINK_LOCAL, NextHop("2001:db8::1", "64512:1", "fe80::1"), id="48"
        ),
        pytest.param(b"", NextHop(""), id="0"),
        pytest.param(b"\1\2\3", NextHop("010203"), id="3"),
    ],
)
def test_next_hops_by_length(octets: bytes, expected: NextHop) -> None:
    assert next_hop(octets) == expected


@given(st.binary(max_size=60))
def test_any_next_hop_is_text(octets: bytes) -> None:
    assert isinstance(next_hop(octets).address, str)


def test_communities() -> None:
    assert community_text(0xFC000001) == "64512:1"
    assert community_text(0xFFFFFF01) == "65535:65281"
    assert large_community_text((4_200_000_000, 1, 2)) == "4200000000:1:2"
    assert extended_community_text(RD) == "0000fc0000000001"
