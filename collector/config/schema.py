"""Every key of the configuration with the reader of its value; the defaults are in `model.py`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from collector.config.values import (
    BadValue,
    Reader,
    address,
    broker,
    bucket_table,
    each,
    file_name_of,
    filled_text,
    flag,
    integer,
    octets,
    one_of,
    prefix,
    route_distinguisher,
    source_address,
    statement,
    text,
    topic,
    word,
)

LOG_LEVELS = ("debug", "info", "warning", "error")
STEERING_MODES = ("auto", "ebpf", "cbpf", "off")
VIEWS = ("loc-rib", "adj-rib-in-post", "adj-rib-in-pre", "adj-rib-out-post", "adj-rib-out-pre")
COMPRESSIONS = ("zstd", "lz4", "snappy", "gzip", "none")
SECURITIES = ("plaintext", "tls", "sasl_plaintext", "sasl_tls")
SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
FORMATS = ("json", "msgpack", "json-lines", "arrow")
OTHER_RECORDS = ("flow", "bmp")  # what is published besides aggregates
MAX_SLOTS = 256

_DAY_S = 86_400
_MAX_SOCKET_OCTETS = 107  # unix(7): sun_path has 108, with the NUL at its end
_UINT32_MAX = (1 << 32) - 1
_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30

Schema = dict[str, dict[str, Reader]]

# Keys of [[output]] that only one type has; the others are every output's.
OUTPUT_KEYS = {
    "kafka": frozenset(
        {
            "brokers",
            "prefix",
            "compression",
            "max_message_octets",
            "request_timeout_ms",
            "partition_by",
            "security",
            "ca_file",
            "cert_file",
            "key_file",
            "verify_broker",
            "sasl_mechanism",
            "username",
            "password",
            "password_file",
        }
    ),
    "file": frozenset({"path", "rotate_octets", "rotate_s", "keep_files"}),
    "stdout": frozenset(),
}


def schema(directory: Path) -> Schema:
    """Give the readers of all tables, by table and key.

    Args:
        directory: where the operator's file is; relative paths in it start there.
    """
    path = _under(directory, filled_text)
    return {
        "collector": {
            "name": text,
            "workers": integer(0, MAX_SLOTS),
            "log_level": one_of(*LOG_LEVELS),
            "control_socket": _socket_path(directory),
            "stop_timeout_s": integer(0, 3600),
        },
        "steering": {
            "mode": one_of(*STEERING_MODES),
            "allow": each(prefix),
            "buckets": bucket_table,
        },
        "listen": {
            "kind": one_of("flow", "bmp"),
            "address": address,
            "port": integer(0, 65_535),
            "receive_buffer_octets": octets(4 * _KIB, _GIB),
        },
        "device": {
            "addresses": each(source_address, at_least_one=True),
            "rib_of": source_address,
            "views": each(one_of(*VIEWS), at_least_one=True),
            "sampling_rate": integer(1, _UINT32_MAX),
        },
        "rd": {
            "rd": route_distinguisher,
            "device": source_address,
            "vrf_id": integer(0, _UINT32_MAX),
            "ingress_interface": integer(0, _UINT32_MAX),
        },
        "flow": {
            "batch_rows": integer(1, 1_000_000),
            "batch_age_ms": integer(1, 10_000),
            "elements": each(filled_text),
            "extra": flag,
            "element_files": each(path),
            "max_templates": integer(1, 1_000_000),
        },
        "rib": {
            "views": each(one_of(*VIEWS)),
            "stale_s": integer(0, _DAY_S),
            "silence_s": integer(1, 3600),
            "max_routes": integer(1, 2_000_000_000),
        },
        "snapshot": {"interval_s": integer(0, 30 * _DAY_S)},
        "aggregate": {
            "name": _aggregate_name,
            "keys": each(filled_text, at_least_one=True),
            "sums": each(filled_text, at_least_one=True),
            "window_s": integer(1, _DAY_S),
            "time": one_of("end", "arrival"),
            "lateness_s": integer(0, _DAY_S),
            "time_range_s": integer(1, 30 * _DAY_S),
            "max_groups": integer(1, 100_000_000),
        },
        "output": {
            "name": word,
            "type": one_of(*OUTPUT_KEYS),
            "buffer_octets": octets(_MIB, 1024 * _GIB),
            "brokers": each(broker, at_least_one=True),
            "prefix": topic,
            "compression": one_of(*COMPRESSIONS),
            "max_message_octets": octets(_KIB, _GIB),
            "request_timeout_ms": integer(1000, 3_600_000),
            "partition_by": one_of("device", "none"),
            "security": one_of(*SECURITIES),
            "ca_file": path,
            "cert_file": path,
            "key_file": path,
            "verify_broker": flag,
            "sasl_mechanism": one_of(*SASL_MECHANISMS),
            "username": filled_text,
            "password": filled_text,
            "password_file": path,
            "path": _under(directory, file_name_of(("slot", "topic"))),
            "rotate_octets": octets(0, 1024 * _GIB),
            "rotate_s": integer(0, 366 * _DAY_S),
            "keep_files": integer(0, 1_000_000),
        },
        "publish": {
            "records": word,
            "output": word,
            "format": one_of(*FORMATS),
            "filter": statement,
            "columns": each(filled_text),
            "topic": topic,
        },
    }


def _aggregate_name(value: Any) -> str:
    if value in OTHER_RECORDS:
        raise BadValue.of(value, "is the name of other records")
    return word(value)


def _socket_path(directory: Path) -> Reader:
    """Make a reader of the path of a Unix socket, which the kernel keeps in a short field."""
    read = _under(directory, text)

    def read_path(value: Any) -> str:
        name = read(value)
        if len(name.encode()) > _MAX_SOCKET_OCTETS:
            reason = (
                f"must have at most {_MAX_SOCKET_OCTETS} octets, with its directory {directory}"
            )
            raise BadValue.of(value, reason)
        return name

    return read_path


def _under(directory: Path, read: Callable[[Any], str]) -> Reader:
    """Make a reader of paths, relative ones taken from a directory; empty text stays empty."""

    def read_path(value: Any) -> str:
        name = read(value)
        return str(directory / name) if name else name

    return read_path
