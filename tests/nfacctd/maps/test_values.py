"""Values of map files, route distinguishers among them."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.maps import values
from collector.nfacctd.maps.ip_protocols import protocol_number
from collector.nfacctd.maps.route_distinguisher import rd_text


@given(st.ip_addresses())
def test_addresses_read_as_the_standard_library_does(address: object) -> None:
    mapped = getattr(address, "ipv4_mapped", None)
    assert values.address(str(address)) == str(mapped or address)


@given(st.ip_addresses(), st.integers(0, 128))
def test_prefixes_keep_their_leading_bits(address: object, length: int) -> None:
    if getattr(address, "ipv4_mapped", None):
        return
    length = min(length, address.max_prefixlen)
    network = ip_network((address, length), strict=False)
    prefix = values.prefix(f"{address}/{length}")
    bits = int(network.network_address) >> (address.max_prefixlen - length)
    assert prefix == (address.version, length, bits)


def test_mapped_prefix_is_ipv4() -> None:
    assert values.prefix("::ffff:192.0.2.0/120") == values.prefix("192.0.2.0/24")


@pytest.mark.parametrize(
    "text",
    ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/33", "::/129", "::1/", "x", "1.2.3.4/x", "é"],
)
def test_bad_prefix_is_told(text: str) -> None:
    with pytest.raises(ValueError):
        values.prefix(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "٣", "256", "9" * 5000, "0x10"])
def test_bad_number_is_told(text: str) -> None:
    with pytest.raises(ValueError):
        values.number(text, 255)


def test_macs_are_written_as_flows_have_them() -> None:
    assert values.mac("0:1A:2b:3:4:5") == "00:1a:2b:03:04:05"
    with pytest.raises(ValueError, match="no MAC"):
        values.mac("00:1a:2b:03:04")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0:64512:1", "0:64512:1"),
        ("64512:1", "0:64512:1"),
        ("0:64512:4294967295", "0:64512:4294967295"),
        ("1:192.0.2.1:7", "1:192.0.2.1:7"),
        ("192.0.2.1:7", "1:192.0.2.1:7"),
        ("2:64512:7", "2:64512:7"),
        ("4200000000:7", "2:4200000000:7"),
        ("0:0:0", "0:0:0"),
        ("0:0", "0:0:0"),
    ],
)
def test_route_distinguishers_are_written_with_their_type(text: str, written: str) -> None:
    assert rd_text(text) == written


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "3:1:1", "0:65536:1", "0:1:4294967296", "2:1:65536", "1:1:1", "a:b", "1:2:3:4"),
        *("192.0.2.1:65536", "0:192.0.2.1:1", "-1:1", "vrfid:7"),
    ],
)
def test_bad_route_distinguisher_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="no route distinguisher"):
        rd_text(text)


def test_protocols_have_names() -> None:
    assert [protocol_number(text) for text in ("TCP", "ipv6-icmp", "253")] == [6, 58, 253]
    with pytest.raises(ValueError):
        protocol_number("256")
