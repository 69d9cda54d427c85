"""An UPDATE as nfacctd works through it: which routes go and come, in its order."""

from typing import NamedTuple

from collector.protocols.bgp.families import (
    AFI_IPV4,
    IPV4_UNICAST,
    Family,
    carries_prefixes,
)
from collector.protocols.bgp.nlri import Nlri, split_nlri
from collector.protocols.bgp.update import MpReach, MpUnreach, UpdateParts


class Change(NamedTuple):
    """Routes of one family that are announced, or withdrawn."""

    announced: bool
    afi: int
    safi: int
    nlri: list[bytes] | list[Nlri]


def changes(parts: UpdateParts, add_path_families: frozenset[Family]) -> list[Change]:
    """Cut the routes of an UPDATE: the classic ones, then those of IPv4, then those of IPv6.

    Families whose NLRI are no prefixes are left out, as nfacctd knows none of them.

    Raises:
        DecodeError: NLRI that cannot be cut.
    """
    found: list[Change] = []
    for announced, octets, offset in (
        (False, parts.withdrawn, parts.withdrawn_offset),
        (True, parts.announced, parts.announced_offset),
    ):
        if octets:
            add_path = IPV4_UNICAST in add_path_families
            nlri = split_nlri(octets, *IPV4_UNICAST, add_path, offset)
            found.append(Change(announced, *IPV4_UNICAST, nlri))
    later: list[Change] = []
    for announced, mp in ((True, parts.mp_reach), (False, parts.mp_unreach)):
        if mp is not None and mp.nlri and carries_prefixes(mp.afi, mp.safi):
            change = Change(announced, mp.afi, mp.safi, _split(mp, add_path_families))
            (found if mp.afi == AFI_IPV4 else later).append(change)
    return found + later


def _split(mp: MpReach | MpUnreach, families: frozenset[Family]) -> list[bytes] | list[Nlri]:
    return split_nlri(mp.nlri, mp.afi, mp.safi, (mp.afi, mp.safi) in families, mp.offset)
