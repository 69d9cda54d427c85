"""Many UPDATEs at once, where they have their most usual form.

Plain is an UPDATE of plain attributes that announces or withdraws, in one field, IPv4 or IPv6
unicast prefixes; with the next hop in the attribute that belongs to it. What is not plain is left
to `split_update`, `parse_attributes` and `split_nlri`, and is none the worse for it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.protocols.bgp.attributes import OPTIONAL
from collector.protocols.bgp.families import AFI_IPV4, AFI_IPV6, SAFI_UNICAST, Family
from collector.protocols.bgp.plain_attributes import (
    HOP,
    REACH,
    UNREACH,
    PlainFacts,
    PlainLists,
    Values,
    find_values,
    read_facts,
    read_lists,
    words_of,
)
from collector.protocols.bgp.plain_nlri import PlainNlri, find_prefixes

SPARE_OCTETS = 24
"""So many octets must follow the last UPDATE, so that what is cut short there can be read."""

_HOP_FLAGS = 0x40  # as `split_update` wants them
_HOP_HEAD, _HOP_OCTETS = 3, 4
_REACH_OCTETS = 4  # AFI, SAFI, length of the next hop
_UNREACH_OCTETS = 3  # AFI, SAFI


def _masks(bits: int, before: int = 0) -> NDArray[np.unsignedinteger]:
    """The bits of a word that a prefix covers, by its length; so many bits are in words before."""
    kept = np.clip(np.arange(129) - before, 0, bits).tolist()
    return np.array([(1 << bits) - (1 << bits - each) for each in kept], f"u{bits // 8}")


_IPV4_MASKS, _UPPER_MASKS, _LOWER_MASKS = _masks(32), _masks(64), _masks(64, before=64)


class PlainRun(NamedTuple):
    """UPDATEs of one family.

    contents: as `UpdateParts.content`. next_hops: as on the wire, empty for UPDATEs that withdraw.
    counts: shape (updates,), how many prefixes each has. lengths: shape (prefixes,), in bits.
    addresses: one word of shape (prefixes,) for IPv4, two for IPv6, the upper one first; host bits
    are clear.
    """

    family: Family
    contents: list[bytes]
    next_hops: list[bytes]
    facts: PlainFacts
    counts: NDArray[np.int64]
    lengths: NDArray[np.uint64]
    addresses: list[NDArray[np.uint64]]


class PlainUpdates(NamedTuple):
    """What is known of n UPDATEs; of those that are not plain only that.

    plain, afi: shape (n,). before, after: shape (2, n), from where to where: the attributes on
    both sides of the one that is no part of the content. next_hops: likewise.
    """

    plain: NDArray[np.bool_]
    afi: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    next_hops: NDArray[np.int64]
    values: Values
    nlri: PlainNlri
    octets: bytes

    def lists(self, rows: NDArray[np.int64]) -> PlainLists:
        """Give what lists of attributes these UPDATEs have."""
        return read_lists(self.octets, self.values.rows(rows))

    def run(self, rows: NDArray[np.int64]) -> PlainRun:
        """Give some UPDATEs, in this order; all are plain, and of one family."""
        octets = self.octets
        pieces = np.concatenate((self.before[:, rows], self.after[:, rows])).T.tolist()
        hops = self.next_hops[:, rows].T.tolist()
        at, counts = self.nlri.of_fields(rows)
        afi = int(self.afi[rows[0]])
        lengths = np.frombuffer(octets, np.uint8)[at]
        if afi == AFI_IPV4:
            words = [words_of(octets, ">u4")[at + 1] & _IPV4_MASKS[lengths]]
        else:
            wide = words_of(octets, ">u8")
            words = [wide[at + 1] & _UPPER_MASKS[lengths], wide[at + 9] & _LOWER_MASKS[lengths]]
        return PlainRun(
            (afi, SAFI_UNICAST),
            [octets[a:b] + octets[c:d] for a, b, c, d in pieces],
            [octets[a:b] for a, b in hops],
            read_facts(octets, self.values.rows(rows)),
            counts,
            lengths.astype(np.uint64),
            [word.astype(np.uint64) for word in words],
        )


def find_updates(octets: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> PlainUpdates:
    """Find what is plain.

    Args:
        octets: hold the bodies of the UPDATEs, and `SPARE_OCTETS` after the last one.
        starts, ends: shape (n,), offsets of the bodies.
    """
    single = np.frombuffer(octets, np.uint8)
    body = _cut_bodies(words_of(octets, ">u2"), starts, ends)
    values = find_values(octets, body.attributes, body.attributes_stop)
    mp = _cut_mp(single, words_of(octets, ">u2"), values)
    hop, has_reach, has_unreach = values.starts[HOP], mp.has_reach, mp.has_unreach
    withdraws, announces = body.withdrawn_stop > body.withdrawn, body.attributes_stop < ends
    classic = ~(has_reach | has_unreach)
    start = np.where(withdraws, body.withdrawn, np.where(announces, body.attributes_stop, mp.nlri))
    stop = np.where(withdraws, body.withdrawn_stop, np.where(announces, ends, mp.stop))
    one_field = withdraws.astype(np.int8) + announces + has_reach + has_unreach == 1
    plain = values.plain & body.fits & one_field & (start < stop) & (classic | mp.good)
    # Where it is needed and only there, and as `split_update` wants it to set it apart.
    plain &= ((hop != 0) == announces) & (~announces | (single[hop - _HOP_HEAD] == _HOP_FLAGS))

    afi = np.where(classic, AFI_IPV4, mp.afi)
    nlri = _prefixes(single, plain, (start, stop), afi)
    hop_stop = hop + _HOP_OCTETS
    head = np.where(announces, hop - _HOP_HEAD, body.attributes_stop)
    head_stop = np.where(announces, hop_stop, body.attributes_stop)
    return PlainUpdates(
        plain,
        afi,
        np.stack((body.attributes, np.where(classic, head, mp.head))),
        np.stack((np.where(classic, head_stop, mp.stop), body.attributes_stop)),
        np.where(announces, (hop, hop_stop), np.where(has_reach, (mp.hop, mp.hop_stop), 0)),
        values,
        nlri,
        octets,
    )


class _Bodies(NamedTuple):
    """Where the fields of n bodies are; those that do not fit have no attributes."""

    fits: NDArray[np.bool_]
    withdrawn: NDArray[np.int64]
    withdrawn_stop: NDArray[np.int64]
    attributes: NDArray[np.int64]
    attributes_stop: NDArray[np.int64]


def _cut_bodies(
    lengths: NDArray[np.uint16], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> _Bodies:
    withdrawn = starts + 2
    withdrawn_stop = withdrawn + lengths[starts]
    fits = withdrawn_stop + 2 <= ends
    withdrawn_stop = np.where(fits, withdrawn_stop, starts)
    attributes = withdrawn_stop + 2
    attributes_stop = attributes + lengths[withdrawn_stop]
    fits &= attributes_stop <= ends
    attributes_stop = np.where(fits, attributes_stop, attributes)
    return _Bodies(fits, withdrawn, withdrawn_stop, attributes, attributes_stop)


class _Mp(NamedTuple):
    """What is in MP_REACH_NLRI or MP_UNREACH_NLRI, where there is one of the two.

    good: its family is one of ours, and a next hop is not empty. head, stop: of the attribute.
    """

    has_reach: NDArray[np.bool_]
    has_unreach: NDArray[np.bool_]
    good: NDArray[np.bool_]
    afi: NDArray[np.int64]
    head: NDArray[np.int64]
    stop: NDArray[np.int64]
    hop: NDArray[np.int64]
    hop_stop: NDArray[np.int64]
    nlri: NDArray[np.int64]


def _cut_mp(octets: NDArray[np.uint8], lengths: NDArray[np.uint16], values: Values) -> _Mp:
    reach, unreach = values.starts[REACH], values.starts[UNREACH]
    has_reach, has_unreach = reach != 0, unreach != 0
    value = np.where(has_reach, reach, unreach)
    stop = np.where(has_reach, values.stops[REACH], values.stops[UNREACH])
    afi = lengths[value].astype(np.int64)
    good = (octets[value + 2] == SAFI_UNICAST) & ((afi == AFI_IPV4) | (afi == AFI_IPV6))
    hop, hop_octets = value + _REACH_OCTETS, octets[value + 3]
    good &= has_unreach | (hop_octets != 0)
    hop_stop = hop + hop_octets
    nlri = np.where(has_unreach, value + _UNREACH_OCTETS, hop_stop + 1)
    # Three octets before it are the flags, of 128 and more, or with Extended Length the type code.
    head = value - 3 - (octets[value - 3] < OPTIONAL)
    return _Mp(has_reach, has_unreach, good, afi, head, stop, hop, hop_stop, nlri)


def _prefixes(
    octets: NDArray[np.uint8],
    plain: NDArray[np.bool_],
    fields: tuple[NDArray[np.int64], NDArray[np.int64]],
    afi: NDArray[np.int64],
) -> PlainNlri:
    """Cut the fields of plain UPDATEs; one whose field cannot be cut is plain no more."""
    rows = np.flatnonzero(plain)
    whole, owners, at = find_prefixes(octets, *(bounds[rows] for bounds in fields), afi[rows])
    if not whole.all():
        plain[rows[~whole]] = False
        kept = whole[owners]
        owners, at = owners[kept], at[kept]
    return PlainNlri(plain, rows[owners], at)
