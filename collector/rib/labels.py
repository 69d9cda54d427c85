"""MPLS label stacks of routes as one integer each, as nearly all are a single label (RFC 8277)."""

import numpy as np
from numpy.typing import NDArray

from collector.rib.interned import Interned


class LabelStacks:
    """Codes: 0 no label, label + 1 for a single one, below 0 for a deeper stack, kept here."""

    def __init__(self, limit: int) -> None:
        self._stacks = Interned(limit)

    def __len__(self) -> int:
        return len(self._stacks)

    def code(self, labels: tuple[int, ...]) -> int:
        """Return the code of a stack; past the limit of deep stacks that of its top label.

        A code below 0 is valid until the next `collect` and as long as it is held.
        """
        if len(labels) <= 1:
            return labels[0] + 1 if labels else 0
        number = self._stacks.add(labels)
        return -number if number else labels[0] + 1

    def labels(self, code: int) -> tuple[int, ...]:
        """Return the stack of a code."""
        if code < 0:
            return self._stacks.values[-code]
        return (code - 1,) if code else ()

    def exchange(self, old: NDArray[np.int32], new: NDArray[np.int32]) -> None:
        """Count the stacks that routes gained and lost."""
        self._stacks.hold(-new[new < 0])
        self._stacks.release(-old[old < 0])

    def collect(self) -> None:
        """Free stacks that no route has."""
        self._stacks.collect()
