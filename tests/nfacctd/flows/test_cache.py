"""The cache: what is summed, what stays, what is purged when."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from collector.nfacctd.flows.flow_records import Maps
from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.settings import History, Plugin, Preprocess, Settings, TagRange, Timestamps
from tests.nfacctd.flows.pipeline import START_S, Pipeline, records_of
from tests.nfacctd.flows.wire import EXPORT_S, Value, address, ipfix

_EPOCH = Timestamps(since_epoch=True)
_MINUTES = Plugin(
    name="p",
    type="kafka",
    aggregate=("src_host",),
    refresh_s=60,
    history=History(count=1, unit="m", roundoff="m"),
    timestamps=_EPOCH,
)


def host(number: int) -> Value:
    return (8, bytes((10, 0, 0, number)))


def flow(number: int, start_ms: int = 0, end_ms: int = 0, *others: Value) -> bytes:
    times: list[Value] = [(152, start_ms.to_bytes(8)), (153, end_ms.to_bytes(8))]
    return ipfix([host(number), *times, *others])


def pipeline(plugin: Plugin, **settings: Any) -> Pipeline:
    return Pipeline(Settings(plugins=(plugin,), **settings))


def test_records_with_equal_primitives_are_one_entry_over_batches() -> None:
    worker = pipeline(replace(_MINUTES, aggregate=("src_host", "tcpflags", "flows")), time_new=True)
    for number, flags in ((1, b"\2"), (1, b"\x10"), (2, b"\1")):
        worker.datagram(ipfix([host(number), (6, flags)]))
        worker.close_batch()
    found = {record["ip_src"]: record for record in worker.purge()}
    assert {key: found["10.0.0.1"][key] for key in ("packets", "bytes", "flows", "tcp_flags")} == {
        "packets": 6,
        "bytes": 512,
        "flows": 2,
        "tcp_flags": 18,
    }
    assert found["10.0.0.2"]["flows"] == 1


def test_columns_that_only_some_batches_have_are_zeros_in_the_others() -> None:
    names = ("src_host", "src_port", "label", "srv6_seg_ipv6_list")
    worker = pipeline(replace(_MINUTES, aggregate=names))
    worker.datagram(ipfix([host(1)]))
    worker.close_batch()
    worker.datagram(ipfix([host(1), (7, b"\0\x50"), (3, b"blue", 43874), (497, address("::1"))]))
    found = sorted(worker.purge(), key=lambda record: record["port_src"])
    assert [(r["port_src"], r["label"], r["srv6_seg_ipv6_list"]) for r in found] == [
        (0, "", []),
        (80, "blue", ["0-::1"]),
    ]


def test_bins_are_those_of_the_start_or_of_the_arrival() -> None:
    late_ms = (START_S - 3600) * 1000
    by_start = pipeline(_MINUTES)
    by_arrival = pipeline(_MINUTES, time_new=True)
    for worker in (by_start, by_arrival):
        worker.datagram(flow(1, late_ms, late_ms))
    (started,), (arrived,) = by_start.purge(START_S + 5), by_arrival.purge(START_S + 5)
    assert int(started["stamp_inserted"]) == START_S - 3600 - (START_S - 3600) % 60
    assert int(arrived["stamp_inserted"]) == START_S - START_S % 60
    assert int(arrived["stamp_updated"]) == START_S + 5


def test_an_open_bin_stays() -> None:
    worker = pipeline(_MINUTES, time_new=True)
    base_s = START_S - START_S % 60
    assert worker.records.due_s() == base_s + 60
    assert list(worker.records.purge(base_s + 59)) == []
    worker.datagram(ipfix([host(1)]), at_s=base_s + 30)
    worker.datagram(ipfix([host(2)]), at_s=base_s + 65)
    made = worker.purge(base_s + 66, everything=False)
    assert [record["ip_src"] for record in made] == ["10.0.0.1"]
    assert worker.records.due_s() == base_s + 120
    made = worker.purge(base_s + 126, everything=False)
    assert [record["ip_src"] for record in made] == ["10.0.0.2"]
    assert worker.purge(base_s + 186, everything=False) == []


def test_without_bins_all_is_purged() -> None:
    worker = pipeline(replace(_MINUTES, history=None))
    worker.datagram(ipfix([host(1)]))
    (record,) = worker.purge(START_S + 100, everything=False)
    assert "stamp_inserted" not in record


def test_a_full_cache_is_purged_at_once() -> None:
    worker = pipeline(replace(_MINUTES, cache_entries=1), time_new=True)
    for number in range(11):
        worker.datagram(ipfix([host(number)]))
    assert len(worker.purge(START_S, everything=False)) == 11


def test_stitching_follows_the_ends() -> None:
    worker = pipeline(replace(_MINUTES, stitching=True, history=None))
    first = START_S * 1000
    for start, end in ((100, 5_500), (50, 6_400), (70, 7_300), (80, 8_600)):
        worker.datagram(flow(1, first + start, first + end))
    (record,) = worker.purge()
    # The start is the first record's; an end must be later in seconds and in microseconds.
    assert record["timestamp_min"] == f"{START_S}.100000"
    assert record["timestamp_max"] == f"{START_S + 8}.600000"


def test_stitching_without_ends_takes_the_arrival() -> None:
    for time_new in (False, True):
        worker = pipeline(replace(_MINUTES, stitching=True, history=None), time_new=time_new)
        for at_s in (START_S + 1.5, START_S + 3.25, START_S + 2.75):
            worker.datagram(ipfix([host(1)]), at_s=at_s)
            worker.close_batch()
        (record,) = worker.purge()
        start = f"{START_S + 1}.500000" if time_new else f"{EXPORT_S}.000000"
        assert record["timestamp_min"] == start
        assert record["timestamp_max"] == f"{START_S + 2}.750000"


def test_pro_rating_spreads_counters_over_bins() -> None:
    worker = pipeline(replace(_MINUTES, pro_rating=True, aggregate=("src_host", "flows")))
    base_ms = (START_S - START_S % 60 - 600) * 1000
    worker.datagram(
        ipfix(
            [
                host(1),
                (152, (base_ms + 30_000).to_bytes(8)),
                (153, (base_ms + 150_000).to_bytes(8)),
                (1, (1200).to_bytes(4)),
                (2, (12).to_bytes(4)),
                (3, (1).to_bytes(4)),
            ],
            counted=False,
        )
    )
    found = sorted(worker.purge(), key=lambda record: record["stamp_inserted"])
    assert [(r["bytes"], r["packets"], r["flows"]) for r in found] == [
        (300, 3, 1),
        (600, 6, 1),
        (300, 3, 1),
    ]


def test_pro_rating_of_a_hostile_end_is_bounded() -> None:
    worker = pipeline(replace(_MINUTES, pro_rating=True))
    worker.datagram(flow(1, START_S * 1000, START_S * 1_000_000))
    assert len(worker.purge()) == 1000
    assert worker.counters["nfacctd_pro_rating_cut"] == 1


def test_records_may_be_too_small_to_be_published() -> None:
    plugin = replace(_MINUTES, preprocess=Preprocess(minp=5))
    worker = pipeline(plugin, time_new=True)
    for number in (1, 1, 2):
        worker.datagram(ipfix([host(number)]))
    assert [record["ip_src"] for record in worker.purge()] == ["10.0.0.1"]


def test_plugins_take_what_their_filters_let_in(tmp_path: Path) -> None:
    def sources(**filters: Any) -> list[str]:
        messages = [
            ipfix([host(number), (10, bytes([0, 0, 0, number])), (4, b"\6")]) for number in (1, 2)
        ]
        path = tmp_path / "pretag.map"
        path.write_text("set_tag=1 in=1\nset_tag=2 in=2\n")
        maps = Maps(pre_tag=PreTagMap.load(str(path)))
        plugin = replace(_MINUTES, history=None, **filters)
        found = records_of(messages, "src_host", "tag", plugin=plugin, maps=maps)
        return sorted(record["ip_src"] for record in found)

    assert sources() == ["10.0.0.1", "10.0.0.2"]
    assert sources(pre_tag_filter=(TagRange(2, 3),)) == ["10.0.0.2"]
    assert sources(pre_tag_filter=(TagRange(1, 1, True),)) == ["10.0.0.2"]
    assert sources(aggregate_filter="src host 10.0.0.1 and tcp") == ["10.0.0.1"]
    (record,) = records_of(
        [ipfix([host(1)])], "tag", plugin=replace(_MINUTES, history=None, post_tag=9)
    )
    assert record["tag"] == 9


def test_two_plugins_sum_the_same_flows_their_own_way() -> None:
    other = replace(_MINUTES, name="q", aggregate=("proto",))
    worker = Pipeline(Settings(plugins=(_MINUTES, other), time_new=True))
    for number in (1, 2):
        worker.datagram(ipfix([host(number), (4, b"\6")]))
    worker.close_batch()
    made = {p.name: records for p, records in worker.records.purge(START_S, everything=True)}
    assert len(made["p"]) == 2
    assert [(r["ip_proto"], r["packets"]) for r in made["q"]] == [("tcp", 6)]


def test_seconds_alone_make_fewer_entries() -> None:
    def entries(**timestamps: bool) -> int:
        plugin = replace(_MINUTES, timestamps=Timestamps(**timestamps), history=None)
        messages = [flow(1, START_S * 1000 + ms, 0) for ms in (1, 2)]
        return len(records_of(messages, "timestamp_start", plugin=plugin))

    assert (entries(), entries(secs=True)) == (2, 1)
