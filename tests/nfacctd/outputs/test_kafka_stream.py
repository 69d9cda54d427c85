"""Topics, keys and packing of records for Kafka."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.metrics import Counters
from collector.nfacctd.outputs.encoding import FLOWS, Entry, Fields, json_octets
from collector.nfacctd.outputs.kafka_stream import KafkaStream, Packing, kafka_options, packed
from collector.nfacctd.outputs.variables import Pattern, key_variables, topic_variables
from collector.nfacctd.settings import KafkaConnection, KafkaSettings, Plugin

PLUGIN = Plugin(name="k", type="kafka", post_tag=7)
A = {"peer_ip_src": "192.0.2.1", "tag": 1, "tag2": 2, "ip_proto": "tcp", "iface_in": 5}
ONE = Packing()
B = {"peer_ip_src": "2001:db8::1", "tag": 10, "ip_src": "10.0.0.1", "port_dst": 53}


def stream(
    settings: KafkaSettings, packing: Packing = ONE, counters: Counters | None = None
) -> KafkaStream:
    key = settings.partition_key
    return KafkaStream(
        "k",
        settings,
        json_octets,
        packing,
        Counters() if counters is None else counters,
        topic=Pattern(settings.topic, topic_variables(PLUGIN)),
        key=None
        if key is None
        else Pattern(key, key_variables(PLUGIN) if settings.partition_dynamic else {}),
    )


def entries(*records: Fields) -> list[Entry]:
    return [Entry(FLOWS, record, record, 0) for record in records]


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("flows", "flows", "flows"),
        ("$peer_src_ip", "192_0_2_1", "2001_db8__1"),
        ("a-$tag.$tag2", "a-1.2", "a-10.0"),
        ("$tag_x", "1_x", "10_x"),
        ("$post_tag$post_tag2", "70", "70"),
        ("$other$", "$other$", "$other$"),
        ("$proto/$src_host", "6/", "0/10_0_0_1"),
        ("$dst_port:$src_port:$in_iface", "0:0:5", "53:0:0"),
    ],
)
def test_variables_are_replaced(text: str, first: str, second: str) -> None:
    pattern = Pattern(text, key_variables(PLUGIN))
    assert (pattern.expand(A), pattern.expand(B)) == (first, second)


def test_topics_and_keys_are_of_each_record() -> None:
    settings = KafkaSettings(topic="t-$tag", partition_key="$peer_src_ip", partition_dynamic=True)
    batches = stream(settings).batches(entries(A, B, A))
    assert [batch.topic for batch in batches] == ["t-1", "t-10"]
    assert batches[0].messages == [(b"192_0_2_1", json_octets(FLOWS, A))] * 2
    assert batches[1].messages == [(b"2001_db8__1", json_octets(FLOWS, B))]


def test_a_literal_key_keeps_its_dollars() -> None:
    settings = KafkaSettings(partition_key="$tag")
    (batch,) = stream(settings).batches(entries(A))
    assert batch.messages[0][0] == b"$tag"


def test_topics_take_turns_over_batches() -> None:
    turns = stream(KafkaSettings(topic="t", topic_rr=3))
    first, second = turns.batches(entries(A, A, A, A)), turns.batches(entries(B))
    assert [(batch.topic, batch.records) for batch in first] == [("t_0", 2), ("t_1", 1), ("t_2", 1)]
    assert [batch.topic for batch in second] == ["t_1"]


def test_many_records_share_a_message_but_no_key() -> None:
    settings = KafkaSettings(partition_key="$tag", partition_dynamic=True)
    packing = Packing(octets=1000, records=None)
    (batch,) = stream(settings, packing).batches(entries(A, B, A))
    assert [key for key, _ in batch.messages] == [b"1", b"10"]
    assert (batch.counts, batch.records) == ([2, 1], 3)
    assert [json.loads(line) for line in batch.messages[0][1].split(b"\n")] == [A, A]


@given(
    st.lists(st.binary(max_size=40), max_size=40),
    st.none() | st.integers(1, 100),
    st.none() | st.integers(1, 9),
)
def test_packing_keeps_order_and_limits(
    payloads: list[bytes], octets: int | None, records: int | None
) -> None:
    messages = packed(payloads, Packing(octets, records, b""))
    assert b"".join(message for message, _ in messages) == b"".join(payloads)
    assert sum(count for _, count in messages) == len(payloads)
    for message, count in messages:
        assert records is None or count <= records
        assert octets is None or len(message) <= octets or count == 1


def test_what_cannot_be_encoded_is_counted() -> None:
    counters = Counters()
    broken = stream(KafkaSettings(), counters=counters)

    def refuse(_kind: str, _fields: Fields) -> bytes:
        raise ValueError

    broken._encode = refuse
    assert broken.batches(entries(A, B)) == []
    assert counters["nfacctd_unwritable.k"] == 2


def test_connection_settings_reach_the_exporter() -> None:
    connection = KafkaConnection(
        brokers=("b:1",), tls=True, sasl_mechanism="PLAIN", username="u", password="p"
    )
    options = kafka_options(KafkaSettings(connection=connection, partition=3))
    assert (options.bootstrap, options.partition, options.protocol) == ("b:1", 3, "SASL_SSL")
    plain = kafka_options(KafkaSettings())
    assert (plain.partition, plain.protocol, plain.compression) == (None, "PLAINTEXT", "none")
