"""Messages into Kafka batches: which partition each goes to, and how many one batch takes."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Generic, Protocol, TypeVar

from collector.exporters.kafka_options import KafkaOptions
from collector.pipeline.batch import Batch, Message

_REMEMBERED_KEYS = 65_536

Hash = Callable[[bytes], int]


class Parcel(Protocol):
    """One Kafka batch that is being filled.

    Attributes:
        indices: of its messages in our batch.
    """

    indices: Sequence[int]

    def extend(self, messages: Iterable[Message]) -> int:
        """Take messages until there is no room, the first whatever its size; give how many."""


P = TypeVar("P", bound=Parcel)


class Packer(Generic[P]):
    """Sorts messages by partition, and fills parcels.

    Args:
        new_parcel: makes an empty one of (partition, octets before compression, whether its
            messages are compressed already).
        hash_of: a key's hash; None: keys do not count.

    Attributes:
        octets: a parcel's size before compression.
    """

    def __init__(
        self, options: KafkaOptions, new_parcel: Callable[[int, int, bool], P], hash_of: Hash | None
    ) -> None:
        self.octets = min(options.batch_octets, options.message_octets)
        self._limit = options.message_octets
        self._new_parcel = new_parcel
        self._fixed = options.partition
        self._hash = hash_of
        self._partition_of: dict[bytes, int] = {}
        self._partition_count = 0
        self._turn = 0

    def pack(self, batch: Batch, partitions: list[int]) -> tuple[list[P], list[int]]:
        """Put a batch into parcels; tell apart, by index, the messages that are too large."""
        parcels: list[P] = []
        too_large: list[int] = []
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
                parcel = self._new_parcel(partition, self.octets, batch.compressed)
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
