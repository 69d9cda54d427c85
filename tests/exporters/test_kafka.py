"""The Kafka exporter without a broker: partitions, connection faults, refused batches."""

import asyncio
import logging
import socket
from pathlib import Path

import cramjam
import pytest
from aiokafka import errors
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from collector.errors import ConfigError, RejectedExportError, RetryableExportError
from collector.exporters import kafka
from collector.exporters.kafka import KafkaExporter, java_hash
from collector.exporters.kafka_log import LibraryLog
from collector.exporters.kafka_options import KafkaLogin, KafkaOptions, KafkaTls
from collector.pipeline.batch import Batch, PartlyRejectedError, UnfinishedExportError

_RECORDS_AT = 61  # octets of a record batch's header


class Cluster:
    """Stands for brokers whose answers no real one gives on demand."""

    def __init__(self, partitions: int = 4, max_batch_octets: int | None = None) -> None:
        self.partitions = set(range(partitions))
        self.max_batch_octets = max_batch_octets
        self.answers: list[Exception | None] = []
        self.taken: list[tuple[str, int, int]] = []  # topic, partition, records
        self.producers = 0
        self.open = 0


class Producer:
    """The part of AIOKafkaProducer that we use."""

    cluster: Cluster

    def __init__(self, **_settings: object) -> None:
        self.client = self
        self.cluster.producers += 1
        self.cluster.open += 1

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.cluster.open -= 1

    async def close(self) -> None: ...

    async def partitions_for(self, topic: str) -> set[int]:
        if topic == "forbidden":
            raise errors.TopicAuthorizationFailedError(topic)
        return self.cluster.partitions

    async def send_batch(self, builder: BatchBuilder, topic: str, *, partition: int):
        answer = self.cluster.answers.pop(0) if self.cluster.answers else None
        limit = self.cluster.max_batch_octets
        if limit is not None and builder.size() > limit:
            answer = errors.MessageSizeTooLargeError()
        future = asyncio.get_running_loop().create_future()
        if answer is None:
            self.cluster.taken.append((topic, partition, builder.record_count()))
            future.set_result(None)
        else:
            future.set_exception(answer)
        return future


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    Producer.cluster = Cluster()
    monkeypatch.setattr(kafka, "AIOKafkaProducer", Producer)
    return Producer.cluster


def send(batch: Batch, **options) -> KafkaExporter:
    exporter = KafkaExporter(KafkaOptions(bootstrap="broker:9092", **options))
    asyncio.run(exporter.send(batch))
    return exporter


# From Kafka's own tests of its murmur2 (UtilsTest), as unsigned after the sign bit is cleared.
@pytest.mark.parametrize(
    ("key", "java"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_of_a_key_is_javas(key: bytes, java: int) -> None:
    assert java_hash(key) == java & 0x7FFFFFFF


def test_messages_of_a_key_share_a_partition(cluster: Cluster) -> None:
    send(Batch.of("flow", [(key, b"{}") for key in (b"21", b"abc", b"21", b"foobar")]))
    expected = {}
    for key in (b"21", b"abc", b"21", b"foobar"):
        partition = java_hash(key) % 4
        expected[partition] = expected.get(partition, 0) + 1
    assert {partition: count for _, partition, count in cluster.taken} == expected


def test_messages_without_key_take_partitions_in_turn(cluster: Cluster) -> None:
    exporter = KafkaExporter(KafkaOptions(bootstrap="broker:9092"))

    async def scenario() -> None:
        for _ in range(5):
            await exporter.send(Batch.of("flow", [(None, b"{}"), (None, b"{}")]))

    asyncio.run(scenario())
    assert [count for _, _, count in cluster.taken] == [2] * 5
    assert len({partition for _, partition, _ in cluster.taken}) == 4


def test_a_key_goes_where_librdkafka_sends_it(cluster: Cluster) -> None:
    # The check value of CRC-32: 0xCBF43926 of "123456789".
    send(Batch.of("flow", [(b"123456789", b"{}")]), partitioner="crc32")
    assert cluster.taken == [("flow", 0xCBF43926 % 4, 1)]


def test_at_random_keys_do_not_count(cluster: Cluster) -> None:
    keys = (b"21", b"abc", b"foobar")
    send(Batch.of("flow", [(key, b"{}") for key in keys]), partitioner="random")
    assert [count for _, _, count in cluster.taken] == [3]


def test_a_fixed_partition_takes_everything(cluster: Cluster) -> None:
    send(Batch.of("flow", [(b"21", b"{}"), (None, b"{}")]), partition=3)
    assert cluster.taken == [("flow", 3, 2)]
    with pytest.raises(RejectedExportError, match="no partition 4"):
        send(Batch.of("flow", [(b"21", b"{}")]), partition=4)


def test_a_forbidden_topic_is_refused_and_keeps_no_other_waiting(cluster: Cluster) -> None:
    with pytest.raises(RejectedExportError, match="not allowed to use topic forbidden"):
        send(Batch.of("forbidden", [(b"21", b"{}")]))
    assert cluster.producers == 1


def test_a_large_batch_becomes_several(cluster: Cluster) -> None:
    send(Batch.of("flow", [(b"21", bytes(300))] * 10), batch_octets=1000)
    assert sum(count for _, _, count in cluster.taken) == 10
    assert len(cluster.taken) == 4


def test_a_message_beyond_the_limit_is_left_out(cluster: Cluster) -> None:
    batch = Batch.of("flow", [(b"21", b"{}"), (b"21", bytes(101)), (b"21", b"[]")], [1, 7, 1])
    with pytest.raises(PartlyRejectedError) as told:
        send(batch, message_octets=100)
    assert (told.value.refused, told.value.why) == (7, "too_large")
    assert cluster.taken == [("flow", java_hash(b"21") % 4, 1)] * 2
    assert cluster.producers == 1


def test_a_batch_beyond_the_brokers_limit_is_halved_until_taken(cluster: Cluster) -> None:
    cluster.max_batch_octets = 400
    exporter = KafkaExporter(KafkaOptions(bootstrap="broker:9092", batch_octets=3000))
    batch = Batch.of("flow", [(b"21", bytes([n]) * 100) for n in range(10)] + [(b"21", bytes(500))])
    attempts, refused = 0, 0

    async def scenario() -> None:
        nonlocal attempts, refused
        rest: Batch | None = batch
        while rest is not None:
            attempts += 1
            try:
                await exporter.send(rest)
                rest = None
            except UnfinishedExportError as error:
                refused += error.refused
                rest = error.rest
            except PartlyRejectedError as error:
                refused += error.refused
                rest = None

    asyncio.run(scenario())
    assert sum(count for _, _, count in cluster.taken) == 10
    assert refused == 1
    assert attempts <= 5
    assert cluster.open <= 1, "each producer given up is closed"


def test_after_a_refusal_the_kept_messages_go_by_a_new_producer(cluster: Cluster) -> None:
    cluster.partitions = {0}
    cluster.answers = [None, errors.PolicyViolationError(), errors.OutOfOrderSequenceNumber()]
    exporter = KafkaExporter(KafkaOptions(bootstrap="broker:9092", batch_octets=400))
    batch = Batch.of("flow", [(b"21", bytes(300))] * 3)

    async def scenario() -> None:
        with pytest.raises(UnfinishedExportError) as told:
            await exporter.send(batch)
        assert (told.value.refused, told.value.rest.records) == (1, 1)
        assert cluster.open == 0
        await exporter.send(told.value.rest)

    asyncio.run(scenario())
    assert (len(cluster.taken), cluster.producers) == (2, 2)


def test_no_broker_is_said_with_address_and_reason() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        exporter = KafkaExporter(KafkaOptions(bootstrap=address))
        with pytest.raises(RetryableExportError, match=f"{address}: connection refused"):
            asyncio.run(exporter.start())


def test_a_broker_that_never_answers_can_be_given_up() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            address = f"127.0.0.1:{server.getsockname()[1]}"
            exporter = KafkaExporter(KafkaOptions(bootstrap=address))
            starting = asyncio.create_task(exporter.start())
            connection, _ = await asyncio.get_running_loop().sock_accept(server)
            starting.cancel()
            await asyncio.wait([starting])
            await exporter.close()
            connection.close()
        assert starting.cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing goes on behind our back"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.SaslAuthenticationFailed("bad"), "login of me by PLAIN refused"),
        (errors.UnsupportedSaslMechanismError("bad"), "does not offer PLAIN"),
        (TimeoutError(), "no answer"),
        (errors.KafkaConnectionError("closed"), r"closed \(does it speak SASL_PLAINTEXT\?"),
        (OSError(113, "No route to host"), "No route to host"),
    ],
)
def test_causes_are_said_in_words(error: Exception, said: str) -> None:
    login = KafkaLogin(mechanism="PLAIN", username="me", password="secret")
    options = KafkaOptions(bootstrap="b:1", login=login)
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(KafkaExporter(options)._cause(error))
    assert "secret" not in repr(options)


def test_tls_files_are_checked_before_anything_runs(tmp_path: Path) -> None:
    nothing = tmp_path / "empty.pem"
    nothing.write_text("")
    tls = KafkaTls(ca=str(tmp_path / "missing.pem"), certificate=str(nothing))
    with pytest.raises(ConfigError) as told:
        KafkaExporter(KafkaOptions(bootstrap="b:1", tls=tls))
    assert len(told.value.mistakes) == 2
    assert "missing.pem" in told.value.mistakes[0]


def test_the_librarys_log_is_remembered_or_forwarded_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = LibraryLog()

    def record(text: str, *args: object, at_s: float) -> None:
        record = logging.LogRecord("aiokafka", logging.ERROR, "", 0, text, args, None)
        record.created = at_s
        handler.handle(record)

    refused = ConnectionRefusedError()
    record('Unable connect to "%s:%s": %s', "b", 9092, refused, at_s=0.0)
    for at_s in (0.0, 30.0, 59.0, 61.0):
        record("no node %s", at_s, at_s=at_s)
    assert [r.getMessage() for r in caplog.records] == [
        "kafka client: no node 0.0",
        "kafka client: no node 61.0",
    ]
    assert handler.take_failures() == {"b:9092": refused}
    assert handler.take_failures() == {}


def test_zstd_is_used_at_the_level_that_costs_least() -> None:
    batch = DefaultRecordBatchBuilder(2, 4, 0, -1, -1, 0, 1 << 20)  # 4: zstd
    payload = b"".join(b'{"octets":%d,"packets":%d}' % (n * n, n) for n in range(2000))
    batch.append(0, timestamp=0, key=None, value=payload, headers=[])
    records = bytes(batch.build())[_RECORDS_AT:]
    plain = bytes(cramjam.zstd.decompress(records))
    assert payload in plain
    assert records == bytes(cramjam.zstd.compress(plain, level=1))
    assert records != bytes(cramjam.zstd.compress(plain, level=3))
