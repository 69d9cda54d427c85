"""Encode BGP messages (RFC 4271, RFC 4760) as a router would."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

_MARKER = b"\xff" * 16
_OPEN, _UPDATE = 1, 2
_AS_TRANS = 23456
_AS_SEQUENCE = 2
_TRANSITIVE, _OPTIONAL, _EXTENDED = 0x40, 0x80, 0x10

Prefix = str | IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Route:
    """What a router says of some prefixes; ``next_hop`` decides the family of the attribute."""

    as_path: Sequence[int]
    next_hop: str
    local_pref: int | None = 100
    med: int | None = None
    communities: Sequence[tuple[int, int]] = ()
    large_communities: Sequence[tuple[int, int, int]] = ()


def open_message(as_number: int, bgp_id: str, capabilities: bytes = b"") -> bytes:
    """An OPEN with the four-octet AS capability, and whatever others come encoded."""
    capabilities = struct.pack("!BBI", 65, 4, as_number) + capabilities
    parameters = struct.pack("!BB", 2, len(capabilities)) + capabilities
    two_octets = as_number if as_number <= 0xFFFF else _AS_TRANS
    body = struct.pack("!BHH4sB", 4, two_octets, 180, ip_address(bgp_id).packed, len(parameters))
    return _message(_OPEN, body + parameters)


def announcement(prefixes: Iterable[Prefix], route: Route) -> bytes:
    """An UPDATE that announces prefixes of one family, with four-octet ASes."""
    networks = [ip_network(prefix) for prefix in prefixes]
    attributes = _attribute(_TRANSITIVE, 1, b"\0") + _attribute(
        _TRANSITIVE, 2, _path(route.as_path)
    )
    nlri = b""
    if networks and networks[0].version == 4:
        attributes += _attribute(_TRANSITIVE, 3, ip_address(route.next_hop).packed)
        nlri = _nlri(networks)
    if route.med is not None:
        attributes += _attribute(_OPTIONAL, 4, struct.pack("!I", route.med))
    if route.local_pref is not None:
        attributes += _attribute(_TRANSITIVE, 5, struct.pack("!I", route.local_pref))
    if route.communities:
        octets = b"".join(struct.pack("!HH", *community) for community in route.communities)
        attributes += _attribute(_OPTIONAL | _TRANSITIVE, 8, octets)
    if networks and networks[0].version == 6:
        reach = struct.pack("!HBB", 2, 1, 16) + ip_address(route.next_hop).packed + b"\0"
        attributes += _attribute(_OPTIONAL, 14, reach + _nlri(networks))
    if route.large_communities:
        octets = b"".join(struct.pack("!III", *community) for community in route.large_communities)
        attributes += _attribute(_OPTIONAL | _TRANSITIVE, 32, octets)
    return _update(b"", attributes, nlri)


def withdrawal(prefixes: Iterable[Prefix]) -> bytes:
    """An UPDATE that withdraws prefixes of one family."""
    networks = [ip_network(prefix) for prefix in prefixes]
    if networks and networks[0].version == 6:
        return _update(
            b"", _attribute(_OPTIONAL, 15, struct.pack("!HB", 2, 1) + _nlri(networks)), b""
        )
    return _update(_nlri(networks), b"", b"")


def end_of_rib(afi: int = 1, safi: int = 1) -> bytes:
    """The End-of-RIB marker of a family (RFC 4724 section 2)."""
    if (afi, safi) == (1, 1):
        return _update(b"", b"", b"")
    return _update(b"", _attribute(_OPTIONAL, 15, struct.pack("!HB", afi, safi)), b"")


def _message(kind: int, body: bytes) -> bytes:
    return _MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def _update(withdrawn: bytes, attributes: bytes, nlri: bytes) -> bytes:
    body = struct.pack("!H", len(withdrawn)) + withdrawn
    body += struct.pack("!H", len(attributes)) + attributes
    return _message(_UPDATE, body + nlri)


def _attribute(flags: int, code: int, value: bytes) -> bytes:
    if len(value) > 255:
        return struct.pack("!BBH", flags | _EXTENDED, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def _path(ases: Sequence[int]) -> bytes:
    if not ases:
        return b""
    return struct.pack(f"!BB{len(ases)}I", _AS_SEQUENCE, len(ases), *ases)


def _nlri(networks: Iterable[IPv4Network | IPv6Network]) -> bytes:
    return b"".join(
        bytes([network.prefixlen]) + network.network_address.packed[: (network.prefixlen + 7) // 8]
        for network in networks
    )
