"""BGP messages: the header that all share (RFC 4271 section 4.1, RFC 8654).

| Marker (128 bits, all ones) | Length (16 bits) | Type (8 bits) | body ... |
"""

import struct
from typing import NamedTuple

from collector.errors import MalformedError, TruncatedError

OPEN = 1
UPDATE = 2
NOTIFICATION = 3

HEADER_OCTETS = 19
MARKER = b"\xff" * 16

_LENGTH_TYPE = struct.Struct("!16xHB")
_SOURCE = "RFC 4271 section 4.1"


class BgpMessage(NamedTuple):
    """A BGP message, its body not decoded yet; ``octets`` is Length, the header included."""

    type: int
    body: bytes
    octets: int


def read_message(octets: bytes, offset: int = 0) -> BgpMessage:
    """Read the BGP message that begins at ``octets[0]``; what follows it is left alone.

    Args:
        octets: from the marker on.
        offset: of ``octets[0]`` in what the device sent; used in errors only.
    Raises:
        DecodeError: the header or the body is cut short, the marker or the length is wrong.
    """
    if len(octets) < HEADER_OCTETS:
        raise TruncatedError(offset, "BGP header cut short", _SOURCE)
    if not octets.startswith(MARKER):
        raise MalformedError(offset, "BGP marker is not all ones", _SOURCE)
    length, message_type = _LENGTH_TYPE.unpack_from(octets)
    if length < HEADER_OCTETS:
        raise MalformedError(offset + 16, f"BGP Length {length} is below 19", _SOURCE)
    if length > len(octets):
        raise TruncatedError(offset + 16, f"BGP Length {length} passes the end", _SOURCE)
    return BgpMessage(message_type, octets[HEADER_OCTETS:length], length)
