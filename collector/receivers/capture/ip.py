"""IPv4 and IPv6: from a packet to what its transport header begins (RFC 791, RFC 8200)."""

import struct
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

_IPV4_HEADER = struct.Struct("!BxHHHxB2x4s4s")  # version, total length, id, fragment, protocol
_IPV6_HEADER = struct.Struct("!4xHBx16s16s")  # payload length, next header, source, destination
_FRAGMENT_HEADER = struct.Struct("!BxHI")  # next header, offset and M flag, identification
_FRAGMENT, _AUTHENTICATION = 44, 51
# Hop-by-hop, routing, destination options, mobility, HIP, shim6: next header, length in 8 octets.
_EXTENSIONS = frozenset((0, 43, 60, 135, 139, 140))


class IpPacket(NamedTuple):
    """An IP packet or fragment without its headers.

    ``fragment_offset`` is in octets; ``more_fragments`` False and offset 0 means a whole datagram.
    ``protocol`` of a later IPv6 fragment is what its Fragment header says. ``missing`` counts the
    octets at the end that the snap length cut off.
    """

    source: bytes  # 4 or 16 octets
    destination: bytes
    protocol: int
    payload: memoryview
    missing: int
    identification: int
    fragment_offset: int
    more_fragments: bool

    @property
    def is_fragment(self) -> bool:
        """Whether other packets hold the rest of the datagram."""
        return self.more_fragments or self.fragment_offset > 0


@lru_cache(maxsize=65536)
def address_text(octets: bytes) -> str:
    """Canonical text of 4 or 16 octets; an IPv4-mapped IPv6 address is that IPv4 address."""
    if len(octets) == 4:
        return str(IPv4Address(octets))
    address = IPv6Address(octets)
    return str(address.ipv4_mapped or address)


def parse_ip(octets: memoryview) -> IpPacket | None:
    """Take the IP headers off; None where this is no IP packet or its headers are cut short."""
    version = octets[0] >> 4 if octets else 0
    if version == 4:
        return _parse_ipv4(octets)
    return _parse_ipv6(octets) if version == 6 else None


def _parse_ipv4(octets: memoryview) -> IpPacket | None:
    if len(octets) < _IPV4_HEADER.size:
        return None
    first, total, identification, fragment, protocol, *ends = _IPV4_HEADER.unpack_from(octets)
    header_octets = (first & 15) * 4
    # A packet captured before the interface cut it into segments has no Total Length yet.
    total = total or len(octets)
    if header_octets < 20 or total < header_octets or len(octets) < header_octets:
        return None
    payload = octets[header_octets:total]
    return IpPacket(
        *ends,
        protocol,
        payload,
        total - header_octets - len(payload),
        identification,
        (fragment & 0x1FFF) * 8,
        bool(fragment & 0x2000),
    )


def _parse_ipv6(octets: memoryview) -> IpPacket | None:
    if len(octets) < _IPV6_HEADER.size:
        return None
    length, protocol, *ends = _IPV6_HEADER.unpack_from(octets)
    # 0: a jumbogram (RFC 2675), or a packet that the interface was yet to cut into segments.
    payload = octets[40 : 40 + length] if length else octets[40:]
    missing = length - len(payload) if length else 0
    identification, offset, more = 0, 0, False
    behind = behind_extensions(protocol, payload)
    if behind is not None and behind[0] == _FRAGMENT:
        payload = behind[1]
        if len(payload) < _FRAGMENT_HEADER.size:
            return None
        protocol, field, identification = _FRAGMENT_HEADER.unpack_from(payload)
        offset, more = field & 0xFFF8, bool(field & 1)
        behind = (protocol, payload[_FRAGMENT_HEADER.size :])
        # A fragment's octets are headers and data alike; an atomic one (RFC 6946) is a datagram.
        if not (offset or more):
            behind = behind_extensions(*behind)
    if behind is None:
        return None
    return IpPacket(*ends, *behind, missing, identification, offset, more)


def behind_extensions(protocol: int, payload: memoryview) -> tuple[int, memoryview] | None:
    """Walk extension headers up to the first that is none (RFC 8200 section 4).

    Returns:
        The upper-layer protocol, or that of a Fragment header, and its octets; None where a header
        is cut short.
    """
    while protocol in _EXTENSIONS or protocol == _AUTHENTICATION:
        if len(payload) < 2:
            return None
        # The Authentication Header counts 4 octets, less two (RFC 4302 section 2.2).
        unit, extra = (4, 2) if protocol == _AUTHENTICATION else (8, 1)
        header_octets = (payload[1] + extra) * unit
        if len(payload) < header_octets:
            return None
        protocol, payload = payload[0], payload[header_octets:]
    return protocol, payload
