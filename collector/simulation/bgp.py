"""Encode BGP messages (RFC 4271, RFC 4760, RFC 8277, RFC 4364, RFC 7911) as a router would."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

_MARKER = b"\xff" * 16
_OPEN, _UPDATE, _NOTIFICATION = 1, 2, 3
_HEADER_OCTETS = 19
_MAX_MESSAGE_OCTETS = 4096
_AS_TRANS = 23456
_AS_SEQUENCE, _MAX_SEGMENT = 2, 255
_TRANSITIVE, _OPTIONAL, _EXTENDED = 0x40, 0x80, 0x10

_UNICAST, _VPN = 1, 128
_PARAMETER_CAPABILITIES = 2
_MULTIPROTOCOL, _FOUR_OCTET_AS, _ADD_PATH = 1, 65, 69
_SEND_AND_RECEIVE = 3

Network = IPv4Network | IPv6Network
Prefix = str | Network


@dataclass(frozen=True, slots=True)
class Route:
    """What a router says of some prefixes.

    ``as_size`` is that of the session: 2 goes with `bmp.Peer.as_size` 2. Extended communities are
    eight octets each.
    """

    as_path: Sequence[int]
    next_hop: str
    local_pref: int | None = 100
    med: int | None = None
    communities: Sequence[tuple[int, int]] = ()
    extended_communities: Sequence[bytes] = ()
    large_communities: Sequence[tuple[int, int, int]] = ()
    as_size: int = 4


def open_message(as_number: int, bgp_id: str, capabilities: bytes = b"") -> bytes:
    """An OPEN with the four-octet AS capability, and whatever others come encoded."""
    capabilities = struct.pack("!BBI", _FOUR_OCTET_AS, 4, as_number) + capabilities
    parameters = struct.pack("!BB", _PARAMETER_CAPABILITIES, len(capabilities)) + capabilities
    two_octets = as_number if as_number <= 0xFFFF else _AS_TRANS
    body = struct.pack("!BHH4sB", 4, two_octets, 180, ip_address(bgp_id).packed, len(parameters))
    return _message(_OPEN, body + parameters)


def multiprotocol(afi: int, safi: int) -> bytes:
    """The capability to speak of a family (RFC 4760 section 8)."""
    return struct.pack("!BBHBB", _MULTIPROTOCOL, 4, afi, 0, safi)


def add_path(afi: int, safi: int, mode: int = _SEND_AND_RECEIVE) -> bytes:
    """The capability to use path identifiers in a family (RFC 7911 section 4)."""
    return struct.pack("!BBHBB", _ADD_PATH, 4, afi, safi, mode)


def notification(code: int, subcode: int = 0, data: bytes = b"") -> bytes:
    """A NOTIFICATION."""
    return _message(_NOTIFICATION, bytes((code, subcode)) + data)


def nlri(
    prefix: Prefix,
    *,
    path_id: int | None = None,
    rd: bytes = b"",
    labels: Sequence[int] = (),
) -> bytes:
    """One route's NLRI: of unicast, with labels (RFC 8277), or of a VPN (RFC 4364 section 4.3.4).

    Args:
        rd: route distinguisher, eight octets, or none.
        labels: MPLS labels, outermost first.
    """
    network = ip_network(prefix)
    address = network.network_address.packed[: (network.prefixlen + 7) // 8]
    last = len(labels) - 1
    stack = b"".join(
        (label << 4 | (position == last)).to_bytes(3) for position, label in enumerate(labels)
    )
    octets = bytes((8 * len(stack + rd) + network.prefixlen,)) + stack + rd + address
    return octets if path_id is None else struct.pack("!I", path_id) + octets


def announcement(prefixes: Iterable[Prefix], route: Route, path_id: int | None = None) -> bytes:
    """An UPDATE that announces unicast prefixes of one family; the first one says which."""
    networks = [ip_network(prefix) for prefix in prefixes]
    octets = b"".join(nlri(network, path_id=path_id) for network in networks)
    if networks and networks[0].version == 6:
        return mp_announcement(2, _UNICAST, octets, route)
    return ipv4_announcement(octets, route)


def ipv4_announcement(octets: bytes, route: Route) -> bytes:
    """An UPDATE that announces IPv4 unicast routes; ``octets`` from `nlri`."""
    return _update(b"", _attributes(route, next_hop=ip_address(route.next_hop).packed), octets)


def announcements(prefixes: Iterable[Prefix], route: Route) -> Iterator[bytes]:
    """As `announcement`, in as many UPDATEs as their length of 4096 octets asks for."""
    networks = [ip_network(prefix) for prefix in prefixes]
    if not networks:
        return
    overhead = len(announcement(networks[:1], route))
    at_once = (_MAX_MESSAGE_OCTETS - overhead) // (1 + networks[0].max_prefixlen // 8)
    for first in range(0, len(networks), at_once):
        yield announcement(networks[first : first + at_once], route)


def mp_announcement(afi: int, safi: int, octets: bytes, route: Route) -> bytes:
    """An UPDATE that announces routes of any family by MP_REACH_NLRI; ``octets`` from `nlri`."""
    next_hop = ip_address(route.next_hop).packed
    if safi == _VPN:
        next_hop = bytes(8) + next_hop
    reach = struct.pack("!HBB", afi, safi, len(next_hop)) + next_hop + b"\0" + octets
    return _update(b"", _attributes(route, mp_reach=reach), b"")


def withdrawal(prefixes: Iterable[Prefix], path_id: int | None = None) -> bytes:
    """An UPDATE that withdraws unicast prefixes of one family."""
    networks = [ip_network(prefix) for prefix in prefixes]
    octets = b"".join(nlri(network, path_id=path_id) for network in networks)
    if networks and networks[0].version == 6:
        return mp_withdrawal(2, _UNICAST, octets)
    return _update(octets, b"", b"")


def mp_withdrawal(afi: int, safi: int, octets: bytes) -> bytes:
    """An UPDATE that withdraws routes of any family by MP_UNREACH_NLRI; ``octets`` from `nlri`."""
    return _update(b"", _attribute(_OPTIONAL, 15, struct.pack("!HB", afi, safi) + octets), b"")


def end_of_rib(afi: int = 1, safi: int = _UNICAST) -> bytes:
    """The End-of-RIB marker of a family (RFC 4724 section 2)."""
    if (afi, safi) == (1, _UNICAST):
        return _update(b"", b"", b"")
    return mp_withdrawal(afi, safi, b"")


def _attributes(route: Route, *, next_hop: bytes = b"", mp_reach: bytes = b"") -> bytes:
    """All attributes of a route, in the order of their numbers."""
    octets = _attribute(_TRANSITIVE, 1, b"\0")
    octets += _attribute(_TRANSITIVE, 2, _path(route.as_path, route.as_size))
    if next_hop:
        octets += _attribute(_TRANSITIVE, 3, next_hop)
    if route.med is not None:
        octets += _attribute(_OPTIONAL, 4, struct.pack("!I", route.med))
    if route.local_pref is not None:
        octets += _attribute(_TRANSITIVE, 5, struct.pack("!I", route.local_pref))
    if route.communities:
        values = b"".join(struct.pack("!HH", *community) for community in route.communities)
        octets += _attribute(_OPTIONAL | _TRANSITIVE, 8, values)
    if mp_reach:
        octets += _attribute(_OPTIONAL, 14, mp_reach)
    if route.extended_communities:
        octets += _attribute(_OPTIONAL | _TRANSITIVE, 16, b"".join(route.extended_communities))
    if route.large_communities:
        values = b"".join(struct.pack("!III", *community) for community in route.large_communities)
        octets += _attribute(_OPTIONAL | _TRANSITIVE, 32, values)
    return octets


def _message(kind: int, body: bytes) -> bytes:
    return _MARKER + struct.pack("!HB", _HEADER_OCTETS + len(body), kind) + body


def _update(withdrawn: bytes, attributes: bytes, announced: bytes) -> bytes:
    body = struct.pack("!H", len(withdrawn)) + withdrawn
    body += struct.pack("!H", len(attributes)) + attributes
    return _message(_UPDATE, body + announced)


def _attribute(flags: int, code: int, value: bytes) -> bytes:
    if len(value) > 255:
        return struct.pack("!BBH", flags | _EXTENDED, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def _path(ases: Sequence[int], as_size: int) -> bytes:
    form = "I" if as_size == 4 else "H"
    segments = (ases[at : at + _MAX_SEGMENT] for at in range(0, len(ases), _MAX_SEGMENT))
    return b"".join(
        struct.pack(f"!BB{len(segment)}{form}", _AS_SEQUENCE, len(segment), *segment)
        for segment in segments
    )
