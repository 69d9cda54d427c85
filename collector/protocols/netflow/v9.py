"""NetFlow v9: the Packet Header, FlowSets and their templates (RFC 3954).

| Version Number = 9            | Count                         |
| sysUpTime                                                     |
| UNIX Secs                                                     |
| Sequence Number                                               |
| Source ID                                                     |
| FlowSet ID                    | Length                        |   then records and padding ...
"""

import struct

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.flow_values import Message, new_message
from collector.protocols.ipfix.fields import V9_SCOPE, FieldSpecifier
from collector.protocols.ipfix.sets import FIRST_DATA_SET, Set, is_padding, split_sets
from collector.protocols.ipfix.template_records import (
    MAX_FIELDS,
    TemplateRecord,
    reserved_template_id,
    too_many_fields,
)

VERSION = 9
TEMPLATE_FLOWSET = 0
OPTIONS_TEMPLATE_FLOWSET = 1
HEADER = struct.Struct("!HHIIII")  # Version, Count, sysUpTime, UNIX Secs, Sequence, Source ID
_UINT16 = struct.Struct("!H")
_TEMPLATE_HEADER = struct.Struct("!HH")  # Template ID, Field Count
_OPTIONS_HEADER = struct.Struct("!HHH")  # Template ID, Option Scope Length, Option Length
_FIELD = struct.Struct("!HH")  # Field Type, Field Length


def parse_message(exporter: str, datagram: memoryview) -> tuple[Message, memoryview]:
    """Read the Packet Header (RFC 3954 section 5.1).

    Count is not trusted: routers put records, FlowSets or nonsense there. FlowSets tell their own
    length.

    Returns:
        The header and a view of the FlowSets behind it, up to the end of the datagram.
    Raises:
        TruncatedError: there are fewer octets than a header has.
    """
    if len(datagram) < HEADER.size:
        raise TruncatedError(0, "Packet Header cut short", "RFC 3954 section 5.1")
    _, _, uptime_ms, time_s, sequence, source_id = HEADER.unpack_from(datagram)
    message = new_message((VERSION, exporter, source_id, time_s, sequence, uptime_ms, None, 0))
    return message, datagram[HEADER.size :]


def split_flowsets(body: memoryview, offset: int) -> tuple[list[Set], DecodeError | None]:
    """Cut an Export Packet into its FlowSets, as `split_sets` does, but forgive zeros at the end.

    A packet has no length of its own, and routers round it up with zeros, which read as FlowSets of
    length 0 or as less than a header.
    """
    sets, fault = split_sets(body, offset)
    if fault is not None and is_padding(body[fault.offset - offset :]):
        fault = None
    return sets, fault


def parse_template_flowset(set_id: int, body: memoryview, offset: int) -> list[TemplateRecord]:
    """Read the records of a Template (0) or Options Template FlowSet (1).

    Arguments and errors are those of `ipfix.template_records.parse_template_set`, zeros at the end
    are padding, too; NetFlow v9 knows no withdrawal (RFC 3954 sections 5.2, 6.1).
    """
    is_options = set_id == OPTIONS_TEMPLATE_FLOWSET
    header = _OPTIONS_HEADER if is_options else _TEMPLATE_HEADER
    records: list[TemplateRecord] = []
    start = 0
    while len(body) - start >= header.size:
        here = offset + start
        template_id, *lengths = header.unpack_from(body, start)
        if template_id < FIRST_DATA_SET:
            if is_padding(body[start:]):
                break
            raise reserved_template_id(template_id, here)
        scope_count, field_count = _counts(lengths, here)
        if field_count > MAX_FIELDS:
            raise too_many_fields(field_count, here)
        first = start + header.size
        stop = first + field_count * _FIELD.size
        if stop > len(body):
            source = "RFC 3954 section 6.1" if is_options else "RFC 3954 section 5.2"
            raise TruncatedError(here, f"Template {template_id} passes its FlowSet", source)
        fields = _parse_fields(body[first:stop], scope_count)
        octets = _UINT16.pack(set_id) + body[start:stop]
        records.append(TemplateRecord(template_id, is_options, fields, octets, here))
        start = stop
    return records


def _counts(lengths: list[int], offset: int) -> tuple[int, int]:
    """Tell how many scope fields and how many fields in all a template's header announces."""
    if len(lengths) == 1:
        return 0, lengths[0]
    # Unlike IPFIX, an options template gives both lengths in octets (section 6.1).
    if any(length % _FIELD.size for length in lengths):
        reason = f"Option Scope Length {lengths[0]} or Option Length {lengths[1]} cuts a field"
        raise MalformedError(offset, reason, "RFC 3954 section 6.1")
    return lengths[0] // _FIELD.size, sum(lengths) // _FIELD.size


def _parse_fields(octets: memoryview, scope_count: int) -> tuple[FieldSpecifier, ...]:
    pairs = list(_FIELD.iter_unpack(octets))
    scopes = [FieldSpecifier(V9_SCOPE, kind, length, True) for kind, length in pairs[:scope_count]]
    # Types have all 16 bits: NetFlow v9 has no enterprise bit, and ASA counts from 33000.
    return (*scopes, *(FieldSpecifier(0, kind, length) for kind, length in pairs[scope_count:]))
