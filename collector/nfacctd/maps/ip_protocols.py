"""Names of IP protocols that rules may use in place of numbers (IANA, assigned protocol numbers).

Not the system's table: a container often has none, and a map must mean the same everywhere.
"""

from collector.nfacctd.maps.values import number

PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "egp": 8,
    "igp": 9,
    "udp": 17,
    "ipv6": 41,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmp6": 58,
    "ipv6-icmp": 58,
    "eigrp": 88,
    "ospf": 89,
    "pim": 103,
    "vrrp": 112,
    "l2tp": 115,
    "sctp": 132,
    "udplite": 136,
}


def protocol_number(text: str) -> int:
    """Read a protocol, by number or by name.

    Raises:
        ValueError: it is none.
    """
    known = PROTOCOLS.get(text.lower())
    return number(text, 255) if known is None else known
