from ipaddress import IPv6Address, ip_address, ip_network

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.rib.address_family import FAMILIES
from collector.rib.covering_cache import CoveringCache
from collector.rib.prefix_index import PrefixIndex
from tests.rib.wire import addresses, prefix

# Few bits set, so that prefixes nest and addresses hit them.
_V4 = st.integers(0, 15).map(lambda n: str(ip_address((n * 0x10101011) & 0xFFFFFFFF)))
_V6 = st.integers(0, 15).map(lambda n: str(IPv6Address(n * 0x1010101100000000F0000000000000F1)))


def _networks(hosts: st.SearchStrategy, bits: int) -> st.SearchStrategy:
    pairs = st.tuples(hosts, st.integers(0, bits))
    return st.lists(
        pairs.map(lambda pair: str(ip_network(f"{pair[0]}/{pair[1]}", strict=False))), max_size=12
    )


def _ensure(index: PrefixIndex, texts: list[str]) -> np.ndarray:
    words = index.family.words_of_prefixes([prefix(text) for text in texts])
    ids = index.resolve(words, np.ones(len(texts), np.bool_))
    index.retain(np.unique(ids))
    return ids


def _linear(networks: list[str], host: str) -> list[bytes]:
    covering = {n for n in networks if ip_address(host) in ip_network(n)}
    return [prefix(n) for n in sorted(covering, key=lambda n: -ip_network(n).prefixlen)]


def _chains(cache: CoveringCache, asked: np.ndarray) -> np.ndarray:
    chains = cache.chains(asked)
    return np.stack([chains.at(depth, slice(None)) for depth in range(chains.depth)], axis=1)


@pytest.mark.parametrize(("number", "hosts", "bits"), [(4, _V4, 32), (6, _V6, 128)])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_chains_agree_with_a_linear_scan(number: int, hosts, bits: int, data) -> None:
    index = PrefixIndex(FAMILIES[number])
    cache = CoveringCache(index, data.draw(st.sampled_from((100, 1 << 20))))
    known: list[str] = []
    for _ in range(3):
        more = data.draw(_networks(hosts, bits))
        _ensure(index, more)
        known += more
        asked = data.draw(st.lists(hosts, min_size=1, max_size=12))
        chains = _chains(cache, addresses(asked))
        for host, chain in zip(asked, chains, strict=True):
            assert index.prefixes(chain[chain != 0]) == _linear(known, host)
            assert (chain[len(_linear(known, host)) :] == 0).all()


@pytest.mark.parametrize(
    ("number", "texts"),
    [
        (4, ["0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/8", "10.128.0.0/9", "192.0.2.255/32"]),
        (6, ["::/0", "2001:db8::/32", "2001:db8::/57", "2001:db8::1/128", "2001:db8::80/121"]),
    ],
)
def test_octets_come_back_as_they_went_in(number: int, texts: list[str]) -> None:
    index = PrefixIndex(FAMILIES[number])
    ids = _ensure(index, texts)
    assert index.prefixes(ids) == [prefix(text) for text in texts]
    assert index.lengths(ids).tolist() == [ip_network(text).prefixlen for text in texts]


def test_withdrawing_the_unknown_leaves_no_trace() -> None:
    index = PrefixIndex(FAMILIES[4])
    words = index.family.words_of_prefixes([prefix("10.0.0.0/8"), prefix("11.0.0.0/8")])
    ids = index.resolve(words, np.array([True, False]))
    assert ids.tolist() == [1, 0]
    assert len(index) == 1


def test_compact_keeps_what_is_held() -> None:
    index = PrefixIndex(FAMILIES[4])
    cache = CoveringCache(index, 1 << 20)
    ids = _ensure(index, ["10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24"])
    assert _chains(cache, addresses(["10.1.1.1"])).tolist() == [[*ids[::-1].tolist(), 0]]
    index.release(ids[1:2])
    assert (index.live, len(index)) == (2, 3)
    assert not index.compact()
    assert index.compact(slack=0)
    assert (index.live, len(index)) == (2, 2)
    again = _ensure(index, ["11.0.0.0/8"])
    assert again.tolist() == ids[1:2].tolist()
    chain = _chains(cache, addresses(["10.1.1.1"]))[0]
    assert chain[chain != 0].tolist() == [ids[2], ids[0]]


def test_only_addresses_near_a_new_prefix_are_looked_up_again() -> None:
    index = PrefixIndex(FAMILIES[4])
    cache = CoveringCache(index, 1 << 20)
    _ensure(index, ["10.0.0.0/8"])
    asked = addresses(["10.1.0.1", "10.2.0.1", "10.1.0.1"])
    for more, misses in [([], 2), ([], 2), (["10.1.0.0/24"], 3), (["8.0.0.0/5"], 5)]:
        _ensure(index, more)
        _chains(cache, asked)
        assert cache.misses == misses


def test_random_addresses_do_not_grow_the_cache() -> None:
    index = PrefixIndex(FAMILIES[4])
    cache = CoveringCache(index, 100_000)
    _ensure(index, ["0.0.0.0/0"])
    chosen = np.random.default_rng(1)
    for _ in range(20):
        chains = _chains(cache, chosen.integers(1 << 32, size=1500, dtype=np.uint32))
        assert chains[:, 0].all()
        assert cache.octets < 200_000
    assert cache.flushes > 3


def test_deep_nesting_is_answered_and_learnt() -> None:
    index = PrefixIndex(FAMILIES[6])
    cache = CoveringCache(index, 1 << 20)
    _ensure(index, [f"::/{length}" for length in range(129)])
    for _ in range(3):
        chains = _chains(cache, addresses(["::", "::1"]))
        assert (chains != 0).sum(axis=1).tolist() == [129, 128]
    assert cache.misses <= 6
