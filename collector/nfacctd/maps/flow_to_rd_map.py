"""flow_to_rd_map: the route distinguisher of a flow (reference 2.7, 5.4)."""

from collector.nfacctd.maps.first_match import FirstMatchMap, sole
from collector.nfacctd.maps.match_keys import (
    BGP_NEXTHOP,
    IN,
    IP,
    MPLS_LABEL_BOTTOM,
    MPLS_VPN_ID,
    OUT,
)
from collector.nfacctd.maps.route_distinguisher import rd_text
from collector.nfacctd.maps.rules import Language, load_rules

_LANGUAGE: Language[str] = Language(
    match={
        "ip": IP,
        "in": IN,
        "out": OUT,
        "bgp_nexthop": BGP_NEXTHOP,
        "mpls_vpn_id": MPLS_VPN_ID,
        "mpls_label_bottom": MPLS_LABEL_BOTTOM,
    },
    settings={"id": rd_text},
    give=sole("id"),
)


class FlowToRdMap(FirstMatchMap[str]):
    """Gives route distinguishers as records have them, "0:64512:1"."""

    @classmethod
    def load(cls, path: str) -> "FlowToRdMap":
        """Read the map.

        Raises:
            MapError: all its mistakes.
        """
        return cls(load_rules(path, _LANGUAGE))
