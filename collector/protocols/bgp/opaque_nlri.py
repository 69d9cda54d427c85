"""NLRI of families that carry no prefixes, each kept as its octets, type and length included.

| family | how it is cut | source |
|---|---|---|
| EVPN (AFI 25, SAFI 70) | Route Type (8), Length (8) | RFC 7432 section 7 |
| BGP-LS (SAFI 71, 72) | NLRI Type (16), Total NLRI Length (16) | RFC 9552 section 5.2 |
| route target (SAFI 132) | Length (8, bits) | RFC 4684 section 4 |
| FlowSpec (SAFI 133, 134) | Length (8, or 4 ones and 12 bits) | RFC 8955 section 4.1 |

All other families: one NLRI of all that is left, as we do not know where one ends.
"""

from collections.abc import Callable

from collector.errors import TruncatedError
from collector.protocols.bgp.families import (
    SAFI_BGP_LS,
    SAFI_BGP_LS_VPN,
    SAFI_EVPN,
    SAFI_FLOWSPEC,
    SAFI_FLOWSPEC_VPN,
    SAFI_ROUTE_TARGET,
)

_PATH_ID_OCTETS = 4
_FLOWSPEC_LONG = 0xF0  # from here on the length has two octets


def split_opaque(
    octets: bytes, afi: int, safi: int, add_path: bool, offset: int
) -> list[tuple[int | None, bytes]]:
    """Cut a field of NLRI into (path identifier, octets of one NLRI), in wire order.

    Args:
        octets: the whole field.
        add_path: each NLRI begins with a path identifier; where we cannot cut it stays in front.
        offset: of ``octets[0]`` in what the device sent; used in errors only.
    Raises:
        TruncatedError: a length passes the field.
    """
    measure = _MEASURES.get(safi)
    if measure is None:
        return [(None, octets)] if octets else []
    routes: list[tuple[int | None, bytes]] = []
    start, end = 0, len(octets)
    while start < end:
        path_id = None
        if add_path:
            path_id = int.from_bytes(octets[start : start + _PATH_ID_OCTETS])
            start += _PATH_ID_OCTETS
        length = measure(octets[start : start + 4])
        if length is None or start + length > end:
            reason = f"NLRI of AFI {afi}, SAFI {safi} cut short"
            raise TruncatedError(offset + min(start, end), reason, _SOURCES[safi])
        routes.append((path_id, octets[start : start + length]))
        start += length
    return routes


# Octets of the NLRI that begins with `head`, header included; None where the header is cut short.


def _evpn_octets(head: bytes) -> int | None:
    return 2 + head[1] if len(head) >= 2 else None


def _bgp_ls_octets(head: bytes) -> int | None:
    return 4 + int.from_bytes(head[2:4]) if len(head) >= 4 else None


def _route_target_octets(head: bytes) -> int | None:
    return 1 + (head[0] + 7) // 8 if head else None


def _flowspec_octets(head: bytes) -> int | None:
    if not head:
        return None
    if head[0] < _FLOWSPEC_LONG:
        return 1 + head[0]
    return 2 + (int.from_bytes(head[:2]) & 0xFFF) if len(head) >= 2 else None


_MEASURES: dict[int, Callable[[bytes], int | None]] = {
    SAFI_EVPN: _evpn_octets,
    SAFI_BGP_LS: _bgp_ls_octets,
    SAFI_BGP_LS_VPN: _bgp_ls_octets,
    SAFI_ROUTE_TARGET: _route_target_octets,
    SAFI_FLOWSPEC: _flowspec_octets,
    SAFI_FLOWSPEC_VPN: _flowspec_octets,
}

_SOURCES = {
    SAFI_EVPN: "RFC 7432 section 7",
    SAFI_BGP_LS: "RFC 9552 section 5.2",
    SAFI_BGP_LS_VPN: "RFC 9552 section 5.2",
    SAFI_ROUTE_TARGET: "RFC 4684 section 4",
    SAFI_FLOWSPEC: "RFC 8955 section 4.1",
    SAFI_FLOWSPEC_VPN: "RFC 8955 section 4.1",
}
