"""What an operator may say about a Kafka cluster: addresses, limits, TLS and login."""

import ssl
from dataclasses import dataclass, field
from typing import Literal

from collector.errors import ConfigError

Compression = Literal["zstd", "lz4", "snappy", "gzip", "none"]
Partitioner = Literal["murmur2", "crc32", "random"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaTls:
    """TLS to the brokers; all files are PEM.

    Attributes:
        ca: file of trusted authorities; None takes the system's.
        certificate: our certificate and its chain, for brokers that ask for one.
        key: its private key; None where it is in the same file.
        key_password: of an encrypted key.
        verify: check the broker's certificate and name; False only for tests.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    key_password: str | None = field(default=None, repr=False)
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """Load the files.

        Raises:
            ConfigError: a file cannot be read, or holds no certificate or no fitting key.
        """
        mistakes = []
        context = ssl.create_default_context()
        try:
            if self.ca is not None:
                context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            mistakes.append(f"tls ca {self.ca}: {error}")
        try:
            if self.certificate is not None:
                # Without a password function OpenSSL would ask for one on the terminal.
                context.load_cert_chain(self.certificate, self.key, lambda: self.key_password or "")
        except OSError as error:
            mistakes.append(f"tls certificate {self.certificate}, key {self.key}: {error}")
        if mistakes:
            raise ConfigError(mistakes)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaLogin:
    """SASL: who we are to the brokers."""

    mechanism: Mechanism
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaOptions:
    """One cluster and how to write to it.

    Attributes:
        bootstrap: "host:port" of some brokers, separated by commas.
        client_id: our name in the brokers' logs.
        compression: of each Kafka batch; gzip costs ten times as much CPU as zstd and lz4 five
            times, as aiokafka sets them.
        batch_octets: of one Kafka batch before compression, at most ``message_octets``; below the
            topic's ``max.message.bytes`` it is never refused, above it we halve it until it is
            taken.
        message_octets: a single message beyond this is dropped before it is sent.
        request_timeout_ms: with 5000 a restart of the broker fails sends; 40 000 does not.
        partition: where every message goes; None: by its key, and messages without a key to one
            partition after the other, a batch each.
        partitioner: how a key becomes a partition: "murmur2" as Java's clients do it, "crc32" as
            librdkafka does, "random": keys do not count.
    """

    bootstrap: str
    client_id: str = "collector"
    compression: Compression = "zstd"
    batch_octets: int = 1 << 20
    message_octets: int = 1 << 20
    request_timeout_ms: int = 40_000
    partition: int | None = None
    partitioner: Partitioner = "murmur2"
    tls: KafkaTls | None = None
    login: KafkaLogin | None = None

    @property
    def protocol(self) -> str:
        """Kafka's name for this combination of TLS and login."""
        transport = "SSL" if self.tls else "PLAINTEXT"
        return f"SASL_{transport}" if self.login else transport
