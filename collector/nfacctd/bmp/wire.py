"""BMP messages that nfacctd reads more leniently, or less, than `protocols.bmp` does.

Of a Statistics Report that is cut short it tells what there is; what follows the reason of a Peer
Down it looks at for one reason only; TLVs at the end of a Peer Up cost the event, not the peer.
"""

from collections.abc import Iterator

from collector.protocols.bmp.framing import COMMON_HEADER
from collector.protocols.bmp.messages import PeerDown
from collector.protocols.bmp.per_peer import PER_PEER_OCTETS, PeerHeader

BODY_AT = COMMON_HEADER.size + PER_PEER_OCTETS
_COUNT_OCTETS, _HEADER_OCTETS = 4, 4
_OPENS_AT = BODY_AT + 20  # after local address and ports
_BGP_LENGTH_AT = 16
_LOCAL_ADDRESS_AT = BODY_AT + 12  # of IPv4
_LOCAL_EVENT = 2


def statistics(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the counters of a Statistics Report, type and value, as far as they are there."""
    start = BODY_AT + _COUNT_OCTETS
    for _ in range(int.from_bytes(message[BODY_AT:start])):
        value_at = start + _HEADER_OCTETS
        stop = value_at + int.from_bytes(message[start + 2 : value_at])
        if value_at > len(message) or stop > len(message):
            return
        yield int.from_bytes(message[start : start + 2]), message[value_at:stop]
        start = stop


def peer_down(message: bytes, peer: PeerHeader, time_us: int) -> PeerDown | None:
    """Read a Peer Down; None where it has no reason."""
    if len(message) <= BODY_AT:
        return None
    reason, data = message[BODY_AT], message[BODY_AT + 1 :]
    event = int.from_bytes(data[:2]) if reason == _LOCAL_EVENT else None
    return PeerDown(peer, time_us, reason, fsm_event=event)


def without_information(peer_up: bytes) -> bytes:
    """Cut the TLVs off a Peer Up."""
    end = _OPENS_AT
    for _ in range(2):
        end += int.from_bytes(peer_up[end + _BGP_LENGTH_AT : end + _BGP_LENGTH_AT + 2])
    return peer_up[:1] + end.to_bytes(4) + peer_up[5:end]


def local_ipv4(peer_up: bytes) -> bytes:
    """Give the local address of a Loc-RIB's Peer Up, which should be zeros (RFC 9069 section 5)."""
    return peer_up[_LOCAL_ADDRESS_AT : _LOCAL_ADDRESS_AT + 4]
