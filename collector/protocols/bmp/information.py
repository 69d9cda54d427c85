"""BMP Information TLVs (RFC 7854 sections 4.4 and 4.5, RFC 9069 section 5.2.1, RFC 9736).

| Information Type (16 bits) | Information Length (16 bits) | value ... |
"""

import struct
from typing import NamedTuple

from collector.errors import TruncatedError

_HEADER = struct.Struct("!HH")
_SOURCE = "RFC 7854 section 4.4"

_TERMINATION_REASON = 1
# String, sysDescr, sysName, VRF/Table Name, Admin Label. One registry until RFC 9736 made two of
# it, and what one kept the other has reserved: so all mean the same in both.
_TEXT = frozenset({0, 1, 2, 3, 4})


class Information(NamedTuple):
    """One TLV; ``value`` is text, a termination's reason, or octets where we know no meaning."""

    type: int
    value: str | int | bytes


def read_information(octets: bytes, offset: int = 0) -> tuple[Information, ...]:
    """Read the TLVs of an Initiation, a Peer Up, or a Peer Down, in wire order.

    Args:
        octets: all of them.
        offset: of ``octets[0]`` in the message; used in errors only.
    Raises:
        TruncatedError: a TLV passes the end.
    """
    return tuple(
        Information(kind, _text(value) if kind in _TEXT else value)
        for kind, value, _ in read_tlvs(octets, offset)
    )


def read_termination(octets: bytes, offset: int = 0) -> tuple[Information, ...]:
    """Read the TLVs of a Termination: 0 is text, 1 the reason. Else as `read_information`."""
    return tuple(
        Information(kind, _termination_value(kind, value))
        for kind, value, _ in read_tlvs(octets, offset)
    )


def read_tlvs(octets: bytes, offset: int) -> list[tuple[int, bytes, int]]:
    """Cut TLVs: type, value, and the value's offset.

    Raises:
        TruncatedError: a TLV passes the end.
    """
    tlvs: list[tuple[int, bytes, int]] = []
    start = 0
    while start < len(octets):
        value_at = start + _HEADER.size
        if value_at > len(octets):
            raise TruncatedError(offset + start, "TLV header cut short", _SOURCE)
        kind, length = _HEADER.unpack_from(octets, start)
        stop = value_at + length
        if stop > len(octets):
            reason = f"TLV of type {kind} and length {length} passes the end"
            raise TruncatedError(offset + start, reason, _SOURCE)
        tlvs.append((kind, octets[value_at:stop], offset + value_at))
        start = stop
    return tlvs


def _termination_value(kind: int, value: bytes) -> str | int | bytes:
    if kind == _TERMINATION_REASON and len(value) == 2:
        return int.from_bytes(value)
    return _text(value) if kind == 0 else value


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")
