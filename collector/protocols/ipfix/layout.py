"""Layouts: a template's field list compiled once, for every device and template id that has it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from weakref import WeakValueDictionary

from collector.errors import DecodeError
from collector.protocols.ipfix.block import Block
from collector.protocols.ipfix.data_records import RecordShape, cut_records
from collector.protocols.ipfix.fields import VARIABLE, FieldSpecifier
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.rows import Field, Row, RowForm, read_rows
from collector.protocols.ipfix.structured import TemplateLookup, ValueDecoder

_PADDING_OCTETS = 210
_V5 = 5


class Layout:
    """One field list: cuts Set bodies into records, as rows or as columns.

    ``record_length`` counts the octets of a record, of the shortest one where some field is
    variable. A layout whose records have no octets, more than a Set can hold, or absurdly many
    fields for their octets, has no records: every body is padding to it.

    Cost: the constructor adds up lengths; names and readers are made with the first record.
    """

    def __init__(
        self, version: int, specifiers: tuple[FieldSpecifier, ...], registry: Registry
    ) -> None:
        self.version = version
        self.specifiers = specifiers
        self._registry = registry
        self.is_fixed = all(field.length != VARIABLE for field in specifiers)
        self.record_length = sum(1 if f.length == VARIABLE else f.length for f in specifiers)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields with their names, in wire order."""
        seen: Counter[tuple[bool, str]] = Counter()
        fields = []
        for pen, id, length, scope in self.specifiers:
            element = self._registry.element(pen, id)
            seen[scope, element.name] += 1
            occurrence = seen[scope, element.name]
            fields.append(Field(element.name, element, length, occurrence, scope))
        return tuple(fields)

    @property
    def is_uniform(self) -> bool:
        """Whether it has records, and all of the same length."""
        return self.is_fixed and self._shape.has_records

    def count(self, body: bytes | memoryview) -> int:
        """How many records a Set body has; those before a fault, where there is one.

        A rest that is shorter than any record is padding (RFC 7011 section 3.3.1).
        """
        shape = self._shape
        if not shape.has_records:
            return 0
        if self.is_fixed:
            return len(body) // shape.minimum
        count = 0
        try:
            for _ in cut_records(bytes(body), shape):
                count += 1
        except DecodeError:
            return count
        return count

    def rows(
        self, body: bytes | memoryview, lists: TemplateLookup
    ) -> tuple[list[tuple[Row, Row]], DecodeError | None]:
        """The records as (scope fields, other fields), name to JSON-ready value.

        Returns:
            The records up to a fault, and the fault; its offset counts from ``body[0]``.
        """
        rows: list[tuple[Row, Row]] = []
        decoder = ValueDecoder(self._registry, lists)
        try:
            for scope, others in read_rows(bytes(body), self._shape, self._row_forms, decoder):
                rows.append((scope, others))
        except DecodeError as error:
            return rows, error
        return rows, None

    def list_records(self, content: bytes, decoder: ValueDecoder) -> Iterator[Row]:
        """The records of a list (RFC 6313), one object each, scope fields among the others.

        Raises:
            DecodeError: a record passes the end of the list.
        """
        for (row,) in read_rows(content, self._shape, self._list_form, decoder):
            yield row

    def block(
        self,
        bodies: Sequence[bytes | memoryview],
        lists: TemplateLookup | Sequence[TemplateLookup],
    ) -> Block:
        """The records of many Set bodies as columns.

        Args:
            bodies: as received, with padding; fixed-length records are copied once, in one join.
            lists: how to find the templates that lists refer to: for all bodies, or one a body.
        """
        return Block(self.fields, self._shape, self._registry, bodies, lists)

    @cached_property
    def _shape(self) -> RecordShape:
        return RecordShape.of([field.length for field in self.specifiers])

    @cached_property
    def _row_forms(self) -> tuple[RowForm, RowForm]:
        placed = list(zip(self.fields, self._shape.places, strict=True))
        if self.version == _V5:  # its two paddings are none of the record's business
            placed = [(f, place) for f, place in placed if f.element.id != _PADDING_OCTETS]
        scope = RowForm.of([(field, place) for field, place in placed if field.scope])
        return scope, RowForm.of([(field, place) for field, place in placed if not field.scope])

    @cached_property
    def _list_form(self) -> tuple[RowForm]:
        return (RowForm.of(list(zip(self.fields, self._shape.places, strict=True))),)


class LayoutCache:
    """One `Layout` for each field list in use; it lives as long as a template that has it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._layouts: WeakValueDictionary[tuple[int, tuple[FieldSpecifier, ...]], Layout] = (
            WeakValueDictionary()
        )

    def __len__(self) -> int:
        return len(self._layouts)

    def layout(self, version: int, fields: tuple[FieldSpecifier, ...]) -> Layout:
        """The layout of a field list: the same object for every template that has the list.

        Args:
            version: 5, 9 or 10.
            fields: in wire order.
        """
        layout = self._layouts.get((version, fields))
        if layout is None:
            layout = self._layouts[version, fields] = Layout(version, fields, self._registry)
        return layout
