"""Avro: schemas of flows and BMP records, binary and JSON encodings, containers."""

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.outputs.avro_records import AvroRecords, Container, registered
from collector.nfacctd.outputs.avro_schemas import bmp_schemas, flow_schemas
from collector.nfacctd.outputs.encoding import FLOWS, PURGE_CLOSE
from collector.nfacctd.settings import (
    BmpDump,
    BmpOutput,
    BmpSettings,
    History,
    KafkaSettings,
    Plugin,
    Settings,
)

ARRAYS = Settings(
    tcpflags_encode_as_array=True,
    mpls_label_stack_encode_as_array=True,
    as_path_encode_as_array=True,
    bgp_comms_encode_as_array=True,
    pre_tag_label_encode_as_map=True,
)
RECORD = {
    "label": {"nkey": "r1"},
    "comms": ["65001:1"],
    "as_path": [],
    "tcp_flags": ["ACK"],
    "mpls_label_stack": [],
    "vrf_name": "",
    "flow_label": 5,
    "timestamp_min": "1.000000",
    "timestamp_max": None,
    "custom_primitives": {"x": "1"},
    "stamp_inserted": "60",
    "stamp_updated": "61",
    "packets": 1,
    "flows": None,
    "bytes": (1 << 63) - 1,
    "writer_id": "k/1",
}


def plugin(**more: Any) -> Plugin:
    aggregate = ("label", "flow_label", "vrf_name", "std_comm", "as_path", "tcpflags", "x")
    return Plugin(
        name="k",
        type="kafka",
        output="avro",
        aggregate=(*aggregate, "mpls_label_stack"),
        stitching=True,
        history=History(count=1, unit="m"),
        kafka=KafkaSettings(),
        **more,
    )


def decoded(schema: dict, octets: bytes) -> Any:
    out = io.BytesIO(octets)
    value = fastavro.schemaless_reader(out, fastavro.parse_schema(schema), None)
    assert not out.read()
    return value


def test_flow_fields_are_in_the_order_of_the_reference() -> None:
    schema = flow_schemas(plugin(), ARRAYS)[FLOWS]
    assert [field["name"] for field in schema["fields"]] == list(RECORD)


def test_flows_come_back_as_they_were() -> None:
    schemas = flow_schemas(plugin(), ARRAYS)
    octets = AvroRecords(schemas).binary(FLOWS, RECORD)
    assert decoded(schemas[FLOWS], octets) == RECORD


def test_without_switches_lists_are_text() -> None:
    types = {f["name"]: f["type"] for f in flow_schemas(plugin(), Settings())[FLOWS]["fields"]}
    names = ("label", "comms", "as_path", "mpls_label_stack")
    assert {types[name] for name in names} == {"string"}
    assert types["tcp_flags"] == "long"


def test_times_that_the_conf_does_not_ask_for_are_null() -> None:
    bare = Plugin(name="p", type="print", output="avro", aggregate=("src_host",))
    fields = flow_schemas(bare, Settings())[FLOWS]["fields"]
    times = ["timestamp_min", "timestamp_max", "stamp_inserted", "stamp_updated"]
    assert [field["name"] for field in fields] == ["ip_src", *times, "packets", "flows", "bytes"]


def test_json_encoding_tags_what_may_be_null() -> None:
    records = AvroRecords(flow_schemas(plugin(), ARRAYS))
    written = json.loads(records.json(FLOWS, RECORD))
    assert list(written) == list(RECORD)
    assert written["packets"] == {"long": 1}
    assert written["timestamp_min"] == {"string": "1.000000"}
    assert written["flows"] is None
    assert written["label"] == {"nkey": "r1"}
    assert records.json_text(FLOWS, RECORD) == records.json(FLOWS, RECORD) + b"\0"


def test_json_encoding_is_what_avro_libraries_read() -> None:
    schemas = flow_schemas(plugin(), ARRAYS)
    text = AvroRecords(schemas).json(FLOWS, RECORD).decode()
    (back,) = fastavro.json_reader(io.StringIO(text), fastavro.parse_schema(schemas[FLOWS]))
    assert back == RECORD


def test_markers_have_their_schema() -> None:
    schemas = flow_schemas(plugin(), ARRAYS)
    marker = {"event_type": "purge_close", "writer_id": "k/1"}
    marker |= {"purged_entries": 5, "total_entries": 5, "duration": 0}
    assert decoded(schemas[PURGE_CLOSE], AvroRecords(schemas).binary(PURGE_CLOSE, marker)) == marker


def test_counters_past_63_bits_begin_at_the_other_end() -> None:
    schemas = flow_schemas(plugin(), ARRAYS)
    records = AvroRecords(schemas)
    octets = records.binary(FLOWS, RECORD | {"bytes": (1 << 64) - 1})
    assert decoded(schemas[FLOWS], octets)["bytes"] == -1
    for value in (1 << 63, 1 << 70):
        decoded(schemas[FLOWS], records.binary(FLOWS, RECORD | {"bytes": value}))


@pytest.mark.parametrize(
    "wrong", [{"label": 5}, {"packets": "x"}, {"as_path": None}, {"vrf_name": "\udcff"}]
)
def test_a_record_against_its_schema_is_a_value_error(wrong: dict) -> None:
    with pytest.raises(ValueError):
        AvroRecords(flow_schemas(plugin(), ARRAYS)).binary(FLOWS, RECORD | wrong)


def test_a_record_without_a_field_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        AvroRecords(flow_schemas(plugin(), ARRAYS)).binary(FLOWS, {})


@given(st.lists(st.lists(st.binary(max_size=300), max_size=5), max_size=5))
def test_containers_are_read_by_others(blocks: list[list[bytes]]) -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "x", "type": "bytes"}]}
    parsed = fastavro.parse_schema(schema)
    container = Container(schema)
    octets = container.header
    for block in blocks:
        encoded = []
        for value in block:
            out = io.BytesIO()
            fastavro.schemaless_writer(out, parsed, {"x": value})
            encoded.append(out.getvalue())
        octets += container.block(encoded)
    read = [record["x"] for record in fastavro.reader(io.BytesIO(octets))]
    assert read == [value for block in blocks for value in block]


def test_registered_payloads_have_the_wire_format_and_stay() -> None:
    schemas = flow_schemas(plugin(), ARRAYS)
    records = AvroRecords(schemas)
    payload = registered(records.pending(FLOWS, RECORD), [513, 2, 3])
    assert payload == b"\0\0\0\2\1" + records.binary(FLOWS, RECORD)
    assert registered(payload, [9, 9, 9]) == payload


def bmp_settings(**more: bool) -> Settings:
    target = BmpOutput(output="avro", kafka=KafkaSettings())
    log = BmpOutput(output="avro", kafka=KafkaSettings(topic="daisy.bmp"))
    bmp = BmpSettings(tag_map="x", msglog=log, dump=BmpDump(target=target, refresh_s=60))
    return Settings(bmp=bmp, **more)


def test_log_and_dump_have_their_kinds() -> None:
    settings = bmp_settings()
    bmp = settings.bmp
    assert bmp.msglog and bmp.dump
    log, dump = bmp_schemas(bmp, bmp.msglog, settings), bmp_schemas(bmp, bmp.dump.target, settings)
    both = {kinds.STATISTICS, kinds.PEER_UP, kinds.PEER_DOWN, kinds.INITIATION, kinds.TERMINATION}
    assert set(log) - both == {kinds.ROUTE_LOG, kinds.LOG_INIT, kinds.LOG_CLOSE}
    assert set(dump) - both == {kinds.ROUTE_DUMP, kinds.DUMP_INIT, kinds.DUMP_CLOSE}
    for schema in (*log.values(), *dump.values()):
        fastavro.parse_schema(schema)
    assert log[kinds.ROUTE_LOG]["fields"][0] == {"name": "log_type", "type": "string"}
    labels = bmp_schemas(bmp, bmp.msglog, bmp_settings(pre_tag_label_encode_as_map=True))
    types = {field["name"]: field["type"] for field in labels[kinds.STATISTICS]["fields"]}
    assert types["label"] == ["null", {"type": "map", "values": "string"}]
