"""IPv4 and IPv6 addresses and prefixes as text (RFC 5952)."""

from functools import lru_cache
from ipaddress import IPv6Address

from collector.protocols.bgp.families import AFI_IPV4

_IPV4_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, RFC 4291 section 2.5.5.2


def ipv4_text(octets: bytes) -> str:
    """Write 4 octets dotted."""
    a, b, c, d = octets
    return f"{a}.{b}.{c}.{d}"


@lru_cache(maxsize=4096)  # next hops and peers come again and again
def ipv6_text(octets: bytes) -> str:
    """Write 16 octets as RFC 5952 section 4 does, IPv4-mapped ones mixed (its section 5)."""
    if octets.startswith(_IPV4_MAPPED):
        return "::ffff:" + ipv4_text(octets[12:])
    return str(IPv6Address(octets))


def prefix_text(afi: int, prefix: bytes) -> str:
    """Write a prefix, as `split_nlri` gives it, with its length after a slash.

    Args:
        afi: 1 for IPv4, else IPv6.
        prefix: length in bits (one octet), then the octets it needs.
    """
    if afi == AFI_IPV4:
        bits, a, b, c, d = prefix.ljust(5, b"\0")
        return f"{a}.{b}.{c}.{d}/{bits}"
    return f"{ipv6_text(prefix[1:].ljust(16, bytes(1)))}/{prefix[0]}"
