"""Raw columns made what is published: text for addresses, names and what the RIB says of a route.

Everything is done for distinct values and spread, so a record costs a few gathers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl
from numpy.typing import NDArray

from collector.records.columns import JOIN_SIDES, KINDS, MEMBERS, RECORD_ORDER, Kind
from collector.records.distinct import map_distinct, spread
from collector.records.flow_batch import IPV4_MAPPED
from collector.records.path_columns import OF_PATH, PathColumns
from collector.records.raw_columns import RawColumns, null_where_not
from collector.records.text import address_text, mac_text, prefix_text
from collector.rib.paths import Paths


@dataclass(slots=True)
class Tables:
    """What the integers of raw columns stand for."""

    exporters: Sequence[str]
    codes: dict[str, Sequence[str]]  # column name to its texts
    paths: Paths
    rd_text: Callable[[int], str]
    path_columns: PathColumns = field(init=False)

    def __post_init__(self) -> None:
        self.path_columns = PathColumns(self.paths)


def published_frame(
    raw: RawColumns, tables: Tables, columns: Sequence[str] = (), *, members: bool = False
) -> pl.DataFrame:
    """Make the columns of a published record from raw ones.

    Args:
        raw: of a batch, correlated or not, or of groups.
        tables: the worker's tables.
        columns: names wanted; all that the frame has where empty.
        members: what paths say as one column for each side, `MEMBERS`, left out where no record
            has a path: to gather and to encode nine columns costs four times as much.
    Returns:
        Strings, integers, floats and lists only, in the order of `RECORD_ORDER`; a wanted column
        that nothing is there for is left out.
    """
    wanted = frozenset(columns)
    made: dict[str, pl.Series] = {}
    for name in dict.fromkeys(column.partition(".")[0] for column in raw.columns):
        if name in MEMBERS:
            made.update(_route_columns(raw, name, tables.path_columns, wanted, members))
        elif not wanted or name in wanted:
            made[name] = _column(raw, name, tables)
    if "extra" in made:  # long, so it comes last
        made["extra"] = made.pop("extra")
    order = [name for name in RECORD_ORDER if name in made]
    order += [name for name in made if name not in RECORD_ORDER]
    return pl.DataFrame([made[name].alias(name) for name in order])


def _column(raw: RawColumns, name: str, tables: Tables) -> pl.Series:
    kind = KINDS.get(name)
    if kind is Kind.ADDRESS:
        high, low = raw[f"{name}.hi"], raw[f"{name}.lo"]
        text = address_text(_numbers(high), _numbers(low, int(IPV4_MAPPED)))
        return _null_where(text, low)
    if kind is Kind.PREFIX:
        length = raw[f"{name}.length"].to_numpy()
        return prefix_text(_numbers(raw[f"{name}.hi"]), _numbers(raw[f"{name}.lo"]), length)
    values = raw[name]
    if kind is Kind.DEVICE:
        return spread(pl.Series(tables.exporters, dtype=pl.String), _numbers(values))
    if kind is Kind.CODE:
        return spread(pl.Series(tables.codes[name], dtype=pl.String), _numbers(values))
    if kind is Kind.MAC:
        return _null_where(mac_text(_numbers(values)), values)
    if kind is Kind.RD:
        return _null_where(map_distinct([_numbers(values)], tables.rd_text, pl.String()), values)
    return values


def _numbers(values: pl.Series, missing: int = 0) -> NDArray:
    return (values.fill_null(missing) if values.null_count() else values).to_numpy()


def _null_where(text: pl.Series, values: pl.Series) -> pl.Series:
    if not values.null_count():
        return text
    return null_where_not(text, values.is_not_null().to_numpy())


def _route_columns(
    raw: RawColumns, name: str, paths: PathColumns, wanted: frozenset[str], members: bool
) -> dict[str, pl.Series]:
    """Spread what the RIB says of the distinct paths of one side over its records."""
    side = MEMBERS[name]
    there = frozenset(raw.columns)
    whats = [
        what
        for what in OF_PATH
        if (not wanted or f"{side}{what}" in wanted) and f"{side}{what}" not in there
    ]
    ids = raw[name].to_numpy()
    if not whats or (members and not ids.any()):
        return {}
    rows = paths.rows(ids)
    if members:
        return {name: paths.members(side, whats, rows)}
    return {f"{side}{what}": paths.column(what, rows) for what in whats}


PATH_COLUMNS = frozenset(f"{side}{what}" for side in JOIN_SIDES for what in OF_PATH)
