"""Avro behind a real schema registry and a real broker: what consumers read is what JSON says.

Two services get the same: one publishes JSON to files, the other Avro in Confluent's wire format.
"""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.simulation import bmp
from tests.lab import random_bmp
from tests.lab.kafka_broker import KafkaBroker, missing_programs
from tests.lab.schema_registry import Record, SchemaRegistry
from tests.lab.waiting import wait_for
from tests.nfacctd_service import NfacctdService

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}"),
]

ROUTER, MESSAGES, FLOWS = "127.0.0.21", 60, 40
_LABELLED = 4  # SAFI
TERMINATION = bmp.termination(1)
_BOTH = """\
aggregate[flows]: peer_src_ip, src_host, dst_host, dst_as, as_path, std_comm, tcpflags, proto
nfacctd_as: bmp
nfacctd_net: bmp
timestamps_since_epoch: true
bmp_dump_refresh_time: 60
"""
_JSON = """\
plugins: print[flows]
print_output: json
print_output_file[flows]: {directory}/flows
print_output_file_append: true
print_refresh_time: 2
bmp_daemon_msglog_file: {directory}/log.json
bmp_dump_file: {directory}/dump.json
"""
_AVRO = """\
plugins: kafka[flows]
kafka_output: avro
kafka_topic[flows]: lab.flow
kafka_refresh_time: 2
kafka_broker_host: {host}
kafka_broker_port: {port}
kafka_avro_schema_registry: {registry}
bmp_daemon_msglog_output: avro
bmp_daemon_msglog_kafka_topic: lab.bmp
bmp_daemon_msglog_kafka_broker_host: {host}
bmp_daemon_msglog_kafka_broker_port: {port}
bmp_daemon_msglog_kafka_avro_schema_registry: {registry}
bmp_dump_output: avro
bmp_dump_kafka_topic: lab.dump
bmp_dump_kafka_broker_host: {host}
bmp_dump_kafka_broker_port: {port}
bmp_dump_kafka_avro_schema_registry: {registry}
"""
_OF_THE_PROCESS = {"writer_id", "event_type", "seq", "bmp_router_port", "timestamp_arrival"}
_KINDS = {
    "lab.flow": {"acct_data"},
    "lab.bmp": {
        *("bmp_loginit", "bmp_init", "bmp_peer_up", "bmp_peer_down", "bmp_stats", "bmp_term"),
        "bmp_msglog_rm",
    },
    "lab.dump": {
        *("bmp_dumpinit", "bmp_dumpclose", "bmp_dump_rm"),
        *("bmp_init", "bmp_peer_up", "bmp_peer_down", "bmp_stats"),
    },
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaRegistry]:
    with SchemaRegistry(tmp_path_factory.mktemp("registry")) as made:
        yield made


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as made:
        yield made


def test_consumers_of_avro_read_what_json_says(
    registry: SchemaRegistry, broker: KafkaBroker, tmp_path: Path
) -> None:
    host, _, port = broker.bootstrap.rpartition(":")
    json_directory, avro_directory = tmp_path / "json", tmp_path / "avro"
    json_directory.mkdir()
    avro_directory.mkdir()
    json_conf = _BOTH + _JSON.format(directory=json_directory)
    avro_conf = _BOTH + _AVRO.format(host=host, port=port, registry=registry.url)
    with (
        NfacctdService(json_directory, json_conf) as json_service,
        NfacctdService(avro_directory, avro_conf) as avro_service,
    ):
        services = (json_service, avro_service)
        wait_for(lambda: 2 < time.time() % 60 < 50, "a time far from a dump")
        routers = [_connected(service) for service in services]
        wait_for(lambda: json_service.records("log.json"), "the log", deadline_s=30)
        for service in services:
            service.send_flows(ROUTER, FLOWS)
        wait_for(lambda: _ends(json_service.records("dump.json")), "a dump", deadline_s=80)
        wait_for(lambda: _has_dump(registry, broker), "a dump in Kafka", interval_s=0.5)
        for router in routers:
            router.sendall(TERMINATION)
            router.close()
        wait_for(lambda: _closed(json_service.records("log.json")), "the end of the session")
        for service in services:
            assert service.stop()[0] == 0
    told = {topic: _read(registry, broker, topic) for topic in _KINDS}
    for topic, kinds in _KINDS.items():
        assert {kind for kind, _ in told[topic]} == kinds
        for kind in kinds:
            subject = kind.replace("acct_", "acct-")
            assert registry.versions(f"{topic}-{subject}") == [1]
    flows = [fields for _, fields in told["lab.flow"]]
    assert _summed(flows) == _summed(json_service.records("flows"))
    for topic, name in (("lab.bmp", "log.json"), ("lab.dump", "dump.json")):
        expected = [r for r in json_service.records(name) if r["event_type"] != "log_close"]
        records = [fields for _, fields in told[topic]]
        assert len(records) == len(expected)
        for ours, theirs in zip(records, expected, strict=True):
            assert _comparable(ours) == _comparable(_in_avro(theirs))


def _connected(service: NfacctdService) -> socket.socket:
    router = socket.create_connection(
        ("127.0.0.1", service.bmp_port), timeout=10, source_address=(ROUTER, 0)
    )
    router.sendall(b"".join(random_bmp.Session(4).messages(MESSAGES)))
    return router


def _read(registry: SchemaRegistry, broker: KafkaBroker, topic: str) -> list[tuple[str, Record]]:
    return [registry.read(record.value) for record in broker.consume(topic)]


def _has_dump(registry: SchemaRegistry, broker: KafkaBroker) -> bool:
    try:
        return _ends([fields for _, fields in _read(registry, broker, "lab.dump")])
    except RuntimeError:  # the topic comes with its first record
        return False


def _ends(records: list[Record]) -> bool:
    return any(record["event_type"] == "dump_close" for record in records)


def _closed(records: list[Record]) -> bool:
    return any(record["event_type"] == "log_close" for record in records)


def _summed(flows: Iterable[Record]) -> Counter[str]:
    """Octets by all that flows say beside them: a purge may have come between two."""
    sums: Counter[str] = Counter()
    for flow in flows:
        keys = {key: value for key, value in flow.items() if key not in ("bytes", "packets")}
        sums[json.dumps(_comparable(keys), sort_keys=True)] += flow["bytes"]
    return sums


def _in_avro(record: Record) -> Record:
    """A record in JSON with what the two forms differ in as nfacctd's Avro has it."""
    changed = dict(record)
    match record.get("bmp_msg_type"):
        case "route_monitor" | "internal":
            changed["is_filtered"] = 0
            if record["safi"] == _LABELLED:
                changed["rd"] = changed["rd_origin"] = None
        case "stats":
            changed["peer_type_str"] = ""
            if isinstance(record["counter_value"], str):
                changed["counter_value"] = 0
    return changed


def _comparable(record: Record) -> dict[str, Any]:
    """A record without what is not there, and without what is the process's own."""
    timeless = set(_OF_THE_PROCESS)
    if record.get("bmp_msg_type") == "internal" or "bmp_msg_type" not in record:
        timeless.add("timestamp")
    return {
        key: value for key, value in record.items() if value is not None and key not in timeless
    }
