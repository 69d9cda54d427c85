"""What Kafka batches hold is what was to be sent: read back with the library's own reader."""

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.exporters.kafka import KafkaExporter, Parcel, java_hash
from collector.exporters.kafka_options import KafkaOptions
from collector.exporters.kafka_packing import Packer
from collector.pipeline.batch import Batch

_PARTITIONS = [0, 1, 2]


def packer(**options) -> Packer[Parcel]:
    return KafkaExporter(KafkaOptions(bootstrap="broker:9092", **options))._packer


def content(parcel: Parcel) -> list[tuple[int, bytes | None, bytes]]:
    """(offset, key, payload) of each message."""
    records = MemoryRecords(bytes(parcel._build()))
    told = [(record.offset, record.key, record.value) for record in records.next_batch()]
    assert not records.has_next()
    return told


@settings(max_examples=60, deadline=None)
@given(
    messages=st.lists(
        st.tuples(
            st.sampled_from([None, b"", b"a", b"b", b"192.0.2.1"]),
            st.integers(0, 130).map(bytes),
        ),
        max_size=40,
    ),
    limit=st.integers(60, 120),
    batch_octets=st.integers(61, 2000),
    compression=st.sampled_from(["none", "zstd", "gzip"]),
)
def test_every_message_is_in_its_partition_in_order_or_told_to_be_too_large(
    messages: list[tuple[bytes | None, bytes]], limit: int, batch_octets: int, compression: str
) -> None:
    pack = packer(message_octets=limit, batch_octets=batch_octets, compression=compression).pack
    parcels, too_large = pack(Batch.of("flow", messages), _PARTITIONS)
    assert sorted(too_large) == [
        index for index, (_, payload) in enumerate(messages) if len(payload) > limit
    ]
    sent: dict[int, list[int]] = {}
    for parcel in parcels:
        told = content(parcel)
        assert [offset for offset, _, _ in told] == list(range(len(told)))
        assert [(key, payload) for _, key, payload in told] == [
            messages[index] for index in parcel.indices
        ]
        assert parcel.record_count() == len(told) > 0
        sent.setdefault(parcel.partition, []).extend(parcel.indices)
    for partition, indices in sent.items():
        assert indices == sorted(indices)
        keys = {messages[index][0] for index in indices} - {None}
        assert all(java_hash(key) % len(_PARTITIONS) == partition for key in keys)
    assert sorted([*too_large, *(index for indices in sent.values() for index in indices)]) == list(
        range(len(messages))
    )


@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_compressed_already_is_not_compressed_again(compressed: bool) -> None:
    (parcel,), _ = packer().pack(
        Batch.of("flow", [(b"k", bytes(10_000))], compressed=compressed), _PARTITIONS
    )
    assert (len(parcel._build()) > 10_000) == compressed
    assert content(parcel) == [(0, b"k", bytes(10_000))]
