"""Messages of one template and some records, out of (element, octets) pairs."""

from collections.abc import Sequence
from ipaddress import ip_address

from collector.simulation.ipfix import (
    Field,
    data_set,
    ipfix_message,
    options_template_set,
    template_set,
)
from collector.simulation.netflow import v9_data_flowset, v9_packet, v9_template_flowset

EXPORT_S = 1_700_000_000
UPTIME_MS = 100_000
COUNTED = ((2, b"\0\0\0\3"), (1, b"\0\0\1\0"))  # 3 packets, 256 octets

Value = tuple[int, bytes] | tuple[int, bytes, int]
"""(element, octets) or (element, octets, enterprise number)."""


def ipfix(*records: Sequence[Value], counted: bool = True, domain: int = 0) -> bytes:
    """Write records that all have the fields of the first; counters are added at their end."""
    rows = [[*record, *COUNTED] if counted else list(record) for record in records]
    octets = b"".join(value[1] for row in rows for value in row)
    sets = [template_set(256, _fields(rows[0])), data_set(256, octets, padded=False)]
    return ipfix_message(sets, export_time_s=EXPORT_S, sequence=7, domain=domain)


def netflow_v9(*records: Sequence[Value], domain: int = 0) -> bytes:
    """As `ipfix`, in NetFlow v9."""
    rows = [[*record, *COUNTED] for record in records]
    octets = b"".join(value[1] for row in rows for value in row)
    sets = [v9_template_flowset(256, _fields(rows[0])), v9_data_flowset(256, octets)]
    return v9_packet(
        sets, uptime_ms=UPTIME_MS, export_time_s=EXPORT_S, sequence=7, source_id=domain
    )


def options(scope: Sequence[Value], fields: Sequence[Value], domain: int = 0) -> bytes:
    """Write one options record."""
    octets = b"".join(value[1] for value in [*scope, *fields])
    sets = [
        options_template_set(400, _fields(scope), _fields(fields)),
        data_set(400, octets, padded=False),
    ]
    return ipfix_message(sets, export_time_s=EXPORT_S, sequence=0, domain=domain)


def address(text: str) -> bytes:
    """Give an address's octets."""
    return ip_address(text).packed


def _fields(values: Sequence[Value]) -> list[Field]:
    return [(element, len(octets), *pen) for element, octets, *pen in values]
