"""How a raw column is taken from a layout's fields: by octets and lengths, as nfacctd reads them.

It knows no types: which lengths of a field it reads is part of each primitive, and the registry
(which an operator may extend) has no say. Of a field that comes twice the last one counts, but for
tunnels and for the lookup of routes, which take the first; of elements that nfacctd keeps in a
table of their own (from `REPEATED_FROM` on, and those of vendors) it is always the first.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.nfacctd.flows.frame_section import Frames, read_frames
from collector.nfacctd.flows.raw_columns import Seen
from collector.protocols.ipfix.block import Block
from collector.protocols.ipfix.fields import VARIABLE
from collector.protocols.ipfix.layout import Layout
from collector.records.flow_batch import IPV4_MAPPED, SetColumns

FRAME_SECTIONS = (315, 104)
_FRAME_TYPE = 408

REPEATED_FROM = 384
"""Of IANA's elements below this nfacctd keeps the last field of a record apart."""

Halves = tuple[NDArray[np.uint64], NDArray[np.uint64]]


class Fields:
    """Where a layout has which element; all indices are those of its fields."""

    __slots__ = ("_lengths", "_of", "is_options", "order", "version")

    def __init__(self, layout: Layout) -> None:
        self.version = layout.version
        self.is_options = any(field.scope for field in layout.specifiers)
        self._lengths = [field.length for field in layout.specifiers]
        self._of: dict[tuple[int, int], list[int]] = {}
        for index, field in enumerate(layout.specifiers):
            self._of.setdefault((field.pen, field.id), []).append(index)
        self.order = [(field.pen, field.id) for field in layout.specifiers]

    def has(self, *elements: int) -> bool:
        """Tell whether one of IANA's elements is there."""
        return any((0, element) in self._of for element in elements)

    def count(self, element: int) -> int:
        """Tell how often one of IANA's elements is there."""
        return len(self._of.get((0, element), ()))

    def first(self, element: int, pen: int = 0) -> int | None:
        """Find the first field of an element."""
        found = self._of.get((pen, element))
        return found[0] if found else None

    def last(self, element: int, pen: int = 0) -> int | None:
        """Find the field of an element that counts: the last one where such are kept apart."""
        found = self._of.get((pen, element))
        if not found:
            return None
        return found[-1] if pen == 0 and element < REPEATED_FROM else found[0]

    def occurrence(self, element: int, pen: int, number: int) -> int | None:
        """Find the field that is the n-th of its element, from 0."""
        found = self._of.get((pen, element), ())
        return found[number] if number < len(found) else None

    def length(self, index: int) -> int:
        """Tell how many octets a field has, or ``VARIABLE``."""
        return self._lengths[index]

    def has_length(self, index: int | None, lengths: Iterable[int]) -> bool:
        """Tell whether a field is there and has one of these lengths; a variable one may."""
        return index is not None and self._lengths[index] in (*lengths, VARIABLE)

    def readable(self, *chain: tuple[int, tuple[int, ...]]) -> int | None:
        """Find the first element of a chain whose last field has an accepted length."""
        for element, lengths in chain:
            index = self.last(element)
            if self.has_length(index, lengths):
                return index
        return None

    def present(self, *chain: int) -> int | None:
        """Find the first element of a chain that is there at all."""
        for element in chain:
            index = self.last(element)
            if index is not None:
                return index
        return None


class Reading:
    """One block being read: its fields as numbers, and the columns made so far."""

    def __init__(self, block: Block, fields: Fields, sets: SetColumns) -> None:
        self.block, self.fields, self.sets = block, fields, sets
        self.of_row = np.repeat(np.arange(len(block.counts)), block.counts)
        self.rows = len(self.of_row)
        self.columns: dict[str, Any] = {}
        self._numbers: dict[tuple[int, int | None], NDArray[np.unsignedinteger]] = {}

    def number(self, index: int, octets: int | None = None) -> NDArray[np.unsignedinteger]:
        """Read a field of at most 8 octets as a number.

        Args:
            index: of the field.
            octets: of a longer field only so many count, from its start; a shorter one counts as
                if zeros followed, as when it is copied into a number of that length.
        Returns:
            Shape (rows,), zeros for lengths that are no number's.
        """
        known = self._numbers.get((index, octets))
        if known is None:
            known = self._numbers[index, octets] = self._number(index, octets)
        return known

    def halves(self, index: int) -> Halves:
        """Read an address field, shape (rows,) both; IPv4 as ::ffff:a.b.c.d."""
        wire = self.block.wire_field(index)
        if wire is None or wire.length not in (4, 16):
            return self._uneven_halves(index)
        if wire.length == 4:
            low = self.number(index).astype(np.uint64) | IPV4_MAPPED
            return np.zeros(self.rows, np.uint64), low
        return wire.words(">u8").astype(np.uint64), wire.words(">u8", 8).astype(np.uint64)

    def octets(self, index: int) -> list[bytes]:
        """Read a field as it is, by record."""
        return self.block.octets(index)

    @cached_property
    def frames(self) -> Frames | None:
        """Parse the frames that records carry; None where the layout has no field of them."""
        index = self.fields.present(*FRAME_SECTIONS)
        if index is None:
            return None
        kind = self.fields.last(_FRAME_TYPE)
        kinds = None if kind is None else self.number(kind)
        return read_frames(self.octets(index), kinds)

    def of_set(self, values: NDArray[Any]) -> NDArray[Any]:
        """Spread a value of each Data Set over its records."""
        return values[self.of_row]

    def put_address(self, name: str, halves: Halves) -> None:
        """Add a column of addresses."""
        self.columns[f"{name}.hi"], self.columns[f"{name}.lo"] = halves

    def _number(self, index: int, octets: int | None) -> NDArray[np.unsignedinteger]:
        wire = self.block.wire_field(index)
        if wire is None:
            return self._uneven_number(index, octets)
        if wire.length == 0 or (wire.length > 8 and octets is None):
            return np.zeros(self.rows, np.uint64)
        if wire.length > 8:
            return replace(wire, length=octets).unsigned()
        value = wire.unsigned()
        if octets is None or wire.length == octets:
            return value
        shift = np.uint64(8 * abs(wire.length - octets))
        value = value.astype(np.uint64)
        return value >> shift if wire.length > octets else value << shift

    def _uneven_number(self, index: int, octets: int | None) -> NDArray[np.unsignedinteger]:
        values = self.octets(index)
        if octets is None:
            numbers = [int.from_bytes(value) if len(value) <= 8 else 0 for value in values]
        else:
            numbers = [int.from_bytes(value[:octets].ljust(octets, b"\0")) for value in values]
        return np.array(numbers, np.uint64)

    def _uneven_halves(self, index: int) -> Halves:
        full = [_sixteen(value) for value in self.octets(index)]
        words = np.frombuffer(b"".join(full), ">u8").astype(np.uint64).reshape(-1, 2)
        return words[:, 0], words[:, 1]


def _sixteen(octets: bytes) -> bytes:
    if len(octets) == 4:
        return bytes(10) + b"\xff\xff" + octets
    return octets if len(octets) == 16 else bytes(16)


Step = Callable[[Reading], None]
"""Makes some columns of a block; a layout's steps are worked out once."""

Plan = Callable[[Fields, frozenset[str]], Iterator[Step]]
"""Works out a layout's steps for the raw columns that are needed."""


def number_step(column: str, index: int, dtype: str, octets: int | None = None) -> Step:
    """Make a step that reads one number."""

    def step(reading: Reading) -> None:
        reading.columns[column] = reading.number(index, octets).astype(dtype)

    return step


def mark(reading: Reading, is_seen: NDArray[np.bool_], seen: Seen) -> None:
    """Note that some records have a field, which its value may not tell."""
    marks = np.where(is_seen, np.uint8(seen), np.uint8(0))
    known = reading.columns.get("seen")
    reading.columns["seen"] = marks if known is None else known | marks
