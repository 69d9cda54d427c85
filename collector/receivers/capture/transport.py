"""UDP and TCP headers (RFC 768, RFC 9293 section 3.1)."""

import struct
from typing import NamedTuple

UDP, TCP = 17, 6
_UDP_HEADER = struct.Struct("!HHHxx")  # ports, length
_TCP_HEADER = struct.Struct("!HHI4xBB6x")  # ports, sequence number, data offset, flags


class UdpDatagram(NamedTuple):
    """A UDP datagram; ``payload`` ends where its length or the capture does."""

    source_port: int
    destination_port: int
    payload: memoryview


class TcpSegment(NamedTuple):
    """A TCP segment without its header."""

    source_port: int
    destination_port: int
    sequence_number: int
    syn: bool
    fin: bool
    rst: bool
    payload: memoryview


def parse_udp(octets: memoryview) -> UdpDatagram | None:
    """Read a UDP header; None where it is cut short or its length is below 8."""
    if len(octets) < _UDP_HEADER.size:
        return None
    source_port, destination_port, length = _UDP_HEADER.unpack_from(octets)
    # 0: longer than 65535 octets (RFC 2675 section 4), or not cut into segments yet.
    if 0 < length < _UDP_HEADER.size:
        return None
    payload = octets[_UDP_HEADER.size : length or len(octets)]
    return UdpDatagram(source_port, destination_port, payload)


def parse_tcp(octets: memoryview) -> TcpSegment | None:
    """Read a TCP header; None where it is cut short or its data offset makes no sense."""
    if len(octets) < _TCP_HEADER.size:
        return None
    *ports, sequence_number, data_offset, flags = _TCP_HEADER.unpack_from(octets)
    header_octets = (data_offset >> 4) * 4
    if header_octets < _TCP_HEADER.size or len(octets) < header_octets:
        return None
    syn, fin, rst = bool(flags & 2), bool(flags & 1), bool(flags & 4)
    return TcpSegment(*ports, sequence_number, syn, fin, rst, octets[header_octets:])
