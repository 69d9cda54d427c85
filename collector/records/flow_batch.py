"""A batch of flow records as columns: whatever sent them and however they were laid out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

# IPv4 addresses stand in the low half as ::ffff:a.b.c.d.
IPV4_MAPPED = np.uint64(0xFFFF_0000_0000)


@dataclass(slots=True)
class SetColumns:
    """What the messages said around the records: one row for each Data Set of the batch."""

    exporter: NDArray[np.uint32]  # index into the worker's table of exporters
    observation_domain_id: NDArray[np.uint32]
    template_id: NDArray[np.int64]
    version: NDArray[np.int64]
    export_time_us: NDArray[np.int64]
    received_us: NDArray[np.int64]
    uptime_ms: NDArray[np.int64]  # -1 where the header has none
    init_ms: NDArray[np.int64]  # start of the exporter, 0 where not known
    header_sampling: NDArray[np.int64]  # NetFlow v5's interval, 0 where there is none
    sequence: NDArray[np.int64]


@dataclass(slots=True)
class FlowBatch:
    """Records of one batch, in columns.

    Attributes:
        rows: number of records.
        columns: name to values, shape (rows,). An address is two columns, ``NAME.hi`` and
            ``NAME.lo``; texts are lists.
        valid: shape (rows,), for the columns in which a value may be missing; the key of an
            address is its name without the half.
        sets: what the messages said.
        set_of_row: shape (rows,), index into ``sets``.
    """

    rows: int
    columns: dict[str, Any]
    valid: dict[str, NDArray[np.bool_]]
    sets: SetColumns
    set_of_row: NDArray[np.int64]
    # Value tables of columns of small integers (exporters, joins), by column name.
    tables: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, values: Any, valid: NDArray[np.bool_] | None = None) -> None:
        """Add or replace a column; ``valid`` None: no value is missing."""
        self.columns[name] = values
        self._mark(name, valid)

    def add_address(
        self,
        name: str,
        high: NDArray[np.uint64],
        low: NDArray[np.uint64],
        valid: NDArray[np.bool_] | None = None,
    ) -> None:
        """Add or replace a column of addresses."""
        self.columns[f"{name}.hi"] = high
        self.columns[f"{name}.lo"] = low
        self._mark(name, valid)

    def _mark(self, name: str, valid: NDArray[np.bool_] | None) -> None:
        if valid is None:
            self.valid.pop(name, None)
        else:
            self.valid[name] = valid


def is_ipv4(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which addresses are IPv4: shape (n,)."""
    return (high == 0) & ((low >> np.uint64(32)) == np.uint64(0xFFFF))
