"""`--explain` is TOML that the native service takes, for every configuration that we read."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.config.load import load_text
from collector.config.model import Config
from collector.nfacctd.explain import explain
from collector.nfacctd.flows.primitives import FLOWS, PRIMITIVES
from collector.nfacctd.read_settings import Reading, check_maps, read_file, read_text
from tests.captures import captures_dir

_MAPS = {
    "pre_tag_map": "pretag",
    "bmp_daemon_tag_map": "pretag",
    "flow_to_rd_map": "f2rd",
    "sampling_map": "sampling",
    "aggregate_primitives": "custom-primitives",
}


def _explained(reading: Reading, directory: Path) -> tuple[str, Config]:
    text = explain(reading, "x.conf")
    return text, load_text(text, directory)


def test_every_capture_is_explained(tmp_path: Path) -> None:
    confs = sorted(captures_dir().glob("**/nfacctd-*.conf"))
    assert confs
    for conf in confs:
        reading = read_file(str(_with_maps_in_place(conf, tmp_path)))
        check_maps(reading.settings)
        text, native = _explained(reading, tmp_path)
        assert reading.refused == ()
        assert "NOT SUPPORTED" not in text
        assert {table.kind for table in native.listen} <= {"flow", "bmp"}
        assert [table.name for table in native.aggregate] == [
            plugin.name for plugin in reading.settings.plugins
        ]


def _with_maps_in_place(conf: Path, directory: Path) -> Path:
    """Write a capture's configuration with the names of its maps as they are here."""
    case = next(parent for parent in conf.parents if parent.parent == captures_dir())
    rows = []
    for row in conf.read_text().splitlines():
        key = row.partition(":")[0].strip()
        if key in _MAPS:
            name = f"{_MAPS[key]}-00.map"
            (found,) = [
                path for path in (conf.parent / name, case / "pmacct_mount" / name) if path.exists()
            ][:1]
            row = f"{key}: {found}"
        rows.append(row)
    written = directory / "nfacctd.conf"
    written.write_text("\n".join(rows))
    return written


def test_one_line_a_key_then_the_native_configuration(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text(
        "name=own field_type=61 len=1 semantics=u_int\n"
        "name=far field_type=9:12232 len=vlen semantics=str\n"
        "name=none_such packet_ptr=packet:0 len=4 semantics=u_int\n"
    )
    reading = read_text(
        "plugins: kafka[flow], print[b.1]\n"
        "nfacctd_port: 2055\n"
        "nfacctd_as: bmp\n"
        f"aggregate_primitives: {own}\n"
        "aggregate[flow]: peer_src_ip, dst_as, as_path, etype, own, far, none_such, tag, flows\n"
        "aggregate[b.1]: tag\n"
        "kafka_topic[flow]: flows_$tag\n"
        "kafka_history[flow]: 5m\n"
        "nfacctd_renormalize: true\n"
        f"print_output_file[b.1]: {tmp_path}/%Y-{{x}}\n"
        "bmp_daemon: true\n"
        "bmp_daemon_msglog_kafka_topic: events\n"
        "bmp_dump_kafka_topic: dumps\n"
        "bmp_dump_refresh_time: 3600\n"
        "bgp_daemon: true\n"
        "unknown: 1\n",
        "x.conf",
        lenient=True,
    )
    text, native = _explained(reading, tmp_path)
    lines = text.splitlines()
    assert "# nfacctd_port: 2055 -- honoured as listening on port 2055, UDP" in lines
    assert any(
        line.startswith("# bgp_daemon: true -- NOT SUPPORTED: there are no") for line in lines
    )
    assert "# unknown: 1 -- ignored, as nfacctd does: no such key" in lines
    assert [(table.kind, table.port) for table in native.listen] == [("flow", 2055), ("bmp", 1790)]
    first, second = native.aggregate
    assert (first.name, second.name) == ("flow-sums", "b_1")
    assert first.keys == (
        "device",
        "destinationOriginAs",
        "destinationAsPath",
        "ethernetType",
        "flowDirection",
        "9:appCategoryName",
    )
    assert first.sums == ("octetsRenormalised", "packetsRenormalised", "flows")
    assert (first.window_s, first.time) == (300, "end")
    assert "# No columns for none_such, tag." in lines
    assert second.keys == ("device",)
    assert native.flow.elements == ("ethernetType", "9:appCategoryName")
    assert native.snapshot.interval_s == 3600
    assert [(entry.records, entry.topic) for entry in native.publish] == [
        ("flow-sums", "flows__tag"),
        ("b_1", None),
        ("bmp", "events"),
    ]
    assert [output.type for output in native.output] == ["kafka", "file"]


def test_secrets_are_not_told(tmp_path: Path) -> None:
    path = tmp_path / "librdkafka.conf"
    path.write_text(
        "global, security.protocol, sasl_plaintext\nglobal, sasl.mechanisms, PLAIN\n"
        "global, sasl.username, me\nglobal, sasl.password, tell-nobody\n"
    )
    reading = read_text(f"plugins: kafka[a]\nkafka_config_file: {path}\n", "x.conf")
    text, native = _explained(reading, tmp_path)
    assert "tell-nobody" not in text
    assert (native.output[0].security, native.output[0].username) == ("sasl_plaintext", "me")


@pytest.mark.parametrize("source", ["netflow", "file", "bmp", "longest"])
def test_every_primitive_has_a_column_or_is_told(tmp_path: Path, source: str) -> None:
    for name in (*PRIMITIVES, FLOWS):
        conf = f"plugins: kafka[a]\naggregate: {name}\nnfacctd_as: {source}\nbmp_daemon: true\n"
        text, native = _explained(read_text(conf, "x.conf"), tmp_path)
        told = re.search(rf"\b{name} is \w+", text) or f"No columns for {name}." in text
        assert told or (name == FLOWS and FLOWS in native.aggregate[0].sums)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.sampled_from([*PRIMITIVES, FLOWS]), unique=True, max_size=8),
    st.text(st.sampled_from("abz.-_[$%{}\"'\\ \té"), max_size=8),
    st.integers(1, 100_000),
)
def test_whatever_is_read_is_explained_as_toml(names: list, odd: str, seconds: int) -> None:
    reading = (
        read_text(
            f"plugins: kafka[x{odd}], print[y]\naggregate: {','.join(names)}\n"
            f"kafka_topic: t{odd}\nkafka_refresh_time: {seconds}\ncore_proc_name: c{odd}\n"
            f"print_output_file: /tmp/x{odd}\n",
            "x.conf",
            lenient=True,
        )
        if "[" not in odd
        else read_text("", "x.conf")
    )
    _explained(reading, Path("/tmp"))
