"""Batches and tables as a worker has them, without decoders or a RIB."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from collector.processors.correlate import JOIN_TEXTS, STATE_TEXTS
from collector.protocols.bgp.route_distinguisher import rd_text
from collector.records.flow_batch import FlowBatch
from collector.records.publish import Tables
from collector.rib.paths import Path
from tests.rib.wire import add_path, new_paths

EXPORTERS = ("192.0.2.1", "192.0.2.2", "2001:db8::3")
_SECOND_US = 1_000_000

_DTYPES = {
    "device": pl.UInt32(),
    "octets": pl.UInt64(),
    "packets": pl.UInt64(),
    "destinationRoute": pl.Int32(),
    "sourceRoute": pl.Int32(),
    "destinationJoin": pl.UInt8(),
    "timeStart": pl.Int64(),
    "timeEnd": pl.Int64(),
    "samplingRate": pl.Float64(),
    "protocol": pl.UInt8(),
}


def tables() -> Tables:
    return Tables(
        EXPORTERS,
        {"destinationJoin": JOIN_TEXTS, "sourceJoin": JOIN_TEXTS, "ribState": STATE_TEXTS},
        new_paths(),
        lambda rd: rd_text(rd.to_bytes(8, "big")),
    )


def path(known: Tables, **says: object) -> int:
    return add_path(known.paths, Path(**says))  # type: ignore[arg-type]


def raw(received_s: float, **columns: Sequence[object]) -> FlowBatch:
    """Make a batch; times are seconds, ``destinationAddress`` IPv4 as numbers; None: not valid."""
    rows = len(next(iter(columns.values())))
    made: dict[str, pl.Series] = {}
    made["timeReceived"] = pl.Series([int(received_s * _SECOND_US)] * rows, dtype=pl.Int64)
    for name, values in columns.items():
        if name.startswith("time"):
            values = [None if v is None else int(v * _SECOND_US) for v in values]
        if name.endswith("Address"):
            mapped = [None if v is None else 0xFFFF_0000_0000 | v for v in values]
            high = [None if v is None else 0 for v in values]
            made[f"{name}.hi"] = pl.Series(high, dtype=pl.UInt64)
            made[f"{name}.lo"] = pl.Series(mapped, dtype=pl.UInt64)
        else:
            made[name] = pl.Series(values, dtype=_DTYPES.get(name))
    made.setdefault("device", pl.Series(np.zeros(rows, np.uint32)))
    batch = FlowBatch(rows, {}, {}, None, np.zeros(rows, np.int64))  # type: ignore[arg-type]
    for name, column in made.items():
        if column.dtype == pl.String:
            batch.columns[name] = column.to_list()
            continue
        batch.columns[name] = column.fill_null(0).to_numpy()
        if column.null_count():
            batch.valid[name.partition(".")[0]] = column.is_not_null().to_numpy()
    return batch
