"""A batch of encoded messages: what travels from the encoders through an outbox to an exporter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from collector.errors import RejectedExportError, RetryableExportError

Message = tuple[bytes | None, bytes]
"""Key (None: no key) and payload."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one topic, in order; they are acknowledged or retried together.

    Attributes:
        topic: where they go; exporters without topics may ignore it.
        messages: (key, payload); messages of one key stay in this order.
        records: how many records the payloads hold together.
        octets: of all payloads together.
        counts: records in each message; None where every message holds one.
        compressed: whether payloads are compressed already: to do it again is for nothing.
    """

    topic: str
    messages: list[Message]
    records: int
    octets: int
    counts: list[int] | None = None
    compressed: bool = False

    @classmethod
    def of(
        cls,
        topic: str,
        messages: list[Message],
        counts: list[int] | None = None,
        octets: int | None = None,
        compressed: bool = False,
    ) -> "Batch":
        """Make a batch and do its sums; those of ``octets`` only where they are not known."""
        records = len(messages) if counts is None else sum(counts)
        if octets is None:
            octets = sum([len(payload) for _, payload in messages])
        return cls(topic, messages, records, octets, counts, compressed)

    def take(self, indices: Sequence[int]) -> "Batch":
        """Make a batch of only these messages, in the order of ``indices``."""
        messages = [self.messages[index] for index in indices]
        counts = self.counts and [self.counts[index] for index in indices]
        return Batch.of(self.topic, messages, counts, compressed=self.compressed)


def merged(batches: Sequence[Batch]) -> Batch:
    """Join batches of one topic into one, in order."""
    if len(batches) == 1:
        return batches[0]
    counts = None
    if any(batch.counts is not None for batch in batches):
        counts = [n for batch in batches for n in batch.counts or [1] * len(batch.messages)]
    return Batch(
        batches[0].topic,
        [message for batch in batches for message in batch.messages],
        sum(batch.records for batch in batches),
        sum(batch.octets for batch in batches),
        counts,
        all(batch.compressed for batch in batches),
    )


class UnfinishedExportError(RetryableExportError):
    """Some messages are acknowledged, ``rest`` is not: send only that again.

    ``refused`` of the others' records were refused for good, for the reason ``why``.
    """

    def __init__(self, reason: str, rest: Batch, refused: int = 0, why: str = "refused") -> None:
        super().__init__(reason)
        self.rest, self.refused, self.why = rest, refused, why


class PartlyRejectedError(RejectedExportError):
    """``refused`` records will never be taken, for the reason ``why``; the others were taken."""

    def __init__(self, reason: str, refused: int, why: str = "refused") -> None:
        super().__init__(reason)
        self.refused, self.why = refused, why


class Exporter(Protocol):
    """A destination: takes one batch at a time and says what became of it.

    Errors: ``RetryableExportError`` (nothing or, by ``UnfinishedExportError``, a part was taken:
    send again), ``RejectedExportError`` (all or, by ``PartlyRejectedError``, a part never will
    be). Any other ``ExportError`` says that the destination is gone for good.
    """

    async def start(self) -> None:
        """Make ready; must not wait for a destination that may be away."""

    async def send(self, batch: Batch) -> None:
        """Return when every message of the batch is acknowledged."""

    async def close(self) -> None:
        """Release everything, also what a cancelled ``send`` left."""
