"""networks_file: longest match, what lines say, what is no line."""

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.nfacctd.maps.networks_file import Network, NetworksFile
from tests.nfacctd.maps.map_files import mistakes_of, write_map

_ADDRESSES = st.ip_addresses().filter(lambda address: not getattr(address, "ipv4_mapped", None))


@st.composite
def _networks(draw: st.DrawFn) -> str:
    address = draw(_ADDRESSES)
    return f"{address}/{draw(st.integers(0, address.max_prefixlen))}"


def test_lines_say_what_they_have(tmp_path: Path) -> None:
    networks = NetworksFile.load(
        write_map(
            tmp_path,
            "! label,next hop,peer_origin,prefix",
            "192.0.2.0/24",
            "65500, 198.51.100.0/24",
            "64512_65501,198.51.100.128/25",
            "10.0.0.1,65502,203.0.113.7/8",
            "2001:db8::1,1_2,2001:db8::/32",
            "Customer 1,,,192.0.2.128/25",
        )
    )
    found = [
        networks.lookup(address)
        for address in ("192.0.2.1", "198.51.100.1", "198.51.100.200", "203.1.1.1", "2001:db8:5::")
    ]
    assert found == [
        Network(24),
        Network(24, origin_as=65500),
        Network(25, origin_as=65501, peer_as=64512),
        Network(8, origin_as=65502, next_hop="10.0.0.1"),
        Network(32, origin_as=2, peer_as=1, next_hop="2001:db8::1"),
    ]
    assert networks.lookup("192.0.2.129") == Network(25)
    assert networks.lookup("198.51.101.1") is None
    assert networks.lookup("2001:db9::") is None
    assert networks.find(4, int(ip_address("192.0.2.1"))) == Network(24)
    assert len(networks) == 6


def test_last_line_of_a_prefix_counts(tmp_path: Path) -> None:
    networks = NetworksFile.load(write_map(tmp_path, "1,192.0.2.0/24", "2,192.0.2.9/24"))
    assert networks.lookup("192.0.2.1") == Network(24, origin_as=2)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_networks(), max_size=30), st.lists(_ADDRESSES, max_size=10))
def test_lookup_agrees_with_a_linear_scan(
    tmp_path: Path, prefixes: list[str], addresses: list[object]
) -> None:
    networks = NetworksFile.load(write_map(tmp_path, *prefixes))
    parsed = [ip_network(prefix, strict=False) for prefix in prefixes]
    for address in (*addresses, *(network.network_address for network in parsed)):
        lengths = [network.prefixlen for network in parsed if address in network]
        found = networks.lookup(str(getattr(address, "ipv4_mapped", None) or address))
        assert (found and found.prefix_length) == max(lengths, default=None)


def test_mistakes_are_told_all_at_once(tmp_path: Path) -> None:
    assert mistakes_of(
        NetworksFile.load,
        tmp_path,
        "192.0.2.0",
        "65500,192.0.2.0/24",
        "x,192.0.2.0/24",
        "1_,192.0.2.0/24",
        "router,1,192.0.2.0/24",
        "192.0.2.0/33",
        "a,b,c,d,192.0.2.0/24",
        "4294967296,192.0.2.0/24",
    ) == [
        "1: '192.0.2.0' is no prefix: ADDRESS/LENGTH",
        "3: AS number: 'x' is no number from 0 to 4294967295",
        "4: AS number: '' is no number from 0 to 4294967295",
        "5: 'router' is no IP address",
        "6: 33 is not from 0 to 32",
        "7: 5 fields, and 4 are the most",
        "8: AS number: 4294967296 is not from 0 to 4294967295",
    ]


def test_lookup_of_no_address_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no IP address"):
        NetworksFile.load(write_map(tmp_path)).lookup("router")
