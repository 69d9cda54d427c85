"""Columns of paths: right for every id, also after ids were given to other paths."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.records import path_columns
from collector.records.path_columns import OF_PATH, PathColumns
from collector.rib.paths import Path
from tests.rib.wire import add_path, new_paths

FIELDS = {
    "AsPath": "as_path_text",
    "OriginAs": "origin_as",
    "PeerAs": "peer_as",
    "NextHop": "next_hop",
    "LocalPref": "local_pref",
    "Med": "med",
    "Communities": "communities",
    "LargeCommunities": "large_communities",
    "ExtendedCommunities": "extended_communities",
}


def says(columns: PathColumns, what: str, ids: list[int]) -> list:
    return columns.column(what, columns.rows(np.array(ids, np.int32))).to_list()


def test_each_path_says_its_own_and_no_path_says_nothing() -> None:
    paths = new_paths()
    columns = PathColumns(paths)
    one = add_path(
        paths, Path(as_path_text="64500 {1,2}", origin_as=2, med=0, communities=("1:2",)), 1
    )
    two = add_path(
        paths, Path(next_hop="2001:db8::1", local_pref=200, communities=("1:2", "3:4")), 2
    )
    ids = [two, 0, one, one]
    assert says(columns, "AsPath", ids) == ["", None, "64500 {1,2}", "64500 {1,2}"]
    assert says(columns, "OriginAs", ids) == [0, None, 2, 2]
    assert says(columns, "Med", ids) == [None, None, 0, 0]
    assert says(columns, "NextHop", ids) == ["2001:db8::1", None, None, None]
    assert says(columns, "Communities", ids) == [["1:2", "3:4"], None, ["1:2"], ["1:2"]]
    assert says(columns, "LargeCommunities", ids) == [[], None, [], []]
    assert says(columns, "AsPath", []) == []


@pytest.mark.parametrize("limit", [3, 1 << 18])
@given(turns=st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=12))
def test_as_looked_up_one_by_one(limit: int, turns: list[list[int]]) -> None:
    paths = new_paths()
    columns = PathColumns(paths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_columns, "_MAX_PATHS", limit)
        for number, wanted in enumerate(turns):
            ids = [add_path(paths, Path(med=100 * number + n), (n, number)) for n in wanted]
            for what in OF_PATH:
                told = [getattr(paths.path(path), FIELDS[what]) for path in ids]
                told = [list(v) if isinstance(v, tuple) else v for v in told]
                assert says(columns, what, ids) == told
            # Nobody holds them: their ids go to the paths of the next turn.
            paths.collect()


def test_a_column_asked_for_late_leaves_out_the_paths_that_are_gone() -> None:
    paths = new_paths()
    columns = PathColumns(paths)
    ids = [add_path(paths, Path(as_path_text=str(n), communities=(f"{n}:1",))) for n in range(4)]
    assert says(columns, "AsPath", ids) == ["0", "1", "2", "3"]
    paths.hold(np.array(ids[1::2], np.int32))
    assert paths.collect() == 2
    assert says(columns, "Communities", ids[1::2]) == [["1:1"], ["3:1"]]
    assert says(columns, "NextHop", ids[1::2]) == [None, None]
    again = add_path(paths, Path(as_path_text="9", communities=("9:1", "9:2")))
    assert again in ids[0::2]
    assert says(columns, "Communities", [again, ids[1]]) == [["9:1", "9:2"], ["1:1"]]
    assert says(columns, "AsPath", [again, ids[1]]) == ["9", "1"]


@pytest.mark.parametrize("limit", [3, 1 << 18])
@given(turns=st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=12))
def test_members_say_what_the_columns_say(limit: int, turns: list[list[int]]) -> None:
    paths = new_paths()
    columns, whats = PathColumns(paths), ("Med", "AsPath", "Communities", "NextHop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_columns, "_MAX_PATHS", limit)
        for number, wanted in enumerate(turns):
            ids = [0]
            for n in wanted:
                says_n = Path(med=n or None, as_path_text=f'{number} "{n}"', communities=("1:2",))
                ids.append(add_path(paths, says_n, (n, number)))
            texts = columns.members("source", whats, columns.rows(np.array(ids, np.int32)))
            told = [orjson.loads("{" + text.removeprefix(",") + "}") for text in texts]
            by_column = {what: says(columns, what, ids) for what in whats}
            assert told == [
                {f"source{what}": by_column[what][row] for what in whats} for row in range(len(ids))
            ]
            paths.collect()


@given(meds=st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_paths_that_say_the_same_are_told_as_one(meds: list[int]) -> None:
    paths = new_paths()
    columns = PathColumns(paths)
    # Two that say the same in MED differ in what nobody asks for.
    ids = [add_path(paths, Path(med=med, local_pref=n), n) for n, med in enumerate(meds)]
    told = columns.alike(("Med", "AsPath"), np.array([0, *ids], np.int32)).tolist()
    assert told == [0, *(ids[meds.index(med)] for med in meds)]
