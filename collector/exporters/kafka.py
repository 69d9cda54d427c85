"""Kafka: batches of messages to topics, acknowledged by all replicas, in order, none twice."""

import asyncio
import logging
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from aiokafka import AIOKafkaProducer, codec, errors
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from collector.errors import RejectedExportError, RetryableExportError
from collector.exporters.kafka_log import LibraryLog
from collector.exporters.kafka_options import KafkaOptions
from collector.pipeline.batch import Batch, PartlyRejectedError, UnfinishedExportError

_log = logging.getLogger(__name__)
_library_log = LibraryLog()

_CONNECT_S = 30.0
_METADATA_S = 10.0
_CLOSE_S = 2.0
_REMEMBERED_KEYS = 65_536

# The library compresses at zstd's level 3 and has no setting for it. Of records such as ours level
# 1 makes less, for a fifth less CPU (measured: 1.09 us a record and 10.5 % of its octets, against
# 1.37 us and 11.7 %).
codec.zstd_encode.__defaults__ = (1,)

# What the broker or the library says of our producer, not of the messages: they are sent again
# with a new one. DESIGN section 5: one refused batch makes all later ones of its partition fail.
_PRODUCER_IS_BROKEN = (
    errors.OutOfOrderSequenceNumber,
    errors.UnknownProducerId,
    errors.InvalidProducerEpoch,
    errors.InvalidProducerIdMapping,
    errors.ProducerFenced,
    errors.ProducerClosed,
    errors.KafkaTimeoutError,
)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)


@dataclass(slots=True)
class _Parcel:
    """One Kafka batch: which messages of ours it holds, and its acknowledgement."""

    partition: int
    builder: BatchBuilder
    indices: Sequence[int]
    acknowledged: asyncio.Future | None = None
    error: BaseException | None = None


class KafkaExporter:
    """Exporter to one cluster; the only user of aiokafka.

    A batch of ours becomes Kafka batches of about 1 MiB, some for each partition, built by us:
    `send` of single messages costs twice as much. While brokers are away, ``send`` waits: the
    library sends again with the same sequence numbers, so that nothing is lost or doubled.
    """

    def __init__(self, options: KafkaOptions) -> None:
        """Load the TLS files.

        Raises:
            ConfigError: they are not what they should be.
        """
        self._options = options
        self._tls = options.tls.context() if options.tls else None
        self._batch_octets = options.batch_octets
        self._producer: AIOKafkaProducer | None = None
        self._partition_of: dict[bytes, int] = {}
        self._partition_count = 0
        self._hash = _HASHES.get(options.partitioner)
        self._turn = 0

    async def start(self) -> None:
        """Connect once.

        Raises:
            RetryableExportError: no broker can be reached, or none wants us; with the reason.
        """
        await self._connected()

    async def send(self, batch: Batch) -> None:
        """Send a batch; return when all replicas have it.

        Raises:
            RetryableExportError: not connected, or the topic is not there (yet).
            UnfinishedExportError: the producer had to be given up; with what to send again.
            RejectedExportError: we may not write there, or the fixed partition does not exist.
            PartlyRejectedError: messages are too large, or the broker refuses them for good.
        """
        producer = await self._connected()
        parcels, too_large = await self._pack(producer, batch)
        for parcel in parcels:
            try:
                parcel.acknowledged = await producer.send_batch(
                    parcel.builder, batch.topic, partition=parcel.partition
                )
            except errors.KafkaError as error:
                parcel.error = error
            except AssertionError:
                # So the library says that a partition is gone since we asked (topic made anew).
                parcel.error = errors.UnknownTopicOrPartitionError(batch.topic)
        waiting = [parcel.acknowledged for parcel in parcels if parcel.acknowledged]
        if waiting:
            await asyncio.wait(waiting)
        for parcel in parcels:
            if parcel.acknowledged:
                parcel.error = parcel.acknowledged.exception()
        failed = [parcel for parcel in parcels if parcel.error is not None]
        if failed:
            await self._release()
        self._settle(batch, failed, too_large)

    async def close(self) -> None:
        """Close the connections; what a cancelled ``send`` left unacknowledged is given up."""
        await self._release()

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        _library_log.attach("aiokafka")
        _library_log.take_failures()
        options, login = self._options, self._options.login
        producer = AIOKafkaProducer(
            bootstrap_servers=options.bootstrap,
            client_id=options.client_id,
            acks="all",
            enable_idempotence=True,
            compression_type=None if options.compression == "none" else options.compression,
            max_batch_size=self._batch_octets,
            request_timeout_ms=options.request_timeout_ms,
            security_protocol=options.protocol,
            ssl_context=self._tls,
            sasl_mechanism=login.mechanism if login else "PLAIN",
            sasl_plain_username=login.username if login else None,
            sasl_plain_password=login.password if login else None,
        )
        self._producer = producer
        try:
            async with asyncio.timeout(_CONNECT_S):
                await producer.start()
        except (errors.KafkaError, OSError, TimeoutError) as error:
            await self._release()
            raise RetryableExportError(self._why(error)) from error
        except asyncio.CancelledError:
            await self._release()
            raise
        _log.info("kafka: connected to %s", options.bootstrap)
        return producer

    async def _release(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            # It flushes first and, with all brokers away, would wait for ever.
            async with asyncio.timeout(_CLOSE_S):
                await producer.stop()
        except (TimeoutError, errors.KafkaError):
            await producer.client.close()

    async def _partitions(self, producer: AIOKafkaProducer, topic: str) -> list[int]:
        try:
            async with asyncio.timeout(_METADATA_S):
                return sorted(await producer.partitions_for(topic))
        except errors.TopicAuthorizationFailedError as error:
            # Refused, not retried: other topics would wait behind it for ever.
            raise RejectedExportError(f"kafka: not allowed to use topic {topic}") from error
        except (TimeoutError, errors.KafkaError) as error:
            reason = f"kafka: topic {topic}: no partitions known ({_text(error)})"
            raise RetryableExportError(reason) from error

    async def _pack(
        self, producer: AIOKafkaProducer, batch: Batch
    ) -> tuple[list[_Parcel], list[int]]:
        """Sort messages into parcels by partition; tell apart those that are too large."""
        partitions = await self._partitions(producer, batch.topic)
        if self._options.partition not in (None, *partitions):
            reason = f"kafka: {batch.topic} has no partition {self._options.partition}"
            raise RejectedExportError(reason)
        too_large: list[int] = []
        parcels = []
        for partition, indices in self._assign(batch, partitions).items():
            first = 0
            while first < len(indices):
                parcel = _Parcel(partition, producer.create_batch(), [])
                first = self._fill(parcel, batch, indices, first, too_large)
                if parcel.indices:
                    parcels.append(parcel)
        return parcels, too_large

    def _fill(
        self,
        parcel: _Parcel,
        batch: Batch,
        indices: Sequence[int],
        first: int,
        too_large: list[int],
    ) -> int:
        """Put messages into a parcel until it is full; give the place of the next one."""
        timestamp_ms = int(time.time() * 1000)
        messages, append = batch.messages, parcel.builder.append
        limit = self._options.message_octets
        left_out = len(too_large)
        place = first
        # In one pass: with many messages what costs is to look at each at all.
        for place in range(first, len(indices)):
            key, payload = messages[indices[place]]
            if len(payload) > limit:
                too_large.append(indices[place])
            elif append(timestamp=timestamp_ms, key=key, value=payload) is None:
                break
        else:
            place += 1
        parcel.indices = indices[first:place]
        if len(too_large) > left_out:
            refused = set(too_large)
            parcel.indices = [index for index in parcel.indices if index not in refused]
        return place

    def _assign(self, batch: Batch, partitions: list[int]) -> dict[int, Sequence[int]]:
        """Sort message indices by partition; the hash of a key is computed once."""
        where = self._partition_of
        if self._partition_count != len(partitions) or len(where) > _REMEMBERED_KEYS:
            where.clear()
            self._partition_count = len(partitions)
        fixed = self._options.partition
        self._turn += 1
        without_key = partitions[self._turn % len(partitions)]
        everything = range(len(batch.messages))
        if fixed is not None or self._hash is None:
            return {without_key if fixed is None else fixed: everything}
        keys = [key for key, _ in batch.messages]
        distinct = set(keys)
        for key in distinct.difference(where, (None,)):
            where[key] = partitions[self._hash(key) % len(partitions)]
        if len(distinct) == 1:
            return {without_key if keys[0] is None else where[keys[0]]: everything}
        chosen: dict[int, list[int]] = {}
        for index, key in enumerate(keys):
            chosen.setdefault(without_key if key is None else where[key], []).append(index)
        return chosen

    def _settle(self, batch: Batch, failed: list[_Parcel], too_large: list[int]) -> None:
        """Say what became of a batch of which some parcels failed or messages were left out."""
        rest: list[int] = []
        refused = list(too_large)
        why, reason = "too_large", "longer than the limit for one message"
        halve = False
        for parcel in failed:
            error = parcel.error
            if isinstance(error, _TOO_LARGE) and len(parcel.indices) > 1:
                halve = True
                rest.extend(parcel.indices)
            elif isinstance(error, _PRODUCER_IS_BROKEN) or error.retriable:
                rest.extend(parcel.indices)
            else:
                refused.extend(parcel.indices)
                why = "too_large" if isinstance(error, _TOO_LARGE) else "refused"
                reason = _text(error)
        if halve:
            self._batch_octets //= 2
            _log.warning("kafka: %s: batches too large, now %d", batch.topic, self._batch_octets)
        records = batch.take(refused).records
        if rest:
            reason = f"kafka: {batch.topic}: {_text(failed[0].error)}"
            raise UnfinishedExportError(reason, batch.take(rest), records, why)
        if refused:
            raise PartlyRejectedError(f"kafka: {batch.topic}: {reason}", records, why)

    def _why(self, error: BaseException) -> str:
        causes = _library_log.take_failures() or {self._options.bootstrap: error}
        return "; ".join(
            f"kafka at {address}: {self._cause(cause)}" for address, cause in causes.items()
        )

    def _cause(self, error: BaseException) -> str:
        login = self._options.login
        match error:
            case errors.SaslAuthenticationFailed() | errors.AuthenticationFailedError():
                return f"login of {login.username} by {login.mechanism} refused: {_text(error)}"
            case errors.UnsupportedSaslMechanismError() | errors.IllegalSaslStateError():
                return f"broker does not offer {login.mechanism}: {_text(error)}"
            case ssl.SSLCertVerificationError():
                return f"broker's certificate is not trusted: {error.verify_message}"
            case ssl.SSLError():
                return f"TLS failed: {_text(error)}"
            case ConnectionRefusedError():
                return "connection refused, no broker listens there"
            case errors.KafkaConnectionError() | ConnectionResetError():
                tls = self._options.tls
                hint = ", without our certificate" if tls and not tls.certificate else ""
                return f"connection closed (does it speak {self._options.protocol}{hint}?)"
            case TimeoutError():
                return "no answer"
        return _text(error)


def _java_hash(key: bytes) -> int:
    # As Java's default partitioner: the sign bit goes before the modulo.
    return murmur2(key) & 0x7FFFFFFF


_HASHES = {"murmur2": _java_hash, "crc32": crc32}  # by `KafkaOptions.partitioner`


def _text(error: BaseException | None) -> str:
    return str(error) or type(error).__name__
