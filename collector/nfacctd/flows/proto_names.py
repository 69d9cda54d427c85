"""Names of IP protocols in `ip_proto` (reference 1.2, row 32): nfacctd's own, not the system's.

As nfacctd 1.7.7 writes them; a number without a name is written as it is.
"""

_NAMES = {
    1: "icmp",
    2: "igmp",
    3: "ggp",
    4: "ipencap",
    6: "tcp",
    8: "egp",
    9: "igp",
    17: "udp",
    18: "mux",
    41: "ipv6",
    43: "ipv6-route",
    44: "ipv6-frag",
    46: "rsvp",
    47: "gre",
    50: "esp",
    51: "ah",
    55: "mobile",
    56: "tlsp",
    58: "ipv6-icmp",
    59: "ipv6-nonxt",
    60: "ipv6-opts",
    80: "iso-ip",
    83: "vines",
    88: "eigrp",
    89: "ospf",
    91: "larp",
    93: "ax.25",
    94: "ipip",
    98: "encap",
    102: "pnni",
    103: "pim",
    108: "IPcomp",
    111: "ipx-in-ip",
    112: "vrrp",
    115: "l2tp",
    124: "isis",
    132: "sctp",
    133: "fc",
}

PROTOCOL_NUMBERS = [str(number) for number in range(256)]
PROTOCOL_NAMES = [_NAMES.get(number, str(number)) for number in range(256)]
