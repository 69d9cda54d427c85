"""The BMP stream of a reference capture: classic pcap, Ethernet, one TCP connection."""

import struct
from pathlib import Path

_ETHERNET_OCTETS = 14
_IPV6_OCTETS = 40
_IPV4, _IPV6, _TCP = 0x0800, 0x86DD, 6


def tcp_stream(path: Path) -> bytes:
    """Payload of all TCP segments, in sequence order."""
    octets = path.read_bytes()
    order = "<" if octets[0] in (0xD4, 0x4D) else ">"
    segments: dict[int, bytes] = {}
    position = 24
    while position < len(octets):
        (length,) = struct.unpack_from(f"{order}8xI4x", octets, position)
        frame = octets[position + 16 : position + 16 + length]
        position += 16 + length
        segment = _tcp_segment(int.from_bytes(frame[12:14]), frame[_ETHERNET_OCTETS:])
        if segment and (payload := segment[(segment[12] >> 4) * 4 :]):
            segments[int.from_bytes(segment[4:8])] = payload
    return b"".join(payload for _, payload in sorted(segments.items()))


def _tcp_segment(ether_type: int, packet: bytes) -> bytes:
    if ether_type == _IPV4 and packet[9] == _TCP:
        return packet[(packet[0] & 15) * 4 : int.from_bytes(packet[2:4])]
    if ether_type == _IPV6 and packet[6] == _TCP:
        return packet[_IPV6_OCTETS : _IPV6_OCTETS + int.from_bytes(packet[4:6])]
    return b""
