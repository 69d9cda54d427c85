import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.rib.layer import Layer

_ROWS = st.dictionaries(st.integers(1, 999), st.integers(0, 5), max_size=40)
_STEPS = st.lists(st.tuples(_ROWS, st.sampled_from(("", "stale", "sweep"))), max_size=12)
_EVERY = np.arange(1, 1300, dtype=np.int32)


# Capacities that make it dense at once, in the middle, never.
@pytest.mark.parametrize("capacity", [1000, 1024, 100_000])
@given(steps=_STEPS)
@settings(max_examples=60, deadline=None)
def test_both_forms_agree_with_a_dictionary(capacity: int, steps) -> None:
    layer, model, stale = Layer(label=np.int32), {}, set()
    for rows, then in steps:
        ids = np.array([*rows], np.int32)
        paths = np.array([*rows.values()], np.int32)
        old = layer.replace(ids, capacity, path=paths, label=paths * 10)
        assert old.tolist() == [model.get(number, 0) for number in rows]
        model = {number: path for number, path in {**model, **rows}.items() if path}
        stale -= {*rows}
        if then == "stale":
            layer.mark_stale()
            stale = set(model)
        elif then == "sweep":
            left = layer.stale_ids()
            layer.replace(left, capacity, path=np.zeros(len(left), np.int32))
            layer.forget_stale()
            model = {number: path for number, path in model.items() if number not in stale}
            stale = set()
        assert layer.get(_EVERY).tolist() == [model.get(n, 0) for n in _EVERY.tolist()]
        assert layer.get(_EVERY, "label").tolist() == [
            10 * model.get(n, 0) for n in _EVERY.tolist()
        ]
        assert (layer.count, layer.stale) == (len(model), len(stale))
        assert layer.ids().tolist() == sorted(model)
        assert layer.stale_ids().tolist() == sorted(stale)
        assert layer.ids(100, 200).tolist() == sorted(n for n in model if 100 <= n < 200)


def test_a_full_layer_costs_four_octets_a_route_and_an_empty_one_nothing() -> None:
    layer = Layer()
    ids = np.arange(1, 100_000, dtype=np.int32)
    layer.replace(ids, 100_000, path=np.ones(len(ids), np.int32))
    assert layer.octets < 4.1 * 100_000
    layer.replace(ids, 100_000, path=np.zeros(len(ids), np.int32))
    assert layer.octets < 100


def test_a_dense_layer_grows_with_the_index() -> None:
    layer = Layer()
    first = np.arange(1, 200, dtype=np.int32)
    layer.replace(first, 256, path=np.ones(len(first), np.int32))
    assert layer.get(np.array([255, 256, 70_000], np.int32)).tolist() == [0, 0, 0]
    layer.replace(np.array([256, 600], np.int32), 1024, path=np.array([2, 3], np.int32))
    assert layer.get(np.array([199, 256, 600, 5000], np.int32)).tolist() == [1, 2, 3, 0]
