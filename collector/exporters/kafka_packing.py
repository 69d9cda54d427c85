"""Messages into Kafka batches: which partition each goes to, and how many one batch takes."""

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from zlib import crc32

from aiokafka import codec
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from collector.exporters.kafka_options import KafkaOptions
from collector.pipeline.batch import Batch, Message

_REMEMBERED_KEYS = 65_536
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
        """Append messages until there is no room; give how many were taken.

        As `append` of each does, in half the time. The first is taken whatever its size.
        """
        timestamp_ms = int(time.time() * 1000)
        append, count = self._builder.append, 0
        for key, payload in messages:
            if append(count, timestamp_ms, key, payload, _NO_HEADERS) is None:
                break
            count += 1
        self._relative_offset = count
        self.close()
        return count


class Packer:
    """Sorts messages by partition, and fills parcels.

    Attributes:
        octets: a parcel's size before compression.
    """

    def __init__(self, options: KafkaOptions) -> None:
        self.octets = min(options.batch_octets, options.message_octets)
        self._limit = options.message_octets
        self._codec = _CODECS[options.compression]
        self._fixed = options.partition
        self._hash = _HASHES.get(options.partitioner)
        self._partition_of: dict[bytes, int] = {}
        self._partition_count = 0
        self._turn = 0

    def pack(self, batch: Batch, partitions: list[int]) -> tuple[list[Parcel], list[int]]:
        """Put a batch into parcels; tell apart, by index, the messages that are too large."""
        parcels: list[Parcel] = []
        too_large: list[int] = []
        compression = _NOT_COMPRESSED if batch.compressed else self._codec
        for partition, indices in self._assign(batch, partitions).items():
            messages = batch.messages
            if len(indices) < len(messages):
                messages = [messages[index] for index in indices]
            first = 0
            while first < len(messages):
                # One that is too large does not fit where another is, so it comes first.
                if len(messages[first][1]) > self._limit:
                    too_large.append(indices[first])
                    first += 1
                    continue
                parcel = Parcel(partition, self.octets, compression)
                count = parcel.extend(islice(messages, first, None))
                parcel.indices = indices[first : first + count]
                first += count
                parcels.append(parcel)
        return parcels, too_large

    def _assign(self, batch: Batch, partitions: list[int]) -> dict[int, Sequence[int]]:
        """Sort message indices by partition; the hash of a key is computed once."""
        where = self._partition_of
        if self._partition_count != len(partitions) or len(where) > _REMEMBERED_KEYS:
            where.clear()
            self._partition_count = len(partitions)
        self._turn += 1
        without_key = partitions[self._turn % len(partitions)]
        everything = range(len(batch.messages))
        if self._fixed is not None or self._hash is None:
            return {without_key if self._fixed is None else self._fixed: everything}
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


def java_hash(key: bytes) -> int:
    """Hash a key as Java's default partitioner: the sign bit goes before the modulo."""
    return murmur2(key) & 0x7FFFFFFF


_HASHES = {"murmur2": java_hash, "crc32": crc32}  # by `KafkaOptions.partitioner`
