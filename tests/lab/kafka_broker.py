"""A real Kafka broker (one node, KRaft) for lab tests and benches, in any network namespace.

    broker = KafkaBroker(tmp_path, properties={"num.partitions": "4"})
    with broker:                      # start ... stop; also broker.kill(), broker.restart()
        ...                           # broker.bootstrap is "127.0.0.1:PORT"
        rows = broker.consume("collector.flow")

In a namespace: ``KafkaBroker(tmp_path, address="10.0.0.9", namespace="lab-kafka")``; ports are
always free ones unless named. Topics appear at their first use (``num.partitions`` of them).
"""

import base64
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.lab.java import JAVA, fetched, free_ports, start_java
from tests.lab.kafka_tls import Certificates, make_certificates

_HERE = Path(__file__).parent / "kafka"
_STARTED = re.compile(rb"Kafka Server started")

USER, PASSWORD = "collector", "correct-horse"
"""The one SASL user of every secure broker, for PLAIN and both SCRAM mechanisms."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as a consumer read it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes


class KafkaBroker:
    """One broker process with its data below ``directory``; data survives stop and kill.

    Args:
        directory: an empty or new directory of this broker alone.
        address: where it listens and what it advertises; must exist in ``namespace``.
        port: of the PLAINTEXT listener; 0 takes a free one. It stays the same over restarts.
        namespace: network namespace to run in; None is the caller's own.
        secure: also listen with SASL_SSL (``sasl_bootstrap``: PLAIN, SCRAM-SHA-256/512) and with
            SSL that asks for a client certificate (``tls_bootstrap``); see ``certificates``.
        properties: lines of server.properties to add or replace.
        heap: of the Java process.
    """

    def __init__(
        self,
        directory: Path,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        namespace: str | None = None,
        secure: bool = False,
        properties: dict[str, str] | None = None,
        heap: str = "256m",
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.log = directory / "broker.log"
        self._in_namespace = ["ip", "netns", "exec", namespace] if namespace else []
        ports = free_ports(4)
        self.bootstrap = f"{_host(address)}:{port or ports[0]}"
        self.sasl_bootstrap = f"{_host(address)}:{ports[1]}"
        self.tls_bootstrap = f"{_host(address)}:{ports[2]}"
        self.certificates: Certificates | None = None
        if secure:
            self.certificates = make_certificates(directory / "tls", address)
        self._properties = self._server_properties(f"{_host(address)}:{ports[3]}")
        self._properties.update(properties or {})
        self._heap = heap
        self._classpath = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started, and neither stopped nor killed since."""
        return self._process is not None

    def start(self, timeout_s: float = 60.0) -> None:
        """Format the data directory the first time, start, and wait until it takes records."""
        self.launch()
        self.wait_until_ready(timeout_s)

    def launch(self) -> None:
        """Start the process and return at once: for tests of a broker that is not there yet."""
        assert self._process is None, "already running"
        self._classpath = f"{jars()}/*"
        settings = self.directory / "server.properties"
        if not settings.exists():
            settings.write_text("".join(f"{k}={v}\n" for k, v in self._properties.items()))
            self._format(settings)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        arguments = [f"-Xmx{self._heap}"]
        arguments += [f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}"]
        arguments += ["-cp", self._classpath, "kafka.Kafka", str(settings)]
        self._process = start_java(arguments, self.log, inside=self._in_namespace)

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until the broker says that it started: its log is readable from any namespace."""
        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        while not _STARTED.search(self._log_text()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                tail = self._log_text()[-3000:].decode(errors="replace")
                raise RuntimeError(f"the Kafka broker did not start:\n{tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order (SIGTERM); no error where it is not running."""
        self._end(lambda process: process.terminate())

    def kill(self) -> None:
        """kill -9: what it had acknowledged must still be there after ``start``."""
        self._end(lambda process: process.kill())

    def restart(self, timeout_s: float = 60.0) -> None:
        """Stop and start on the same ports with the same data."""
        self.stop()
        self.start(timeout_s)

    def consume(self, topic: str, timeout_s: float = 60.0) -> list[Record]:
        """Read all that a topic holds now, by kcat, in order of offset within each partition."""
        # Lengths before the octets: a payload may hold newlines, and -D '' adds none.
        form = "%p %o %K %S\n%k%s"
        command = [*self._in_namespace, "kcat", "-q", "-C", "-e", "-D", "", "-f", form]
        command += ["-b", self.bootstrap, "-t", topic, "-o", "beginning"]
        run = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
        if run.returncode:
            raise RuntimeError(f"kcat: {run.stderr.decode(errors='replace')}")
        return sorted(_records(run.stdout), key=lambda r: (r.partition, r.offset))

    def _end(self, how) -> None:
        if self._process is not None:
            how(self._process)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _log_text(self) -> bytes:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read()

    def _format(self, settings: Path) -> None:
        # The octet 0 keeps "-" out of the first place, where it would begin an option.
        cluster = base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode().rstrip("=")
        command = ["java", "-Xmx128m", *JAVA, "-cp", self._classpath]
        command += [f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}"]
        command += ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)]
        if self.certificates:
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                command += ["--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def _server_properties(self, controller: str) -> dict[str, str]:
        listeners = [f"PLAINTEXT://{self.bootstrap}"]
        if self.certificates:
            listeners += [f"SASL_SSL://{self.sasl_bootstrap}", f"SSL://{self.tls_bootstrap}"]
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": ",".join([*listeners, f"CONTROLLER://{controller}"]),
            "advertised.listeners": ",".join(listeners),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
            "SASL_SSL:SASL_SSL,SSL:SSL",
            "log.dirs": str(self.directory / "data"),
            **_SMALL,
            **(_secure(self.certificates) if self.certificates else {}),
        }


# One node is enough for every internal topic; the last five shorten recovery after kill -9.
_SMALL = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "200",
    "controller.quorum.election.timeout.ms": "300",
    "controller.quorum.election.backoff.max.ms": "300",
    "controller.quorum.fetch.timeout.ms": "600",
}


def _secure(certificates: Certificates) -> dict[str, str]:
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    listener = "listener.name.sasl_ssl"
    return {
        "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
        f"{listener}.scram-sha-256.sasl.jaas.config": scram,
        f"{listener}.scram-sha-512.sasl.jaas.config": scram,
        f"{listener}.plain.sasl.jaas.config": f'{plain} user_{USER}="{PASSWORD}";',
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.broker),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.ca),
        "listener.name.ssl.ssl.client.auth": "required",
    }


def jars() -> Path:
    """Directory with the broker's jars, resolved by Maven once per version of the POM."""
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime")
    return fetched(_HERE / "pom.xml", *goal)


def missing_programs() -> list[str]:
    """What a broker needs that this machine lacks: lab tests name it when they are skipped."""
    needed = ("java", "mvn", "kcat", "openssl", "setpriv")
    return [program for program in needed if shutil.which(program) is None]


def _records(octets: bytes) -> Iterator[Record]:
    start = 0
    while start < len(octets):
        end = octets.index(b"\n", start)
        partition, offset, key, value = (int(n) for n in octets[start:end].split())
        start = end + 1
        key_end = start + max(key, 0)
        value_end = key_end + max(value, 0)
        key_octets = None if key < 0 else octets[start:key_end]
        yield Record(partition, offset, key_octets, octets[key_end:value_end])
        start = value_end


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
