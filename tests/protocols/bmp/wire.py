"""Encoders of BMP messages, small on purpose: the tests' own idea of the wire."""

import struct
from ipaddress import ip_address

from tests.protocols.bgp.wire import bgp, open_body

RD = bytes.fromhex("0000fc0000000001")


def message(message_type: int, body: bytes, version: int = 3) -> bytes:
    return struct.pack("!BIB", version, 6 + len(body), message_type) + body


def per_peer(
    *,
    peer_type: int = 0,
    flags: int = 0,
    distinguisher: bytes = bytes(8),
    address: str = "192.0.2.1",
    as_number: int = 65001,
    bgp_id: str = "198.51.100.1",
    time: tuple[int, int] = (1_700_000_000, 5),
) -> bytes:
    return struct.pack(
        "!BB8s16sI4sII",
        peer_type,
        flags,
        distinguisher,
        ip_address(address).packed.rjust(16, b"\0"),
        as_number,
        ip_address(bgp_id).packed,
        *time,
    )


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value


def monitoring(update_body: bytes, peer: bytes | None = None) -> bytes:
    return message(0, (peer or per_peer()) + bgp(2, update_body))


def peer_up(sent: bytes, received: bytes, peer: bytes | None = None, tlvs: bytes = b"") -> bytes:
    """``sent`` and ``received`` are optional parameters of the two OPENs."""
    local = ip_address("192.0.2.2").packed.rjust(16, b"\0") + struct.pack("!HH", 179, 40000)
    opens = bgp(1, open_body(64512, sent)) + bgp(1, open_body(65001, received))
    return message(3, (peer or per_peer()) + local + opens + tlvs)
