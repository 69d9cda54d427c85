"""The shapes of records: keys and their order, JSON and Avro, switches of the conf."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from collector.nfacctd.flows.custom import CustomColumn
from collector.nfacctd.flows.records import record_keys, writer_id
from collector.nfacctd.flows.stamps import stamp_writer
from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.nfacctd.settings import History, Plugin, Settings, Timestamps
from tests.nfacctd.flows.pipeline import START_S, Pipeline, records_of
from tests.nfacctd.flows.wire import Value, address, ipfix, options

_SOURCE: Value = (8, address("10.0.0.1"))
_ALL = (
    *("vrf_name", "flows", "in_iface_name", "export_proto_version", "timestamp_arrival", "mine"),
    *("srv6_seg_ipv6_list", "dst_host", "src_host", "mpls_vpn_rd", "as_path", "etype", "tag"),
    *("path_delay_avg_usec",),
)
_CUSTOM = CustomPrimitive("mine", 0, 500, 1, "u_int")
_PLUGIN = Plugin(
    name="p",
    type="kafka",
    aggregate=_ALL,
    history=History(count=1, unit="m"),
    stitching=True,
    timestamps=Timestamps(since_epoch=True),
)


def made(plugin: Plugin, *values: Value, **settings: Any) -> dict[str, Any]:
    worker = Pipeline(Settings(plugins=(plugin,), **settings), (_CUSTOM,))
    worker.datagram(ipfix([_SOURCE, *values]))
    (record,) = worker.purge()
    return record


def test_the_order_of_json_keys() -> None:
    assert list(made(_PLUGIN)) == [
        *("event_type", "tag", "etype", "as_path", "mpls_vpn_rd", "mpls_vpn_rd_origin"),
        *("ip_src", "ip_dst", "srv6_seg_ipv6_list", "path_delay_avg_usec", "timestamp_arrival"),
        *("timestamp_min", "timestamp_max", "export_proto_version", "mine", "stamp_inserted"),
        *("stamp_updated", "flows", "vrf_name", "iface_name_in", "packets", "bytes", "writer_id"),
    ]


def test_the_order_of_avro_keys() -> None:
    assert list(made(replace(_PLUGIN, output="avro"))) == [
        *("tag", "etype", "as_path", "mpls_vpn_rd", "mpls_vpn_rd_origin", "ip_src", "ip_dst"),
        *("srv6_seg_ipv6_list", "vrf_name", "iface_name_in", "path_delay_avg_usec"),
        *("timestamp_arrival", "timestamp_min", "timestamp_max", "export_proto_version"),
        *("custom_primitives", "stamp_inserted", "stamp_updated", "packets", "flows", "bytes"),
        "writer_id",
    ]


@pytest.mark.parametrize("output", ["json", "avro", "avro_json"])
@pytest.mark.parametrize("type", ["kafka", "print"])
def test_keys_are_told_without_records(output: str, type: str) -> None:
    plugin = replace(_PLUGIN, output=output, type=type)
    keys = record_keys(plugin, Settings(), [CustomColumn(_CUSTOM)])
    assert [key.name for key in keys] == list(made(plugin))


def test_what_is_not_asked_for_is_left_out_in_json_and_null_in_avro() -> None:
    plain = Plugin(name="p", type="kafka", aggregate=("src_host",))
    record = made(plain)
    assert set(record) == {"event_type", "ip_src", "packets", "bytes", "writer_id"}
    record = made(replace(plain, output="avro"))
    assert {key for key, value in record.items() if value is None} == {
        *("timestamp_min", "timestamp_max", "stamp_inserted", "stamp_updated", "flows")
    }


def test_counters_of_events_are_left_out_in_json_and_null_in_avro() -> None:
    event: Value = (230, b"\1")
    record = made(_PLUGIN, event)
    assert not {"packets", "bytes", "flows"} & set(record)
    record = made(replace(_PLUGIN, output="avro"), event)
    assert [record[key] for key in ("packets", "bytes", "flows")] == [None] * 3


def test_files_have_no_writer() -> None:
    assert "writer_id" not in made(replace(_PLUGIN, type="print"))


def test_options_data_may_be_published() -> None:
    told = options([(149, b"\0\0\0\5")], [(34, b"\0\0\0\x64")])
    assert records_of([told], "export_proto_version") == []
    found = records_of([told], "export_proto_version", account_options=True)
    assert found == [{"export_proto_version": 10}]


@pytest.mark.parametrize(
    ("switch", "name", "key", "value", "plain", "encoded"),
    [
        ("tcpflags_encode_as_array", "tcpflags", "tcp_flags", (6, b"\x12"), 18, ["ACK", "SYN"]),
        ("tcpflags_encode_as_array", "tcpflags", "tcp_flags", (6, b"\x52"), 82, []),
        ("tcpflags_encode_as_array", "tcpflags", "tcp_flags", (6, b"\0"), 0, []),
        (
            *("fwd_status_encode_as_string", "fwd_status", "fwd_status", (89, b"\xc3")),
            *("195", "CONSUMED For us"),
        ),
        (
            *("fwd_status_encode_as_string", "fwd_status", "fwd_status", (89, b"\x43")),
            *("67", "FORWARDED Unclassified"),
        ),
        (
            *("fwd_status_encode_as_string", "fwd_status", "fwd_status", (5, b"\0")),
            *("0", "UNKNOWN Unclassified"),
        ),
        ("tos_encode_as_dscp", "tos", "tos", (5, b"\xb8"), 184, 46),
        (
            *("pre_tag_label_encode_as_map", "label", "label", (3, b"a%b,c%d", 43874)),
            *("a%b,c%d", {"a": "b", "c": "d"}),
        ),
        ("pre_tag_label_encode_as_map", "label", "label", (5, b"\0"), "", {}),
        ("as_path_encode_as_array", "as_path", "as_path", (5, b"\0"), "", []),
        ("bgp_comms_encode_as_array", "src_std_comm", "comms_src", (5, b"\0"), "", []),
    ],
)
def test_switches(
    switch: str, name: str, key: str, value: Value, plain: object, encoded: object
) -> None:
    octets = ipfix([_SOURCE, value])
    (record,) = records_of([octets], name)
    assert record[key] == plain
    (record,) = records_of([octets], name, **{switch: True})
    assert record[key] == encoded


@pytest.mark.parametrize(
    ("timestamps", "text", "stamp", "none"),
    [
        (
            Timestamps(utc=True),
            "2023-11-14 22:13:20.000005",
            "2023-11-14 22:13:20",
            "0000-00-00 00:00:00.000000",
        ),
        (Timestamps(since_epoch=True), "1700000000.000005", "1700000000", "0.000000"),
        (
            Timestamps(utc=True, rfc9557=True),
            "2023-11-14T22:13:20.000005+00:00",
            "2023-11-14T22:13:20+00:00",
            "0000-00-00T00:00:00.000000+00:00",
        ),
    ],
)
def test_times_are_text(timestamps: Timestamps, text: str, stamp: str, none: str) -> None:
    write = stamp_writer(timestamps)
    assert (write(START_S * 1_000_000 + 5), write(0)) == (text, none)
    assert stamp_writer(timestamps, fraction=False)(START_S * 1_000_000) == stamp


def test_the_writer_has_variables() -> None:
    text = writer_id("$proc_name/$writer_pid/$pmacct_build", "p", 7, "b")
    assert text == "p/7/b"


@pytest.mark.parametrize("history", [None, History(count=1, unit="m")])
@pytest.mark.parametrize("arrays", [False, True])
def test_json_made_by_column_is_that_of_the_records(arrays: bool, history: History | None) -> None:
    switches = ("tcpflags", "mpls_label_stack", "as_path", "bgp_comms")
    settings = {f"{name}_encode_as_array": arrays for name in switches}
    names = (*_ALL, "tcpflags", "mpls_label_stack", "label", "src_host_coords", "std_comm", "proto")
    plugin = replace(_PLUGIN, aggregate=names, history=history)
    flows = [
        ipfix([(8, bytes([10, 0, 0, n])), (6, bytes([n])), (70, bytes([0, n, 1])), (4, b"\6")])
        for n in range(60)
    ]
    flows.append(ipfix([_SOURCE, (3, '"\\ \n\u2028é'.encode(), 43874)]))
    flows.append(ipfix([_SOURCE], counted=False))  # an event: without counters

    def purged(wants_octets: bool) -> list[Any]:
        worker = Pipeline(
            Settings(plugins=(plugin,), **settings), (_CUSTOM,), wants_octets=wants_octets
        )
        for octets in flows:
            worker.datagram(octets)
        return worker.purge()

    lines, records = purged(True), purged(False)
    assert all(type(line) is bytes and b"\n" not in line for line in lines)
    assert {tuple(orjson.loads(line)) for line in lines} == {tuple(record) for record in records}

    def order(record: dict[str, Any]) -> str:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()

    assert sorted(map(order, map(orjson.loads, lines))) == sorted(map(order, records))


def test_records_with_maps_are_not_made_by_column() -> None:
    plugin = replace(_PLUGIN, aggregate=("label", "src_host"))
    for settings, kind in (({}, bytes), ({"pre_tag_label_encode_as_map": True}, dict)):
        worker = Pipeline(Settings(plugins=(plugin,), **settings), wants_octets=True)
        worker.datagram(ipfix([_SOURCE]))
        assert [type(record) for record in worker.purge()] == [kind]
