"""An UPDATE as nfacctd works through it: which routes go and come, in its order."""

from collections.abc import Iterator
from typing import NamedTuple

from collector.errors import DecodeError
from collector.nfacctd.bmp.nlri import Routes, cut
from collector.protocols.bgp.families import (
    AFI_IPV4,
    IPV4_UNICAST,
    Family,
    carries_prefixes,
)
from collector.protocols.bgp.update import UpdateParts


class Change(NamedTuple):
    """Routes of one family that are announced, or withdrawn."""

    announced: bool
    afi: int
    safi: int
    nlri: Routes


def end_of_rib(parts: UpdateParts) -> Family | None:
    """Tell which family's End-of-RIB an UPDATE is: other attributes beside it are no matter."""
    if parts.announced or parts.withdrawn:
        return None
    unreach, reach = parts.mp_unreach, parts.mp_reach
    if unreach is None:
        return None if parts.attributes_key or reach else IPV4_UNICAST
    if unreach.nlri or (reach is not None and carries_prefixes(reach.afi, reach.safi)):
        return None
    return unreach.afi, unreach.safi


def changes(
    parts: UpdateParts, add_path_families: frozenset[Family]
) -> tuple[list[Change], DecodeError | None]:
    """Cut the routes of an UPDATE: the classic ones, then those of IPv4, then those of IPv6.

    Families whose NLRI are no prefixes are left out, as nfacctd knows none of them.

    Returns:
        The routes, and the last fault of NLRI that cannot be cut: of such a field nfacctd takes
        what stands before the fault. RFC 7606 section 5.3 would have the session reset.
    """
    found: list[Change] = []
    later: list[Change] = []
    fault: DecodeError | None = None
    for announced, family, octets, offset in _fields(parts):
        add_path = family in add_path_families
        nlri, its_fault = cut(octets, family, add_path=add_path, announced=announced, offset=offset)
        fault = its_fault or fault
        (found if family[0] == AFI_IPV4 else later).append(Change(announced, *family, nlri))
    return found + later, fault


def _fields(parts: UpdateParts) -> Iterator[tuple[bool, Family, bytes, int]]:
    """The fields that hold routes: whether announced, family, octets, their offset."""
    if parts.withdrawn:
        yield False, IPV4_UNICAST, parts.withdrawn, parts.withdrawn_offset
    if parts.announced:
        yield True, IPV4_UNICAST, parts.announced, parts.announced_offset
    for announced, mp in ((True, parts.mp_reach), (False, parts.mp_unreach)):
        if mp is not None and mp.nlri and carries_prefixes(mp.afi, mp.safi):
            yield announced, (mp.afi, mp.safi), mp.nlri, mp.offset
