"""BGP OPEN with its capabilities (RFC 4271 section 4.2, RFC 5492 section 4, RFC 9072).

| Version (8) | My AS (16) | Hold Time (16) | BGP Identifier (32) | Opt Parm Len (8) | parameters |

A parameter is | Type (8) | Length (8) | value |, and one of type 2 holds capabilities of the same
shape. Where the first parameter's type is 255, a length of 16 bits for all of them follows, and
each has a Length of 16 bits.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from collector.errors import TruncatedError
from collector.protocols.bgp.addresses import ipv4_text

CAPABILITY_FOUR_OCTET_AS = 65  # RFC 6793
CAPABILITY_ADD_PATH = 69  # RFC 7911

_FIXED = struct.Struct("!BHH4sB")
_PARAMETER_CAPABILITIES = 2
_PARAMETER_EXTENDED_LENGTH = 255  # RFC 9072 section 2
_SOURCE = "RFC 4271 section 4.2"
_CAPABILITIES_SOURCE = "RFC 5492 section 4"


class Capability(NamedTuple):
    """One capability, its value as on the wire."""

    code: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Open:
    """What one speaker says of itself; ``as_number`` is that of 4 octets where it is announced.

    ``as_field`` is what stands in the place for 2 octets.
    """

    version: int
    as_number: int
    hold_time_s: int
    bgp_id: str
    capabilities: tuple[Capability, ...]
    as_field: int

    def values(self, code: int) -> list[bytes]:
        """Give the values of all capabilities of that code, in wire order."""
        return [capability.value for capability in self.capabilities if capability.code == code]


def read_open(body: bytes, offset: int = 0) -> Open:
    """Read an OPEN's body, the octets after the BGP header.

    Args:
        body: all of it; octets after the parameters are ignored.
        offset: of ``body[0]`` in what the device sent; used in errors only.
    Raises:
        TruncatedError: a fixed field, a parameter or a capability is cut short.
    """
    if len(body) < _FIXED.size:
        raise TruncatedError(offset, "OPEN cut short", _SOURCE)
    version, as_field, hold_time_s, bgp_id, length = _FIXED.unpack_from(body)
    parameters, start, extended = body[_FIXED.size :], _FIXED.size, False
    if length and parameters[:1] == bytes((_PARAMETER_EXTENDED_LENGTH,)):
        # RFC 9072 section 2: with this type the old length says nothing, whatever it is.
        if len(parameters) < 3:
            raise TruncatedError(offset + start, "Extended Opt. Parm. Length cut short", "RFC 9072")
        length = int.from_bytes(parameters[1:3])
        parameters, start, extended = parameters[3:], start + 3, True
    if length > len(parameters):
        reason = f"Optional Parameters Length {length} passes the end"
        raise TruncatedError(offset + start, reason, _SOURCE)
    capabilities = _capabilities(parameters[:length], offset + start, extended)
    as_number = as_field
    for code, value in capabilities:
        if code == CAPABILITY_FOUR_OCTET_AS and len(value) == 4:
            as_number = int.from_bytes(value)
    identifier = ipv4_text(bgp_id)
    return Open(version, as_number, hold_time_s, identifier, tuple(capabilities), as_field)


def _capabilities(parameters: bytes, offset: int, extended: bool) -> list[Capability]:
    found: list[Capability] = []
    for parameter, value, at in _items(parameters, offset, 2 if extended else 1, _SOURCE):
        if parameter == _PARAMETER_CAPABILITIES:
            items = _items(value, at, 1, _CAPABILITIES_SOURCE)
            found.extend(Capability(code, octets) for code, octets, _ in items)
    return found


def _items(
    octets: bytes, offset: int, length_octets: int, source: str
) -> list[tuple[int, bytes, int]]:
    """Cut | Type (8 bits) | Length | value | items: type, value, offset of the value."""
    items: list[tuple[int, bytes, int]] = []
    header = 1 + length_octets
    start = 0
    while start < len(octets):
        value_at = start + header
        stop = value_at + int.from_bytes(octets[start + 1 : value_at])
        if value_at > len(octets) or stop > len(octets):
            raise TruncatedError(offset + start, f"item of type {octets[start]} cut short", source)
        items.append((octets[start], octets[value_at:stop], offset + value_at))
        start = stop
    return items
