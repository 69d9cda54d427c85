"""Encode IPFIX Messages (RFC 7011) and NetFlow v9 packets (RFC 3954), as an exporter would."""

import struct
from collections.abc import Iterable, Sequence

Field = tuple[int, int] | tuple[int, int, int]
"""(element, length) or (element, length, enterprise number)."""

_IPFIX_HEADER = struct.Struct("!HHIII")
_V9_HEADER = struct.Struct("!HHIIII")
_SET_HEADER = struct.Struct("!HH")
_ENTERPRISE = 0x8000


def ipfix_message(
    sets: Iterable[bytes], *, export_time_s: int, sequence: int, domain: int = 0
) -> bytes:
    """One Message out of whole Sets."""
    body = b"".join(sets)
    length = _IPFIX_HEADER.size + len(body)
    return _IPFIX_HEADER.pack(10, length, export_time_s, sequence & 0xFFFFFFFF, domain) + body


def v9_packet(
    sets: Sequence[bytes], *, uptime_ms: int, export_time_s: int, sequence: int, source_id: int = 0
) -> bytes:
    """One NetFlow v9 packet; its count is that of the FlowSets, which collectors do not trust."""
    header = _V9_HEADER.pack(9, len(sets), uptime_ms, export_time_s, sequence, source_id)
    return header + b"".join(sets)


def template_set(template_id: int, fields: Sequence[Field], *, v9: bool = False) -> bytes:
    """A Template Set with one template."""
    record = struct.pack("!HH", template_id, len(fields)) + _specifiers(fields)
    return _set(0 if v9 else 2, record)


def options_template_set(
    template_id: int, scope: Sequence[Field], fields: Sequence[Field]
) -> bytes:
    """An IPFIX Options Template Set with one template."""
    head = struct.pack("!HHH", template_id, len(scope) + len(fields), len(scope))
    return _set(3, head + _specifiers([*scope, *fields]))


def withdrawal_set(template_id: int) -> bytes:
    """A Template Set that withdraws one template (RFC 7011 section 8.1)."""
    return _set(2, struct.pack("!HH", template_id, 0))


def data_set(template_id: int, records: bytes) -> bytes:
    """A Data Set, padded to a multiple of four octets."""
    return _set(template_id, records + bytes(-len(records) % 4))


def _specifiers(fields: Sequence[Field]) -> bytes:
    octets = b""
    for element, length, *enterprise in fields:
        if enterprise:
            octets += struct.pack("!HHI", element | _ENTERPRISE, length, enterprise[0])
        else:
            octets += struct.pack("!HH", element, length)
    return octets


def _set(set_id: int, body: bytes) -> bytes:
    return _SET_HEADER.pack(set_id, _SET_HEADER.size + len(body)) + body
