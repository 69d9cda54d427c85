"""Encode BMP messages (RFC 7854) as a router would."""

import struct
from dataclasses import dataclass
from ipaddress import ip_address

_COMMON = struct.Struct("!BIB")
_PER_PEER = struct.Struct("!BB8s16sI4sII")
_ROUTE_MONITORING, _PEER_DOWN, _PEER_UP, _INITIATION, _TERMINATION = 0, 2, 3, 4, 5
_IPV6_PEER, _POST_POLICY = 0x80, 0x40


@dataclass(frozen=True, slots=True)
class Peer:
    """A BGP peer of the simulated router; type 3 is its Loc-RIB."""

    address: str = "0.0.0.0"
    as_number: int = 0
    bgp_id: str = "0.0.0.0"
    type: int = 0
    distinguisher: bytes = bytes(8)
    post_policy: bool = False

    def header(self, time_s: int = 0) -> bytes:
        """The per-peer header, 42 octets (RFC 7854 section 4.2)."""
        address = ip_address(self.address)
        flags = _POST_POLICY if self.post_policy else 0
        if address.version == 6 and self.type != 3:
            flags |= _IPV6_PEER
        return _PER_PEER.pack(
            self.type,
            flags,
            self.distinguisher,
            address.packed.rjust(16, b"\0"),
            self.as_number,
            ip_address(self.bgp_id).packed,
            time_s,
            0,
        )


def initiation(system_name: str, description: str = "simulated router") -> bytes:
    """The first message of a session."""
    return _message(_INITIATION, _tlv(1, description) + _tlv(2, system_name))


def termination(reason: int = 0) -> bytes:
    """The last message of a session (RFC 7854 section 4.5)."""
    return _message(_TERMINATION, struct.pack("!HHH", 1, 2, reason))


def peer_up(
    peer: Peer, local_address: str, sent_open: bytes, received_open: bytes, time_s: int = 0
) -> bytes:
    """A peering came up; the OPENs are whole BGP messages."""
    local = ip_address(local_address).packed.rjust(16, b"\0")
    body = peer.header(time_s) + local + struct.pack("!HH", 179, 30_000)
    return _message(_PEER_UP, body + sent_open + received_open)


def peer_down(peer: Peer, reason: int = 4, time_s: int = 0) -> bytes:
    """A peering went down without more to say: reason 4 or 5."""
    return _message(_PEER_DOWN, peer.header(time_s) + bytes([reason]))


def route_monitoring(peer: Peer, update: bytes, time_s: int = 0) -> bytes:
    """An UPDATE (a whole BGP message) of a peer's table."""
    return _message(_ROUTE_MONITORING, peer.header(time_s) + update)


def _message(kind: int, body: bytes) -> bytes:
    return _COMMON.pack(3, _COMMON.size + len(body), kind) + body


def _tlv(kind: int, text: str) -> bytes:
    octets = text.encode()
    return struct.pack("!HH", kind, len(octets)) + octets
