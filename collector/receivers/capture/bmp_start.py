"""Where BMP messages begin in a stream that may have begun before its capture.

| Version (8) | Message Length (32) | Message Type (8) |   RFC 7854 section 4.1
"""

from collector.protocols.bmp.framing import (
    COMMON_HEADER,
    INITIATION,
    MAX_MESSAGE_OCTETS,
    ROUTE_MIRRORING,
    ROUTE_MONITORING,
    TERMINATION,
    VERSION_3,
    VERSION_4,
)
from collector.protocols.bmp.per_peer import PER_PEER_OCTETS

_FIRST_OCTETS = bytes((VERSION_3, 0))  # no message is as long as 16 MiB
_TYPES = range(ROUTE_MONITORING, ROUTE_MIRRORING + 1)


def find_start(octets: bytearray, *, begins: bool, expected: bool, final: bool) -> tuple[int, bool]:
    """Find the first common header that another one follows.

    Args:
        octets: what the stream holds.
        begins: ``octets[0]`` is the first of a connection, where a header needs less evidence.
        expected: the operator says that the connection is BMP.
        final: nothing more comes; a message that ends where the octets do needs no successor.
    Returns:
        An offset before which no message begins, and whether one begins there; where not, more
        octets are needed to tell.
    """
    at = 0
    if begins:
        verdict = _begins_connection(octets, expected, final)
        if verdict is not False:
            return 0, bool(verdict)
        at = 1
    while (at := octets.find(_FIRST_OCTETS, at)) >= 0:
        verdict = _begins_message(octets, at, final)
        if verdict is not False:
            return at, bool(verdict)
        at += 1
    return len(octets) - octets.endswith(_FIRST_OCTETS[:1]), False


def _begins_connection(octets: bytearray, expected: bool, final: bool) -> bool | None:
    """Judge the first header of a connection; None where more octets are needed."""
    if len(octets) < COMMON_HEADER.size:
        return False if final else None
    version, length, message_type = COMMON_HEADER.unpack_from(octets)
    if not is_framed(version, length):
        return False
    # RFC 7854 section 4.3 wants an Initiation first; not every sender cares.
    if expected or message_type == INITIATION:
        return True
    if len(octets) < length + COMMON_HEADER.size:
        return message_type in _TYPES if final else None
    next_version, next_length, next_type = COMMON_HEADER.unpack_from(octets, length)
    known = message_type in _TYPES or next_type in _TYPES
    return known and is_framed(next_version, next_length)


def _begins_message(octets: bytearray, at: int, final: bool) -> bool | None:
    """Judge what may be a header in the middle of things; None where more octets are needed."""
    if len(octets) - at < COMMON_HEADER.size:
        return False if final else None
    if not _makes_sense(octets, at):
        return False
    following = at + COMMON_HEADER.unpack_from(octets, at)[1]
    if len(octets) - following >= COMMON_HEADER.size:
        return _makes_sense(octets, following)
    if not final:
        return None
    return len(octets) >= following and _FIRST_OCTETS.startswith(octets[following : following + 2])


def is_framed(version: int, length: int) -> bool:
    """Tell whether a common header can be one, of a message of whatever type."""
    return version in (VERSION_3, VERSION_4) and COMMON_HEADER.size <= length <= MAX_MESSAGE_OCTETS


def _makes_sense(octets: bytearray, at: int) -> bool:
    version, length, message_type = COMMON_HEADER.unpack_from(octets, at)
    has_peer = message_type not in (INITIATION, TERMINATION)
    shortest = COMMON_HEADER.size + has_peer * PER_PEER_OCTETS
    sensible_length = shortest <= length <= MAX_MESSAGE_OCTETS
    return version == VERSION_3 and message_type in _TYPES and sensible_length
