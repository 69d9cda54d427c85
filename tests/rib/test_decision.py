import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.rib.decision import choose
from collector.rib.paths import Path
from tests.rib.wire import add_path, new_paths

_PATH = st.fixed_dictionaries(
    {
        "peer_as": st.sampled_from((1, 2)),
        "path_length": st.sampled_from((0, 3, 100_000)),
        "origin": st.sampled_from(("igp", "incomplete", None)),
        "local_pref": st.sampled_from((None, 100, 200)),
        "med": st.sampled_from((None, 0, 5)),
    }
).map(lambda says: Path(**says))


def _linear(candidates: list[Path | None]) -> int | None:
    origins = {"igp": 0, "egp": 1, "incomplete": 2, None: 3}
    ranked = {
        row: (
            -(100 if path.local_pref is None else path.local_pref),
            min(path.path_length, 65535),
            origins[path.origin],
        )
        for row, path in enumerate(candidates)
        if path
    }
    tied = [row for row in ranked if ranked[row] == min(ranked.values())]
    for row in tied:
        path = candidates[row]
        rivals = [candidates[other] for other in tied]
        if not any(r.peer_as == path.peer_as and (r.med or 0) < (path.med or 0) for r in rivals):
            return row
    return None


@given(st.lists(st.lists(st.none() | _PATH, min_size=4, max_size=4), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_it_agrees_with_a_look_at_each_prefix(prefixes: list[list[Path | None]]) -> None:
    paths = new_paths()
    candidates = np.array(
        [[add_path(paths, path) if path else 0 for path in row] for row in prefixes], np.int32
    ).T
    row = choose(candidates, None, paths)
    chosen = candidates[row, np.arange(len(prefixes))].tolist()
    for path, wanted, column in zip(chosen, map(_linear, prefixes), prefixes, strict=True):
        assert paths.path(path) == (None if wanted is None else column[wanted])


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        pytest.param({"local_pref": 99}, {"path_length": 9}, 1, id="no-local-preference-is-100"),
        pytest.param({"path_length": 2}, {"path_length": 1, "origin": "egp"}, 1, id="length"),
        pytest.param({"origin": "egp"}, {"origin": "igp", "med": 9}, 1, id="origin"),
        pytest.param({"peer_as": 1, "med": 1}, {"peer_as": 1}, 1, id="no-med-is-lowest"),
        pytest.param({"peer_as": 1, "med": 1}, {"peer_as": 2}, 0, id="med-of-another-as"),
        pytest.param({}, {"communities": ("1:1",)}, 0, id="a-tie-takes-the-first"),
        pytest.param(
            {"local_pref": 0}, {"local_pref": 0xFFFFFFFF, "path_length": 9}, 1, id="largest"
        ),
    ],
)
def test_the_rules_one_by_one(first: dict, second: dict, winner: int) -> None:
    paths = new_paths()
    both = [add_path(paths, Path(**says), number) for number, says in enumerate((first, second))]
    assert choose(np.array([both], np.int32).T, None, paths).tolist() == [winner]


def test_ties_go_to_the_lowest_identifier() -> None:
    paths = new_paths()
    path = add_path(paths, Path())
    candidates = np.array([[path, path], [path, 0], [path, path]], np.int32)
    ties = np.array([[7, 7], [3, 3], [5, 5]], np.int64)
    assert choose(candidates, ties, paths).tolist() == [1, 2]
