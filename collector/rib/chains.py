"""The prefixes that cover each of many addresses, longest first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Chains:
    """A column of prefix ids for each step down; most addresses need the first one only.

    Args:
        columns: shape (depth, m), prefix ids, 0 after the last one; depth is at least 1.
        rows: shape (n,), index into the columns for each address; None: m is n, in order.
    """

    __slots__ = ("_columns", "_rows")

    def __init__(self, columns: NDArray[np.int32], rows: NDArray[np.int32] | None = None) -> None:
        self._columns = columns
        self._rows = rows

    @property
    def depth(self) -> int:
        """How many prefixes an address may have."""
        return len(self._columns)

    def __len__(self) -> int:
        return self._columns.shape[1] if self._rows is None else len(self._rows)

    def at(self, depth: int, which: slice | NDArray[np.intp]) -> NDArray[np.int32]:
        """Return a prefix of each chosen address: the ``depth``-th longest, from 0 on; 0: none.

        The array is the caller's own.
        """
        if self._rows is None:
            return self._columns[depth][which].copy()
        return self._columns[depth].take(self._rows[which])
