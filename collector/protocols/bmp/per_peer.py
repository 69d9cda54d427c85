"""BMP per-peer header (RFC 7854 section 4.2, RFC 8671 section 4, RFC 9069 section 4).

| Type (8) | Flags (8) | Distinguisher (64) | Address (128) | AS (32) | BGP ID (32) | Time (64) |

The time is seconds and microseconds, 32 bits each.
"""

import struct
from dataclasses import dataclass

from collector.protocols.bgp.addresses import ipv4_text, ipv6_text

PER_PEER_OCTETS = 42
IDENTITY_OCTETS = 34  # all but the timestamp

LOC_RIB_INSTANCE = 3

_IDENTITY = struct.Struct("!BB8s16sI4s")
_TIMESTAMP = struct.Struct("!II")

_IPV6_PEER = 0x80  # V
_POST_POLICY = 0x40  # L
_LEGACY_AS_PATH = 0x20  # A
_ADJ_RIB_OUT = 0x10  # O
_FILTERED = 0x80  # F, of Loc-RIB

# Views: which of the router's tables.
ADJ_RIB_IN_PRE = "adj-rib-in-pre"
ADJ_RIB_IN_POST = "adj-rib-in-post"
ADJ_RIB_OUT_PRE = "adj-rib-out-pre"
ADJ_RIB_OUT_POST = "adj-rib-out-post"
LOC_RIB = "loc-rib"

_VIEWS = {
    0: ADJ_RIB_IN_PRE,
    _POST_POLICY: ADJ_RIB_IN_POST,
    _ADJ_RIB_OUT: ADJ_RIB_OUT_PRE,
    _ADJ_RIB_OUT | _POST_POLICY: ADJ_RIB_OUT_POST,
}

PeerKey = tuple[int, bytes, str | None]  # type, distinguisher, address


@dataclass(frozen=True, slots=True)
class PeerHeader:
    """Whom a BMP message is about, and which of its tables.

    Messages with the same octets here share one object. ``key`` names the peer whatever the table:
    its flags do not make it another one.
    """

    type: int
    flags: int
    distinguisher: bytes  # 8 octets
    address: str | None  # None for Loc-RIB
    as_number: int
    bgp_id: str
    view: str  # `ADJ_RIB_IN_PRE` ... `LOC_RIB`
    as_size: int  # octets of an AS in AS_PATH: 2 where the legacy flag is set, else 4
    filtered: bool  # Loc-RIB's F flag
    ipv6: bool  # the V flag: the Peer Up's local address is IPv6 as well
    key: PeerKey


def read_identity(octets: bytes) -> PeerHeader:
    """Read a per-peer header but for its timestamp; cannot fail.

    Args:
        octets: its first `IDENTITY_OCTETS`.
    """
    peer_type, flags, distinguisher, field, as_number, bgp_id = _IDENTITY.unpack(octets)
    # Loc-RIB first: there the top flag bit is F (filtered), not V (IPv6). RFC 9069 section 4.2.
    loc_rib = peer_type == LOC_RIB_INSTANCE
    ipv6 = not loc_rib and bool(flags & _IPV6_PEER)
    address = None if loc_rib else address_text(field, ipv6)
    return PeerHeader(
        type=peer_type,
        flags=flags,
        distinguisher=distinguisher,
        address=address,
        as_number=as_number,
        bgp_id=ipv4_text(bgp_id),
        view=LOC_RIB if loc_rib else _VIEWS[flags & (_POST_POLICY | _ADJ_RIB_OUT)],
        as_size=2 if flags & _LEGACY_AS_PATH and not loc_rib else 4,
        filtered=loc_rib and bool(flags & _FILTERED),
        ipv6=ipv6,
        key=(peer_type, distinguisher, address),
    )


def read_timestamp_us(octets: bytes) -> int:
    """Read the 8 octets of the timestamp: microseconds since 1970 UTC, 0 where it is unknown."""
    seconds, microseconds = _TIMESTAMP.unpack(octets)
    return seconds * 1_000_000 + microseconds


def address_text(field: bytes, ipv6: bool) -> str:
    """Write an address field of 16 octets; an IPv4 one stands in its last 4."""
    return ipv6_text(field) if ipv6 else ipv4_text(field[12:])
