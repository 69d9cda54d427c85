"""Addresses and prefixes as text agree with the standard library's."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.records.flow_batch import IPV4_MAPPED
from collector.records.text import address_text, mac_text, mask_address, prefix_text

addresses = st.lists(
    st.one_of(
        st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)
    ).filter(lambda a: a.version == 4 or a.ipv4_mapped is None),
    min_size=1,
    max_size=20,
)


def halves(values: list[IPv4Address | IPv6Address]) -> tuple[np.ndarray, np.ndarray]:
    numbers = [int(a) | (int(IPV4_MAPPED) if a.version == 4 else 0) for a in values]
    high = np.array([number >> 64 for number in numbers], np.uint64)
    low = np.array([number & 0xFFFFFFFFFFFFFFFF for number in numbers], np.uint64)
    return high, low


@given(addresses)
def test_address_text(values: list[IPv4Address | IPv6Address]) -> None:
    told = address_text(*halves(values)).to_list()
    assert [type(value)(text) for value, text in zip(values, told, strict=True)] == values
    assert all(str(v) == text for v, text in zip(values, told, strict=True) if v.version == 4)


@given(addresses, st.data())
def test_prefix_text(values: list[IPv4Address | IPv6Address], data: st.DataObject) -> None:
    lengths = [data.draw(st.integers(0, value.max_prefixlen)) for value in values]
    length = np.array(lengths, np.int16)
    high, low = mask_address(*halves(values), length)
    told = prefix_text(high, low, length).to_list()
    wanted = [
        ip_network((value, bits), strict=False) for value, bits in zip(values, lengths, strict=True)
    ]
    assert [ip_network(text) for text in told] == wanted


def test_no_prefix_is_null() -> None:
    high, low = halves([IPv4Address("10.0.0.1"), IPv6Address("2001:db8::1")])
    length = np.array([-1, -1], np.int16)
    assert prefix_text(*mask_address(high, low, length), length).to_list() == [None, None]


@given(addresses, st.data())
def test_no_prefix_among_others_is_null(
    values: list[IPv4Address | IPv6Address], data: st.DataObject
) -> None:
    known = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    length = np.array([24 if told else -1 for told in known], np.int16)
    high, low = mask_address(*halves(values), np.where(length < 0, 0, length))
    told = prefix_text(high, low, length).to_list()
    wanted = [
        ip_network((value, 24), strict=False) if is_known else None
        for value, is_known in zip(values, known, strict=True)
    ]
    assert [text and ip_network(text) for text in told] == wanted


def test_mac_text() -> None:
    assert mac_text(np.array([0x00005E005301], np.uint64)).to_list() == ["00:00:5e:00:53:01"]
