"""Exporters and outboxes of one worker, as the configuration names them."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from collector.config.model import OutputTable, PublishTable
from collector.errors import ExportError
from collector.exporters.file import FileExporter, FileOptions
from collector.exporters.kafka_options import KafkaLogin, KafkaOptions, KafkaTls
from collector.exporters.stdout import StdoutExporter
from collector.metrics import Counters
from collector.pipeline.batch import Batch, Exporter
from collector.pipeline.outbox import Outbox
from collector.workers.guard import Guard

BINARY_FORMATS = frozenset({"msgpack", "arrow"})

_PAUSE_S = 1.0  # after an unexpected error

log = logging.getLogger(__name__)


class Outputs:
    """One outbox for each output (and framing) that something is published to.

    Args:
        guard: notes what fails unforeseen; the output then begins anew.
        failed: called when a destination is gone for good (standard output was closed).
        room: called when an outbox that had to drop batches has room again.
    """

    def __init__(
        self,
        outputs: Iterable[OutputTable],
        publishes: Iterable[PublishTable],
        slot: int,
        counters: Counters,
        *,
        guard: Guard,
        failed: Callable[[], None],
        room: Callable[[], None],
    ) -> None:
        self._outboxes: dict[tuple[str, bool], Outbox] = {}
        self._runs: dict[tuple[str, bool], asyncio.Task[None]] = {}
        self._half_octets = {output.name: output.buffer_octets // 2 for output in outputs}
        self._prefix = {
            output.name: f"{output.prefix}." if output.type == "kafka" else "" for output in outputs
        }
        self._keyed = {output.name: output.partition_by == "device" for output in outputs}
        self._guard = guard
        self._failed = failed
        self._draining = False
        by_name = {output.name: output for output in outputs}
        for publish in publishes:
            key = _key(publish)
            if key in self._outboxes:
                continue
            output = by_name[publish.output]
            self._outboxes[key] = Outbox(
                _exporter(output, publish.format not in BINARY_FORMATS, slot),
                limit_octets=output.buffer_octets,
                counters=counters,
                name=output.name,
                on_room=room,
            )

    def start(self) -> None:
        """Begin to send what is put."""
        for key, outbox in self._outboxes.items():
            self._runs[key] = asyncio.ensure_future(self._run(key, outbox))

    def put(self, publish: PublishTable, batch: Batch) -> bool:
        """Queue a batch for the output that ``publish`` names; False: dropped, counted."""
        return self._outboxes[_key(publish)].put(batch)

    def key_column(self, publish: PublishTable) -> str | None:
        """What keys and thereby places a publication's messages; None: they have no key."""
        return "device" if self._keyed[publish.output] else None

    def has_room(self, publish: PublishTable) -> bool:
        """Whether less than half of the buffer of a publication's output is in use."""
        return self._outboxes[_key(publish)].held_octets < self._half_octets[publish.output]

    def topic(self, publish: PublishTable) -> str:
        """The topic of a publication."""
        return publish.topic or f"{self._prefix[publish.output]}{publish.records}"

    async def drain(self, deadline_s: float) -> int:
        """Send what waits; give the number of records left unacknowledged."""
        self._draining = True
        left = await asyncio.gather(
            *(outbox.drain(deadline_s) for outbox in self._outboxes.values())
        )
        return sum(left)

    async def _run(self, key: tuple[str, bool], outbox: Outbox) -> None:
        while not await self._guard.wait("output", self._send(key, outbox)):
            await asyncio.sleep(_PAUSE_S)
            if self._draining:
                return

    async def _send(self, key: tuple[str, bool], outbox: Outbox) -> None:
        try:
            await outbox.run()
        except ExportError as error:
            log.error("output %s is gone: %s", key[0], error)
            self._failed()


def _key(publish: PublishTable) -> tuple[str, bool]:
    return publish.output, publish.format in BINARY_FORMATS


def _exporter(output: OutputTable, lines: bool, slot: int) -> Exporter:
    if output.type == "stdout":
        return StdoutExporter(lines=lines)
    if output.type == "file":
        assert output.path is not None
        return FileExporter(
            FileOptions(
                path=output.path.replace("{slot}", str(slot)),
                lines=lines,
                rotate_octets=output.rotate_octets or None,
                rotate_s=output.rotate_s or None,
                keep=output.keep_files or None,
            )
        )
    # Only here: who has no such output shall not wait for its library, nor give it memory.
    from collector.exporters.kafka import KafkaExporter  # noqa: PLC0415

    return KafkaExporter(_kafka_options(output))


def _kafka_options(output: OutputTable) -> KafkaOptions:
    tls = None
    if "tls" in output.security:
        tls = KafkaTls(
            ca=output.ca_file,
            certificate=output.cert_file,
            key=output.key_file,
            verify=output.verify_broker,
        )
    login = None
    if output.sasl_mechanism:
        password = output.password or ""
        if output.password_file:
            password = Path(output.password_file).read_text().strip()
        login = KafkaLogin(
            mechanism=output.sasl_mechanism, username=output.username or "", password=password
        )
    return KafkaOptions(
        bootstrap=",".join(output.brokers),
        compression=output.compression,
        batch_octets=output.max_message_octets,
        message_octets=output.max_message_octets,
        request_timeout_ms=output.request_timeout_ms,
        tls=tls,
        login=login,
    )
