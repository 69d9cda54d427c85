"""Custom primitives: fields of the operator's choice, always text (reference 1.6, 2.10)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop

import numpy as np
import polars as pl

from collector.nfacctd.flows.fields import REPEATED_FROM, Fields, Plan, Reading, Step
from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.protocols.ipfix.fields import VARIABLE

_V5 = 5
_OCTETS = ("str", "raw")
_PREFIX = "custom."


@dataclass(frozen=True, slots=True)
class CustomColumn:
    """The raw columns of one custom primitive."""

    primitive: CustomPrimitive

    @property
    def parts(self) -> tuple[str, ...]:
        """Name its columns: two for IPv6 addresses."""
        name = f"{_PREFIX}{self.primitive.name}"
        return (f"{name}.hi", f"{name}.lo") if self.is_ipv6 else (name,)

    @property
    def is_ipv6(self) -> bool:
        """Whether it is an address of 16 octets."""
        return self.primitive.semantics == "ip" and self.primitive.length == 16

    @property
    def dtype(self) -> pl.DataType:
        """Type of its columns."""
        return pl.Binary() if self.primitive.semantics in _OCTETS else pl.UInt64()

    def text(self, *values: int | bytes) -> str:
        """Write a value; zeros, or no octets, where a record has none."""
        primitive = self.primitive
        match primitive.semantics:
            case "u_int":
                return str(values[0])
            case "hex":
                return f"{values[0]:x}"
            case "mac":
                return values[0].to_bytes(6).hex(":")
            case "raw":
                return values[0].hex("-").upper()
            case "str":
                return values[0].partition(b"\0")[0].decode(errors="replace")
        if self.is_ipv6:
            return inet_ntop(AF_INET6, values[0].to_bytes(8) + values[1].to_bytes(8))
        return inet_ntop(AF_INET, values[0].to_bytes(4))


def plan_custom(primitives: Iterable[CustomPrimitive]) -> Plan:
    """Make the plan of the raw columns of custom primitives; NetFlow v5 has none."""
    columns = [CustomColumn(primitive) for primitive in primitives]

    def plan(fields: Fields, _: frozenset[str]) -> Iterator[Step]:
        for column in columns:
            index = None if fields.version == _V5 else _field_of(fields, column.primitive)
            if index is not None:
                yield _step(column, index)

    return plan


def _field_of(fields: Fields, primitive: CustomPrimitive) -> int | None:
    if primitive.id is None:
        return None
    if primitive.pen == 0 and primitive.id < REPEATED_FROM:
        index = fields.last(primitive.id)
    else:  # only of these does nfacctd tell the first from the second field
        index = fields.occurrence(primitive.id, primitive.pen, primitive.occurrence)
    if index is None or primitive.length is None or primitive.semantics == "raw":
        return index
    return index if fields.length(index) in (primitive.length, VARIABLE) else None


def _step(column: CustomColumn, index: int) -> Step:
    length = column.primitive.length
    if column.primitive.semantics in _OCTETS:

        def octets_step(reading: Reading) -> None:
            octets = reading.octets(index)
            (name,) = column.parts
            reading.columns[name] = octets if length is None else [o[:length] for o in octets]

        return octets_step

    if column.is_ipv6:

        def address_step(reading: Reading) -> None:
            high, low = column.parts
            reading.columns[high], reading.columns[low] = reading.halves(index)

        return address_step

    def number_step(reading: Reading) -> None:
        (name,) = column.parts
        reading.columns[name] = reading.number(index).astype(np.uint64)

    return number_step
