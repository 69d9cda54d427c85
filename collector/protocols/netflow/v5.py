"""NetFlow v5: one header, then records of 48 octets, always the same ones.

| version = 5                   | count                         |
| SysUptime                                                     |
| unix_secs                                                     |
| unix_nsecs                                                    |
| flow_sequence                                                 |
| engine_type   | engine_id     | sampling mode (2), interval   |
"""

import struct

from collector.errors import DecodeError, TruncatedError
from collector.protocols.flow_values import Message, new_message
from collector.protocols.ipfix.fields import FieldSpecifier
from collector.protocols.ipfix.sets import Set

VERSION = 5
# version, count, SysUptime, unix_secs, unix_nsecs, flow_sequence, engine type and id, sampling
HEADER = struct.Struct("!HHIIIIHH")
RECORD_OCTETS = 48
_SOURCE = "NetFlow v5 export format"
TEMPLATE_ID = 0  # of the built-in template and the one Set of a datagram
_PADDING_OCTETS = 210  # IANA's paddingOctets; layouts of version 5 leave it out of their rows

# A record in wire order: IANA's element of the same meaning, and octets.
FIELDS = tuple(
    FieldSpecifier(0, element_id, length)
    for element_id, length in (
        (8, 4),  # srcaddr: sourceIPv4Address
        (12, 4),  # dstaddr: destinationIPv4Address
        (15, 4),  # nexthop: ipNextHopIPv4Address
        (10, 2),  # input: ingressInterface
        (14, 2),  # output: egressInterface
        (2, 4),  # dPkts: packetDeltaCount
        (1, 4),  # dOctets: octetDeltaCount
        (22, 4),  # First: flowStartSysUpTime
        (21, 4),  # Last: flowEndSysUpTime
        (7, 2),  # srcport: sourceTransportPort
        (11, 2),  # dstport: destinationTransportPort
        (_PADDING_OCTETS, 1),  # pad1
        (6, 1),  # tcp_flags: tcpControlBits
        (4, 1),  # prot: protocolIdentifier
        (5, 1),  # tos: ipClassOfService
        (16, 2),  # src_as: bgpSourceAsNumber
        (17, 2),  # dst_as: bgpDestinationAsNumber
        (9, 1),  # src_mask: sourceIPv4PrefixLength
        (13, 1),  # dst_mask: destinationIPv4PrefixLength
        (_PADDING_OCTETS, 2),  # pad2
    )
)


def parse_message(exporter: str, datagram: memoryview) -> tuple[Message, memoryview]:
    """Read the header and cut out the records it counts; octets after them are ignored.

    Returns:
        The header and a view of count * 48 octets.
    Raises:
        TruncatedError: there are fewer octets than a header has, or than the count promises.
    """
    if len(datagram) < HEADER.size:
        raise TruncatedError(0, "header cut short", _SOURCE)
    _, count, uptime_ms, time_s, time_ns, sequence, engine, sampling = HEADER.unpack_from(datagram)
    end = HEADER.size + count * RECORD_OCTETS
    if end > len(datagram):
        raise TruncatedError(0, f"count {count} passes the end of the datagram", _SOURCE)
    # The two octets of engine type and id, read as one number, are type * 256 + id.
    fields = (VERSION, exporter, engine, time_s, sequence, uptime_ms, sampling, time_ns)
    return new_message(fields), datagram[HEADER.size : end]


def split_records(body: memoryview, offset: int) -> tuple[list[Set], DecodeError | None]:
    """See the records as one Set of the built-in template, in the form of `split_sets`."""
    return ([Set(TEMPLATE_ID, body, offset)] if body else []), None
