from ipaddress import IPv6Address, ip_address, ip_network

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.rib.address_family import FAMILIES
from collector.rib.prefix_sieve import PrefixSieve
from tests.rib.wire import addresses, prefix


def _networks(bits: int) -> st.SearchStrategy:
    pairs = st.tuples(st.integers(0, (1 << bits) - 1), st.integers(0, bits))
    return st.lists(
        pairs.map(
            lambda pair: ip_network(
                (pair[0].to_bytes(bits // 8, "big"), pair[1]),
                strict=False,
            )
        ),
        min_size=1,
        max_size=30,
    )


def _noted(version: int, networks: list) -> PrefixSieve:
    family = FAMILIES[version]
    sieve = PrefixSieve(family)
    words = family.words_of_prefixes([prefix(str(network)) for network in networks])
    lengths = np.array([network.prefixlen for network in networks], np.int64)
    sieve.note(family.addresses_of_prefixes(words), lengths)
    return sieve


def _may_have(sieve: PrefixSieve, version: int, hosts: list[str], lengths: list[int]) -> list[bool]:
    words = FAMILIES[version].words_of_addresses(addresses(hosts))
    return sieve.may_have(words, np.array(lengths, np.int64)).tolist()


@pytest.mark.parametrize(("version", "bits"), [(4, 32), (6, 128)])
@given(data=st.data())
@settings(max_examples=60)
def test_no_prefix_is_missed_by_its_first_and_last_address(version: int, bits: int, data) -> None:
    networks = data.draw(_networks(bits))
    sieve = _noted(version, networks)
    lengths = [network.prefixlen for network in networks]
    for end in (0, -1):
        assert all(_may_have(sieve, version, [str(net[end]) for net in networks], lengths))


@given(networks=_networks(32), others=_networks(32))
@settings(max_examples=60)
def test_up_to_24_bits_of_ipv4_it_is_exact(networks: list, others: list) -> None:
    networks, others = (
        [network for network in some if network.prefixlen <= 24]
        for some in (networks, others + networks)
    )
    hosts = [str(network[-1]) for network in others]
    told = _may_have(_noted(4, networks), 4, hosts, [other.prefixlen for other in others])
    assert told == [other in networks for other in others]


def test_neighbours_that_share_an_octet_are_all_noted() -> None:
    networks = [ip_network(f"10.0.{number}.0/24") for number in range(0, 256, 3)]
    hosts = [f"10.0.{number}.1" for number in range(256)]
    told = _may_have(_noted(4, networks * 2), 4, hosts, [24] * 256)
    assert told == [number % 3 == 0 for number in range(256)]


def test_few_of_what_is_not_there_pass_in_ipv6() -> None:
    rng = np.random.default_rng(1)
    numbers = [int.from_bytes(rng.bytes(6), "big") for _ in range(4_000)]
    networks = [ip_network((number << 80, 48)) for number in numbers]
    hosts = [str(IPv6Address((number << 80) + (1 << 64))) for number in numbers]
    sieve = _noted(6, networks)
    assert all(_may_have(sieve, 6, hosts, [48] * len(hosts)))
    assert sum(_may_have(sieve, 6, hosts, [47] * len(hosts))) < 40
    assert sum(_may_have(sieve, 6, hosts, [64] * len(hosts))) < 40


def test_cleared_it_has_nothing() -> None:
    sieve = _noted(4, [ip_network("0.0.0.0/0"), ip_network("192.0.2.255/32")])
    hosts = ["192.0.2.255", str(ip_address(0))]
    assert _may_have(sieve, 4, hosts, [32, 0]) == [True, True]
    sieve.clear()
    assert _may_have(sieve, 4, hosts, [32, 0]) == [False, False]
