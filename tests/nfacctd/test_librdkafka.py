"""librdkafka's file: what our exporter takes over, what it needs not, what nobody knows."""

from pathlib import Path

import pytest

from collector.errors import ConfigError
from collector.nfacctd.keys import Treatment
from collector.nfacctd.librdkafka import Properties, read_librdkafka
from collector.nfacctd.read_settings import read_text


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Properties:
        path = tmp_path / "librdkafka.conf"
        path.write_text(text)
        return read_librdkafka(str(path))

    return write


def test_properties_become_those_of_our_exporter(write, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    found = write(
        "global, bootstrap.servers, k1:1000,k2\n"
        "GLOBAL,client.id,me\n\n"
        "topic, compression.codec, ZSTD\n"
        "global, message.max.bytes, 2000000\n"
        "topic, partitioner, murmur2_random\n"
        "global, security.protocol, SASL_SSL\n"
        f"global, ssl.ca.location, {ca}\n"
        "global, sasl.mechanisms, scram-sha-512\n"
        "global, sasl.username, u\n"
        "global, sasl.password, a,b\n"
    )
    assert (found.mistakes, found.warnings) == ([], [])
    assert found.bootstrap == "k1:1000,k2"
    assert found.connection == {
        "client_id": "me",
        "compression": "zstd",
        "message_octets": 2_000_000,
        "partitioner": "murmur2_random",
        "tls": True,
        "ca_file": str(ca),
        "sasl_mechanism": "SCRAM-SHA-512",
        "username": "u",
        "password": "a,b",
    }
    assert {entry.treatment for entry in found.properties} == {Treatment.HONOURED}
    assert "a,b" not in "".join(entry.written for entry in found.properties)


@pytest.mark.parametrize(
    "row",
    [
        "topic, request.required.acks, 1",
        "global, queue.buffering.max.messages, 1000",
        "global, socket.keepalive.enable, true",
        "global, log_level, 7",
        "global, statistics.interval.ms, 1000",
    ],
)
def test_some_properties_are_superseded(write, row: str) -> None:
    found = write(row)
    assert (found.mistakes, found.warnings, found.connection) == ([], [], {})
    assert [entry.treatment for entry in found.properties] == [Treatment.SUPERSEDED]


@pytest.mark.parametrize(
    "row",
    ["global, no.such.property, 1", "local, client.id, me", "# comment", "global, client.id", ","],
)
def test_what_nobody_knows_is_told(write, row: str) -> None:
    found = write(row)
    (warning,) = found.warnings
    assert warning.startswith(f"{found.path}:1: ")
    assert (found.mistakes, found.connection) == ([], {})


@pytest.mark.parametrize(
    "row",
    [
        "global, compression.codec, brotli",
        "global, message.max.bytes, x",
        "global, security.protocol, tls",
        "global, security.protocol, sasl_ssl",
        "global, sasl.mechanisms, GSSAPI",
        "global, ssl.ca.location, /nonexistent",
        "topic, partitioner, fnv1a",
    ],
)
def test_what_we_cannot_do_is_a_mistake(write, row: str) -> None:
    (mistake,) = write(row).mistakes
    assert mistake.startswith("/")


def test_a_file_that_is_not_there_sets_nothing(tmp_path: Path) -> None:
    found = read_librdkafka(str(tmp_path / "missing"))
    assert (found.connection, found.mistakes, len(found.warnings)) == ({}, [], 1)
    with pytest.raises(ConfigError):
        read_librdkafka(str(tmp_path))


def test_a_broker_of_the_configuration_comes_before_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "librdkafka.conf"
    path.write_text("global, metadata.broker.list, k1:1000\n")
    text = f"plugins: kafka[a], kafka[b]\nkafka_config_file: {path}\nkafka_broker_host[b]: k2\n"
    reading = read_text(text, "x.conf")
    first, second = (plugin.kafka for plugin in reading.settings.plugins)
    assert first is not None
    assert second is not None
    assert first.connection.brokers == ("k1:1000",)
    assert second.connection.brokers == ("k2:9092",)
    assert len(reading.properties) == 1
