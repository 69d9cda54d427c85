"""One field of many records as a numpy column: from octets on the wire to native numbers.

A field of fixed length is a strided view into the records' octets, converted in one numpy call;
values of a variable-length field come as a list and are converted by distinct length.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.protocols.ipfix.datetimes import DATES, date_us, rfc3339
from collector.protocols.ipfix.fields import VARIABLE
from collector.protocols.ipfix.types import LISTS, SIGNED, UNSIGNED, AbstractType
from collector.protocols.ipfix.values import (
    READERS,
    JsonValue,
    float_json,
    ipv4_text,
    ipv6_text,
    string_text,
)


class Kind(Enum):
    """How a column holds its values; shape (n,) unless said."""

    UNSIGNED = "unsigned"  # uint8 to uint64
    SIGNED = "signed"  # int8 to int64
    FLOAT = "float"  # float64
    BOOLEAN = "boolean"  # bool
    IPV4 = "ipv4"  # uint32
    IPV6 = "ipv6"  # uint64, shape (n, 2): high and low half
    MAC = "mac"  # uint64
    TIMESTAMP = "timestamp"  # int64, microseconds since 1970 UTC
    STRING = "string"  # list of str
    OCTETS = "octets"  # list of bytes: octetArray, unknown elements, lengths the type cannot have
    STRUCTURED = "structured"  # list of JSON-ready values


_NUMBER_LENGTHS = frozenset(range(1, 9))
# Type → kind of its column, and the lengths that have it; any other length is OCTETS.
_KINDS: dict[AbstractType, tuple[Kind, frozenset[int]]] = {
    **dict.fromkeys(UNSIGNED, (Kind.UNSIGNED, _NUMBER_LENGTHS)),
    **dict.fromkeys(SIGNED, (Kind.SIGNED, _NUMBER_LENGTHS)),
    AbstractType.UNSIGNED256: (Kind.UNSIGNED, _NUMBER_LENGTHS),
    AbstractType.FLOAT32: (Kind.FLOAT, frozenset({4, 8})),
    AbstractType.FLOAT64: (Kind.FLOAT, frozenset({4, 8})),
    AbstractType.BOOLEAN: (Kind.BOOLEAN, frozenset({1})),
    AbstractType.MAC_ADDRESS: (Kind.MAC, frozenset({6})),
    AbstractType.IPV4_ADDRESS: (Kind.IPV4, frozenset({4})),
    AbstractType.IPV6_ADDRESS: (Kind.IPV6, frozenset({16})),
    **{kind: (Kind.TIMESTAMP, frozenset({length})) for kind, (length, _) in DATES.items()},
}
_DTYPES: dict[Kind, type] = {
    Kind.UNSIGNED: np.uint64,
    Kind.SIGNED: np.int64,
    Kind.FLOAT: np.float64,
    Kind.BOOLEAN: np.bool_,
    Kind.IPV4: np.uint32,
    Kind.IPV6: np.uint64,
    Kind.MAC: np.uint64,
    Kind.TIMESTAMP: np.int64,
}
# Lengths that no machine integer has, as pieces that one has.
_PIECES = {3: (1, 2), 5: (1, 4), 6: (2, 4), 7: (1, 2, 4)}


def kind_of(type: AbstractType, length: int) -> Kind:
    """The kind of column that a field of this type and length has.

    A variable-length field has its type's kind: values of other lengths are invalid there.
    unsigned256 is the exception, as it may hold more than a column of numbers.
    """
    if type is AbstractType.STRING:
        return Kind.STRING
    if type in LISTS:
        return Kind.STRUCTURED
    kind, lengths = _KINDS.get(type, (Kind.OCTETS, frozenset()))
    if type is AbstractType.UNSIGNED256 and length == VARIABLE:
        return Kind.OCTETS
    return kind if length in lengths or length in (0, VARIABLE) else Kind.OCTETS


@dataclass(frozen=True, slots=True)
class WireField:
    """The octets of one fixed-length field in many records that lie one behind the other."""

    records: bytes
    count: int
    stride: int  # octets from one record to the next
    offset: int  # octets from the start of a record
    length: int

    def words(self, dtype: str, skip: int = 0) -> NDArray[Any]:
        """A view of the field, without its first ``skip`` octets, as numbers of that type."""
        if not self.count:
            return np.empty(0, dtype)
        at = self.offset + skip
        return np.ndarray((self.count,), dtype, self.records, at, (self.stride,))

    def octets(self) -> list[bytes]:
        """The field's octets, by record."""
        return self.words(f"V{self.length}").tolist() if self.length else [b""] * self.count

    def unsigned(self) -> NDArray[np.unsignedinteger]:
        """Native numbers of fields of 1 to 8 octets."""
        length = self.length
        if length not in _PIECES:
            return self.words(f">u{length}").astype(f"=u{length}")
        value = np.zeros(self.count, np.uint32 if length == 3 else np.uint64)
        skip = 0
        for piece in _PIECES[length]:
            value <<= 8 * piece
            value |= self.words(f">u{piece}", skip)
            skip += piece
        return value

    def signed(self) -> NDArray[np.signedinteger]:
        """Native numbers of fields of 1 to 8 octets in two's complement."""
        length = self.length
        if length not in _PIECES:
            return self.words(f">i{length}").astype(f"=i{length}")
        unused = 64 - 8 * length
        return (self.unsigned().astype(np.uint64) << np.uint64(unused)).view(np.int64) >> unused


class Column:
    """One field of all records of a block.

    ``values`` is what ``Kind`` says. ``valid``, for kinds that are arrays, is a boolean array, or
    None where all are; invalid are values of length 0, booleans neither 1 nor 2, and dates past
    year 9999. In a list of structured values None stands for length 0.
    """

    __slots__ = ("_octets", "_type", "kind", "valid", "values")

    def __init__(
        self,
        kind: Kind,
        values: NDArray[Any] | list[Any],
        valid: NDArray[np.bool_] | None,
        type: AbstractType,
        octets: Callable[[], list[bytes]],
    ) -> None:
        self.kind, self.values, self.valid = kind, values, valid
        self._type, self._octets = type, octets

    def json_values(self) -> list[JsonValue]:
        """The values as JSON has them, the same as in rows."""
        values = self._valid_json()
        if self.valid is not None:
            invalid = np.flatnonzero(~self.valid).tolist()
            octets = self._octets() if invalid else []
            for at in invalid:
                values[at] = READERS[self._type](octets[at])
        return values

    def _valid_json(self) -> list[JsonValue]:
        values = self.values
        match self.kind:
            case Kind.STRING | Kind.STRUCTURED:
                return list(values)
            case Kind.OCTETS:
                return [READERS[self._type](octets) for octets in values]
            case Kind.FLOAT:
                return [float_json(value) for value in values.tolist()]
            case Kind.IPV4:
                return [ipv4_text(value.to_bytes(4, "big")) for value in values.tolist()]
            case Kind.IPV6:
                rows = values.astype(">u8").view("V16").ravel().tolist()
                return [ipv6_text(octets) for octets in rows]
            case Kind.MAC:
                return [value.to_bytes(6, "big").hex(":") for value in values.tolist()]
            case Kind.TIMESTAMP:
                return self._dates()
        return values.tolist()

    def _dates(self) -> list[JsonValue]:
        _, digits = DATES[self._type]
        if digits > 6:  # more than the column holds
            return [READERS[self._type](octets) for octets in self._octets()]
        unit = 10 ** (6 - digits)
        return [rfc3339(value // unit, digits) for value in self.values.tolist()]


def fixed_column(type: AbstractType, field: WireField) -> Column:
    """The column of a fixed-length field of any type but the lists."""
    kind = kind_of(type, field.length)
    if kind is Kind.STRING:
        octets = field.words(f"S{field.length}").tolist() if field.length else field.octets()
        return Column(kind, _strings(octets), None, type, field.octets)
    if kind is Kind.OCTETS:
        return Column(kind, field.octets(), None, type, field.octets)
    if not field.length:
        return Column(kind, *_nothing(kind, field.count), type, field.octets)
    return Column(kind, *_native(kind, type, field), type, field.octets)


def variable_column(type: AbstractType, values: list[bytes]) -> Column:
    """The column of a variable-length field of any type but the lists."""
    kind = kind_of(type, VARIABLE)
    if kind is Kind.STRING:
        return Column(kind, _strings(values), None, type, lambda: values)
    if kind is Kind.OCTETS:
        return Column(kind, values, None, type, lambda: values)
    native, valid = _nothing(kind, len(values))
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    for length in _KINDS[type][1]:
        where = np.flatnonzero(lengths == length)
        records = b"".join([values[at] for at in where.tolist()])
        field = WireField(records, len(where), length, 0, length)
        some, some_valid = _native(kind, type, field)
        native[where] = some
        valid[where] = True if some_valid is None else some_valid
    return Column(kind, native, valid, type, lambda: values)


def _nothing(kind: Kind, count: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    shape = (count, 2) if kind is Kind.IPV6 else (count,)
    return np.zeros(shape, _DTYPES[kind]), np.zeros(count, np.bool_)


def _native(
    kind: Kind, type: AbstractType, field: WireField
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    match kind:
        case Kind.SIGNED:
            return field.signed(), None
        case Kind.FLOAT:
            with np.errstate(invalid="ignore"):  # a signalling NaN in four octets is no mishap
                return field.words(f">f{field.length}").astype(np.float64), None
        case Kind.BOOLEAN:
            octet = field.words("u1")
            return octet == 1, (octet == 1) | (octet == 2)
        case Kind.IPV6:
            halves = np.empty((field.count, 2), np.uint64)
            halves[:, 0] = field.words(">u8")
            halves[:, 1] = field.words(">u8", 8)
            return halves, None
        case Kind.TIMESTAMP:
            return date_us(field.unsigned(), DATES[type][1])
    return field.unsigned(), None


class _Texts(dict[bytes, str]):
    """Each distinct string is decoded once: interface and VRF names repeat endlessly."""

    def __missing__(self, octets: bytes) -> str:
        text = self[octets] = string_text(octets)
        return text


def _strings(values: list[bytes]) -> list[str]:
    return list(map(_Texts().__getitem__, values))
