"""Next hops of MP_REACH_NLRI (RFC 4760 section 3, RFC 2545, RFC 4364, RFC 4659, RFC 8950).

| length | what is there |
|---|---|
| 4, 16 | an IPv4, an IPv6 address, in any family |
| 32 | IPv6, then link-local IPv6 |
| 12, 24 | route distinguisher, then IPv4 or IPv6 |
| 48 | route distinguisher, IPv6, route distinguisher, link-local IPv6 |
"""

from functools import lru_cache
from typing import NamedTuple

from collector.protocols.bgp.addresses import ipv4_text, ipv6_text
from collector.protocols.bgp.route_distinguisher import rd_text

_NO_RD = bytes(8)


class NextHop(NamedTuple):
    """A next hop for people; ``address`` is hex where its length is none of the above."""

    address: str
    rd: str | None = None
    link_local: str | None = None


@lru_cache(4096)  # a router has few
def next_hop(octets: bytes) -> NextHop:
    """Read the octets of a next hop, as `MpReach` or `Attributes` carry them; never fails."""
    match len(octets):
        case 4:
            return NextHop(ipv4_text(octets))
        case 16:
            return NextHop(ipv6_text(octets))
        case 32:
            return NextHop(ipv6_text(octets[:16]), None, ipv6_text(octets[16:]))
        case 12:
            return NextHop(ipv4_text(octets[8:]), _rd(octets))
        case 24:
            return NextHop(ipv6_text(octets[8:]), _rd(octets))
        case 48:
            return NextHop(ipv6_text(octets[8:24]), _rd(octets), ipv6_text(octets[32:]))
        case _:
            return NextHop(octets.hex())


@lru_cache(4096)
def next_hop_text(octets: bytes) -> str:
    """Write the address of a next hop."""
    return next_hop(octets).address


def _rd(octets: bytes) -> str | None:
    rd = octets[:8]
    return None if rd == _NO_RD else rd_text(rd)
