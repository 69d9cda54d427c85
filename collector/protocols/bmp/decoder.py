"""Decode the messages of one BMP session, in order (RFC 7854, RFC 8671, RFC 9069, RFC 9736)."""

import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from collector.errors import MalformedError, TruncatedError
from collector.protocols.bgp.families import Family
from collector.protocols.bgp.message import (
    HEADER_OCTETS,
    NOTIFICATION,
    OPEN,
    UPDATE,
    BgpMessage,
    read_message,
)
from collector.protocols.bgp.negotiation import Negotiated, negotiate
from collector.protocols.bgp.notification import Notification, read_notification
from collector.protocols.bgp.open import Open, read_open
from collector.protocols.bgp.update import split_update
from collector.protocols.bmp.framing import (
    COMMON_HEADER,
    INITIATION,
    PEER_DOWN,
    PEER_UP,
    ROUTE_MIRRORING,
    ROUTE_MONITORING,
    STATISTICS_REPORT,
    TERMINATION,
    VERSION_3,
    VERSION_4,
)
from collector.protocols.bmp.information import read_information, read_termination, read_tlvs
from collector.protocols.bmp.messages import (
    BmpMessage,
    Initiation,
    Mirrored,
    MirroredMessage,
    MirroredUpdate,
    MirroringInformation,
    MirroringTlv,
    PeerDown,
    PeerUp,
    RouteMirroring,
    RouteMonitoring,
    Statistics,
    Termination,
    UnknownType,
    Version4,
)
from collector.protocols.bmp.per_peer import (
    ADJ_RIB_IN_POST,
    ADJ_RIB_IN_PRE,
    ADJ_RIB_OUT_POST,
    ADJ_RIB_OUT_PRE,
    IDENTITY_OCTETS,
    LOC_RIB,
    PER_PEER_OCTETS,
    PeerHeader,
    PeerKey,
    address_text,
    read_identity,
    read_timestamp_us,
)
from collector.protocols.bmp.statistics import read_statistics

_MAX_PEERS = 16384  # Peer Ups remembered of one session; the oldest one goes first

_IDENTITY_AT = COMMON_HEADER.size
_TIMESTAMP_AT = _IDENTITY_AT + IDENTITY_OCTETS
_BODY_AT = _IDENTITY_AT + PER_PEER_OCTETS
_UPDATE_AT = _BODY_AT + HEADER_OCTETS

_PEER_UP = struct.Struct("!16sHH")  # local address, local port, remote port

_LOCAL_NOTIFICATION, _LOCAL_EVENT, _REMOTE_NOTIFICATION, _LOCAL_TLVS = 1, 2, 3, 6

_MIRRORED_BGP, _MIRRORED_INFORMATION = 0, 1

_COMMON_SOURCE = "RFC 7854 section 4.1"
_PER_PEER_SOURCE = "RFC 7854 section 4.2"
_MONITORING_SOURCE = "RFC 7854 section 4.6"
_MIRRORING_SOURCE = "RFC 7854 section 4.7"
_PEER_DOWN_SOURCE = "RFC 7854 section 4.9"
_PEER_UP_SOURCE = "RFC 7854 section 4.10"

_NO_FAMILIES: frozenset[Family] = frozenset()


class _Agreed(NamedTuple):
    """What the latest Peer Up of a peer says: octets of an AS, ADD-PATH families by view."""

    as_size: int
    add_path_families: Mapping[str, frozenset[Family]]


class BmpDecoder:
    """Decoder of one BMP session; remembers what the Peer Ups of its peers negotiated.

    The memory is bounded: 16 384 peers, and as many distinct per-peer headers.
    """

    def __init__(self) -> None:
        self._agreed: dict[PeerKey, _Agreed] = {}
        self._headers: dict[bytes, PeerHeader] = {}

    def decode(self, message: bytes) -> BmpMessage:
        """Decode one message, common header included, as `BmpFramer` cuts it.

        Raises:
            DecodeError: it breaks its protocol; the session goes on with the next one. Offsets
                count from its common header.
        """
        if len(message) < COMMON_HEADER.size:
            raise TruncatedError(0, "BMP common header cut short", _COMMON_SOURCE)
        version, length, message_type = COMMON_HEADER.unpack_from(message)
        if length != len(message):
            reason = f"BMP Message Length {length} is not {len(message)}"
            raise MalformedError(1, reason, _COMMON_SOURCE)
        if version == VERSION_4:
            return Version4(message_type, message[COMMON_HEADER.size :])
        if version != VERSION_3:
            raise MalformedError(0, f"BMP version {version}", _COMMON_SOURCE)
        read = _READERS.get(message_type)
        if read is None:
            return UnknownType(message_type, message[COMMON_HEADER.size :])
        return read(self, message)

    def _initiation(self, message: bytes) -> Initiation:
        return Initiation(read_information(message[_IDENTITY_AT:], _IDENTITY_AT))

    def _termination(self, message: bytes) -> Termination:
        return Termination(read_termination(message[_IDENTITY_AT:], _IDENTITY_AT))

    def _route_monitoring(self, message: bytes) -> RouteMonitoring:
        peer, time_us = self.per_peer(message)
        # Octets after the UPDATE are let be: RFC 7854 gives them no meaning.
        update = _bgp_message(message[_BODY_AT:], _BODY_AT, UPDATE, _MONITORING_SOURCE)
        parts = split_update(update.body, _UPDATE_AT)
        return RouteMonitoring(peer, time_us, parts, self.add_path_families(peer))

    def _statistics(self, message: bytes) -> Statistics:
        peer, time_us = self.per_peer(message)
        return Statistics(peer, time_us, read_statistics(message[_BODY_AT:], _BODY_AT))

    def _peer_up(self, message: bytes) -> PeerUp:
        peer, time_us = self.per_peer(message)
        if len(message) < _BODY_AT + _PEER_UP.size:
            raise TruncatedError(_BODY_AT, "Peer Up cut short", _PEER_UP_SOURCE)
        field, local_port, remote_port = _PEER_UP.unpack_from(message, _BODY_AT)
        local = None if peer.view == LOC_RIB else address_text(field, peer.ipv6)
        sent, start = _open(message, _BODY_AT + _PEER_UP.size)
        received, start = _open(message, start)
        information = read_information(message[start:], start)
        self._remember(peer.key, negotiate(sent, received))
        return PeerUp(peer, time_us, local, local_port, remote_port, sent, received, information)

    def _peer_down(self, message: bytes) -> PeerDown:
        peer, time_us = self.per_peer(message)
        if len(message) == _BODY_AT:
            raise TruncatedError(_BODY_AT, "Peer Down without a reason", _PEER_DOWN_SOURCE)
        reason, start = message[_BODY_AT], _BODY_AT + 1
        rest = message[start:]
        down = PeerDown(peer, time_us, reason)
        if reason == _LOCAL_TLVS:
            return down._replace(information=read_information(rest, start))
        if reason in (_LOCAL_NOTIFICATION, _REMOTE_NOTIFICATION) and rest:
            return down._replace(notification=_notification(rest, start))
        if reason == _LOCAL_EVENT and rest:
            if len(rest) < 2:
                raise TruncatedError(start, "FSM event code cut short", _PEER_DOWN_SOURCE)
            return down._replace(fsm_event=int.from_bytes(rest[:2]))
        return down

    def _route_mirroring(self, message: bytes) -> RouteMirroring:
        peer, time_us = self.per_peer(message)
        tlvs = read_tlvs(message[_BODY_AT:], _BODY_AT)
        # These are the octets of the BGP session, whatever the router makes of them for its tables.
        agreed = self._agreed.get(peer.key) or _Agreed(peer.as_size, {})
        families = agreed.add_path_families.get(peer.view, _NO_FAMILIES)
        return RouteMirroring(
            peer, time_us, tuple(_mirrored(*tlv, agreed.as_size, families) for tlv in tlvs)
        )

    def per_peer(self, message: bytes) -> tuple[PeerHeader, int]:
        """Read the per-peer header of a message that has one, and its time in microseconds.

        Raises:
            TruncatedError: the message ends before it does.
        """
        if len(message) < _BODY_AT:
            raise TruncatedError(_IDENTITY_AT, "per-peer header cut short", _PER_PEER_SOURCE)
        octets = message[_IDENTITY_AT:_TIMESTAMP_AT]
        peer = self._headers.get(octets)
        if peer is None:
            if len(self._headers) >= _MAX_PEERS:
                self._headers.clear()
            self._headers[octets] = peer = read_identity(octets)
        return peer, read_timestamp_us(message[_TIMESTAMP_AT:_BODY_AT])

    def add_path_families(self, peer: PeerHeader) -> frozenset[Family]:
        """Give the families whose NLRI in Route Monitoring carry path identifiers."""
        agreed = self._agreed.get(peer.key)
        return agreed.add_path_families[peer.view] if agreed else _NO_FAMILIES

    def _remember(self, key: PeerKey, negotiated: Negotiated) -> None:
        # Kept beyond a Peer Down: routers send one for a table, and go on with another.
        self._agreed.pop(key, None)
        if len(self._agreed) >= _MAX_PEERS:
            self._agreed.pop(next(iter(self._agreed)))
        self._agreed[key] = _Agreed(negotiated.as_size, _families_by_view(negotiated))


_READERS: dict[int, Callable[[BmpDecoder, bytes], BmpMessage]] = {
    ROUTE_MONITORING: BmpDecoder._route_monitoring,
    STATISTICS_REPORT: BmpDecoder._statistics,
    PEER_DOWN: BmpDecoder._peer_down,
    PEER_UP: BmpDecoder._peer_up,
    INITIATION: BmpDecoder._initiation,
    TERMINATION: BmpDecoder._termination,
    ROUTE_MIRRORING: BmpDecoder._route_mirroring,
}


def _families_by_view(negotiated: Negotiated) -> dict[str, frozenset[Family]]:
    received, sent = negotiated.received_add_path, negotiated.sent_add_path
    return {
        ADJ_RIB_IN_PRE: received,
        ADJ_RIB_IN_POST: received,
        ADJ_RIB_OUT_PRE: sent,
        ADJ_RIB_OUT_POST: sent,
        # Both OPENs are the router's own invention (RFC 9069 section 5.2): no direction in them.
        LOC_RIB: received | sent,
    }


def _bgp_message(octets: bytes, offset: int, expected: int, source: str) -> BgpMessage:
    found = read_message(octets, offset)
    if found.type != expected:
        reason = f"BGP message type {found.type} where {expected} belongs"
        raise MalformedError(offset + HEADER_OCTETS - 1, reason, source)
    return found


def _open(message: bytes, start: int) -> tuple[Open, int]:
    """Read the OPEN that begins at ``start``; give where it ends, too."""
    found = _bgp_message(message[start:], start, OPEN, _PEER_UP_SOURCE)
    return read_open(found.body, start + HEADER_OCTETS), start + found.octets


def _notification(octets: bytes, offset: int) -> Notification:
    found = _bgp_message(octets, offset, NOTIFICATION, _PEER_DOWN_SOURCE)
    return read_notification(found.body, offset + HEADER_OCTETS)


def _mirrored(
    kind: int, value: bytes, offset: int, as_size: int, families: frozenset[Family]
) -> Mirrored:
    if kind == _MIRRORED_INFORMATION:
        if len(value) != 2:
            reason = f"mirroring information of {len(value)} octets"
            raise MalformedError(offset, reason, _MIRRORING_SOURCE)
        return MirroringInformation(int.from_bytes(value))
    if kind != _MIRRORED_BGP:
        return MirroringTlv(kind, value)
    found = read_message(value, offset)
    if found.type != UPDATE:
        return MirroredMessage(found.type, found.body)
    return MirroredUpdate(split_update(found.body, offset + HEADER_OCTETS), as_size, families)
