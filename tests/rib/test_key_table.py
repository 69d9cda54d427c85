import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.rib.key_table import KeyTable

_KEYS = st.lists(st.integers(0, 40).map(lambda key: key << 58 | key), max_size=60)
_STEPS = st.lists(st.tuples(st.sampled_from(("ensure", "remove", "find")), _KEYS), max_size=12)


def _words(keys: list[int], words: int) -> list[np.ndarray]:
    column = np.array([key & (1 << 64) - 1 for key in keys], np.uint64)
    return [column] + [np.zeros(len(keys), np.uint64)] * (words - 2) + [column] * (words > 1)


@pytest.mark.parametrize("words", [1, 2, 3])
@given(steps=_STEPS)
@settings(max_examples=60)
def test_it_agrees_with_a_dictionary(words: int, steps: list[tuple[str, list[int]]]) -> None:
    table, model = KeyTable(words), {}
    for step, keys in steps:
        found = table.find(_words(keys, words)).tolist()
        assert found == [model.get(key, 0) for key in keys]
        if step == "ensure":
            ids, appeared = table.ensure(_words(keys, words))
            assert sorted(appeared) == sorted({*ids.tolist()} - {*model.values()})
            model.update(zip(keys, ids.tolist(), strict=True))
        elif step == "remove":
            gone = {model.pop(key) for key in keys if key in model}
            table.remove(np.array(sorted(gone), np.int32))
        assert len(table) == len(model) == len({*model.values()})
        assert all(0 < number < table.capacity for number in model.values())


def test_a_hundred_thousand_keys_come_and_go() -> None:
    table = KeyTable(1)
    keys = [np.arange(100_000, dtype=np.uint64) << np.uint64(24)]
    ids, appeared = table.ensure(keys)
    assert len({*ids.tolist()}) == len(appeared) == len(table) == 100_000
    assert (table.find(keys) == ids).all()
    large = table.octets
    table.remove(ids[:99_000])
    assert not table.find(keys)[:99_000].any()
    assert (table.find(keys)[99_000:] == ids[99_000:]).all()
    table.remove(ids[99_000:])
    assert (len(table), table.next_id) == (0, 1)
    assert table.octets < large / 50


def test_ids_of_removed_keys_are_given_again() -> None:
    table = KeyTable(1)
    ids, _ = table.ensure([np.arange(10, dtype=np.uint64)])
    table.remove(ids[2:5])
    again, _ = table.ensure([np.arange(100, 103, dtype=np.uint64)])
    assert sorted(again) == sorted(ids[2:5])


def test_a_key_of_zeros_is_a_key() -> None:
    table = KeyTable(2)
    zero = [np.zeros(1, np.uint64)] * 2
    assert table.find(zero).tolist() == [0]
    ids, _ = table.ensure(zero)
    assert table.find(zero).tolist() == ids.tolist() == [1]
