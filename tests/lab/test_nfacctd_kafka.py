"""nfacctd's mode against a real Kafka broker: topics and keys by variables, nothing missing."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.kafka_broker import KafkaBroker, Record, missing_programs
from tests.lab.waiting import wait_for
from tests.nfacctd_service import NfacctdService

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}"),
]

ROUTERS = [f"127.0.0.{n}" for n in range(11, 15)]
FLOWS, ROUTES = 300, 500
PREFIXES = [f"203.0.{113 + (n >> 8)}.{n & 255}/32" for n in range(ROUTES)]
CONF = """\
plugins: kafka[flows]
aggregate[flows]: peer_src_ip, src_host, dst_host, dst_as
kafka_topic[flows]: flows.$peer_src_ip
kafka_partition_dynamic[flows]: true
kafka_partition_key[flows]: $dst_host
kafka_refresh_time[flows]: 2
kafka_broker_host[flows]: {host}
kafka_broker_port[flows]: {port}
kafka_config_file[flows]: {librdkafka}
nfacctd_as: bmp
nfacctd_net: bmp
bmp_daemon_msglog_kafka_topic: bmp
bmp_daemon_msglog_kafka_partition_key: $bmp_router
bmp_daemon_msglog_kafka_broker_host: {host}
bmp_daemon_msglog_kafka_broker_port: {port}
"""


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path_factory.mktemp("kafka"), properties={"num.partitions": "5"}) as made:
        yield made


@pytest.mark.parametrize("native", [None, ""], ids=["conf", "toml"])
def test_all_records_are_consumed(broker: KafkaBroker, tmp_path: Path, native: str | None) -> None:
    host, _, port = broker.bootstrap.rpartition(":")
    librdkafka = tmp_path / "librdkafka.conf"
    librdkafka.write_text("global, compression.codec, lz4\n")
    conf = CONF.format(host=host, port=port, librdkafka=librdkafka)
    with NfacctdService(tmp_path, conf, native=native) as service:
        sessions = [service.connect(router, *PREFIXES) for router in ROUTERS]
        wait_for(lambda: _updates(broker) == len(ROUTERS) * ROUTES, "all routes in Kafka")
        for router in ROUTERS:
            service.send_flows(router, FLOWS)
        wait_for(lambda: _purged(service) == len(ROUTERS) * FLOWS, "a purge of all flows")
        for router in ROUTERS:
            service.send_flows(router, FLOWS)
        status, took_s = service.stop()
        assert (status, took_s < 10) == (0, True)
        for session in sessions:
            session.close()
    for router in ROUTERS:
        flows = broker.consume(_topic(router))
        packets: Counter[str] = Counter()
        for record in map(_json, flows):
            assert record["peer_ip_src"] == router
            assert record["as_dst"] == 64501
            packets[record["ip_dst"]] += record["packets"]
        assert len(packets) == FLOWS
        assert set(packets.values()) == {2}
        assert all(_variable(_json(each)["ip_dst"]).encode() == each.key for each in flows)
    _assert_partitions_as_librdkafka(broker, broker.consume(_topic(ROUTERS[0])))
    told = broker.consume("bmp")
    for router in ROUTERS:
        mine = [record for record in told if record.key == _variable(router).encode()]
        assert len({record.partition for record in mine}) == 1
        records = [_json(record) for record in mine]
        assert records[0]["event_type"] == "log_init"
        numbers = [record["seq"] for record in records]
        assert numbers == sorted(numbers)
        assert sum("ip_prefix" in record for record in records) == ROUTES


def _assert_partitions_as_librdkafka(broker: KafkaBroker, ours: list[Record]) -> None:
    """Have a client of librdkafka send the same keys, with its default partitioner."""
    lines = b"".join((record.key or b"") + b"\t1\n" for record in ours)
    kcat = ["kcat", "-P", "-b", broker.bootstrap, "-t", "theirs", "-K", "\t"]
    subprocess.run(kcat, input=lines, check=True, timeout=60)
    theirs = broker.consume("theirs")
    assert {(r.key, r.partition) for r in ours} == {(r.key, r.partition) for r in theirs}
    assert len({record.partition for record in ours}) > 1


def _topic(router: str) -> str:
    return f"flows.{_variable(router)}"


def _variable(address: str) -> str:
    """An address as nfacctd's variables have it."""
    return address.replace(".", "_")


def _json(record: Record) -> dict:
    return json.loads(record.value)


def _updates(broker: KafkaBroker) -> int:
    try:
        return sum(b'"ip_prefix"' in record.value for record in broker.consume("bmp"))
    except RuntimeError:  # the topic comes with its first record
        return 0


def _purged(service: NfacctdService) -> int:
    ends = [line for line in service.log.read_text().splitlines() if "cache - END" in line]
    return sum(int(line.partition("QN: ")[2].partition("/")[0]) for line in ends)
