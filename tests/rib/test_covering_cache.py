"""The cache answers what the index answers, whatever is asked; what it learns, and what not."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.rib import covering_cache
from collector.rib.address_family import FAMILIES
from collector.rib.covering_cache import CoveringCache
from collector.rib.prefix_index import PrefixIndex


@pytest.fixture(name="_soon_judged", autouse=True, scope="module")
def _soon_judged_fixture():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(covering_cache, "_JUDGED_ROWS", 64)
        yield


def _ensure(index: PrefixIndex, addresses: np.ndarray, length: int) -> np.ndarray:
    words = index.family.words_of_addresses(addresses)
    lengths = np.full(len(addresses), length, np.uint64)
    ids = np.unique(index._ensure(index.family.words_of_covering(words, lengths)))
    index.retain(ids)
    return ids


def _at_random(chosen: np.random.Generator, version: int, count: int) -> np.ndarray:
    """Addresses of 4096 /16 (IPv4) or /48, so that prefixes meet them."""
    high = chosen.integers(1 << 12, size=count, dtype=np.uint64)
    low = chosen.integers(1 << 16, size=count, dtype=np.uint64)
    if version == 4:
        return (high << np.uint64(20) | low).astype(np.uint32)
    return np.stack((high << np.uint64(50) | low, low << np.uint64(48)), axis=1)


def _agree(cache: CoveringCache, index: PrefixIndex, asked: np.ndarray) -> None:
    expected = index.covering(index.family.words_of_addresses(asked))
    chains = cache.chains(asked)
    assert len(chains) == len(asked)
    assert chains.depth >= len(expected)
    for depth in range(chains.depth):
        told = chains.at(depth, slice(None))
        assert (told == (expected[depth] if depth < len(expected) else 0)).all()


@pytest.mark.parametrize("version", [4, 6])
@given(seed=st.integers(0, 1 << 32), limit=st.sampled_from((100, 6_000, 1 << 20)))
@settings(max_examples=25)
def test_it_agrees_with_the_index_in_flood_and_use(version: int, seed: int, limit: int) -> None:
    index = PrefixIndex(FAMILIES[version])
    cache = CoveringCache(index, limit)
    chosen, turns = np.random.default_rng(seed), random.Random(seed)
    known = _at_random(chosen, version, 40)
    held: list[np.ndarray] = []
    for _ in range(25):
        match turns.randrange(7):
            case 0:
                length = turns.choice((0, 8, 12, 16, 22, 24, 25, 32, 64, 65, 128))
                near = _at_random(chosen, version, 30)
                held.append(_ensure(index, near, min(length, index.family.bits)))
            case 1 if held:
                index.release(held.pop(turns.randrange(len(held))))
                index.compact(slack=0)
            case 2:
                known = _at_random(chosen, version, 40)
            case 3:
                _agree(cache, index, known[:0])
            case _:
                flood = _at_random(chosen, version, turns.choice((0, 50, 200)))
                often = known[chosen.integers(len(known), size=turns.choice((0, 10, 100)))]
                _agree(cache, index, chosen.permutation(np.concatenate((flood, often))))


def _flood(chosen: np.random.Generator) -> np.ndarray:
    return chosen.integers(1 << 32, size=1_000, dtype=np.uint32)


def test_a_flood_is_not_learnt_and_what_comes_after_it_is() -> None:
    index = PrefixIndex(FAMILIES[4])
    cache = CoveringCache(index, 1 << 20)
    _ensure(index, np.arange(1 << 8, dtype=np.uint32) << 24, 8)
    chosen = np.random.default_rng(1)
    cache.chains(_flood(chosen))
    learnt = []
    for _ in range(5):
        before = len(cache._addresses)
        cache.chains(_flood(chosen))
        learnt.append(len(cache._addresses) - before)
    assert learnt == [125] * 5
    # All of these are asked for again and again: a few are learnt by chance, soon they all are.
    used = _flood(chosen)
    for _ in range(4):
        cache.chains(used)
    known = cache.misses
    cache.chains(used)
    assert cache.misses == known


def test_what_is_in_use_is_learnt_also_in_a_flood() -> None:
    index = PrefixIndex(FAMILIES[4])
    cache = CoveringCache(index, 1 << 20)
    chosen = np.random.default_rng(2)
    for _ in range(3):
        cache.chains(_flood(chosen))
    used = _flood(chosen)[:20]
    for _ in range(60):
        cache.chains(np.concatenate((_flood(chosen), used)))
    known = cache.misses
    cache.chains(used)
    assert cache.misses == known


def test_addresses_that_a_prefix_made_outdated_are_learnt_again_also_in_a_flood() -> None:
    index = PrefixIndex(FAMILIES[4])
    cache = CoveringCache(index, 1 << 20)
    used = np.arange(100, dtype=np.uint32)
    cache.chains(used)
    chosen = np.random.default_rng(3)
    for _ in range(3):
        cache.chains(_flood(chosen) | np.uint32(1 << 31))
    _ensure(index, used[:1], 16)
    cache.chains(used)
    known = cache.misses
    cache.chains(used)
    assert cache.misses == known
