"""Schemas against the records that real routers' captures are expected to give."""

import io
import json
from dataclasses import fields
from pathlib import Path

import fastavro
import pytest

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.conf import parse_conf
from collector.nfacctd.outputs.avro_records import AvroRecords
from collector.nfacctd.outputs.avro_schemas import Schema, bmp_schemas, flow_schemas
from collector.nfacctd.outputs.encoding import FLOWS, Fields
from collector.nfacctd.settings import (
    BmpDump,
    BmpOutput,
    BmpSettings,
    History,
    KafkaSettings,
    Plugin,
    Settings,
)
from tests.captures import captures_dir

_KINDS = {
    "route_monitor": kinds.ROUTE_LOG,
    "internal": kinds.ROUTE_LOG,
    "stats": kinds.STATISTICS,
    "peer_up": kinds.PEER_UP,
    "peer_down": kinds.PEER_DOWN,
    "init": kinds.INITIATION,
    "term": kinds.TERMINATION,
    "log_init": kinds.LOG_INIT,
    "log_close": kinds.LOG_CLOSE,
    "dump_init": kinds.DUMP_INIT,
    "dump_close": kinds.DUMP_CLOSE,
}
_SWITCHES = {field.name for field in fields(Settings) if field.name.endswith(("_array", "_map"))}
_LEFT_OUT = ("seq", "writer_id", "timestamp", "stamp_")  # beginnings of keys that cases leave out


def _confs() -> list[Path]:
    return sorted(captures_dir().rglob("nfacctd-00.conf"))


def _expected(conf: Path, name: str) -> list[Fields]:
    path = conf.with_name(name)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _settings(conf: Path) -> tuple[Settings, dict[str, str]]:
    """Read what shapes records; the maps that a conf names are elsewhere."""
    values = {line.key: line.value for line in parse_conf(conf.read_text(), str(conf)).lines}
    switches = {
        name: values[name].lower() == "true"
        for name in _SWITCHES & values.keys()
        if name.endswith(("as_array", "as_map"))
    }
    output = BmpOutput(output="avro", kafka=KafkaSettings())
    bmp = BmpSettings(
        tag_map=values.get("bmp_daemon_tag_map"),
        msglog=output,
        dump=BmpDump(target=BmpOutput(output="avro", kafka=KafkaSettings()), refresh_s=60),
    )
    return Settings(bmp=bmp, **switches), values


def _assert_fits(schemas: dict[str, Schema], kind: str, expected: Fields) -> None:
    """Encode a record; what the case leaves out is filled in."""
    names = [field["name"] for field in schemas[kind]["fields"]]
    assert expected.keys() <= set(names)
    assert all(name.startswith(_LEFT_OUT) for name in set(names) - expected.keys())
    given = {name: expected.get(name) for name in names}
    fillers = {"timestamp": "0", "writer_id": "0", "seq": 0}
    given |= {name: filler for name, filler in fillers.items() if name in given}
    given |= {name: "0" for name in given if name.startswith("timestamp") and given[name] is None}
    octets = io.BytesIO(AvroRecords(schemas).binary(kind, given))
    read = fastavro.schemaless_reader(octets, fastavro.parse_schema(schemas[kind]), None)
    assert read == given


def test_bmp_records_fit_their_schemas() -> None:
    for conf in _confs():
        settings, _ = _settings(conf)
        bmp = settings.bmp
        assert bmp.msglog and bmp.dump
        seen = {}
        for name, output in (("bmp", bmp.msglog), ("bmp-dump", bmp.dump.target)):
            schemas = bmp_schemas(bmp, output, settings)
            for record in _expected(conf, f"output-{name}-00.json"):
                kind = _KINDS[record.get("bmp_msg_type", record["event_type"])]
                if kind == kinds.ROUTE_LOG and record["event_type"] == "dump":
                    kind = kinds.ROUTE_DUMP
                # Encoders are slow to make: one record of each shape tells as much as all.
                shape = (kind, *(type(value).__name__ for value in record.values()))
                if shape not in seen:
                    seen[shape] = True
                    _assert_fits(schemas, kind, record)


def test_flow_records_fit_their_schemas() -> None:
    fitted = 0
    for conf in _confs():
        settings, values = _settings(conf)
        if values.get("kafka_output") != "avro":
            continue
        plugin = Plugin(
            name="nfacctd_kafka",
            type="kafka",
            output="avro",
            aggregate=tuple(name.strip().lower() for name in values["aggregate"].split(",")),
            history=History(count=1, unit="m") if "kafka_history" in values else None,
            stitching=values.get("nfacctd_stitching", "").lower() == "true",
            kafka=KafkaSettings(),
        )
        schemas = flow_schemas(plugin, settings)
        for record in _expected(conf, "output-flow-00.json"):
            _assert_fits(schemas, FLOWS, record)
            fitted += 1
    if not fitted:
        pytest.skip("no captures with flows in Avro")
