"""What a pair of OPENs agrees on: ADD-PATH by direction (RFC 7911), AS size (RFC 6793)."""

import struct
from typing import NamedTuple

from collector.protocols.bgp.families import Family
from collector.protocols.bgp.open import CAPABILITY_ADD_PATH, CAPABILITY_FOUR_OCTET_AS, Open

_FAMILY_MODE = struct.Struct("!HBB")  # AFI, SAFI, Send/Receive: RFC 7911 section 4
_MAX_FAMILIES = 64  # what is remembered of one speaker; real ones have a dozen
_RECEIVES = frozenset({1, 3})
_SENDS = frozenset({2, 3})


class Negotiated(NamedTuple):
    """Families whose NLRI carry path identifiers, by direction; octets of an AS number: 2 or 4."""

    received_add_path: frozenset[Family]
    sent_add_path: frozenset[Family]
    as_size: int


def negotiate(sent: Open, received: Open) -> Negotiated:
    """Tell what holds between the speaker that sent ``sent`` and the one it got ``received`` from.

    A family is in ``received_add_path`` if the first takes path identifiers and the second gives
    them, and in ``sent_add_path`` for the other way round.
    """
    ours, theirs = _add_path_modes(sent), _add_path_modes(received)
    both = ours.keys() & theirs.keys()
    wide = all(speaker.values(CAPABILITY_FOUR_OCTET_AS) for speaker in (sent, received))
    return Negotiated(
        frozenset(f for f in both if ours[f] in _RECEIVES and theirs[f] in _SENDS),
        frozenset(f for f in both if ours[f] in _SENDS and theirs[f] in _RECEIVES),
        4 if wide else 2,
    )


def _add_path_modes(speaker: Open) -> dict[Family, int]:
    modes: dict[Family, int] = {}
    for value in speaker.values(CAPABILITY_ADD_PATH):
        whole = len(value) // _FAMILY_MODE.size * _FAMILY_MODE.size
        for afi, safi, mode in _FAMILY_MODE.iter_unpack(value[:whole]):
            if len(modes) < _MAX_FAMILIES:
                modes[afi, safi] = mode
    return modes
