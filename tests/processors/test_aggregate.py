"""Aggregates: what is published adds up to what went in, whatever clocks and limits do."""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.metrics import Counters
from collector.processors.aggregate import AggregateSpec, Aggregator
from collector.processors.closed_window import ClosedWindow
from collector.records.flow_batch import FlowBatch
from collector.records.publish import Tables, published_frame
from tests.processors.raw import EXPORTERS, path, raw, tables

WINDOW_S = 1_700_000_040  # a whole minute
NOW_S = WINDOW_S + 20.0


class ReadAtOnce:
    """An aggregator whose windows are published at once, as frames."""

    def __init__(self, spec: AggregateSpec, known: Tables, counters: Counters) -> None:
        self._inner = Aggregator(spec, known, counters)
        self._known = known

    @property
    def groups(self) -> int:
        return self._inner.groups

    def add(self, batch: FlowBatch, now_s: float) -> list[pl.DataFrame]:
        return self._frames(self._inner.add(batch, now_s))

    def tick(self, now_s: float) -> list[pl.DataFrame]:
        return self._frames(self._inner.tick(now_s))

    def flush(self) -> list[pl.DataFrame]:
        return self._frames(self._inner.flush())

    def _frames(self, windows: list[ClosedWindow]) -> list[pl.DataFrame]:
        return [
            pl.concat([self._frame(part) for part in window.slices()], how="vertical_relaxed")
            for window in windows
        ]

    def _frame(self, part: pl.DataFrame) -> pl.DataFrame:
        texts = published_frame(part, self._known, self._inner.columns)
        return texts.select(name for name in self._inner.columns if name in texts.columns)


def spec(**changed: Any) -> AggregateSpec:
    settings = {
        "name": "a",
        "keys": ("device",),
        "sums": ("octets", "flows"),
        "window_s": 60,
        "time": "end",
        "lateness_s": 10,
        "time_range_s": 3600,
        "max_groups": 1000,
    }
    return AggregateSpec(**settings | changed)


def aggregator(known: Tables, **changed: Any) -> tuple[ReadAtOnce, Counters]:
    counters = Counters()
    return ReadAtOnce(spec(**changed), known, counters), counters


def rows(frames: list[pl.DataFrame]) -> list[dict[str, Any]]:
    return [row for frame in frames for row in frame.iter_rows(named=True)]


def test_a_window_is_published_after_its_lateness_with_its_sums() -> None:
    total, _ = aggregator(tables())
    batch = raw(NOW_S, device=[0, 1, 0], octets=[100, 7, 11], timeEnd=[NOW_S] * 3)
    assert total.add(batch, NOW_S) == []
    assert total.groups == 2
    assert total.tick(NOW_S + 49) == []
    told = rows(total.tick(NOW_S + 50))
    assert sorted(told, key=lambda row: row["device"]) == [
        {
            "windowStart": WINDOW_S * 1_000_000,
            "windowLength": 60,
            "part": 0,
            "device": device,
            "octets": octets,
            "flows": flows,
        }
        for device, octets, flows in (("192.0.2.1", 111, 2), ("192.0.2.2", 7, 1))
    ]
    assert total.groups == 0


def test_a_late_flow_makes_a_further_part_and_counts_once() -> None:
    total, counters = aggregator(tables())
    early = raw(NOW_S, octets=[1], timeEnd=[NOW_S])
    total.add(early, NOW_S)
    total.tick(NOW_S + 100)
    late = raw(NOW_S + 100, octets=[2, 3], timeEnd=[NOW_S, NOW_S])
    total.add(late, NOW_S + 100)
    total.add(late, NOW_S + 101)
    assert total.tick(NOW_S + 109) == []
    (part,) = total.tick(NOW_S + 110)
    assert part.select("part", "octets", "flows").rows() == [(1, 10, 4)]
    assert counters["aggregate_late"] == 4


@pytest.mark.parametrize("end_s", [0, 5, NOW_S - 4000, NOW_S + 7200, 2**40])
def test_a_wrong_clock_neither_closes_windows_nor_leaves_its_own(end_s: float) -> None:
    total, counters = aggregator(tables())
    total.add(raw(NOW_S, octets=[1], timeEnd=[NOW_S]), NOW_S)
    total.add(raw(NOW_S, octets=[2], timeEnd=[end_s]), NOW_S)
    assert total.tick(NOW_S + 49) == []
    (window,) = total.tick(NOW_S + 50)
    assert window["octets"].to_list() == [3]
    # 0 is what fields say that nobody set: no mistake of a clock.
    assert counters["aggregate_time_out_of_range"] == (end_s != 0)


@pytest.mark.parametrize(
    ("columns", "start_s"),
    [
        pytest.param({"timeStart": [NOW_S - 60]}, NOW_S - 60, id="no-end"),
        pytest.param({"timeStart": [NOW_S - 60], "timeEnd": [None]}, NOW_S - 60, id="null-end"),
        pytest.param({"timeEnd": [NOW_S - 120]}, NOW_S - 120, id="no-start"),
        pytest.param({}, NOW_S, id="no-time-at-all"),
    ],
)
def test_the_time_of_a_flow_is_its_end_else_start_else_arrival(
    columns: dict[str, Any], start_s: float
) -> None:
    total, _ = aggregator(tables(), lateness_s=1000)
    total.add(raw(NOW_S, octets=[1], **columns), NOW_S)
    (window,) = total.flush()
    assert window["windowStart"].to_list() == [int(start_s // 60 * 60 * 1_000_000)]


def test_time_of_arrival_when_asked_for() -> None:
    total, _ = aggregator(tables(), time="arrival")
    total.add(raw(NOW_S, octets=[1], timeEnd=[NOW_S - 600]), NOW_S)
    (window,) = total.flush()
    assert window["windowStart"].to_list() == [int(NOW_S // 60 * 60 * 1_000_000)]


def test_past_max_groups_the_largest_window_comes_in_parts() -> None:
    total, counters = aggregator(tables(), keys=("destinationAddress",), max_groups=10)

    def batch(flows: int) -> FlowBatch:
        ends = [NOW_S] * flows
        return raw(NOW_S, destinationAddress=range(flows), octets=[1] * flows, timeEnd=ends)

    (part,) = total.add(batch(11), NOW_S)
    assert (part.height, total.groups, counters["aggregate_full"]) == (11, 0, 1)
    total.add(batch(4), NOW_S)
    (rest,) = total.flush()
    assert rest["part"].to_list() == [1] * 4


def test_repeated_groups_are_merged_before_anything_is_published_early() -> None:
    total, counters = aggregator(tables(), max_groups=4)
    batch = raw(NOW_S, device=[0, 1], octets=[1, 2], timeEnd=[NOW_S] * 2)
    for _ in range(100):
        assert total.add(batch, NOW_S) == []
    assert counters["aggregate_full"] == 0
    assert sorted(total.flush()[0]["octets"]) == [100, 200]


def test_columns_that_a_batch_lacks_are_null_and_count_nothing() -> None:
    keys = ("device", "protocol", "destinationAddress", "destinationAsPath", "destinationJoin")
    total, _ = aggregator(tables(), keys=keys, sums=("octets", "packets", "octetsRenormalised"))
    total.add(raw(NOW_S, octets=[5]), NOW_S)
    total.add(raw(NOW_S, protocol=[6], packets=[2], destinationAddress=[1]), NOW_S)
    told = {tuple(row.values())[3:] for row in rows(total.flush())}
    assert told == {
        ("192.0.2.1", None, None, None, "none", 5, 0, 5.0),
        ("192.0.2.1", 6, "0.0.0.1", None, "none", 0, 2, 0.0),
    }


def test_renormalised_sums_use_the_rate_and_one_where_it_is_not_known() -> None:
    total, _ = aggregator(tables(), sums=("octets", "octetsRenormalised"))
    total.add(raw(NOW_S, octets=[10, 10], samplingRate=[1000.0, None]), NOW_S)
    total.add(raw(NOW_S, octets=[1]), NOW_S)
    assert total.flush()[0].select("octets", "octetsRenormalised").rows() == [(21, 10011.0)]


def test_counters_of_32_bits_do_not_wrap_in_a_sum() -> None:
    total, _ = aggregator(tables(), sums=("droppedOctetDeltaCount",))
    batch = raw(NOW_S, octets=[0, 0])
    batch.add("droppedOctetDeltaCount", np.array([2**32 - 1, 2**32 - 1], np.uint32))
    total.add(batch, NOW_S)
    total.add(batch, NOW_S)
    assert total.flush()[0]["droppedOctetDeltaCount"].to_list() == [4 * (2**32 - 1)]


def test_attribute_sets_that_agree_in_the_keys_are_one_group() -> None:
    known = tables()
    keys = ("destinationAsPath", "destinationOriginAs", "destinationCommunities")
    says = {"as_path_text": "1 2", "origin_as": 2, "communities": ("1:1", "1:2")}
    ids = [path(known, **says, med=med) for med in (1, 2)]
    ids += [path(known, as_path_text="1 2", origin_as=2), 0]
    total, _ = aggregator(known, keys=keys)
    total.add(raw(NOW_S, destinationRoute=ids, octets=[1, 2, 4, 8]), NOW_S)
    told = [tuple(row.values())[3:] for row in rows(total.flush())]
    assert sorted(told, key=lambda row: row[3]) == [
        ("1 2", 2, ["1:1", "1:2"], 3, 2),
        ("1 2", 2, [], 4, 1),
        (None, None, None, 8, 1),
    ]


def test_a_window_comes_in_slices_that_are_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.processors.closed_window.SLICE_ROWS", 4)
    known = tables()
    number = path(known, as_path_text="1 2")
    total = Aggregator(spec(keys=("destinationAddress", "destinationAsPath")), known, Counters())
    routes = [number, 0] * 5
    total.add(raw(NOW_S, destinationAddress=range(10), destinationRoute=routes, octets=[1] * 10), 0)
    (window,) = total.flush()
    assert window.rows == 10
    slices = window.slices()
    parts = [next(slices)]
    assert known.paths.holders.any()
    parts += slices
    assert not known.paths.holders.any()
    assert [part.height for part in parts] == [4, 4, 2]
    told = pl.concat(parts)
    assert sorted(told["destinationAddress.lo"] & 0xFFFF) == list(range(10))
    assert sorted(told["destinationRoute"]) == sorted(routes)


def test_integers_of_a_path_need_no_path_later() -> None:
    known = tables()
    says = {"origin_as": 4_200_000_000, "peer_as": 1, "local_pref": 0, "med": 2**32 - 1}
    ids = [path(known, **says), path(known), 0]
    keys = tuple(f"destination{what}" for what in ("OriginAs", "PeerAs", "LocalPref", "Med"))
    total, _ = aggregator(known, keys=keys)
    total.add(raw(NOW_S, destinationRoute=ids, octets=[1, 2, 4]), NOW_S)
    assert not known.paths.holders.any()
    assert known.paths.collect() == 2
    told = {row[-2]: row[3:-2] for row in total.flush()[0].rows()}
    assert told == {
        1: (4_200_000_000, 1, 0, 2**32 - 1),
        2: (0, 0, None, None),
        4: (None,) * 4,
    }


def test_a_path_is_held_while_its_window_is_open_and_not_longer() -> None:
    known = tables()
    total, _ = aggregator(known, keys=("destinationAsPath", "sourceAsPath"))
    for second in range(3):
        now_s = NOW_S + 60 * second
        number = path(known, as_path_text="1 2 3")
        batch = raw(now_s, destinationRoute=[number], sourceRoute=[number], octets=[1])
        total.add(batch, now_s)
        known.paths.collect()  # as the RIB does, whose route is gone
        assert known.paths.path(number) is not None
    frames = total.flush()
    assert [row["destinationAsPath"] for row in rows(frames)] == ["1 2 3"] * 3
    assert not known.paths.holders.any()
    assert known.paths.collect() == 1


def test_a_window_that_cannot_be_published_lets_go_of_its_paths() -> None:
    known = tables()
    total, _ = aggregator(known, keys=("device", "destinationAsPath"))
    number = path(known, as_path_text="1")
    total.add(raw(NOW_S, device=[99], destinationRoute=[number], octets=[1]), NOW_S)
    with pytest.raises(pl.exceptions.OutOfBoundsError):
        total.flush()
    assert not known.paths.holders.any()
    assert total.groups == 0


FLOWS = st.lists(
    st.tuples(
        st.integers(0, 2),  # device
        st.integers(0, 3),  # path: none, and three of which two look alike
        st.integers(0, 2**32),  # octets
        st.one_of(st.none(), st.integers(-5000, 5000)),  # end, seconds from arrival
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(FLOWS, st.integers(0, 200), st.booleans()), max_size=8),
    max_groups=st.integers(1, 12),
    lateness_s=st.integers(0, 90),
    window_s=st.sampled_from([1, 60, 300]),
)
def test_nothing_is_lost_or_doubled(
    steps: list[tuple[list[tuple[int, int, int, int | None]], int, bool]],
    max_groups: int,
    lateness_s: int,
    window_s: int,
) -> None:
    known = tables()
    total, _ = aggregator(
        known,
        keys=("device", "destinationAsPath"),
        max_groups=max_groups,
        lateness_s=lateness_s,
        window_s=window_s,
    )
    texts = [None, "1 2", "1 2", "3"]
    frames: list[pl.DataFrame] = []
    wanted: Counter[tuple[Any, ...]] = Counter()
    now_s = NOW_S
    for flows, pause_s, ticks in steps:
        ids = [0] + [path(known, as_path_text=texts[n], med=n) for n in (1, 2, 3)]
        ends = [None if end is None else now_s + end for *_, end in flows]
        batch = raw(
            now_s,
            device=[flow[0] for flow in flows],
            destinationRoute=[ids[flow[1]] for flow in flows],
            octets=[flow[2] for flow in flows],
            timeEnd=ends,
        )
        frames += total.add(batch, now_s)
        assert total.groups <= max_groups
        for (device, number, octets, _), end_s in zip(flows, ends, strict=True):
            believable = end_s is not None and now_s - 3600 <= end_s <= now_s + window_s
            start_s = int((end_s if believable else now_s) // window_s * window_s)
            key = (start_s * 1_000_000, EXPORTERS[device], texts[number])
            wanted[*key, "octets"] += octets
            wanted[*key, "flows"] += 1
        known.paths.collect()
        now_s += pause_s
        if ticks:
            frames += total.tick(now_s)
    frames += total.flush()
    told: Counter[tuple[Any, ...]] = Counter()
    for row in rows(frames):
        key = (row["windowStart"], row["device"], row["destinationAsPath"])
        told[*key, "octets"] += row["octets"]
        told[*key, "flows"] += row["flows"]
    assert told == wanted
    parts = [(row["windowStart"], row["part"]) for frame in frames for row in rows([frame[:1]])]
    assert len(parts) == len(set(parts))
    assert not known.paths.holders.any()
