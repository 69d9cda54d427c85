"""The sinks of a worker: JSON lines in place of Kafka, print plugins, BMP, markers, triggers."""

import asyncio
import io
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fastavro
import pytest

from collector.metrics import Counters
from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp.record import BmpRecord, Router
from collector.nfacctd.outputs.sinks import Sinks
from collector.nfacctd.settings import (
    BmpDump,
    BmpOutput,
    BmpSettings,
    KafkaSettings,
    Plugin,
    PrintSettings,
    Settings,
)

ROUTER = Router("192.0.2.1", 4711)
RECORDS = [
    {"event_type": "purge", "peer_ip_src": "192.0.2.1", "ip_src": "10.0.0.1", "packets": 1},
    {"event_type": "purge", "peer_ip_src": "2001:db8::1", "ip_src": "10.0.0.2", "packets": 2},
]


def run(
    settings: Settings, use: Callable[[Sinks], None], slot: int = 0, **options: str
) -> Counters:
    """Start the sinks of a worker, use them, drain them."""
    counters = Counters()

    async def scenario() -> None:
        failed = asyncio.Event()
        sinks = Sinks(replace(settings, **options), slot, counters, failed.set)
        sinks.start()
        use(sinks)
        assert await sinks.drain(10) == 0
        assert not failed.is_set()

    asyncio.run(scenario())
    return counters


def printing(path: Path, output: str = "json", **target: object) -> Plugin:
    return Plugin(
        name="p",
        type="print",
        output=output,
        aggregate=("src_host", "peer_src_ip"),
        print=PrintSettings(file=str(path), **target),
    )


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_workers_append_flows_to_one_file_in_place_of_kafka(tmp_path: Path) -> None:
    plugin = Plugin(name="k", type="kafka", output="avro", kafka=KafkaSettings())
    out = tmp_path / "flow.json"
    for slot in range(2):
        counters = run(
            Settings(plugins=(plugin,)),
            lambda sinks: sinks.plugin("k").put([{"flows": None, "label": {}, "list": []}]),
            slot,
            flow_out=str(out),
        )
        assert counters["export_records.k"] == 1
    assert lines_of(out) == [{"flows": None, "label": {}, "list": []}] * 2


def test_what_json_lines_cannot_hold_natively_is_written_all_the_same(tmp_path: Path) -> None:
    plugin = Plugin(name="k", type="kafka", kafka=KafkaSettings())
    records = [{"bytes": 1 << 70}, {"label": "\udcff"}]
    out = tmp_path / "flow.json"
    run(
        Settings(plugins=(plugin,)),
        lambda sinks: sinks.plugin("k").put(records),
        flow_out=str(out),
    )
    assert lines_of(out) == records


def test_bmp_log_and_dumps_go_to_files_of_json_lines(tmp_path: Path) -> None:
    bmp = BmpSettings(
        msglog=BmpOutput(output="avro", kafka=KafkaSettings()),
        dump=BmpDump(target=BmpOutput(kafka=KafkaSettings()), refresh_s=60),
    )

    def use(sinks: Sinks) -> None:
        assert sinks.msglog and sinks.dump and sinks.has_room
        sinks.msglog([BmpRecord(kinds.LOG_INIT, ROUTER, 0, {"seq": 0})])
        sinks.dump([BmpRecord(kinds.DUMP_INIT, ROUTER, 0, {"seq": 1})])

    log, dump = tmp_path / "bmp", tmp_path / "dump"
    run(Settings(bmp=bmp), use, bmp_out=str(log), dump_out=str(dump))
    assert (lines_of(log), lines_of(dump)) == ([{"seq": 0}], [{"seq": 1}])


def test_without_bmp_outputs_there_are_no_sinks() -> None:
    def use(sinks: Sinks) -> None:
        assert sinks.msglog is None
        assert sinks.dump is None

    run(Settings(bmp=BmpSettings(enabled=True)), use)


def test_bmp_files_are_named_by_router_and_slot(tmp_path: Path) -> None:
    bmp = BmpSettings(
        msglog=BmpOutput(file=f"{tmp_path}/log-$bmp_router-$bmp_router_port-%Y"),
        dump=BmpDump(
            target=BmpOutput(
                file=f"{tmp_path}/%Y/$bmp_router-%H%M", latest_file=f"{tmp_path}/latest"
            ),
            refresh_s=60,
        ),
    )
    settings = Settings(bmp=bmp).__class__(bmp=bmp, timestamps=Settings().timestamps)

    def use(sinks: Sinks) -> None:
        assert sinks.msglog and sinks.dump
        other = Router("2001:db8::1", 1)
        sinks.msglog([BmpRecord(kinds.LOG_INIT, r, 9, {"seq": 0}) for r in (ROUTER, other)])
        sinks.dump([BmpRecord(kinds.DUMP_INIT, ROUTER, 1_700_000_000, {"seq": 1})])

    run(settings, use)
    slot = time.localtime(1_700_000_000)
    dump = tmp_path / time.strftime("%Y", slot) / time.strftime("192_0_2_1-%H%M", slot)
    assert lines_of(dump) == [{"seq": 1}]
    assert (tmp_path / "latest").resolve() == dump.resolve()
    assert (tmp_path / "log-192_0_2_1-4711-%Y").exists()  # the log's names have no times
    assert (tmp_path / "log-2001_db8__1-1-%Y").exists()


def test_print_files_have_variables_times_and_a_link(tmp_path: Path) -> None:
    pattern = tmp_path / "$peer_src_ip-$ref-$hst-%s"
    plugin = printing(pattern, latest_file=str(tmp_path / "last"))
    run(Settings(plugins=(plugin,)), lambda sinks: sinks.plugin("p").put(RECORDS, 120))
    assert lines_of(tmp_path / "192_0_2_1-60-0-120") == RECORDS[:1]
    assert lines_of(tmp_path / "2001_db8__1-60-0-120") == RECORDS[1:]
    assert (tmp_path / "last").is_symlink()


@pytest.mark.parametrize(
    ("age_s", "append", "purges"), [(0, False, 2), (90, False, 1), (90, True, 2)]
)
def test_a_purge_makes_a_file_anew_unless_it_is_of_this_purge(
    tmp_path: Path, age_s: int, append: bool, purges: int
) -> None:
    out = tmp_path / "out.csv"
    settings = Settings(plugins=(printing(out, "csv", append=append),))
    run(settings, lambda sinks: sinks.plugin("p").put(RECORDS))
    os.utime(out, (time.time() - age_s,) * 2)
    run(settings, lambda sinks: sinks.plugin("p").put(RECORDS))
    body = ["192.0.2.1,10.0.0.1,1,0", "2001:db8::1,10.0.0.2,2,0"]
    assert out.read_text().splitlines() == ["PEER_SRC_IP,SRC_IP,PACKETS,BYTES", *body * purges]


def test_formatted_columns_are_aligned(tmp_path: Path) -> None:
    out = tmp_path / "out"
    plugin = printing(out, "formatted")
    run(Settings(plugins=(plugin,)), lambda sinks: sinks.plugin("p").put(RECORDS))
    header, *rows = out.read_text().splitlines()
    at = header.index("PACKETS")
    assert [row[at] for row in rows] == ["1", "2"]


def test_an_empty_purge_writes_a_file_only_where_asked(tmp_path: Path) -> None:
    quiet, wanted = tmp_path / "quiet", tmp_path / "wanted"
    for path, empty in ((quiet, False), (wanted, True)):
        plugin = printing(path, "csv", write_empty_file=empty)
        run(Settings(plugins=(plugin,)), lambda sinks: sinks.plugin("p").put([]))
    assert not quiet.exists()
    assert wanted.read_text() == "PEER_SRC_IP,SRC_IP,PACKETS,BYTES\n"


def test_markers_enclose_a_purge_and_the_trigger_runs_behind_it(tmp_path: Path) -> None:
    out, seen = tmp_path / "out", tmp_path / "seen"
    script = tmp_path / "trigger"
    script.write_text(f"#!/bin/sh\nwc -l < {out} > {seen}.new\nmv {seen}.new {seen}\n")
    script.chmod(0o755)
    plugin = Plugin(
        name="p",
        type="print",
        markers=True,
        trigger_exec=str(script),
        print=PrintSettings(file=str(out)),
    )

    def use(sinks: Sinks) -> None:
        sink = sinks.plugin("p")
        sink.begin()
        sink.put(RECORDS)
        sink.end()

    run(Settings(plugins=(plugin,)), use)
    first, *records, last = lines_of(out)
    assert first == {"event_type": "purge_init", "writer_id": f"p/{os.getpid()}"}
    assert records == RECORDS
    assert last == {
        "event_type": "purge_close",
        "writer_id": f"p/{os.getpid()}",
        "purged_entries": 2,
        "total_entries": 2,
        "duration": 0,
    }
    give_up_s = time.monotonic() + 10
    while not seen.exists() and time.monotonic() < give_up_s:
        os.sched_yield()  # the program is nobody's to wait for
    assert seen.read_text().strip() == "4"


def test_a_trigger_that_is_not_there_costs_no_record(tmp_path: Path) -> None:
    plugin = Plugin(
        name="p",
        type="print",
        trigger_exec=str(tmp_path / "none"),
        print=PrintSettings(file=str(tmp_path / "out")),
    )

    def use(sinks: Sinks) -> None:
        sinks.plugin("p").put(RECORDS)
        sinks.plugin("p").end()

    run(Settings(plugins=(plugin,)), use)
    assert lines_of(tmp_path / "out") == RECORDS


def test_standard_output_begins_with_the_titles_of_one_worker(
    capfd: pytest.CaptureFixture[str],
) -> None:
    plugin = Plugin(name="p", type="print", output="csv", print=PrintSettings(separator=";"))
    for slot in range(2):
        run(Settings(plugins=(plugin,)), lambda s: s.plugin("p").put(RECORDS[:1]), slot)
    assert capfd.readouterr().out.splitlines() == ["SRC_IP;PACKETS;BYTES", *["10.0.0.1;1;0"] * 2]


def test_avro_files_are_containers_that_grow(tmp_path: Path) -> None:
    out = tmp_path / "out.avro"
    settings = Settings(plugins=(printing(out, "avro", append=True),))
    record = {"peer_ip_src": "192.0.2.1", "ip_src": "10.0.0.1"}
    times = ("timestamp_min", "timestamp_max", "stamp_inserted", "stamp_updated")
    record |= dict.fromkeys(times) | {"packets": 1, "flows": None, "bytes": 100}
    for _ in range(2):
        run(settings, lambda sinks: sinks.plugin("p").put([record, record]))
    assert list(fastavro.reader(io.BytesIO(out.read_bytes()))) == [record] * 4


def test_schemas_are_written_at_start_by_one_worker(tmp_path: Path) -> None:
    plugin = Plugin(
        name="k",
        type="kafka",
        output="avro",
        kafka=KafkaSettings(),
        avro_schema_file=str(tmp_path / "avsc" / "flows"),
    )
    bmp = BmpSettings(
        msglog=BmpOutput(
            output="avro", kafka=KafkaSettings(), avro_schema_file=str(tmp_path / "log")
        )
    )
    settings = Settings(plugins=(plugin,), bmp=bmp)
    out = {"flow_out": str(tmp_path / "f"), "bmp_out": str(tmp_path / "b")}
    run(settings, lambda _sinks: None, 1, **out)
    assert not list(tmp_path.rglob("*acct*"))
    run(settings, lambda _sinks: None, 0, **out)
    names = {path.name for path in tmp_path.rglob("*-*")}
    assert {"flows-acct_data", "flows-acct_init", "flows-acct_close"} <= names
    assert {"log-bmp_msglog_rm", "log-bmp_logclose"} <= names
    assert "log-bmp_dump_rm" not in names
    schema = json.loads((tmp_path / "avsc" / "flows-acct_data").read_text())
    assert fastavro.parse_schema(schema)["name"] == "acct_data"
