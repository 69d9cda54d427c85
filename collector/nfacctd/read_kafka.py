"""Where a stream of records goes in Kafka: brokers, topic, key, and librdkafka's own file."""

import re
from collections.abc import Callable
from typing import Any

from collector.config.values import BadValue, broker
from collector.errors import ConfigError
from collector.nfacctd.librdkafka import Properties, read_librdkafka
from collector.nfacctd.read_lines import Lines
from collector.nfacctd.settings import KafkaConnection, KafkaSettings

_DEFAULT_PORT = 9092
_TLS_SCHEME = "ssl://"

Files = dict[str, Properties]
"""librdkafka's files by name: several streams may share one."""


def read_kafka(
    lines: Lines, values: dict[str, Any], files: Files, at: Callable[[str, str], str]
) -> KafkaSettings:
    """Build the settings of one stream.

    Args:
        values: what is set of it, by attribute.
        files: gets what `config_file` says, if it was not read yet.
        at: writes what is to be said of an attribute.
    """
    values = dict(values)
    connection: dict[str, Any] = {}
    bootstrap = None
    path = values.pop("config_file", None)
    if path is not None:
        properties = _file(lines, path, files, at)
        connection, bootstrap = dict(properties.connection), properties.bootstrap
        if properties.found:
            connection["librdkafka_file"] = path
    host = values.pop("broker_host", None)
    port = values.pop("broker_port", _DEFAULT_PORT)
    if host is None and bootstrap is not None:
        host, port = bootstrap, _DEFAULT_PORT
    try:
        connection["brokers"], tls = _brokers(host or "127.0.0.1", port)
    except ValueError as error:
        lines.refused.append(at("broker_host", str(error)))
    else:
        connection["tls"] = tls or connection.get("tls", False)
    return KafkaSettings(connection=KafkaConnection(**connection), **values)


def _file(lines: Lines, path: str, files: Files, at: Callable[[str, str], str]) -> Properties:
    if path not in files:
        files[path] = Properties(path)
        try:
            files[path] = read_librdkafka(path)
        except ConfigError as error:
            lines.mistakes += [at("config_file", reason) for reason in error.mistakes]
        lines.refused += files[path].mistakes
        lines.warnings += files[path].warnings
    return files[path]


def connection_of_file(path: str) -> dict[str, Any]:
    """Give the fields of `KafkaConnection` that a file of librdkafka sets, itself among them.

    Raises:
        ConfigError: the file is not there, or has mistakes.
    """
    properties = read_librdkafka(path)
    mistakes = list(properties.mistakes if properties.found else properties.warnings)
    connection = properties.connection | {"librdkafka_file": path}
    if properties.bootstrap is not None:
        try:
            connection["brokers"], tls = _brokers(properties.bootstrap, _DEFAULT_PORT)
            connection["tls"] = tls or connection.get("tls", False)
        except ValueError as error:
            mistakes.append(f"{path}: {error}")
    if mistakes:
        raise ConfigError(mistakes)
    return connection


def _brokers(text: str, port: int) -> tuple[tuple[str, ...], bool]:
    """Read ``broker1:9000,broker2`` or a host alone; give HOST:PORT of each, and if TLS.

    Raises:
        ValueError: an entry is none.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    hosts = [entry.removeprefix(_TLS_SCHEME) for entry in entries]
    if len(hosts) == 1 and hosts[0].count(":") > 1 and not hosts[0].startswith("["):
        hosts = [f"[{hosts[0]}]"]  # an IPv6 address alone needs no brackets
    default = port if len(hosts) == 1 else _DEFAULT_PORT
    found = dict.fromkeys(_broker(host, default) for host in hosts)
    if not found:
        raise ValueError("names no broker")
    return tuple(found), any(entry.startswith(_TLS_SCHEME) for entry in entries)


def _broker(text: str, default_port: int) -> str:
    named = text if re.search(r":[0-9]+$", text.rpartition("]")[2]) else f"{text}:{default_port}"
    try:
        return broker(named)
    except BadValue:
        raise ValueError(f'"{text}" is no broker: HOST or HOST:PORT') from None
