"""One BGP route as the lab's daemons take it."""

from dataclasses import dataclass
from enum import Enum


class Family(Enum):
    """Address families, by what GoBGP and FRR call them."""

    IPV4 = ("ipv4", "ipv4-unicast", "ipv4 unicast")
    IPV6 = ("ipv6", "ipv6-unicast", "ipv6 unicast")
    VPNV4 = ("vpnv4", "l3vpn-ipv4-unicast", "ipv4 vpn")

    def __init__(self, gobgp: str, gobgp_afi_safi: str, frr: str) -> None:
        self.gobgp, self.gobgp_afi_safi, self.frr = gobgp, gobgp_afi_safi, frr


@dataclass(frozen=True, slots=True)
class Route:
    """A prefix with its path as the route source announces it: its own AS is not in it yet.

    ``rd`` makes it a VPNv4 route; ``communities`` as "65000:1".
    """

    prefix: str
    as_path: tuple[int, ...]
    next_hop: str
    communities: tuple[str, ...] = ()
    rd: str | None = None

    @property
    def family(self) -> Family:
        """What the prefix is of."""
        if self.rd:
            return Family.VPNV4
        return Family.IPV6 if ":" in self.prefix else Family.IPV4
