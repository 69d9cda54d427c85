import numpy as np

from collector.metrics import Counters
from collector.rib.labels import LabelStacks
from collector.rib.paths import Path, Paths


def _ids(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def test_a_path_lives_while_it_is_held() -> None:
    paths = Paths(100, Counters())
    number = paths.add("key", Path(next_hop="192.0.2.1"))
    paths.hold(_ids(number, number, 0))
    assert paths.collect() == 0
    paths.release(_ids(number))
    assert paths.collect() == 0
    paths.release(_ids(number, 0))
    assert paths.intern("key") == number  # still there until the next collect
    assert paths.collect() == 1
    assert (paths.intern("key"), len(paths), paths.paths[number]) == (0, 0, None)
    assert paths.next_hop_id("192.0.2.1") == -1


def test_a_path_held_again_before_collect_stays() -> None:
    paths = Paths(100, Counters())
    number = paths.add("key", Path())
    paths.hold(_ids(number))
    paths.release(_ids(number))
    paths.hold(_ids(number))
    assert paths.collect() == 0
    assert paths.intern("key") == number


def test_a_path_that_nobody_announced_goes() -> None:
    paths = Paths(100, Counters())
    paths.add("key", Path())
    assert (paths.collect(), len(paths)) == (1, 0)


def test_ids_are_reused_and_columns_follow() -> None:
    paths = Paths(1000, Counters())
    numbers = [
        paths.add(n, Path(origin_as=n, peer_as=n + 1, med=n or None, next_hop=f"h{n % 7}"))
        for n in range(300)
    ]
    kept = _ids(*numbers[::2])
    paths.hold(kept)
    assert paths.collect() == 150
    again = paths.add("new", Path(origin_as=0xFFFFFFFF, local_pref=0xFFFFFFFF))
    assert again in numbers[1::2]
    assert paths.origin_as[again] == 0xFFFFFFFF
    assert (paths.med[again], paths.local_pref[again], paths.next_hop[again]) == (-1, 0xFFFFFFFF, 0)
    assert paths.origin_as[kept].tolist() == [paths.paths[n].origin_as for n in kept.tolist()]
    hops = [paths.next_hop_id(paths.paths[n].next_hop) for n in kept.tolist()]
    assert paths.next_hop[kept].tolist() == hops


def test_a_next_hop_id_is_never_given_to_another() -> None:
    paths = Paths(100, Counters())
    paths.add("a", Path(next_hop="192.0.2.1"))
    before = paths.next_hop_id("192.0.2.1")
    paths.collect()
    paths.add("b", Path(next_hop="192.0.2.2"))
    assert paths.next_hop_id("192.0.2.2") not in (before, -1)


def test_too_many_paths_are_refused_and_counted() -> None:
    counters = Counters()
    paths = Paths(2, counters)
    assert [paths.add(n, Path()) for n in range(4)] == [1, 2, 0, 0]
    assert paths.add(1, Path()) == 2
    assert counters == {"rib_paths_refused": 2}


def test_releasing_a_whole_table_at_once_frees_it() -> None:
    paths = Paths(100, Counters())
    number, other = paths.add("a", Path()), paths.add("b", Path())
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
