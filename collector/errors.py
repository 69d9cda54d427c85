"""The errors of the collector: one class per reaction, not per cause."""


class CollectorError(Exception):
    """Anything that this project raises on purpose."""


class ConfigError(CollectorError):
    """The configuration has mistakes: the operator edits the file. Exit 2, before any socket.

    ``mistakes`` lists all of them, one line each, so that one run shows everything to mend.
    """

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__(mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(self.mistakes)


class SteeringError(CollectorError):
    """The kernel refused a program or a socket: the next rung if "auto", else exit 3."""


class DecodeError(CollectorError):
    """A device sent octets its protocol forbids; drop them, count, carry on."""

    def __init__(self, offset: int, reason: str, source: str) -> None:
        super().__init__(offset, reason, source)
        self.offset, self.reason, self.source = offset, reason, source

    def __str__(self) -> str:
        return f"octet {self.offset}: {self.reason} ({self.source})"


class TruncatedError(DecodeError):
    """Octets end before the field they promise."""


class MalformedError(DecodeError):
    """Octets are all there and contradict the protocol."""


class ExportError(CollectorError):
    """A destination did not take a batch."""


class RetryableExportError(ExportError):
    """The destination may take the same batch later: back off, send again."""


class RejectedExportError(ExportError):
    """The destination will never take this batch: drop it, count it."""
