"""Kafka: batches of messages to topics, acknowledged by all replicas, in order, none twice."""

import asyncio
import logging
import ssl
import time
from collections.abc import Iterable, Sequence
from zlib import crc32

from aiokafka import AIOKafkaProducer, codec, errors
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from collector.errors import RejectedExportError, RetryableExportError
from collector.exporters.kafka_log import LibraryLog
from collector.exporters.kafka_options import KafkaOptions
from collector.exporters.kafka_packing import Packer
from collector.pipeline.batch import Batch, Message, PartlyRejectedError, UnfinishedExportError

_log = logging.getLogger(__name__)
_library_log = LibraryLog()

_CONNECT_S = 30.0
_METADATA_S = 10.0
_CLOSE_S = 2.0

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


_NO_HEADERS: list[tuple[str, bytes]] = []
_NOT_COMPRESSED = 0
_CODECS = {
    "none": _NOT_COMPRESSED,
    "gzip": DefaultRecordBatch.CODEC_GZIP,
    "snappy": DefaultRecordBatch.CODEC_SNAPPY,
    "lz4": DefaultRecordBatch.CODEC_LZ4,
    "zstd": DefaultRecordBatch.CODEC_ZSTD,
}

# The library compresses at zstd's level 3 and has no setting for it. Of records such as ours level
# 1 makes less, for a fifth less CPU (measured: 1.09 us a record and 10.5 % of its octets, against
# 1.37 us and 11.7 %).
codec.zstd_encode.__defaults__ = (1,)


class Parcel(BatchBuilder):
    """One Kafka batch: which messages of ours it holds, and what became of it.

    Attributes:
        indices: of its messages in our batch.
        error: why it was not taken.
    """

    def __init__(self, partition: int, octets: int, compression: int) -> None:
        super().__init__(octets, compression)
        self.partition = partition
        self.indices: Sequence[int] = ()
        self.error: BaseException | None = None

    def extend(self, messages: Iterable[Message]) -> int:
        """Take messages until there is no room; as `append` of each does, in half the time."""
        timestamp_ms = int(time.time() * 1000)
        append, count = self._builder.append, 0
        for key, payload in messages:
            if append(count, timestamp_ms, key, payload, _NO_HEADERS) is None:
                break
            count += 1
        self._relative_offset = count
        self.close()
        return count


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
        compression = _CODECS[options.compression]
        self._packer: Packer[Parcel] = Packer(
            options,
            lambda partition, octets, compressed: Parcel(
                partition, octets, _NOT_COMPRESSED if compressed else compression
            ),
            _HASHES.get(options.partitioner),
        )
        self._producer: AIOKafkaProducer | None = None

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
        acknowledged: dict[Parcel, asyncio.Future] = {}
        for parcel in parcels:
            try:
                acknowledged[parcel] = await producer.send_batch(
                    parcel, batch.topic, partition=parcel.partition
                )
            except errors.KafkaError as error:
                parcel.error = error
            except AssertionError:
                # So the library says that a partition is gone since we asked (topic made anew).
                parcel.error = errors.UnknownTopicOrPartitionError(batch.topic)
        if acknowledged:
            await asyncio.wait(acknowledged.values())
        for parcel, told in acknowledged.items():
            parcel.error = told.exception()
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
    ) -> tuple[list[Parcel], list[int]]:
        partitions = await self._partitions(producer, batch.topic)
        if self._options.partition not in (None, *partitions):
            reason = f"kafka: {batch.topic} has no partition {self._options.partition}"
            raise RejectedExportError(reason)
        return self._packer.pack(batch, partitions)

    def _settle(self, batch: Batch, failed: list[Parcel], too_large: list[int]) -> None:
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
            self._packer.octets //= 2
            _log.warning("kafka: %s: batches too large, now %d", batch.topic, self._packer.octets)
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


def java_hash(key: bytes) -> int:
    """Hash a key as Java's default partitioner: the sign bit goes before the modulo."""
    return murmur2(key) & 0x7FFFFFFF


_HASHES = {"murmur2": java_hash, "crc32": crc32}  # by `KafkaOptions.partitioner`


def _text(error: BaseException | None) -> str:
    return str(error) or type(error).__name__
