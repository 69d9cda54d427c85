"""BGP NOTIFICATION (RFC 4271 section 4.5).

| Error code (8 bits) | Error subcode (8 bits) | Data ... |
"""

from typing import NamedTuple

from collector.errors import TruncatedError

_SOURCE = "RFC 4271 section 4.5"


class Notification(NamedTuple):
    """Why a session ended; numbers of IANA's BGP error codes."""

    code: int
    subcode: int
    data: bytes


def read_notification(body: bytes, offset: int = 0) -> Notification:
    """Read a NOTIFICATION's body, the octets after the BGP header.

    Args:
        body: may be of any length.
        offset: of ``body[0]`` in what the device sent; used in errors only.
    Raises:
        TruncatedError: code or subcode are missing.
    """
    if len(body) < 2:
        raise TruncatedError(offset, "NOTIFICATION cut short", _SOURCE)
    return Notification(body[0], body[1], body[2:])
