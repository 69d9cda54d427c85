"""Encoders of BGP messages, small on purpose: the tests' own idea of the wire."""

import struct
from collections.abc import Iterable
from ipaddress import ip_network

MARKER = b"\xff" * 16
AS4 = (65, struct.pack("!I", 65001))


def bgp(message_type: int, body: bytes) -> bytes:
    return MARKER + struct.pack("!HB", 19 + len(body), message_type) + body


def attribute(code: int, value: bytes, flags: int = 0x40) -> bytes:
    if len(value) > 255 or flags & 0x10:
        return struct.pack("!BBH", flags | 0x10, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def update(attributes: bytes = b"", announced: bytes = b"", withdrawn: bytes = b"") -> bytes:
    return b"".join(
        (
            struct.pack("!H", len(withdrawn)),
            withdrawn,
            struct.pack("!H", len(attributes)),
            attributes,
            announced,
        )
    )


def mp_reach(afi: int, safi: int, next_hop: bytes, nlri: bytes) -> bytes:
    head = struct.pack("!HBB", afi, safi, len(next_hop))
    return attribute(14, head + next_hop + b"\0" + nlri, 0x80)


def mp_unreach(afi: int, safi: int, nlri: bytes) -> bytes:
    return attribute(15, struct.pack("!HB", afi, safi) + nlri, 0x80)


def segment(kind: int, ases: Iterable[int], as_size: int = 4) -> bytes:
    ases = tuple(ases)
    return bytes((kind, len(ases))) + b"".join(number.to_bytes(as_size) for number in ases)


def prefix(text: str) -> bytes:
    network = ip_network(text)
    needed = (network.prefixlen + 7) // 8
    return bytes((network.prefixlen,)) + network.network_address.packed[:needed]


def label(value: int, bottom: bool = True) -> bytes:
    return (value << 4 | bottom).to_bytes(3)


def labelled(text: str, labels: bytes, rd: bytes = b"") -> bytes:
    plain = prefix(text)
    return bytes((plain[0] + 8 * len(labels + rd),)) + labels + rd + plain[1:]


def capabilities(*pairs: tuple[int, bytes]) -> bytes:
    inner = b"".join(bytes((code, len(value))) + value for code, value in pairs)
    return bytes((2, len(inner))) + inner


def open_body(as_number: int, parameters: bytes = b"", bgp_id: bytes = b"\xc0\0\2\1") -> bytes:
    return struct.pack("!BHH4sB", 4, as_number, 180, bgp_id, len(parameters)) + parameters


def add_path(*families: tuple[int, int, int]) -> tuple[int, bytes]:
    return 69, b"".join(struct.pack("!HBB", *family) for family in families)
