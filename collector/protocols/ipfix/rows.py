"""Records one by one as `decode` shows them: names to JSON-ready values, in wire order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from collector.protocols.ipfix.data_records import Place, RecordShape, cut_records
from collector.protocols.ipfix.registry import Element
from collector.protocols.ipfix.structured import ValueDecoder
from collector.protocols.ipfix.values import JsonValue, Reader

Row: TypeAlias = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a layout, in wire order.

    ``occurrence`` counts fields of this name from 1, scope fields and others apart; the name is the
    same for all of them. ``length`` counts octets, ``VARIABLE`` for a variable one.
    """

    name: str
    element: Element
    length: int
    occurrence: int
    scope: bool


@dataclass(frozen=True, slots=True)
class RowForm:
    """Which fields of a record make one JSON object; a name that comes n times has n values."""

    fields: tuple[tuple[Field, Place, bool], ...]  # the last: its name comes again

    @classmethod
    def of(cls, chosen: Sequence[tuple[Field, Place]]) -> "RowForm":
        """The object that these fields make, in their order."""
        times = Counter(field.name for field, _ in chosen)
        return cls(tuple((field, place, times[field.name] > 1) for field, place in chosen))

    def bound(self, decoder: ValueDecoder) -> "BoundRowForm":
        """The same, ready to read records of one observation domain."""
        return BoundRowForm(
            [
                (field.name, place.variable, place.key, decoder.reader(field.element.type), again)
                for field, place, again in self.fields
            ]
        )


class BoundRowForm:
    """Makes JSON objects of cut records."""

    def __init__(self, fields: list[tuple[str, bool, slice | int, Reader, bool]]) -> None:
        self._fields = fields

    def row(self, fixed: bytes, variable: list[bytes]) -> Row:
        """One record's object, from its fixed part and its variable-length values."""
        parts = (fixed, variable)
        row: Row = {}
        for name, is_variable, key, read, again in self._fields:
            value = read(parts[is_variable][key])
            if again:
                row.setdefault(name, []).append(value)
            else:
                row[name] = value
        return row


def read_rows(
    body: bytes, shape: RecordShape, forms: Sequence[RowForm], decoder: ValueDecoder
) -> Iterator[tuple[Row, ...]]:
    """One object per form and record, in wire order.

    Raises:
        DecodeError: a record passes the end, after those before it; offsets count from ``body[0]``.
    """
    bound: list[BoundRowForm] = []
    for fixed, variable in cut_records(body, shape):
        # Not before there is a record: a datagram of empty lists must not pay for each of them
        # what the largest template costs.
        bound = bound or [form.bound(decoder) for form in forms]
        yield tuple(form.row(fixed, variable) for form in bound)
