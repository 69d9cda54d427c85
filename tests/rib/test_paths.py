import numpy as np

from collector.metrics import Counters
from collector.rib.labels import LabelStacks
from collector.rib.paths import FactColumns, Path, Paths
from tests.rib.wire import add_path, new_paths


def _ids(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def _known(paths: Paths, next_hop: str | None = None) -> int:
    return paths.intern(("key", Path()), next_hop)


def test_a_path_lives_while_it_is_held() -> None:
    paths = new_paths()
    number = add_path(paths, Path(next_hop="192.0.2.1"), "key")
    paths.hold(_ids(number, number, 0))
    assert paths.collect() == 0
    paths.release(_ids(number))
    assert paths.collect() == 0
    paths.release(_ids(number, 0))
    assert _known(paths, "192.0.2.1") == number  # still there until the next collect
    assert paths.collect() == 1
    assert (_known(paths, "192.0.2.1"), len(paths), paths.path(number)) == (0, 0, None)
    assert paths.next_hop_id("192.0.2.1") == -1


def test_a_path_held_again_before_collect_stays() -> None:
    paths = new_paths()
    number = add_path(paths, Path(), "key")
    paths.hold(_ids(number))
    paths.release(_ids(number))
    paths.hold(_ids(number))
    assert paths.collect() == 0
    assert _known(paths) == number


def test_a_path_that_nobody_announced_goes() -> None:
    paths = new_paths()
    add_path(paths, Path(), "key")
    assert (paths.collect(), len(paths)) == (1, 0)


def test_ids_are_reused_and_columns_follow() -> None:
    paths = new_paths()
    numbers = [
        add_path(paths, Path(origin_as=n, peer_as=n + 1, med=n or None, next_hop=f"h{n % 7}"), n)
        for n in range(300)
    ]
    kept = _ids(*numbers[::2])
    paths.hold(kept)
    assert paths.collect() == 150
    again = add_path(paths, Path(origin_as=0xFFFFFFFF, local_pref=0xFFFFFFFF), "new")
    assert again in numbers[1::2]
    assert paths.origin_as[again] == 0xFFFFFFFF
    assert (paths.med[again], paths.local_pref[again], paths.next_hop[again]) == (-1, 0xFFFFFFFF, 0)
    assert paths.origin_as[kept].tolist() == [paths.path(n).origin_as for n in kept.tolist()]
    hops = [paths.next_hop_id(paths.path(n).next_hop) for n in kept.tolist()]
    assert paths.next_hop[kept].tolist() == hops


def test_a_next_hop_id_is_never_given_to_another() -> None:
    paths = new_paths()
    add_path(paths, Path(next_hop="192.0.2.1"), "a")
    before = paths.next_hop_id("192.0.2.1")
    paths.collect()
    add_path(paths, Path(next_hop="192.0.2.2"), "b")
    assert paths.next_hop_id("192.0.2.2") not in (before, -1)


def test_paths_that_differ_in_their_next_hops_share_a_content() -> None:
    paths = new_paths()
    numbers = [add_path(paths, Path(med=7, next_hop=hop)) for hop in ("a", "b", None)]
    assert (len(set(numbers)), len(paths), paths.contents, paths.next_hops) == (3, 3, 1, 2)
    paths.hold(_ids(numbers[1]))
    assert paths.collect() == 2
    assert (paths.contents, paths.next_hops) == (1, 1)
    assert [paths.path(number) for number in numbers] == [None, Path(med=7, next_hop="b"), None]
    assert paths.next_hop_texts(numbers[1:2]) == ["b"]
    assert paths.texts(numbers[1:2])["as_path_text"] == [""]
    paths.release(_ids(numbers[1]))
    paths.collect()
    assert (paths.contents, paths.next_hops, len(paths)) == (0, 0, 0)


def test_a_reused_id_is_born_again() -> None:
    paths = new_paths()
    number = add_path(paths, Path(), "a")
    before = int(paths.born[number])
    paths.collect()
    assert paths.born[number] == 0
    assert add_path(paths, Path(), "b") == number
    assert paths.born[number] > before > 0


def test_too_many_paths_are_refused_and_counted() -> None:
    counters = Counters()
    paths = new_paths(2, counters)
    assert [add_path(paths, Path(), n) for n in range(4)] == [1, 2, 0, 0]
    assert add_path(paths, Path(), 1) == 2
    assert counters == {"rib_paths_refused": 2}


def test_releasing_a_whole_table_at_once_frees_it() -> None:
    paths = new_paths()
    number, other = add_path(paths, Path(), "a"), add_path(paths, Path(), "b")
    many = np.repeat(_ids(number, other), 5000)
    paths.hold(many)
    paths.release(many[1:-1])
    assert paths.collect() == 0
    paths.release(_ids(number, other))
    assert paths.collect() == 2
    assert not paths.holders.any()


def test_label_stacks() -> None:
    stacks = LabelStacks(2)
    codes = [stacks.code(labels) for labels in ((), (0,), (1048575,), (16, 17), (1, 2, 3), (5, 6))]
    assert [stacks.labels(code) for code in codes] == [
        (),
        (0,),
        (1048575,),
        (16, 17),
        (1, 2, 3),
        (5,),  # past the limit
    ]
    stacks.exchange(_ids(), _ids(*codes))
    stacks.collect()
    assert len(stacks) == 2
    stacks.exchange(_ids(*codes), _ids())
    stacks.collect()
    assert len(stacks) == 0


def test_many_paths_at_once_are_those_of_each() -> None:
    chosen = [
        Path(origin_as=1, peer_as=2, path_length=3, origin="igp", local_pref=200, med=0),
        Path(next_hop="192.0.2.1"),
        Path(origin="incomplete", path_length=70_000, next_hop="192.0.2.1"),
        Path(origin="egp", local_pref=0, med=2**32 - 1, next_hop="192.0.2.2"),
    ]
    origins = ("igp", "egp", "incomplete", None)
    rows = [chosen[number] for number in (0, 1, 2, 1, 3, 0)]
    facts = FactColumns(
        np.array([path.origin_as for path in rows], np.uint32),
        np.array([path.peer_as for path in rows], np.uint32),
        np.array([path.path_length for path in rows]),
        np.array([origins.index(path.origin) for path in rows]),
        np.array([-1 if path.local_pref is None else path.local_pref for path in rows]),
        np.array([-1 if path.med is None else path.med for path in rows]),
    )
    contents = [(str(path), path._replace(next_hop=None)) for path in rows]
    next_hops = [path.next_hop for path in rows]
    one_by_one, together = new_paths(), new_paths()
    wanted = [one_by_one.add(*each) for each in zip(contents, next_hops, rows, strict=True)]
    assert together.add_many(contents, next_hops, facts).tolist() == wanted
    assert together.add_many(contents, next_hops, facts).tolist() == wanted
    for name in ("origin_as", "peer_as", "local_pref", "med", "rank", "next_hop", "born"):
        assert getattr(together, name).tolist() == getattr(one_by_one, name).tolist()
    assert [together.path(number) for number in wanted] == rows
    assert together.collect() == len(chosen)


def test_paths_past_the_limit_are_refused_each() -> None:
    counters = Counters()
    paths = new_paths(2, counters)
    columns = [np.zeros(4, np.int64) for _ in FactColumns._fields]
    contents = [(key, Path()) for key in ("a", "b", "c", "a")]
    ids = paths.add_many(contents, [None] * 4, FactColumns(*columns))
    assert ids.tolist() == [1, 2, 0, 1]
    assert counters["rib_paths_refused"] == 1
