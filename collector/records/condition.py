"""An operator's condition on published records: SQL, checked once, then applied to frames."""

from collections.abc import Callable, Iterable, Mapping

import polars as pl
from polars.exceptions import PolarsError

from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.types import SIGNED, UNSIGNED, AbstractType
from collector.records.columns import KINDS, RECORD_ORDER, Kind

_MAX_CHARACTERS = 10_000
_FLOATS = frozenset({AbstractType.FLOAT32, AbstractType.FLOAT64})
_TRIAL_ROWS = 2
_ROW = ""  # no column has this name
_SUMS_AND_WINDOWS = {
    "flows": pl.UInt64(),
    "windowStart": pl.Int64(),
    "windowLength": pl.Int64(),
    "part": pl.Int64(),
}
_LISTS = ("Communities", "LargeCommunities", "ExtendedCommunities")
_NUMBERS = ("OriginAs", "PeerAs", "LocalPref", "Med")


def published_type(name: str, registry: Registry) -> pl.DataType:
    """Tell how a column of a published record is typed; integers by the widest they can be.

    A column of a flow record or an aggregate, or a configured element, which may be repeated
    (``NAME_2``). What is none of these is text.
    """
    if name in _SUMS_AND_WINDOWS:
        return _SUMS_AND_WINDOWS[name]
    if name == "samplingRate" or name.endswith("Renormalised"):
        return pl.Float64()
    kind = KINDS.get(name)
    if kind is Kind.INTEGER:
        return pl.UInt64()
    if kind is Kind.TIMESTAMP:
        return pl.Int64()
    if kind is None and name in RECORD_ORDER:
        if name.endswith(_LISTS):
            return pl.List(pl.String())
        return pl.UInt32() if name.endswith(_NUMBERS) else pl.String()
    element = None if kind else registry.by_name(element_name(name))
    if element is None:
        return pl.String()
    if element.type in UNSIGNED:
        return pl.UInt64()
    if element.type in SIGNED:
        return pl.Int64()
    if element.type in _FLOATS:
        return pl.Float64()
    return pl.Boolean() if element.type is AbstractType.BOOLEAN else pl.String()


def element_name(column: str) -> str:
    """Give the element of a column that stands for a later occurrence of it (``NAME_2``)."""
    name, _, number = column.rpartition("_")
    return name if name and number.isascii() and number.isdecimal() else column


class Condition:
    """A condition on records with known columns.

    Args:
        text: an SQL expression, as in `WHERE`.
        type_of: gives the type of a column, None for one that no record has.

    Raises:
        ValueError: it cannot be read, names another column, or is not true or false of a record.
    """

    def __init__(self, text: str, type_of: Callable[[str], pl.DataType | None]) -> None:
        if len(text) > _MAX_CHARACTERS:
            raise ValueError(f"is longer than {_MAX_CHARACTERS} characters")
        try:
            self._expression = pl.sql_expr(text)
        except PolarsError as error:
            raise ValueError(f"is no SQL condition: {_first_line(error)}") from error
        # In order, without repetitions.
        self.columns = tuple(dict.fromkeys(self._expression.meta.root_names()))
        types = {name: type_of(name) for name in self.columns}
        if unknown := [name for name, dtype in types.items() if dtype is None]:
            raise UnknownColumnsError(unknown)
        self._types = {name: dtype for name, dtype in types.items() if dtype is not None}
        try:
            self.apply(_trial(self._types))
            answers = _trial(self._types).select(self._expression).height
        except PolarsError as error:
            raise ValueError(f"cannot be used: {_first_line(error)}") from error
        if answers != _TRIAL_ROWS:
            raise ValueError("is not about one record: it has one answer for a whole batch")

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Keep the records for which it is true; a column that the frame lacks is null."""
        missing = [name for name in self.columns if name not in frame.columns]
        whole = frame.with_columns(pl.lit(None, self._types[name]).alias(name) for name in missing)
        return whole.filter(self._expression).drop(missing)


class UnknownColumnsError(ValueError):
    """A condition names columns that no record has; ``names`` are these."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(names)
        self.names = tuple(names)


def _trial(types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Make a few records, so that also what fails on values only is found at the start."""
    values = {name: [_value(dtype)] * _TRIAL_ROWS for name, dtype in types.items()}
    return pl.DataFrame({_ROW: range(_TRIAL_ROWS), **values}, schema_overrides=dict(types))


def _value(dtype: pl.DataType) -> object:
    if isinstance(dtype, pl.List):
        return ["", ""]
    if isinstance(dtype, pl.Boolean):
        return True
    return "" if isinstance(dtype, pl.String) else 1


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
