"""Outputs: that each has the keys of its type, and the files it needs."""

from collections.abc import Iterator
from pathlib import Path

from collector.config.draft import Draft, Entry
from collector.config.files import FileError, check_appendable, read_text
from collector.config.schema import OUTPUT_KEYS
from collector.errors import ConfigError

_TLS_FILES = ("ca_file", "cert_file", "key_file")
_LOGIN = ("sasl_mechanism", "username", "password", "password_file")


def check_outputs(draft: Draft) -> Iterator[str]:
    """Give the mistakes of [[output]]."""
    for entry in draft.lists["output"]:
        if not entry.right("type"):
            continue
        yield from _foreign_keys(entry)
        if entry["type"] == "kafka":
            yield from _check_kafka(entry)
        elif entry["type"] == "file":
            yield from _check_file(entry)


def _foreign_keys(entry: Entry) -> Iterator[str]:
    for kind, keys in OUTPUT_KEYS.items():
        if kind != entry["type"]:
            for key in entry.given:
                if key in keys and entry.right(key):
                    reason = f'only an output of type = "{kind}" has this'
                    yield entry.mistake(key, reason)


def _check_file(entry: Entry) -> Iterator[str]:
    if not entry.right("path"):
        return
    if entry["path"] is None:
        yield f"{entry.label} path: is missing"
        return
    try:
        check_appendable(Path(entry["path"]))
    except FileError as error:
        yield entry.mistake("path", str(error))


def _check_kafka(entry: Entry) -> Iterator[str]:
    if entry.right("brokers") and not entry["brokers"]:
        yield f'{entry.label} brokers: is missing; such as ["kafka1.example.net:9092"]'
    if entry.right("security"):
        yield from _check_tls(entry)
        yield from _check_login(entry)


def _check_tls(entry: Entry) -> Iterator[str]:
    if "tls" not in entry["security"]:
        for key in _TLS_FILES:
            if key in entry.given:
                yield f'{entry.label} {key}: needs security = "tls" or "sasl_tls"'
        return
    if not entry.right(*_TLS_FILES, "verify_broker"):
        return
    if entry["key_file"] and not entry["cert_file"]:
        yield entry.mistake("key_file", "needs cert_file, too")
        return
    # Only here: it takes a while, and most configurations have no use for it.
    from collector.exporters.kafka_options import KafkaTls  # noqa: PLC0415

    tls = KafkaTls(
        ca=entry["ca_file"],
        certificate=entry["cert_file"],
        key=entry["key_file"],
        verify=entry["verify_broker"],
    )
    try:
        tls.context()
    except ConfigError as error:
        yield from (f"{entry.label} {mistake}" for mistake in error.mistakes)


def _check_login(entry: Entry) -> Iterator[str]:
    if "sasl" not in entry["security"]:
        for key in _LOGIN:
            if key in entry.given:
                yield f'{entry.label} {key}: needs security = "sasl_tls" or "sasl_plaintext"'
        return
    for key in ("sasl_mechanism", "username"):
        if entry.right(key) and entry[key] is None:
            yield f'{entry.label} {key}: is missing, security = "{entry["security"]}" needs it'
    if not entry.right("password", "password_file"):
        return
    if (entry["password"] is None) == (entry["password_file"] is None):
        yield f"{entry.label} password_file: give either this or password"
    elif entry["password_file"] is not None:
        try:
            if not read_text(Path(entry["password_file"])).strip():
                yield entry.mistake("password_file", "is empty")
        except FileError as error:
            yield entry.mistake("password_file", str(error))
