"""BMP framing: a TCP stream cut into messages by the common header (RFC 7854 section 4.1).

| Version (8 bits) | Message Length (32 bits) | Message Type (8 bits) | body ... |
"""

import struct

from collector.errors import DecodeError, MalformedError

COMMON_HEADER = struct.Struct("!BIB")

VERSION_3 = 3
VERSION_4 = 4  # draft-ietf-grow-bmp-tlv; the common header is the same

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
    """Cut one stream into BMP messages; ``fault`` tells that its framing is lost.

    Buffers at most one message of ``max_message_octets``, and what came with its last octets.
    """

    def __init__(self, max_message_octets: int = MAX_MESSAGE_OCTETS) -> None:
        self.fault: DecodeError | None = None
        self._max_message_octets = max_message_octets
        self._pending = bytearray()
        self._wanted = COMMON_HEADER.size  # octets in `_pending` that are worth a look

    def feed(self, octets: bytes) -> list[bytes]:
        """Take the next octets of the stream.

        Returns:
            The messages that they complete, common header included; an empty list asks for more.
            Once ``fault`` is set nothing more comes, and the session is to be closed; its offset
            counts from the start of the bad header.
        """
        if self.fault:
            return []
        if self._pending:
            self._pending += octets
            if len(self._pending) < self._wanted:
                return []
            octets = bytes(self._pending)
        messages: list[bytes] = []
        start, end = 0, len(octets)
        wanted = COMMON_HEADER.size
        while end - start >= COMMON_HEADER.size:
            version, length, _ = COMMON_HEADER.unpack_from(octets, start)
            if version not in (VERSION_3, VERSION_4):
                self.fault = MalformedError(0, f"BMP version {version}", _SOURCE)
                break
            if not COMMON_HEADER.size <= length <= self._max_message_octets:
                self.fault = MalformedError(1, f"BMP Message Length {length}", _SOURCE)
                break
            if length > end - start:
                wanted = length
                break
            messages.append(octets[start : start + length])
            start += length
        self._pending = bytearray() if self.fault else bytearray(octets[start:])
        self._wanted = wanted
        return messages
