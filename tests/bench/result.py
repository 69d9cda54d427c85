"""What one run of a row showed."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One run.

    Attributes:
        figures: by unit ("us/flow"); CPU is that of all processes of the subject.
        faults: why the run is invalid; empty where it is not.
        notes: what a reader should know beside.
    """

    row: str
    subject: str
    figures: dict[str, float]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def document(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)
