"""Encode IPFIX Messages (RFC 7011) as an exporter would."""

import struct
from collections.abc import Iterable, Sequence

Field = tuple[int, int] | tuple[int, int, int]
"""(element, length) or (element, length, enterprise number); length 65535 is variable."""

_HEADER = struct.Struct("!HHIII")
_SET_HEADER = struct.Struct("!HH")
_ENTERPRISE = 0x8000
_LONG = 255  # a length octet that says that two more follow


def ipfix_message(
    sets: Iterable[bytes], *, export_time_s: int, sequence: int, domain: int = 0
) -> bytes:
    """One Message out of whole Sets."""
    body = b"".join(sets)
    length = _HEADER.size + len(body)
    return _HEADER.pack(10, length, export_time_s, sequence & 0xFFFFFFFF, domain) + body


def template_set(template_id: int, fields: Sequence[Field]) -> bytes:
    """A Template Set with one template."""
    return _set(2, struct.pack("!HH", template_id, len(fields)) + field_specifiers(fields))


def options_template_set(
    template_id: int, scope: Sequence[Field], fields: Sequence[Field]
) -> bytes:
    """An Options Template Set with one template."""
    head = struct.pack("!HHH", template_id, len(scope) + len(fields), len(scope))
    return _set(3, head + field_specifiers([*scope, *fields]))


def withdrawal_set(template_id: int, *, options: bool = False) -> bytes:
    """A Template Set that withdraws one template (RFC 7011 section 8.1)."""
    return _set(3 if options else 2, struct.pack("!HH", template_id, 0))


def data_set(template_id: int, records: bytes, *, padded: bool = True) -> bytes:
    """A Data Set; padded to a multiple of four octets, which records below four do not allow."""
    return _set(template_id, records + (bytes(-len(records) % 4) if padded else b""))


def variable_length(octets: bytes) -> bytes:
    """A value of a field of variable length (RFC 7011 section 7)."""
    if len(octets) < _LONG:
        return bytes((len(octets),)) + octets
    return struct.pack("!BH", _LONG, len(octets)) + octets


def field_specifiers(fields: Iterable[Field]) -> bytes:
    """Field Specifiers of a template (RFC 7011 section 3.2)."""
    octets = b""
    for element, length, *enterprise in fields:
        if enterprise:
            octets += struct.pack("!HHI", element | _ENTERPRISE, length, enterprise[0])
        else:
            octets += struct.pack("!HH", element, length)
    return octets


def _set(set_id: int, body: bytes) -> bytes:
    return _SET_HEADER.pack(set_id, _SET_HEADER.size + len(body)) + body
