"""IPFIX Template Records: what a (Options) Template Set says (RFC 7011 sections 3.2, 3.4, 8.1).

| Template ID (>= 256)          | Field Count                   |
| Scope Field Count             |   only in an Options Template Record with fields
|E|  Information Element ID     | Field Length                  |   per field, scope fields first
| Enterprise Number                                             |   only where E is set
"""

import struct
from typing import NamedTuple

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.ipfix.fields import FieldSpecifier
from collector.protocols.ipfix.sets import FIRST_DATA_SET, OPTIONS_TEMPLATE_SET, is_padding

MAX_FIELDS = 2048  # of one template; compiling one costs CPU, and a datagram could name 16 000
LIMIT_SOURCE = "RFC 7011 section 11.4"  # protection of the Collecting Process against overload
_RECORD_HEADER = struct.Struct("!HH")  # Template ID, Field Count
_UINT16 = struct.Struct("!H")
_SPECIFIER = struct.Struct("!HH")  # enterprise bit with Information Element ID, Field Length
_ENTERPRISE_NUMBER = struct.Struct("!I")
_ENTERPRISE_BIT = 0x8000


class TemplateRecord(NamedTuple):
    """One template as announced; ``octets`` are Set ID and record, ``offset`` is where it stood."""

    template_id: int
    is_options: bool
    fields: tuple[FieldSpecifier, ...]
    octets: bytes
    offset: int
    is_withdrawal: bool = False


def parse_template_set(set_id: int, body: memoryview, offset: int) -> list[TemplateRecord]:
    """Read the records of a Template Set (2) or Options Template Set (3).

    Args:
        set_id: which of both; a record with the Set's own number as Template ID and no fields
            withdraws all templates of that kind (section 8.1).
        body: the Set without its header; zeros behind the last record are padding.
        offset: octets from the start of the Message to ``body[0]``; used in errors only.
    Raises:
        TruncatedError: a record runs past the Set.
        MalformedError: a reserved Template ID, a Scope Field Count of 0 or above the Field Count.
        DecodeError: more than ``MAX_FIELDS`` fields.
    """
    records: list[TemplateRecord] = []
    start = 0
    while len(body) - start >= _RECORD_HEADER.size:
        here = offset + start
        template_id, field_count = _RECORD_HEADER.unpack_from(body, start)
        if template_id < FIRST_DATA_SET and (template_id != set_id or field_count):
            if is_padding(body[start:]):
                break
            raise reserved_template_id(template_id, here)
        fields, stop = _parse_fields(set_id, body, start, offset)
        octets = _UINT16.pack(set_id) + body[start:stop]
        is_options = set_id == OPTIONS_TEMPLATE_SET
        withdrawal = field_count == 0
        records.append(TemplateRecord(template_id, is_options, fields, octets, here, withdrawal))
        start = stop
    return records


def reserved_template_id(template_id: int, offset: int) -> DecodeError:
    """Fault of a template that wants a Set ID below 256, in NetFlow v9 too."""
    reason = f"Template ID {template_id} is below {FIRST_DATA_SET}"
    return MalformedError(offset, reason, "RFC 7011 section 3.4.1")


def too_many_fields(field_count: int, offset: int) -> DecodeError:
    """Fault of a template above ``MAX_FIELDS``, in NetFlow v9 too."""
    return DecodeError(offset, f"{field_count} fields, taken are {MAX_FIELDS}", LIMIT_SOURCE)


def _parse_fields(
    set_id: int, body: memoryview, start: int, offset: int
) -> tuple[tuple[FieldSpecifier, ...], int]:
    """Read the Field Specifiers of the record at ``start``; returns them and where they end."""
    template_id, field_count = _RECORD_HEADER.unpack_from(body, start)
    position = start + _RECORD_HEADER.size
    if field_count == 0:
        return (), position
    if field_count > MAX_FIELDS:
        raise too_many_fields(field_count, offset + start)
    scope_count = 0
    if set_id == OPTIONS_TEMPLATE_SET:
        if len(body) - position < _UINT16.size:
            reason = f"Options Template {template_id} cut short"
            raise TruncatedError(offset + start, reason, "RFC 7011 section 3.4.2.2")
        (scope_count,) = _UINT16.unpack_from(body, position)
        if not 0 < scope_count <= field_count:
            reason = f"Scope Field Count {scope_count} of {field_count} fields"
            raise MalformedError(offset + start, reason, "RFC 7011 section 3.4.2.2")
        position += _UINT16.size
    fields = []
    for index in range(field_count):
        specifier, position = _parse_specifier(body, position, index < scope_count, offset)
        fields.append(specifier)
    return tuple(fields), position


def _parse_specifier(
    body: memoryview, position: int, scope: bool, offset: int
) -> tuple[FieldSpecifier, int]:
    """Read one Field Specifier (section 3.2); returns it and where the next one begins."""
    stop = position + _SPECIFIER.size
    if stop > len(body):
        raise _specifier_cut_short(offset + position)
    element_id, length = _SPECIFIER.unpack_from(body, position)
    if not element_id & _ENTERPRISE_BIT:
        return FieldSpecifier(0, element_id, length, scope), stop
    if stop + _ENTERPRISE_NUMBER.size > len(body):
        raise _specifier_cut_short(offset + position)
    (pen,) = _ENTERPRISE_NUMBER.unpack_from(body, stop)
    specifier = FieldSpecifier(pen, element_id & ~_ENTERPRISE_BIT, length, scope)
    return specifier, stop + _ENTERPRISE_NUMBER.size


def _specifier_cut_short(offset: int) -> DecodeError:
    return TruncatedError(offset, "Field Specifier cut short", "RFC 7011 section 3.2")
