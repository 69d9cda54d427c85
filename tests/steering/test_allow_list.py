import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import ConfigError
from collector.steering.allow_list import AllowList

NETWORKS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).flatmap(
    lambda address: st.integers(0, address.max_prefixlen).map(
        lambda length: (
            str(type(address)(int(address) >> (n := address.max_prefixlen - length) << n))
            + f"/{length}"
        )
    )
)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.0.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("10.0.1.0", False),
        ("192.0.2.7", True),
        ("2001:db8:1::5", True),
        ("2001:db8:2::5", False),
    ],
)
def test_prefixes_let_in_what_they_hold(address: str, allowed: bool) -> None:
    prefixes = AllowList(["10.0.0.0/24", "::ffff:192.0.2.0/120", "2001:db8:1::/48"])
    assert prefixes.allows(address) is allowed


def test_prefix_speaks_for_its_own_family() -> None:
    ipv6 = AllowList(["::/0"])
    assert ipv6.allows("2001:db8::1")
    assert ipv6.allows("::1")
    assert not ipv6.allows("10.0.0.1")
    ipv4 = AllowList(["0.0.0.0/0"])
    assert ipv4.allows("10.0.0.1")
    assert not ipv4.allows("::1")


def test_empty_list_lets_nobody_in() -> None:
    assert not AllowList([]).allows("10.0.0.1")


def test_trie_keys_have_no_padding() -> None:
    (key,) = AllowList(["10.1.0.0/16"]).trie_keys()
    assert key == struct.pack("=I", 112) + bytes(10) + b"\xff\xff\x0a\x01\0\0"
    assert len(key) == AllowList.TRIE_KEY_OCTETS == 20


@given(st.lists(NETWORKS, max_size=6), st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_trie_holds_what_the_list_allows(prefixes: list[str], address: object) -> None:
    allow = AllowList(prefixes)
    octets = address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed
    bits = f"{int.from_bytes(octets):0128b}"
    matches = False
    for key in allow.trie_keys():
        (length,) = struct.unpack_from("=I", key)
        matches |= f"{int.from_bytes(key[4:]):0128b}"[:length] == bits[:length]
    assert matches == allow.allows(address)


def test_all_bad_prefixes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        AllowList(["10.0.0.1/8", "2001:db8::/129", "lab", "10.0.0.0/8"])
    assert len(caught.value.mistakes) == 3
    assert "10.0.0.1/8" in caught.value.mistakes[0]
