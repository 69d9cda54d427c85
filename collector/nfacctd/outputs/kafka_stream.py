"""Records to Kafka: topics, keys, and how many records a message holds (reference 6.1)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from collector.exporters.kafka_options import KafkaLogin, KafkaOptions, KafkaTls, Partitioner
from collector.metrics import Counters, register
from collector.nfacctd.outputs.encoding import Encode, Entry, json_octets
from collector.nfacctd.outputs.variables import Pattern
from collector.nfacctd.settings import KafkaSettings
from collector.pipeline.batch import Batch, Exporter, Message

register(nfacctd_unwritable="records that their output's form cannot hold, by output")


@dataclass(frozen=True, slots=True)
class Packing:
    """How records share a message.

    Attributes:
        octets: at most so many of a message; None: no limit.
        records: at most so many.
        separator: between two of them.
    """

    octets: int | None = None
    records: int | None = 1
    separator: bytes = b"\n"


@dataclass(slots=True)
class _Topic:
    """Messages of one topic while they are made, and how many records each holds."""

    messages: list[Message] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


class KafkaStream:
    """Makes batches of one stream of records.

    Args:
        name: of the output, in counters.
        topic: None where the topic is the same for all records.
        key: None where messages have no key.
    """

    def __init__(
        self,
        name: str,
        settings: KafkaSettings,
        encode: Encode,
        packing: Packing,
        counters: Counters,
        *,
        topic: Pattern,
        key: Pattern | None,
    ) -> None:
        self._name = name
        self._encode = encode
        self._packing = packing
        self._counters = counters
        self._topic = topic
        self._key = key
        self._rounds = settings.topic_rr
        self._turn = count()

    @property
    def takes_octets(self) -> bool:
        """Whether it needs no more of a record than its JSON object."""
        patterns = [self._topic] if self._key is None else [self._topic, self._key]
        return self._encode is json_octets and all(one.is_constant for one in patterns)

    def batches(self, entries: Iterable[Entry]) -> list[Batch]:
        """Encode records; their order is kept for each topic and key."""
        topics: dict[str, _Topic] = {}
        alone = self._packing.records == 1 and not self._rounds
        for (base, key), payloads in self._sorted(entries).items():
            if alone:
                topic = topics.setdefault(base, _Topic())
                topic.messages += [(key, payload) for payload in payloads]
                topic.counts += [1] * len(payloads)
                continue
            for payload, records in packed(payloads, self._packing):
                name = self._next(base)
                topic = topics.get(name)
                if topic is None:
                    topic = topics[name] = _Topic()
                topic.messages.append((key, payload))
                topic.counts.append(records)
        return [
            Batch.of(name, topic.messages, topic.counts if max(topic.counts) > 1 else None)
            for name, topic in topics.items()
        ]

    def _sorted(self, entries: Iterable[Entry]) -> dict[tuple[str, bytes | None], list[bytes]]:
        found: dict[tuple[str, bytes | None], list[bytes]] = {}
        encode, last, payloads = self._encode, None, []
        for kind, fields, values, _time_s in entries:
            try:
                payload = encode(kind, fields)
            except ValueError:
                self._counters.add(f"nfacctd_unwritable.{self._name}")
                continue
            if values is not last:
                # Records of a router come together, and say the same to all variables.
                last = values
                key = None if self._key is None else self._key.expand(values).encode()
                payloads = found.setdefault((self._topic.expand(values), key), [])
            payloads.append(payload)
        return found

    def _next(self, topic: str) -> str:
        return f"{topic}_{next(self._turn) % self._rounds}" if self._rounds else topic


def packed(payloads: list[bytes], packing: Packing) -> list[tuple[bytes, int]]:
    """Join payloads to messages; give each and how many it holds.

    A record that is longer than a message may be is one of its own.
    """
    if packing.records == 1:
        return [(payload, 1) for payload in payloads]
    messages: list[tuple[bytes, int]] = []
    begun: list[bytes] = []
    octets = 0
    for payload in payloads:
        more = len(payload) + len(packing.separator)
        too_long = packing.octets is not None and octets + more > packing.octets
        if begun and (too_long or len(begun) == packing.records):
            messages.append((packing.separator.join(begun), len(begun)))
            begun, octets = [], 0
        begun.append(payload)
        octets += more
    if begun:
        messages.append((packing.separator.join(begun), len(begun)))
    return messages


# By librdkafka's names of partitioners. Without a key all take one partition after the other.
_HASHES: dict[str, Partitioner] = {
    "random": "random",
    "consistent": "crc32",
    "consistent_random": "crc32",
    "murmur2": "murmur2",
    "murmur2_random": "murmur2",
}


def kafka_exporter(settings: KafkaSettings) -> Exporter:
    """Make what sends a stream."""
    # Only here: who has no such output shall not wait for its library, nor give it memory.
    from collector.exporters.kafka import KafkaExporter  # noqa: PLC0415

    return KafkaExporter(kafka_options(settings))


def kafka_options(settings: KafkaSettings) -> KafkaOptions:
    """Write the settings as the exporter takes them."""
    connection = settings.connection
    tls = login = None
    if connection.tls:
        tls = KafkaTls(
            ca=connection.ca_file,
            certificate=connection.cert_file,
            key=connection.key_file,
            key_password=connection.key_password,
            verify=connection.verify_broker,
        )
    if connection.sasl_mechanism is not None:
        login = KafkaLogin(
            mechanism=connection.sasl_mechanism,
            username=connection.username,
            password=connection.password,
        )
    return KafkaOptions(
        bootstrap=",".join(connection.brokers),
        client_id=connection.client_id,
        compression=connection.compression,
        batch_octets=connection.batch_octets,
        message_octets=connection.message_octets,
        request_timeout_ms=connection.request_timeout_ms,
        partition=None if settings.partition < 0 else settings.partition,
        partitioner=_HASHES[connection.partitioner],
        tls=tls,
        login=login,
    )
