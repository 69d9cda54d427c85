"""Address families that decoding depends on: AFI and SAFI numbers (IANA, RFC 4760 section 6)."""

AFI_IPV4 = 1
AFI_IPV6 = 2

SAFI_UNICAST = 1
SAFI_MULTICAST = 2
SAFI_LABELLED = 4  # RFC 8277
SAFI_EVPN = 70  # RFC 7432
SAFI_BGP_LS = 71  # RFC 9552
SAFI_BGP_LS_VPN = 72  # RFC 9552
SAFI_VPN = 128  # RFC 4364, RFC 4659
SAFI_ROUTE_TARGET = 132  # RFC 4684
SAFI_FLOWSPEC = 133  # RFC 8955
SAFI_FLOWSPEC_VPN = 134  # RFC 8955

Family = tuple[int, int]  # AFI, SAFI

IPV4_UNICAST: Family = (AFI_IPV4, SAFI_UNICAST)

ADDRESS_BITS = {AFI_IPV4: 32, AFI_IPV6: 128}
PREFIX_SAFIS = frozenset({SAFI_UNICAST, SAFI_MULTICAST, SAFI_LABELLED, SAFI_VPN})


def carries_prefixes(afi: int, safi: int) -> bool:
    """Tell whether a family's NLRI are IPv4 or IPv6 prefixes, with or without labels and RD."""
    return afi in ADDRESS_BITS and safi in PREFIX_SAFIS
