"""Encoders of flow datagrams for tests: as little as the RFC's figures need, by hand."""

import struct
from collections.abc import Iterable

from collector.protocols.ipfix.fields import FieldSpecifier


def set_octets(set_id: int, body: bytes) -> bytes:
    return struct.pack("!HH", set_id, 4 + len(body)) + body


def ipfix(*sets: bytes, sequence: int = 0, domain: int = 7, time_s: int = 1_700_000_000) -> bytes:
    body = b"".join(sets)
    return struct.pack("!HHIII", 10, 16 + len(body), time_s, sequence, domain) + body


def ipfix_template(template_id: int, fields: Iterable[FieldSpecifier]) -> bytes:
    fields = tuple(fields)
    return struct.pack("!HH", template_id, len(fields)) + _specifiers(fields)


def ipfix_options_template(template_id: int, fields: Iterable[FieldSpecifier]) -> bytes:
    fields = tuple(fields)
    scopes = sum(field.scope for field in fields)
    return struct.pack("!HHH", template_id, len(fields), scopes) + _specifiers(fields)


def _specifiers(fields: tuple[FieldSpecifier, ...]) -> bytes:
    return b"".join(
        struct.pack("!HHI", 0x8000 | field.id, field.length, field.pen)
        if field.pen
        else struct.pack("!HH", field.id, field.length)
        for field in fields
    )


def netflow_v9(*flowsets: bytes, sequence: int = 0, source_id: int = 7, count: int = 1) -> bytes:
    header = struct.pack("!HHIIII", 9, count, 360_000, 1_700_000_000, sequence, source_id)
    return header + b"".join(flowsets)


def v9_template(template_id: int, fields: Iterable[FieldSpecifier]) -> bytes:
    fields = tuple(fields)
    return struct.pack("!HH", template_id, len(fields)) + _types(fields)


def v9_options_template(template_id: int, fields: Iterable[FieldSpecifier]) -> bytes:
    fields = tuple(fields)
    scopes = sum(field.scope for field in fields)
    lengths = (4 * scopes, 4 * (len(fields) - scopes))
    return struct.pack("!HHH", template_id, *lengths) + _types(fields)


def _types(fields: tuple[FieldSpecifier, ...]) -> bytes:
    return b"".join(struct.pack("!HH", field.id, field.length) for field in fields)


def netflow_v5(*records: bytes, sequence: int = 0, count: int | None = None) -> bytes:
    told = len(records) if count is None else count
    header = struct.pack("!HHIIIIBBH", 5, told, 360_000, 1_700_000_000, 5, sequence, 1, 2, 0x4064)
    return header + b"".join(records)
