"""Encode NetFlow v5 and v9 packets (RFC 3954 for v9) as an exporter would."""

import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from ipaddress import IPv4Address

_V5_HEADER = struct.Struct("!HHIIIIBBH")
_V5_RECORD = struct.Struct("!4s4s4sHHIIIIHHxBBBHHBBxx")
_V9_HEADER = struct.Struct("!HHIIII")
_FLOWSET_HEADER = struct.Struct("!HH")
_TEMPLATE, _OPTIONS_TEMPLATE = 0, 1

V9Field = tuple[int, int]
"""(type, length)"""


@dataclass(frozen=True, slots=True)
class V5Record:
    """One flow of NetFlow v5, in the order of the wire; first and last in ms of the uptime."""

    source: str
    destination: str
    next_hop: str = "0.0.0.0"
    ingress_interface: int = 0
    egress_interface: int = 0
    packets: int = 1
    octets: int = 64
    first_ms: int = 0
    last_ms: int = 0
    source_port: int = 0
    destination_port: int = 0
    tcp_flags: int = 0
    protocol: int = 6
    tos: int = 0
    source_as: int = 0
    destination_as: int = 0
    source_mask: int = 0
    destination_mask: int = 0


def v5_packet(
    records: Sequence[V5Record],
    *,
    uptime_ms: int,
    export_time_s: int,
    sequence: int,
    engine: tuple[int, int] = (0, 0),
    sampling: int = 0,
) -> bytes:
    """One NetFlow v5 packet of at most 30 flows.

    Args:
        sequence: flows sent before this packet.
        engine: type and id.
        sampling: two bits of mode and fourteen of interval.
    """
    header = _V5_HEADER.pack(
        *(5, len(records), uptime_ms, export_time_s, 0, sequence & 0xFFFFFFFF, *engine, sampling)
    )
    return header + b"".join(map(_v5_record, records))


def v9_packet(
    flowsets: Sequence[bytes],
    *,
    uptime_ms: int,
    export_time_s: int,
    sequence: int,
    source_id: int = 0,
) -> bytes:
    """One NetFlow v9 packet; its count is that of the FlowSets, which collectors do not trust."""
    header = _V9_HEADER.pack(9, len(flowsets), uptime_ms, export_time_s, sequence, source_id)
    return header + b"".join(flowsets)


def v9_template_flowset(template_id: int, fields: Sequence[V9Field]) -> bytes:
    """A Template FlowSet with one template."""
    return _flowset(_TEMPLATE, struct.pack("!HH", template_id, len(fields)) + _types(fields))


def v9_options_template_flowset(
    template_id: int, scope: Sequence[V9Field], fields: Sequence[V9Field]
) -> bytes:
    """An Options Template FlowSet with one template (RFC 3954 section 6.1)."""
    head = struct.pack("!HHH", template_id, 4 * len(scope), 4 * len(fields))
    return _flowset(_OPTIONS_TEMPLATE, head + _types([*scope, *fields]))


def v9_data_flowset(template_id: int, records: bytes) -> bytes:
    """A Data FlowSet."""
    return _flowset(template_id, records)


def _v5_record(record: V5Record) -> bytes:
    source, destination, next_hop, *numbers = astuple(record)
    addresses = (IPv4Address(address).packed for address in (source, destination, next_hop))
    return _V5_RECORD.pack(*addresses, *numbers)


def _types(fields: Sequence[V9Field]) -> bytes:
    return b"".join(struct.pack("!HH", kind, length) for kind, length in fields)


def _flowset(flowset_id: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    return _FLOWSET_HEADER.pack(flowset_id, _FLOWSET_HEADER.size + len(padded)) + padded
