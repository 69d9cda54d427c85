"""librdkafka's configuration file (`kafka_config_file`) in our exporter's terms.

| global or topic | , | property | , | value |

There are no comments, and a value may hold commas. Properties: librdkafka's CONFIGURATION.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.config.values import printable
from collector.errors import ConfigError
from collector.nfacctd.keys import Treatment
from collector.nfacctd.read_values import (
    Reader,
    UnsupportedValueError,
    existing_file,
    flag,
    integer,
    one_of,
    renamed,
    words,
)

_MAX_OCTETS = 1 << 20
_MAX_MESSAGE = 1_000_000_000

_SECURITIES = {
    "plaintext": (False, False),
    "ssl": (True, False),
    "sasl_plaintext": (False, True),
    "sasl_ssl": (True, True),
}
_NO_LOGIN = "there is no such login: brokers that want it take nothing from us"
_PARTITIONERS = (
    "random",
    "consistent",
    "consistent_random",
    "murmur2",
    "murmur2_random",
)
_NO_PARTITIONER = "keys go to partitions as consistent_random does it"


def _upper(read: Reader) -> Callable[[str], Any]:
    return lambda text: read(text).upper()


# Property: where its value goes in `KafkaConnection` ("." before: in what `Properties` adds), and
# its reader. Properties of topics and global ones have different names but for compression.
_HONOURED: dict[str, tuple[str, Reader]] = {
    "bootstrap.servers": (".bootstrap", words),
    "metadata.broker.list": (".bootstrap", words),
    "client.id": ("client_id", words),
    "compression.codec": ("compression", one_of("none", "gzip", "snappy", "lz4", "zstd")),
    "compression.type": ("compression", one_of("none", "gzip", "snappy", "lz4", "zstd")),
    "message.max.bytes": ("message_octets", integer(1000, _MAX_MESSAGE)),
    "batch.size": ("batch_octets", integer(1, _MAX_MESSAGE)),
    "request.timeout.ms": ("request_timeout_ms", integer(1, 900_000)),
    "security.protocol": (".security", renamed(one_of(*_SECURITIES), _SECURITIES)),
    "ssl.ca.location": ("ca_file", existing_file),
    "ssl.certificate.location": ("cert_file", existing_file),
    "ssl.key.location": ("key_file", existing_file),
    "ssl.key.password": ("key_password", words),
    "enable.ssl.certificate.verification": ("verify_broker", flag),
    "sasl.username": ("username", words),
    "sasl.password": ("password", words),
    "partitioner": (
        "partitioner",
        one_of(
            *_PARTITIONERS,
            unsupported=dict.fromkeys(("fnv1a", "fnv1a_random"), _NO_PARTITIONER),
        ),
    ),
    **dict.fromkeys(
        ("sasl.mechanism", "sasl.mechanisms"),
        (
            "sasl_mechanism",
            _upper(
                one_of(
                    *("plain", "scram-sha-256", "scram-sha-512"),
                    unsupported=dict.fromkeys(("gssapi", "oauthbearer"), _NO_LOGIN),
                )
            ),
        ),
    ),
}
CONNECTION_READERS = {field: read for field, read in _HONOURED.values() if field[0] != "."}
_SECRETS = ("ssl.key.password", "sasl.password")
_SUPERSEDED = {
    **dict.fromkeys(("acks", "request.required.acks"), "all replicas acknowledge every message"),
    **dict.fromkeys(
        ("enable.idempotence", "max.in.flight", "max.in.flight.requests.per.connection"),
        "no message is doubled, and none overtakes another",
    ),
    **dict.fromkeys(
        (
            "retries",
            "message.send.max.retries",
            "retry.backoff.ms",
            "retry.backoff.max.ms",
            "message.timeout.ms",
            "delivery.timeout.ms",
        ),
        "messages wait, up to the limit of memory, until a broker takes them",
    ),
    **dict.fromkeys(
        (
            "queue.buffering.max.messages",
            "queue.buffering.max.kbytes",
            "queue.buffering.max.ms",
            "queue.buffering.backpressure.threshold",
            "linger.ms",
            "batch.num.messages",
            "sticky.partitioning.linger.ms",
        ),
        "a purge is sent at once, in large batches",
    ),
    **dict.fromkeys(
        ("ssl.endpoint.identification.algorithm",),
        "a broker's name is always checked with its certificate",
    ),
}
_FAMILIES = {
    ("socket.", "broker.", "reconnect.", "topic.metadata.", "metadata.", "connections."): (
        "connections are our Kafka library's"
    ),
    ("log", "debug", "statistics.", "delivery.report", "produce.offset.report"): (
        "the log is ours"
    ),
    ("api.version.", "internal.", "client.rack", "client.dns.lookup", "enable.random.seed"): (
        "it is librdkafka's own business"
    ),
}


@dataclass(frozen=True, slots=True)
class Property:
    """One line of the file, and what becomes of it."""

    number: int
    written: str
    treatment: Treatment | None  # None: nobody knows the property
    told: str

    @property
    def sentence(self) -> str:
        """What `--explain` says."""
        return self.told if self.treatment is None else f"{self.treatment.value} {self.told}"


@dataclass(slots=True)
class Properties:
    """One file, read.

    Attributes:
        found: whether the file is there.
        connection: fields of `KafkaConnection` that it sets.
        bootstrap: brokers that it names; None: none.
        login: whether brokers want a login.
        mistakes: values that are wrong, as "file:line: reason".
        warnings: lines that are passed over.
    """

    path: str
    found: bool = False
    connection: dict[str, Any] = field(default_factory=dict)
    bootstrap: str | None = None
    login: bool = False
    properties: list[Property] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def at(self, number: int, reason: str) -> str:
        """Write what is to be said of a line."""
        return printable(f"{self.path}:{number}: {reason}")


def read_librdkafka(path: str) -> Properties:
    """Read the file; one that is not there sets nothing, as with nfacctd.

    Raises:
        ConfigError: it is there and cannot be read.
    """
    found = Properties(path)
    try:
        if not Path(path).exists():
            found.warnings.append(printable(f"{path}: not found: librdkafka's defaults hold"))
            return found
        if not Path(path).is_file():  # a named pipe would make us wait for its writer
            raise ConfigError([printable(f"{path}: is no file")])
        with Path(path).open("rb") as file:
            octets = file.read(_MAX_OCTETS)
        found.found = True
    except OSError as error:
        raise ConfigError([printable(f"{path}: {error.strerror}")]) from error
    for number, row in enumerate(octets.decode(errors="replace").split("\n"), 1):
        if row.strip():
            _read_row(found, number, row)
    if found.login and "sasl_mechanism" not in found.connection:
        reason = f"security.protocol asks for a login, without sasl.mechanisms: {_NO_LOGIN}"
        found.mistakes.append(printable(f"{path}: {reason}"))
    return found


def _read_row(found: Properties, number: int, row: str) -> None:
    scope, _, rest = row.partition(",")
    name, comma, text = (part.strip() for part in rest.partition(","))
    scope = scope.strip().lower()
    if scope not in ("global", "topic") or not comma:
        found.warnings.append(
            found.at(number, "ignored: is neither global, PROPERTY, VALUE nor topic, ...")
        )
        return
    shown = "..." if name in _SECRETS else text
    written = printable(f"{scope}, {name}, {shown}")

    def judge(treatment: Treatment | None, told: str) -> None:
        found.properties.append(Property(number, written, treatment, told))

    if name in _HONOURED:
        try:
            _take(found, name, text)
        except UnsupportedValueError as error:
            judge(Treatment.NOT_SUPPORTED, str(error))
            found.mistakes.append(
                found.at(number, f"{name}: {Treatment.NOT_SUPPORTED.value} {error}")
            )
        except ValueError as error:
            judge(None, f"ignored: {error}")
            found.mistakes.append(found.at(number, f"{name}: {error}"))
        else:
            judge(Treatment.HONOURED, "the same of our exporter")
    elif told := _superseded(name):
        judge(Treatment.SUPERSEDED, told)
    else:
        judge(None, "ignored: our exporter has no such property")
        found.warnings.append(found.at(number, f"{name}: our exporter has no such property"))


def _take(found: Properties, name: str, text: str) -> None:
    target, read = _HONOURED[name]
    value = read(text)
    if target == ".bootstrap":
        found.bootstrap = value
    elif target == ".security":
        found.connection["tls"], found.login = value
    else:
        found.connection[target] = value


def _superseded(name: str) -> str | None:
    if name in _SUPERSEDED:
        return _SUPERSEDED[name]
    for prefixes, told in _FAMILIES.items():
        if name.startswith(prefixes):
            return told
    return None
