"""Route distinguishers as text (RFC 4364 section 4.2).

| Type (16 bits) | Administrator, Assigned Number (48 bits) |
"""

import struct
from functools import lru_cache
from ipaddress import IPv4Address

from collector.protocols.bgp.addresses import ipv4_text

_AS2_NUMBER4 = struct.Struct("!2xHI")  # type 0
_IPV4_NUMBER2 = struct.Struct("!2x4sH")  # type 1
_AS4_NUMBER2 = struct.Struct("!2xIH")  # type 2


@lru_cache(maxsize=4096)  # a network has few, each on thousands of routes
def rd_text(octets: bytes) -> str:
    """Write 8 octets of a route distinguisher: "64512:1", "192.0.2.1:1".

    A type that RFC 4364 does not know is 16 hex digits.
    """
    kind = octets[1] if octets[0] == 0 else None
    if kind == 0:
        return _colon(*_AS2_NUMBER4.unpack(octets))
    if kind == 1:
        address, number = _IPV4_NUMBER2.unpack(octets)
        return _colon(ipv4_text(address), number)
    if kind == 2:
        return _colon(*_AS4_NUMBER2.unpack(octets))
    return octets.hex()


def _colon(administrator: int | str, number: int) -> str:
    return f"{administrator}:{number}"


def rd_octets(text: str) -> bytes:
    """Read a route distinguisher from text as `rd_text` writes it: 8 octets.

    Raises:
        ValueError: it is none.
    """
    if len(text) == 16 and ":" not in text:
        return bytes.fromhex(text)
    administrator, colon, number = text.rpartition(":")
    if not colon or not number.isdecimal():
        raise ValueError(f"{text!r} is no route distinguisher: AS:NUMBER or ADDRESS:NUMBER")
    try:
        if "." in administrator:
            return struct.pack("!H4sH", 1, IPv4Address(administrator).packed, int(number))
        if int(administrator) <= 0xFFFF:
            return struct.pack("!HHI", 0, int(administrator), int(number))
        return struct.pack("!HIH", 2, int(administrator), int(number))
    except (struct.error, ValueError) as error:
        raise ValueError(f"{text!r} is no route distinguisher: {error}") from error
