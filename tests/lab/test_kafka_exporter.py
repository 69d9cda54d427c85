"""The Kafka exporter against a real broker: order, outages, refusals, logins."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from collector.errors import RetryableExportError
from collector.exporters.kafka import KafkaExporter
from collector.exporters.kafka_options import Compression, KafkaLogin, KafkaOptions, KafkaTls
from collector.metrics import Counters
from collector.pipeline.batch import Batch
from collector.pipeline.outbox import Outbox
from tests.lab.kafka_broker import PASSWORD, USER, KafkaBroker, Record, missing_programs

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}"),
    # A refused login leaves the client's transports to the garbage collector, after their loop.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

DEVICES = [b"192.0.2.%d" % n for n in range(20)] + [b"2001:db8::%x" % n for n in range(20)]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    directory = tmp_path_factory.mktemp("kafka")
    with KafkaBroker(directory, secure=True, properties={"num.partitions": "6"}) as running:
        yield running


def numbered(topic: str, start: int, count: int) -> Batch:
    """Make messages with consecutive numbers, spread over devices."""
    numbers = range(start, start + count)
    return Batch.of(topic, [(DEVICES[n % len(DEVICES)], b"%d" % n) for n in numbers])


def deliver(options: KafkaOptions, *batches: Batch) -> Counters:
    """Send batches through an outbox and wait for their acknowledgement."""
    counters = Counters()

    async def scenario() -> None:
        box = Outbox(KafkaExporter(options), limit_octets=64 << 20, counters=counters, name="kafka")
        for batch in batches:
            assert box.put(batch)
        runner = asyncio.create_task(box.run())
        assert await box.drain(60) == 0
        assert not runner.cancelled()

    uvloop.run(scenario())
    return counters


def assert_each_once_and_in_order(records: list[Record], count: int) -> None:
    numbers = [int(record.value) for record in records]
    assert sorted(numbers) == list(range(count))
    for partition in {record.partition for record in records}:
        own = [int(record.value) for record in records if record.partition == partition]
        assert own == sorted(own)


def test_keys_go_to_the_partitions_that_other_clients_choose(broker: KafkaBroker) -> None:
    deliver(KafkaOptions(bootstrap=broker.bootstrap), numbered("ours", 0, 200))
    lines = b"".join(key + b"\t1\n" for key in DEVICES)
    kcat = ["kcat", "-P", "-b", broker.bootstrap, "-t", "theirs", "-K", "\t"]
    subprocess.run([*kcat, "-X", "topic.partitioner=murmur2"], input=lines, check=True, timeout=60)
    ours, theirs = broker.consume("ours"), broker.consume("theirs")
    assert_each_once_and_in_order(ours, 200)
    assert {(r.key, r.partition) for r in ours} == {(r.key, r.partition) for r in theirs}
    assert len({r.partition for r in ours}) > 1


@pytest.mark.parametrize("compression", ["zstd", "lz4", "snappy", "gzip", "none"])
def test_every_compression_is_read_by_others(broker: KafkaBroker, compression: Compression) -> None:
    options = KafkaOptions(bootstrap=broker.bootstrap, compression=compression)
    text = b'{"device":"192.0.2.1","octets":1000}' * 20
    payloads = [b"%d" % n + text for n in range(3000)]
    counters = deliver(options, Batch.of(compression, [(b"192.0.2.1", p) for p in payloads]))
    assert [record.value for record in broker.consume(compression)] == payloads
    assert counters["export_records.kafka"] == 3000


def test_a_refused_message_costs_only_itself_and_the_next_batch_arrives(
    broker: KafkaBroker,
) -> None:
    options = KafkaOptions(bootstrap=broker.bootstrap, message_octets=4 << 20)
    too_large = Batch.of("refused", [(DEVICES[0], os.urandom(1_500_000))])
    counters = deliver(
        options,
        numbered("refused", 0, 100),
        replace(too_large, topic="refused"),
        numbered("refused", 100, 100),
    )
    assert_each_once_and_in_order(broker.consume("refused"), 200)
    assert counters["export_dropped.kafka.too_large"] == 1
    assert counters["export_records.kafka"] == 200


def test_batches_beyond_the_topics_limit_are_made_smaller(broker: KafkaBroker) -> None:
    options = KafkaOptions(
        bootstrap=broker.bootstrap, compression="none", batch_octets=4 << 20, message_octets=4 << 20
    )
    messages = [(DEVICES[0], b"%0900d" % n) for n in range(6000)]
    counters = deliver(options, Batch.of("halved", messages))
    assert_each_once_and_in_order(broker.consume("halved"), 6000)
    assert counters["export_records.kafka"] == 6000
    assert counters["export_retries.kafka"] >= 1


def test_through_kill_and_restart_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    own = KafkaBroker(tmp_path / "kafka", properties={"num.partitions": "3"})
    counters = Counters()
    total = 0

    async def scenario() -> None:
        nonlocal total
        box = Outbox(
            KafkaExporter(KafkaOptions(bootstrap=own.bootstrap)),
            limit_octets=64 << 20,
            counters=counters,
            name="kafka",
        )
        runner = asyncio.create_task(box.run())

        async def produce(seconds: float) -> None:
            nonlocal total
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                assert box.put(numbered("outage", total, 50))
                total += 50
                await asyncio.sleep(0.02)

        # Away at start-up: the outbox tries, and what is put waits.
        await produce(0.5)
        assert counters["export_records.kafka"] == 0
        await asyncio.to_thread(own.start)
        async with asyncio.timeout(30):
            while not counters["export_records.kafka"]:
                await produce(0.1)
        await asyncio.to_thread(own.kill)
        await produce(1)
        await asyncio.to_thread(own.start)
        await produce(2)
        assert await box.drain(60) == 0
        await runner

    try:
        uvloop.run(scenario())
        assert_each_once_and_in_order(own.consume("outage"), total)
        assert counters["export_records.kafka"] == total
    finally:
        own.stop()


def test_with_the_broker_away_closing_is_quick_and_says_what_is_left(tmp_path: Path) -> None:
    own = KafkaBroker(tmp_path / "kafka")
    counters = Counters()

    async def scenario() -> float:
        exporter = KafkaExporter(KafkaOptions(bootstrap=own.bootstrap))
        box = Outbox(exporter, limit_octets=1 << 20, counters=counters, name="kafka")
        box.put(numbered("gone", 0, 10))
        runner = asyncio.create_task(box.run())
        while counters["export_records.kafka"] < 10:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(own.kill)
        box.put(numbered("gone", 10, 7))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert await box.drain(1) == 7
        assert runner.cancelled()
        return time.monotonic() - began

    try:
        own.start()
        assert uvloop.run(scenario()) < 5
        assert counters["export_dropped.kafka.stopped"] == 7
    finally:
        own.stop()


def tls(broker: KafkaBroker) -> KafkaTls:
    assert broker.certificates is not None
    return KafkaTls(ca=str(broker.certificates.ca))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_login_over_tls(broker: KafkaBroker, mechanism: str) -> None:
    login = KafkaLogin(mechanism=mechanism, username=USER, password=PASSWORD)
    options = KafkaOptions(bootstrap=broker.sasl_bootstrap, tls=tls(broker), login=login)
    deliver(options, numbered(mechanism, 0, 10))
    assert_each_once_and_in_order(broker.consume(mechanism), 10)


def test_login_with_a_client_certificate(broker: KafkaBroker) -> None:
    assert broker.certificates is not None
    ours = replace(
        tls(broker),
        certificate=str(broker.certificates.client_certificate),
        key=str(broker.certificates.client_key),
    )
    deliver(KafkaOptions(bootstrap=broker.tls_bootstrap, tls=ours), numbered("mutual", 0, 10))
    assert_each_once_and_in_order(broker.consume("mutual"), 10)


def refusal(options: KafkaOptions) -> str:
    async def scenario() -> str:
        exporter = KafkaExporter(options)
        with pytest.raises(RetryableExportError) as told:
            await exporter.start()
        await exporter.close()
        return str(told.value)

    return uvloop.run(scenario())


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_is_said(broker: KafkaBroker, mechanism: str) -> None:
    login = KafkaLogin(mechanism=mechanism, username=USER, password="wrong")
    options = KafkaOptions(bootstrap=broker.sasl_bootstrap, tls=tls(broker), login=login)
    reason = refusal(options)
    assert broker.sasl_bootstrap in reason
    assert f"login of {USER} by {mechanism} refused" in reason


def test_an_untrusted_broker_is_said(broker: KafkaBroker) -> None:
    login = KafkaLogin(mechanism="PLAIN", username=USER, password=PASSWORD)
    options = KafkaOptions(bootstrap=broker.sasl_bootstrap, tls=KafkaTls(), login=login)
    assert "certificate is not trusted" in refusal(options)
    unchecked = replace(options, tls=KafkaTls(verify=False))
    deliver(unchecked, numbered("unchecked", 0, 10))


def test_a_missing_client_certificate_is_said(broker: KafkaBroker) -> None:
    reason = refusal(KafkaOptions(bootstrap=broker.tls_bootstrap, tls=tls(broker)))
    assert broker.tls_bootstrap in reason
    assert "without our certificate?" in reason


def test_the_wrong_kind_of_port_is_said(broker: KafkaBroker) -> None:
    reason = refusal(KafkaOptions(bootstrap=broker.bootstrap, tls=tls(broker)))
    assert "does it speak SSL, without our certificate?" in reason
    reason = refusal(KafkaOptions(bootstrap=broker.tls_bootstrap))
    assert "does it speak PLAINTEXT?" in reason
