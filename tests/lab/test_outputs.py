"""The service and its Kafka: an orderly stop, outages, a record that no broker takes."""

import json
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.simulation.bmp import Peer
from collector.simulation.table_load import table_load, table_prefixes
from tests.lab.devices import DESTINATIONS, IPV4_DEVICES, IPV6_DEVICES, Device, Lan
from tests.lab.kafka_broker import KafkaBroker, missing_programs
from tests.lab.pool import Pool, Record
from tests.lab.service import Service
from tests.lab.waiting import wait_for

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}"),
]

_LARGEST_MESSAGE = 16_000
_ROUTES = 20_000
_DEVICES = (*IPV4_DEVICES[:5], *IPV6_DEVICES[:5])

_CONFIGURATION = """\
[collector]
workers = 2
control_socket = "control"
stop_timeout_s = STOP_TIMEOUT

[[output]]
name = "kafka"
type = "kafka"
brokers = ["BROKER"]
prefix = "PREFIX"
buffer_octets = BUFFER

[[publish]]
records = "flow"
output = "kafka"

[[publish]]
records = "bmp"
output = "kafka"

[[aggregate]]
name = "sums"
keys = ["device"]
sums = ["flows"]
window_s = 3600

[[publish]]
records = "sums"
output = "kafka"
"""

MakePool = Callable[..., Pool]


@pytest.fixture(scope="module")
def broker(lan: Lan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    properties = {"num.partitions": "3", "message.max.bytes": str(_LARGEST_MESSAGE)}
    directory = tmp_path_factory.mktemp("kafka")
    broker = KafkaBroker(directory, namespace=lan.collector.name, properties=properties)
    yield broker
    broker.stop()


@pytest.fixture
def running_broker(broker: KafkaBroker) -> KafkaBroker:
    if not broker.is_running:
        broker.start()
    return broker


@pytest.fixture
def make_pool(lan: Lan, broker: KafkaBroker, tmp_path: Path) -> Iterator[MakePool]:
    """Give a function that starts a collector with topics of its own."""
    services: list[Service] = []

    def make(*, stop_timeout_s: int = 45, buffer_octets: int = 256 << 20) -> Pool:
        prefix = tmp_path.name
        configuration = (
            _CONFIGURATION.replace("BROKER", broker.bootstrap)
            .replace("PREFIX", prefix)
            .replace("STOP_TIMEOUT", str(stop_timeout_s))
            .replace("BUFFER", str(buffer_octets))
        )
        service = Service(lan.network, lan.collector, tmp_path / "collector", configuration)
        services.append(service)
        service.start()

        def records(topic: str) -> list[Record]:
            try:
                read = broker.consume(f"{prefix}.{topic}")
            except RuntimeError as error:
                if "nknown topic" in str(error):  # nothing was published yet
                    return []
                raise
            return [json.loads(record.value) for record in read]

        return Pool(lan, service, records)

    yield make
    for service in services:
        service.kill()


def _devices(pool: Pool) -> list[Device]:
    devices = [pool.lan.device(address) for address in _DEVICES]
    for device in devices:
        device.announce_templates()
    return devices


def _assert_numbered_without_gap(records: list[Record]) -> None:
    numbers: dict[tuple[int, int], list[int]] = defaultdict(list)
    for record in records:
        numbers[record["slot"], record["incarnation"]].append(record["sequence"])
    for own in numbers.values():
        assert sorted(own) == list(range(len(own)))


def test_away_at_start_up_and_later_nothing_is_lost_or_doubled(
    make_pool: MakePool, broker: KafkaBroker
) -> None:
    broker.stop()
    pool = make_pool()
    devices = _devices(pool)
    for device in devices:
        device.send_flows(*range(1, 101))
    pool.wait_for_counter("flow_records", 100 * len(devices))
    assert pool.counters().get("export_records.kafka", 0) == 0
    broker.start()
    pool.wait_for_counter("export_records.kafka", 100 * len(devices))

    broker.kill()
    for device in devices:
        device.send_flows(*range(101, 201))
    pool.wait_for_counter("flow_records", 200 * len(devices))
    broker.start()
    for device in devices:
        device.send_flows(*range(201, 301))
    assert pool.service.stop() == 0
    records = pool.records("flow")
    _assert_numbered_without_gap(records)
    told = sorted((record["device"], record["sourcePort"]) for record in records)
    assert told == sorted((d.address, number) for d in devices for number in range(1, 301))


def test_events_that_found_no_room_are_made_good_by_a_snapshot(
    make_pool: MakePool, broker: KafkaBroker
) -> None:
    broker.stop()
    pool = make_pool(buffer_octets=1 << 20)
    loader = pool.lan.device(_DEVICES[0])
    prefixes = table_prefixes(_ROUTES)
    peer = Peer("192.0.2.254", 64_999, "192.0.2.254")
    loader.begin_session()
    loader.send_bmp(*table_load(prefixes, attribute_sets=_ROUTES // 2, peer=peer))
    pool.wait_for_counter("bmp_updates", _ROUTES // 2 + 1)
    assert pool.counters()["bmp_events_dropped"] > 0
    broker.start()
    wait_for(
        lambda: pool.events("snapshot_end"),
        "the snapshot",
        deadline_s=60,
        interval_s=0.5,
        tell=pool.counters,
    )
    (end,) = pool.events("snapshot_end")
    assert (end["device"], end["routes"]) == (loader.address, _ROUTES)
    told = [
        route["prefix"]
        for event in pool.events("snapshot_routes")
        if event["snapshot"] == end["snapshot"]
        for route in event["bgp"]["announced"]
    ]
    assert len(told) == len(set(told)) == _ROUTES


def test_what_was_queued_at_the_signal_is_read_and_published(
    make_pool: MakePool, running_broker: KafkaBroker
) -> None:
    pool = make_pool()
    devices = _devices(pool)
    pool.connect(devices)
    for device in devices:
        device.send_flows(1)
    pool.wait_for_flows(len(devices), 1)
    workers = pool.service.worker_pids()
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    for device in devices:
        device.send_flows(*range(2, 502))
        device.announce(["203.0.113.0/24"])
    pool.service.daemon.send_signal(signal.SIGTERM)
    pool.service.wait_for_log("stopping: ")
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    assert pool.service.daemon.wait(60) == 0
    flows, events = pool.records("flow"), pool.records("bmp")
    assert len(flows) == 501 * len(devices)
    _assert_numbered_without_gap(flows)
    _assert_numbered_without_gap(events)
    sums = {record["device"]: record["flows"] for record in pool.records("sums")}
    assert sums == dict.fromkeys(_DEVICES, 501)
    announced = [
        (event["device"], item["prefix"])
        for event in events
        for item in event.get("bgp", {}).get("announced", [])
    ]
    assert sorted(announced) == sorted(
        (address, prefix)
        for address in _DEVICES
        for prefix in (str(DESTINATIONS), "203.0.113.0/24")
    )


def test_a_record_that_no_broker_takes_costs_only_itself(
    make_pool: MakePool, running_broker: KafkaBroker
) -> None:
    pool = make_pool()
    device = pool.lan.device(_DEVICES[0])
    device.announce_templates()
    device.send_flows(1, 2, 3)
    # As hexadecimal digits it is twice as long; random octets, or it would be compressed.
    device.send_large_record(os.urandom(2 * _LARGEST_MESSAGE))
    device.send_flows(4, 5, 6)
    pool.wait_for_counter("export_dropped.kafka.too_large", 1)
    device.send_flows(7, 8, 9)
    assert pool.service.stop() == 0
    assert sorted(record.get("sourcePort", 0) for record in pool.records("flow")) == list(
        range(1, 10)
    )
    assert pool.service.last_counters()["export_dropped.kafka.too_large"] == 1


def test_with_the_broker_gone_the_stop_says_what_stays_unacknowledged(
    make_pool: MakePool, running_broker: KafkaBroker
) -> None:
    pool = make_pool(stop_timeout_s=2)
    devices = _devices(pool)
    for device in devices:
        device.send_flows(1)
    pool.wait_for_counter("export_records.kafka", len(devices))
    running_broker.kill()
    for device in devices:
        device.send_flows(*range(2, 102))
    pool.wait_for_counter("flow_records", 101 * len(devices))
    began_s = time.monotonic()
    assert pool.service.stop() == 1
    assert time.monotonic() - began_s < 15
    # The flows, and the sum of each device.
    left = 101 * len(devices)
    assert f"{left} records stay unacknowledged" in pool.service.daemon.text()
    assert pool.service.last_counters()["export_dropped.kafka.stopped"] == left


def test_a_second_signal_ends_a_stop_that_waits(make_pool: MakePool, broker: KafkaBroker) -> None:
    broker.stop()
    pool = make_pool()
    (device, *_) = _devices(pool)
    device.send_flows(1)
    pool.wait_for_counter("flow_records", 1)
    pool.service.daemon.send_signal(signal.SIGTERM)
    pool.service.wait_for_log("stopping: ")
    began_s = time.monotonic()
    pool.service.daemon.send_signal(signal.SIGTERM)
    assert pool.service.daemon.wait(30) == 1
    assert time.monotonic() - began_s < 10
    assert "stopping by force" in pool.service.daemon.text()
