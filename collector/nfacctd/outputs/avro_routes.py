"""Avro octets of route records, put together of the octets of their fields.

A table load has records that differ in a few fields, and Avro's octets of a record are those of
its fields one after the other: what comes again is written once.

https://avro.apache.org/docs/1.11.1/specification/ "Binary Encoding"
"""

import io
from collections.abc import Callable
from typing import Any

import fastavro

from collector.nfacctd.outputs.avro_schemas import Schema
from collector.nfacctd.outputs.encoding import Fields

_VARYING = frozenset({"seq", "ip_prefix", "as_path_id", "mpls_label"})
_MAX_REMEMBERED = 4096  # of each field
_UNHASHABLE = frozenset({list, dict})
_INT64 = 1 << 63

WriteValue = Callable[[Any], bytes]


class RouteRecords:
    """Writes records of one schema.

    Args:
        schema: a record of fields without defaults.
    """

    def __init__(self, schema: Schema) -> None:
        self._fields = [
            (field["name"], _writer(field), _memory(field)) for field in schema["fields"]
        ]

    def binary(self, fields: Fields) -> bytes:
        """Write a record.

        Raises:
            TypeError, OverflowError, AttributeError: it is not as its schema says.
        Cost: about 4 µs with 40 fields; fastavro 21 µs.
        """
        parts: list[bytes] = []
        for name, write, remembered in self._fields:
            value = fields.get(name)
            if remembered is None or type(value) in _UNHASHABLE:
                parts.append(write(value))
                continue
            octets = remembered.get(value)
            if octets is None:
                if len(remembered) >= _MAX_REMEMBERED:
                    remembered.clear()
                octets = remembered[value] = write(value)
            parts.append(octets)
        return b"".join(parts)


def _memory(field: dict[str, Any]) -> dict[Any, bytes] | None:
    """Give room to remember a field's values in; None where it is not worth it."""
    return None if field["name"] in _VARYING else {}


def _writer(field: dict[str, Any]) -> WriteValue:
    """Choose what writes the values of a field."""
    match field["type"]:
        case str(name) if name in _PRIMITIVES:
            return _PRIMITIVES[name]
        case ["null", str(name)] if name in _PRIMITIVES:
            write = _PRIMITIVES[name]
            return lambda value: b"\0" if value is None else b"\2" + write(value)
    return _by_fastavro(field)


def _by_fastavro(field: dict[str, Any]) -> WriteValue:
    schema = fastavro.parse_schema({"type": "record", "name": "one", "fields": [field]})

    def write(value: Any) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, {field["name"]: value})
        return out.getvalue()

    return write


def _integer(value: int) -> bytes:
    """Write an int or a long: zigzag, seven bits an octet, the low ones first."""
    if not -_INT64 <= value < _INT64:
        raise OverflowError(value)
    rest = value << 1 if value >= 0 else ~(value << 1)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _string(value: str) -> bytes:
    octets = value.encode()
    return _integer(len(octets)) + octets


_PRIMITIVES: dict[str, WriteValue] = {"int": _integer, "long": _integer, "string": _string}
