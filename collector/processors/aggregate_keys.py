"""The key columns of an aggregate as integers, from a batch that may lack some of them."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from collector.records.columns import FROM_FIELDS, JOIN_SIDES, KINDS, Kind
from collector.records.frame import null_where_not
from collector.records.publish import PATH_COLUMNS
from collector.rib.paths import Paths

# What the paths' own columns of integers answer; the rest of a path is text, and its id stands for
# it until the window is published.
_INTEGER_OF_PATH = {
    f"{side}{what}": (f"{side}Route", attribute)
    for side in JOIN_SIDES
    for what, attribute in (
        ("OriginAs", "origin_as"),
        ("PeerAs", "peer_as"),
        ("LocalPref", "local_pref"),
        ("Med", "med"),
    )
}
# A column that one batch lacks has the type that it has in the others.
_DTYPES: dict[Kind, pl.DataType] = {
    Kind.ADDRESS: pl.UInt64(),
    Kind.PREFIX: pl.UInt64(),
    Kind.MAC: pl.UInt64(),
    Kind.RD: pl.UInt64(),
    Kind.TIMESTAMP: pl.Int64(),
    Kind.TEXT: pl.String(),
    Kind.CODE: pl.UInt8(),
}
_INTEGER_DTYPES = {
    column.name: pl.Series(np.zeros(0, column.dtype)).dtype for column in FROM_FIELDS
}


class KeyColumns:
    """Which raw columns the keys of one aggregate need, and how they are taken from a batch.

    Attributes:
        route_columns: columns of path ids among them; whoever keeps rows must hold those paths.
    """

    def __init__(self, keys: Sequence[str], paths: Paths) -> None:
        self._paths = paths
        self._keys = tuple(keys)
        texts = PATH_COLUMNS.difference(_INTEGER_OF_PATH)
        self.route_columns = tuple(
            f"{side}Route"
            for side in JOIN_SIDES
            if any(key in texts and key.startswith(side) for key in keys)
        )

    def select(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Take the key columns from a raw frame; what it has not is null, or no route."""
        columns = [column for key in self._keys for column in self._columns(raw, key)]
        columns += [_existing(raw, name) for name in self.route_columns]
        return pl.DataFrame(columns, height=raw.height)

    def _columns(self, raw: pl.DataFrame, key: str) -> Iterator[pl.Series]:
        if key in _INTEGER_OF_PATH:
            route, attribute = _INTEGER_OF_PATH[key]
            yield self._gather(key, _existing(raw, route), attribute)
        elif key in PATH_COLUMNS:
            return
        elif KINDS.get(key) is Kind.PREFIX:
            yield from (_existing(raw, f"{key}.{part}") for part in ("hi", "lo", "length"))
        elif KINDS.get(key) is Kind.ADDRESS:
            yield from (_existing(raw, f"{key}.{half}") for half in ("hi", "lo"))
        else:
            yield _existing(raw, key)

    def _gather(self, key: str, ids: pl.Series, attribute: str) -> pl.Series:
        routes = ids.to_numpy()
        values = getattr(self._paths, attribute)[routes]
        known = (routes != 0) & (values >= 0)  # -1: the path has none
        column = pl.Series(key, np.where(known, values, 0).astype(np.uint32))
        return column if known.all() else null_where_not(column, known)


def _existing(raw: pl.DataFrame, name: str) -> pl.Series:
    if name in raw.columns:
        return raw[name]
    base = name.partition(".")[0]
    if name.endswith("Route"):
        return pl.repeat(0, raw.height, dtype=pl.Int32, eager=True).alias(name)
    if name.endswith(".length"):
        return pl.repeat(-1, raw.height, dtype=pl.Int16, eager=True).alias(name)
    if KINDS.get(base) is Kind.CODE:
        return pl.repeat(0, raw.height, dtype=pl.UInt8, eager=True).alias(name)
    dtype = _INTEGER_DTYPES.get(base) or _DTYPES.get(KINDS.get(base), pl.Null())
    return pl.repeat(None, raw.height, dtype=dtype, eager=True).alias(name)
