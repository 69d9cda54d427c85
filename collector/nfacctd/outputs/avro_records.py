"""Avro octets of records: binary as the specification has it, and its JSON encoding.

https://avro.apache.org/docs/1.11.1/specification/ "Encodings" and "Object Container Files".
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import fastavro

from collector.nfacctd.bmp.record import ROUTE_DUMP, ROUTE_LOG
from collector.nfacctd.outputs.avro_routes import RouteRecords
from collector.nfacctd.outputs.avro_schemas import Schema
from collector.nfacctd.outputs.encoding import Fields, json_octets

WIRE_SCHEMA_OCTETS = 5
PENDING_MAGIC = b"\1"
"""In place of the wire format's 0: the number behind it is not yet the registry's."""

_END_OF_TEXT = b"\0"  # nfacctd counts the end of its C string as part of BMP messages
_INT64_MAX = (1 << 63) - 1
_CONTAINER_MAGIC = b"Obj\1"
_ROUTES = frozenset({ROUTE_LOG, ROUTE_DUMP})


class AvroRecords:
    """Writes records of some kinds, each with its schema."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._parsed = {kind: fastavro.parse_schema(schema) for kind, schema in schemas.items()}
        self._routes = {
            kind: RouteRecords(schema) for kind, schema in schemas.items() if kind in _ROUTES
        }
        self._branches = {
            kind: [(field["name"], _branch(field["type"])) for field in schema["fields"]]
            for kind, schema in schemas.items()
        }
        self._numbers = {
            kind: PENDING_MAGIC + number.to_bytes(4) for number, kind in enumerate(schemas)
        }

    def binary(self, kind: str, fields: Fields) -> bytes:
        """Write a record without its schema.

        Raises:
            ValueError: it is not as its schema says.
        """
        routes = self._routes.get(kind)
        try:
            if routes is not None:
                return routes.binary(fields)
            out = io.BytesIO()
            fastavro.schemaless_writer(out, self._parsed[kind], _signed(fields))
        except (TypeError, KeyError, OverflowError, AttributeError) as error:
            raise ValueError(f"{kind}: {error}") from error
        return out.getvalue()

    def pending(self, kind: str, fields: Fields) -> bytes:
        """Write a record behind the number of its schema among ours; `registered` puts it right.

        Raises:
            ValueError: it is not as its schema says.
        """
        return self._numbers[kind] + self.binary(kind, fields)

    def json(self, kind: str, fields: Fields) -> bytes:
        """Write a record in Avro's JSON encoding: what may be null tells its type."""
        written: Fields = {}
        for name, branch in self._branches[kind]:
            value = fields.get(name)
            written[name] = value if branch is None or value is None else {branch: value}
        return json_octets(kind, written)

    def json_text(self, kind: str, fields: Fields) -> bytes:
        """Write what `json` does, as BMP messages in Kafka have it: with a NUL at its end."""
        return self.json(kind, fields) + _END_OF_TEXT


class Container:
    """An object container file: its head, and blocks of records, which may come at any time.

    The marker between blocks is the schema's digest, so that any process can go on with a file.
    """

    def __init__(self, schema: Schema) -> None:
        text = schema_text(schema).encode()
        self._marker = hashlib.md5(text, usedforsecurity=False).digest()
        entries = b"".join(
            _octets(key) + _octets(value)
            for key, value in ((b"avro.schema", text), (b"avro.codec", b"null"))
        )
        self.header = _CONTAINER_MAGIC + _long(2) + entries + _long(0) + self._marker

    def block(self, records: Sequence[bytes]) -> bytes:
        """Write records that `AvroRecords.binary` wrote."""
        body = b"".join(records)
        return _long(len(records)) + _long(len(body)) + body + self._marker


def schema_text(schema: Schema) -> str:
    """Write a schema as JSON."""
    return json.dumps(schema, separators=(",", ":"))


def registered(payload: bytes, ids: Sequence[int]) -> bytes:
    """Give a payload its schema's id, if `AvroRecords.pending` wrote it.

    Args:
        ids: the registry's, in the order of our schemas.
    """
    if not payload.startswith(PENDING_MAGIC):
        return payload
    number = int.from_bytes(payload[1:WIRE_SCHEMA_OCTETS])
    return b"\0" + ids[number].to_bytes(4) + payload[WIRE_SCHEMA_OCTETS:]


def _branch(type_: Any) -> str | None:
    """Name the branch of a union with null; None for what is no union."""
    if not isinstance(type_, list):
        return None
    return type_[1]["type"] if isinstance(type_[1], dict) else type_[1]


def _signed(fields: Fields) -> Fields:
    """Have counters past 63 bits begin at the other end, as nfacctd's do: a long has no more."""
    large = {
        name: (value + _INT64_MAX + 1) % (1 << 64) - _INT64_MAX - 1
        for name, value in fields.items()
        if isinstance(value, int) and value > _INT64_MAX
    }
    return fields | large if large else fields


def _octets(value: bytes) -> bytes:
    return _long(len(value)) + value


def _long(value: int) -> bytes:
    """Write a number that is not negative: zigzag, seven bits an octet, the low ones first."""
    value <<= 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
