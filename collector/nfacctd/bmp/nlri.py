"""NLRI as nfacctd cuts them: leniently, and up to the first that it cannot read.

Unlike `protocols.bgp.nlri` it has labels end at the bottom of the stack only, allows for no more
of them than the longest prefix leaves room for, and shows bits beyond the prefix length.
"""

from typing import NamedTuple

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.bgp.families import (
    ADDRESS_BITS,
    SAFI_LABELLED,
    SAFI_MULTICAST,
    SAFI_VPN,
    Family,
)
from collector.protocols.bgp.nlri import split_nlri

_PATH_ID_OCTETS, _LABEL_OCTETS, _RD_OCTETS = 4, 3, 8
_LABELLED = frozenset({SAFI_LABELLED, SAFI_VPN})
_BOTTOM_OF_STACK = 1
_RD_TYPES = frozenset({0, 1, 2})
_SOURCE = "RFC 4271 section 4.3"


class Route(NamedTuple):
    """One NLRI: ``prefix`` is its length in bits (one octet) and the octets it needs, host bits
    cleared; ``told`` is the same with them, as the router sent it."""

    prefix: bytes
    told: bytes
    path_id: int | None = None
    rd: bytes | None = None
    label: int | None = None  # the bottom of the stack


Routes = list[bytes] | list[Route]
"""Prefixes alone, where nothing else is to say of them."""


def cut(
    octets: bytes, family: Family, *, add_path: bool, announced: bool, offset: int
) -> tuple[Routes, DecodeError | None]:
    """Cut a field of NLRI, in wire order.

    Args:
        family: one whose NLRI are prefixes.
        announced: else withdrawn.
        offset: of ``octets[0]`` in what the router sent; used in errors only.
    Returns:
        The routes before the first fault, and the fault.
    """
    afi, safi = family
    if safi <= SAFI_MULTICAST and not add_path:
        try:
            prefixes = split_nlri(octets, afi, safi, add_path=False)
            if b"".join(prefixes) == octets:
                return prefixes, None
        except DecodeError:
            pass
    routes: list[Route] = []
    start = 0
    while start < len(octets):
        try:
            route, start = _route(octets, start, family, add_path, announced)
        except DecodeError as error:
            return routes, type(error)(offset + error.offset, error.reason, error.source)
        routes.append(route)
    return routes, None


def _route(
    octets: bytes, start: int, family: Family, add_path: bool, announced: bool
) -> tuple[Route, int]:
    """Read the NLRI that begins at ``start``; give where it ends, too."""
    afi, safi = family
    path_id = rd = label = None
    at = start
    if add_path:
        path_id = int.from_bytes(octets[at : at + _PATH_ID_OCTETS])
        at += _PATH_ID_OCTETS
    if at >= len(octets):
        raise TruncatedError(start, "NLRI cut short", _SOURCE)
    bits = octets[at]
    at += 1
    stop = at + (bits + 7 >> 3)
    if stop > len(octets):
        raise TruncatedError(start, f"NLRI of {bits} bits cut short", _SOURCE)
    most = ADDRESS_BITS[afi] + (8 * _LABEL_OCTETS if safi in _LABELLED else 0)
    if bits > most + (8 * _RD_OCTETS if safi == SAFI_VPN else 0):
        raise MalformedError(start, f"NLRI of {bits} bits", _SOURCE)
    if safi in _LABELLED:
        label_at = at
        if announced:
            while label_at + _LABEL_OCTETS <= stop and not octets[label_at + 2] & _BOTTOM_OF_STACK:
                label_at += _LABEL_OCTETS
        prefix_at = label_at + _LABEL_OCTETS
        label = int.from_bytes(octets[label_at:prefix_at]) >> 4
        if safi == SAFI_VPN:
            rd = octets[prefix_at : prefix_at + _RD_OCTETS]
            prefix_at += _RD_OCTETS
            if int.from_bytes(rd[:2]) not in _RD_TYPES:
                raise MalformedError(start, "route distinguisher of an unknown type", "RFC 4364")
        bits -= 8 * (prefix_at - at)
        if bits < 0:
            raise MalformedError(start, "NLRI too short for its label", "RFC 8277 section 2")
        at = prefix_at
    told = bytes((bits,)) + octets[at:stop]
    return Route(_cleared(told), told, path_id, rd, label), stop


def _cleared(prefix: bytes) -> bytes:
    """Clear the bits beyond the length."""
    unused = -prefix[0] % 8
    return prefix[:-1] + bytes((prefix[-1] >> unused << unused,)) if unused else prefix
