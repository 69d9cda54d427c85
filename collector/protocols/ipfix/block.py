"""Many Set bodies of one layout as columns, without a Python object per record (DESIGN section 3).

Records of fixed length are joined as they are; of others the fixed parts are gathered behind one
another, so that a field has one offset and one stride either way.
"""

from collections.abc import Sequence
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from collector.errors import DecodeError
from collector.protocols.ipfix.columns import Column, Kind, WireField, fixed_column, variable_column
from collector.protocols.ipfix.data_records import RecordShape, cut_records
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.rows import Field
from collector.protocols.ipfix.structured import TemplateLookup, ValueDecoder
from collector.protocols.ipfix.types import LISTS


class Block:
    """All records of many Set bodies, column by column; a column is made when first asked for.

    ``counts``, shape (bodies,), says how many records each body gave, in the order of the bodies.
    ``errors`` has (index of the body, fault) where a record passes the end of its body; its records
    before the fault are in the block.
    """

    def __init__(
        self,
        fields: tuple[Field, ...],
        shape: RecordShape,
        registry: Registry,
        bodies: Sequence[bytes | memoryview],
        lists: TemplateLookup | Sequence[TemplateLookup],
    ) -> None:
        self.errors: list[tuple[int, DecodeError]] = []
        self._fields, self._shape, self._registry, self._lists = fields, shape, registry, lists
        self._columns: dict[int, Column] = {}
        self._variable: list[list[bytes]] = []  # by record, then by variable-length field
        if len(shape.runs) == 1 or not shape.has_records:
            self.counts, self._records = self._join(bodies)
        else:
            self.counts, self._records = self._walk(bodies)
        self._count = int(self.counts.sum())

    def __len__(self) -> int:
        return self._count

    def column(self, index: int) -> Column:
        """All records' values of the field with that index."""
        column = self._columns.get(index)
        if column is None:
            column = self._columns[index] = self._column(self._fields[index], index)
        return column

    def wire_field(self, index: int) -> WireField | None:
        """The octets of a field in all records, whatever its type; None where it is variable."""
        key, length = self._shape.places[index].key, self._fields[index].length
        if isinstance(key, int):
            return None
        return WireField(self._records, self._count, self._shape.fixed_length, key.start, length)

    def octets(self, index: int) -> list[bytes]:
        """The octets of a field, by record, whatever its type."""
        wire = self.wire_field(index)
        if wire is not None:
            return wire.octets()
        key = self._shape.places[index].key
        return [values[key] for values in self._variable]

    def _join(self, bodies: Sequence[bytes | memoryview]) -> tuple[NDArray[np.int64], bytes]:
        lengths = np.fromiter(map(len, bodies), np.int64, len(bodies))
        if not self._shape.has_records:
            return np.zeros_like(lengths), b""
        counts = lengths // self._shape.minimum
        whole = counts * self._shape.minimum
        if np.array_equal(whole, lengths):
            return counts, b"".join(bodies)
        return counts, b"".join(
            [body[:end] for body, end in zip(bodies, whole.tolist(), strict=True)]
        )

    def _walk(self, bodies: Sequence[bytes | memoryview]) -> tuple[NDArray[np.int64], bytes]:
        counts = np.zeros(len(bodies), np.int64)
        fixed_parts: list[bytes] = []
        for index, body in enumerate(bodies):
            before = len(fixed_parts)
            try:
                for fixed, values in cut_records(bytes(body), self._shape):
                    fixed_parts.append(fixed)
                    self._variable.append(values)
            except DecodeError as error:
                self.errors.append((index, error))
            counts[index] = len(fixed_parts) - before
        return counts, b"".join(fixed_parts)

    def _column(self, field: Field, index: int) -> Column:
        kind = field.element.type
        wire = self.wire_field(index)
        if wire is None:
            values = self.octets(index)
            return (
                self._list_column(field, values) if kind in LISTS else variable_column(kind, values)
            )
        return (
            self._list_column(field, wire.octets()) if kind in LISTS else fixed_column(kind, wire)
        )

    def _list_column(self, field: Field, octets: list[bytes]) -> Column:
        # Lists refer to templates, and those belong to the exporter whose body it was.
        lookups = [self._lists] * len(self.counts) if callable(self._lists) else self._lists
        remaining = iter(octets)
        values = chain.from_iterable(
            map(
                ValueDecoder(self._registry, lookup).reader(field.element.type),
                islice(remaining, n),
            )
            for lookup, n in zip(lookups, self.counts.tolist(), strict=True)
        )
        return Column(Kind.STRUCTURED, list(values), None, field.element.type, lambda: octets)
