"""IPFIX Message Header (RFC 7011 section 3.1).

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
|       Version Number = 10     |            Length             |
|                           Export Time                         |
|                       Sequence Number                         |
|                    Observation Domain ID                      |
"""

import struct

from collector.errors import MalformedError, TruncatedError
from collector.protocols.flow_values import Message, new_message

VERSION = 10
HEADER = struct.Struct("!HHIII")  # version, Length, Export Time, Sequence, Observation Domain ID
_SOURCE = "RFC 7011 section 3.1"


def parse_message(exporter: str, datagram: memoryview) -> tuple[Message, memoryview]:
    """Read the Message Header and cut the Message out of its datagram.

    Args:
        exporter: canonical text of the datagram's source address.
        datagram: a UDP payload; octets after the Message's own Length are ignored.
    Returns:
        The header and a view of the Sets behind it.
    Raises:
        TruncatedError: there are fewer octets than a header has, or than Length promises.
        MalformedError: Length does not even cover the header.
    """
    if len(datagram) < HEADER.size:
        raise TruncatedError(0, "Message Header cut short", _SOURCE)
    _, length, export_time_s, sequence, domain_id = HEADER.unpack_from(datagram)
    if length > len(datagram):
        raise TruncatedError(0, f"Message Length {length} passes the end of the datagram", _SOURCE)
    if length < HEADER.size:
        raise MalformedError(0, f"Message Length {length} is below {HEADER.size}", _SOURCE)
    message = new_message((VERSION, exporter, domain_id, export_time_s, sequence, None, None, 0))
    return message, datagram[HEADER.size : length]
