"""Captures made by hand, from the file header down to the TCP flags, for the tests of `decode`."""

import struct
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

ETHERNET, RAW, SLL, SLL2, NULL, LOOP = 1, 101, 113, 276, 0, 108
UDP, TCP = 17, 6
FIN, SYN, RST, ACK = 1, 2, 4, 16
START_NS = 1_700_000_000_123_456_789

Packet = tuple[int, bytes]  # time in ns since 1970, frame


def frames(*octets: bytes, start_ns: int = START_NS) -> list[Packet]:
    """Frames one second apart."""
    return [(start_ns + n * 1_000_000_000, frame) for n, frame in enumerate(octets)]


# Files


def pcap(
    packets: Iterable[Packet],
    link_type: int = ETHERNET,
    order: str = "<",
    nanoseconds: bool = False,
    snap_length: int = 262144,
) -> bytes:
    magic, tick_ns = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    file = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap_length, link_type)
    for time_ns, frame in packets:
        seconds, fraction = divmod(time_ns, 1_000_000_000)
        kept = frame[:snap_length]
        file += struct.pack(order + "IIII", seconds, fraction // tick_ns, len(kept), len(frame))
        file += kept
    return file


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


class PcapNg:
    """One section of a pcapng file; sections are added as octets."""

    def __init__(self, order: str = "<") -> None:
        self._order = order
        self.octets = b""
        self.block(0x0A0D0D0A, self.pack("IHHq", 0x1A2B3C4D, 1, 0, -1))

    def pack(self, form: str, *values: int) -> bytes:
        return struct.pack(self._order + form, *values)

    def block(self, block_type: int, body: bytes) -> "PcapNg":
        body = _padded(body)
        length = self.pack("I", 12 + len(body))
        self.octets += self.pack("I", block_type) + length + body + length
        return self

    def option(self, code: int, value: bytes) -> bytes:
        return self.pack("HH", code, len(value)) + _padded(value)

    def interface(self, link_type: int, options: bytes = b"", snap_length: int = 0) -> "PcapNg":
        return self.block(1, self.pack("HHI", link_type, 0, snap_length) + options)

    def enhanced(self, frame: bytes, ticks: int, interface: int = 0) -> "PcapNg":
        times = divmod(ticks, 1 << 32)
        head = self.pack("IIIII", interface, *times, len(frame), len(frame))
        return self.block(6, head + _padded(frame) + self.option(1, b"a comment"))

    def obsolete(self, frame: bytes, ticks: int, interface: int = 0) -> "PcapNg":
        times = divmod(ticks, 1 << 32)
        head = self.pack("HHIIII", interface, 0, *times, len(frame), len(frame))
        return self.block(2, head + frame)

    def simple(self, frame: bytes, original_length: int | None = None) -> "PcapNg":
        return self.block(3, self.pack("I", original_length or len(frame)) + frame)


# Link layers


def ether_type(packet: bytes) -> int:
    return 0x0800 if packet[0] >> 4 == 4 else 0x86DD


def tagged(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    """EtherType and packet behind VLAN tags of these types."""
    tag_octets = b"".join(struct.pack("!HH", tag, 42) for tag in tags)
    return tag_octets + struct.pack("!H", ether_type(packet)) + packet


def ethernet(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    return (bytes(12) + tagged(packet, tags)).ljust(60, b"\xee")


def cooked(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    return struct.pack("!HHH8x", 0, 1, 6) + tagged(packet, tags)


def cooked_v2(packet: bytes, tags: Sequence[int] = ()) -> bytes:
    protocol, rest = tagged(packet, tags)[:2], tagged(packet, tags)[2:]
    return protocol + struct.pack("!HIHBB8x", 0, 3, 1, 0, 6) + rest


# IP


def _octets(address: str) -> bytes:
    return ip_address(address).packed


def ip(
    source: str, destination: str, protocol: int, payload: bytes, identification: int = 1
) -> bytes:
    """A whole packet of the family of its addresses."""
    if ":" in source:
        return ipv6(source, destination, protocol, payload)
    return ipv4(source, destination, protocol, payload, identification)


def ipv4(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes,
    identification: int = 1,
    fragment: int = 0,
    options: bytes = b"",
) -> bytes:
    head = struct.pack(
        "!BBHHHBBH",
        0x45 + len(options) // 4,
        0,
        20 + len(options) + len(payload),
        identification,
        fragment,
        64,
        protocol,
        0,
    )
    return head + _octets(source) + _octets(destination) + options + payload


def ipv6(source: str, destination: str, next_header: int, payload: bytes) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(payload), next_header, 64)
    return head + _octets(source) + _octets(destination) + payload


def ipv4_fragments(packet: bytes, size: int) -> list[bytes]:
    """Cut a packet without options; ``size`` is a multiple of 8."""
    source, destination = (".".join(map(str, packet[at : at + 4])) for at in (12, 16))
    identification, protocol, payload = int.from_bytes(packet[4:6]), packet[9], packet[20:]
    return [
        ipv4(
            source,
            destination,
            protocol,
            payload[at : at + size],
            identification,
            at // 8 | 0x2000 * (at + size < len(payload)),
        )
        for at in range(0, len(payload), size)
    ]


def ipv6_fragments(
    source: str, destination: str, next_header: int, payload: bytes, size: int
) -> list[bytes]:
    return [
        ipv6(
            source,
            destination,
            44,
            struct.pack("!BBHI", next_header, 0, at | (at + size < len(payload)), 7)
            + payload[at : at + size],
        )
        for at in range(0, len(payload), size)
    ]


# UDP and TCP


def udp(
    payload: bytes,
    destination_port: int = 2055,
    source_port: int = 50000,
    length: int | None = None,
) -> bytes:
    told = 8 + len(payload) if length is None else length
    return struct.pack("!HHHH", source_port, destination_port, told, 0) + payload


def tcp(
    sequence_number: int,
    payload: bytes = b"",
    flags: int = ACK,
    destination_port: int = 1790,
    source_port: int = 40000,
) -> bytes:
    ports_and_numbers = (source_port, destination_port, sequence_number & 0xFFFFFFFF, 0)
    options = bytes((1,) * 12)  # a data offset of 8 words
    return (
        struct.pack("!HHIIBBHHH", *ports_and_numbers, 0x80, flags, 1024, 0, 0) + options + payload
    )


def udp_packet(
    payload: bytes,
    destination_port: int = 2055,
    source: str = "192.0.2.1",
    destination: str = "192.0.2.9",
) -> bytes:
    return ip(source, destination, UDP, udp(payload, destination_port))


def tcp_packet(
    sequence_number: int,
    payload: bytes = b"",
    flags: int = ACK,
    destination_port: int = 1790,
    source: str = "192.0.2.1",
) -> bytes:
    destination = "2001:db8::9" if ":" in source else "192.0.2.9"
    return ip(source, destination, TCP, tcp(sequence_number, payload, flags, destination_port))
