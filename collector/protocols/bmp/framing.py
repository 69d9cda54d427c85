"""BMP framing: a TCP stream cut into messages by the common header (RFC 7854 section 4.1).

| Version (8 bits) | Message Length (32 bits) | Message Type (8 bits) | body ... |
"""

import struct

from collector.errors import MalformedError

COMMON_HEADER = struct.Struct("!BIB")

VERSION_3 = 3
VERSION_4 = 4  # draft-ietf-grow-bmp-tlv; the common header is the same
_VERSIONS = frozenset({VERSION_3, VERSION_4})

ROUTE_MONITORING = 0
STATISTICS_REPORT = 1
PEER_DOWN = 2
PEER_UP = 3
INITIATION = 4
TERMINATION = 5
ROUTE_MIRRORING = 6

# A Peer Up with two OPENs of RFC 8654's length, and a mirrored message of it, fit several times.
MAX_MESSAGE_OCTETS = 1 << 20

_SOURCE = "RFC 7854 section 4.1"


class BmpFramer:
    """Cut one stream into BMP messages.

    Buffers at most one message of ``max_message_octets``, and what came with its last octets.
    """

    def __init__(self, max_message_octets: int = MAX_MESSAGE_OCTETS) -> None:
        self._max_message_octets = max_message_octets
        self._pending = bytearray()
        self._wanted = COMMON_HEADER.size  # octets in `_pending` that are worth a look

    def feed(self, octets: bytes) -> list[bytes]:
        """Take the next octets of the stream.

        Returns:
            The messages that they complete, common header included; an empty list asks for more.
        Raises:
            MalformedError: the framing is lost, and the session is to be closed; the offset counts
                from the bad header. Messages before it are given first, and it is told with the
                next octets.
        """
        if self._pending:
            self._pending += octets
            if len(self._pending) < self._wanted:
                return []
            octets = bytes(self._pending)
        messages: list[bytes] = []
        start, end = 0, len(octets)
        most = self._max_message_octets
        self._wanted = COMMON_HEADER.size
        while end - start >= COMMON_HEADER.size:
            version, length, _ = COMMON_HEADER.unpack_from(octets, start)
            if version not in _VERSIONS or not COMMON_HEADER.size <= length <= most:
                if not messages:
                    raise _fault(version, length)
                break
            if length > end - start:
                self._wanted = length
                break
            messages.append(octets[start : start + length])
            start += length
        self._pending = bytearray(octets[start:])
        return messages


def _fault(version: int, length: int) -> MalformedError:
    if version not in _VERSIONS:
        return MalformedError(0, f"BMP version {version}", _SOURCE)
    return MalformedError(1, f"BMP Message Length {length}", _SOURCE)
