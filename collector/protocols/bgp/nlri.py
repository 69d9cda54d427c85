"""NLRI that are prefixes: plain, with path identifiers, with labels, with a route distinguisher.

| Path Identifier (32) if ADD-PATH | Length (8, bits of all that follows) | labels | RD | prefix |

RFC 4271 section 4.3, RFC 7911 section 3, RFC 8277 section 2, RFC 4364 section 4.3.4.
"""

from typing import NamedTuple

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.bgp.families import (
    ADDRESS_BITS,
    SAFI_LABELLED,
    SAFI_MULTICAST,
    SAFI_VPN,
    carries_prefixes,
)
from collector.protocols.bgp.opaque_nlri import split_opaque

# By prefix length: octets on the wire with the Length octet; bits of the last one that are host's.
# An IPv4 length above 32 has no entry: the IndexError is the check, and costs good input nothing.
_WIRE_OCTETS = {
    afi: tuple(1 + (bits + 7) // 8 for bits in range(most + 1))
    for afi, most in ADDRESS_BITS.items()
}
_HOST_BITS = tuple((1 << -bits % 8) - 1 for bits in range(129))

_LENGTH_OCTETS = tuple(bytes((bits,)) for bits in range(129))

_LABELLED_SAFIS = frozenset({SAFI_LABELLED, SAFI_VPN})
_PATH_ID_OCTETS = 4
_LABEL_OCTETS = 3
_RD_OCTETS = 8
_BOTTOM_OF_STACK = 1
# In place of a label: "withdrawn" (RFC 8277 section 2.4), and what RFC 3107's speakers sent there.
_NO_LABEL = frozenset({0x800000, 0x000000})

_SOURCE = "RFC 4271 section 4.3"
_ADD_PATH_SOURCE = "RFC 7911 section 3"
_LABEL_SOURCE = "RFC 8277 section 2"


class Nlri(NamedTuple):
    """One NLRI; a family that carries no prefixes has its ``octets`` instead of ``prefix``.

    ``prefix`` is its length in bits (one octet) and the octets it needs, host bits cleared.
    """

    afi: int
    safi: int
    prefix: bytes = b""
    path_id: int | None = None
    rd: bytes | None = None
    labels: tuple[int, ...] | None = None
    octets: bytes = b""


def split_nlri(
    octets: bytes, afi: int, safi: int, add_path: bool, offset: int = 0
) -> list[bytes] | list[Nlri]:
    """Cut a field of NLRI into its routes, in wire order.

    Args:
        octets: Withdrawn Routes, NLRI, or those of MP_REACH_NLRI or MP_UNREACH_NLRI.
        add_path: each NLRI begins with a path identifier.
        offset: of ``octets[0]`` in what the device sent; used in errors only.
    Returns:
        Unicast and multicast prefixes without path identifiers: each as in `Nlri.prefix`. All
        else: `Nlri`.
    Raises:
        DecodeError: a length passes the field, or the address. RFC 7606 section 5.3 knows no
        milder way, since nothing after it can be trusted.
    Cost: about 0.15 µs a prefix without path identifier.
    """
    if not carries_prefixes(afi, safi):
        return [
            Nlri(afi, safi, path_id=path_id, octets=nlri)
            for path_id, nlri in split_opaque(octets, afi, safi, add_path, offset)
        ]
    if add_path or safi > SAFI_MULTICAST:
        return _split_general(octets, afi, safi, add_path, offset)
    return _split_plain(octets, afi, offset)


def _split_plain(octets: bytes, afi: int, offset: int) -> list[bytes]:
    wire_octets = _WIRE_OCTETS[afi]
    prefixes: list[bytes] = []
    start, end = 0, len(octets)
    try:
        while start < end:
            bits = octets[start]
            stop = start + wire_octets[bits]
            # Only a length that is no multiple of 8 leaves host bits to look at.
            if bits & 7 and octets[stop - 1] & _HOST_BITS[bits]:
                prefixes.append(_cleared(octets[start:stop]))
            else:
                prefixes.append(octets[start:stop])
            start = stop
    except IndexError:
        raise _bad_prefix(octets, start, afi, offset) from None
    if start > end:
        raise _bad_prefix(octets, end - len(prefixes[-1]), afi, offset)
    return prefixes


def _bad_prefix(octets: bytes, start: int, afi: int, offset: int) -> DecodeError:
    bits = octets[start]
    if bits > ADDRESS_BITS[afi]:
        return MalformedError(offset + start, f"prefix length {bits} passes the address", _SOURCE)
    return TruncatedError(offset + start, f"prefix of {bits} bits cut short", _SOURCE)


def _cleared(prefix: bytes) -> bytes:
    """Clear the host bits in the last octet of a prefix of some bits."""
    return prefix[:-1] + bytes((prefix[-1] & ~_HOST_BITS[prefix[0]],))


def _split_general(octets: bytes, afi: int, safi: int, add_path: bool, offset: int) -> list[Nlri]:
    routes: list[Nlri] = []
    labelled = safi in _LABELLED_SAFIS
    rd_octets = _RD_OCTETS if safi == SAFI_VPN else 0
    path_id = rd = labels = None
    start, end = 0, len(octets)
    while start < end:
        if add_path:
            if end - start <= _PATH_ID_OCTETS:
                raise TruncatedError(offset + start, "Path Identifier cut short", _ADD_PATH_SOURCE)
            path_id = int.from_bytes(octets[start : start + _PATH_ID_OCTETS])
            start += _PATH_ID_OCTETS
        bits = octets[start]
        at = start + 1
        stop = at + (bits + 7 >> 3)
        if stop > end:
            raise TruncatedError(offset + start, f"NLRI of {bits} bits cut short", _SOURCE)
        if labelled:
            # A stack cannot reach into the RD; of the rest it takes what it needs.
            labels = _label_stack(octets, at, bits // 8 - rd_octets, offset)
            at += _LABEL_OCTETS * len(labels)
            if rd_octets:
                rd = octets[at : at + rd_octets]
                at += rd_octets
            bits -= 8 * (at - start - 1)
        if bits > ADDRESS_BITS[afi]:
            reason = f"prefix length {bits} passes the address"
            raise MalformedError(offset + start, reason, _SOURCE)
        prefix = _LENGTH_OCTETS[bits] + octets[at:stop]
        if bits & 7 and prefix[-1] & _HOST_BITS[bits]:
            prefix = _cleared(prefix)
        routes.append(Nlri(afi, safi, prefix, path_id, rd, labels))
        start = stop
    return routes


def _label_stack(octets: bytes, start: int, room: int, offset: int) -> tuple[int, ...]:
    """Read labels (20 bits each) up to the bottom of the stack, within ``room`` octets."""
    labels: tuple[int, ...] = ()
    for at in range(start, start + room - _LABEL_OCTETS + 1, _LABEL_OCTETS):
        entry = int.from_bytes(octets[at : at + _LABEL_OCTETS])
        labels += (entry >> 4,)
        if entry & _BOTTOM_OF_STACK or (at == start and entry in _NO_LABEL):
            return labels
    if not labels:
        raise MalformedError(offset + start - 1, "NLRI too short for its label", _LABEL_SOURCE)
    # No bottom at all: a speaker of single labels, who need not set the bit (RFC 8277 section 2.2).
    return labels[:1]
