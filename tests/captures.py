"""Recorded traffic of real routers: outside of the repository, so that tests skip without it."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

_DIRECTORY = Path(__file__).resolve().parents[2] / "shared" / "captures"
_ETHERNET_OCTETS, _UDP_OCTETS = 14, 8
_VLAN, _IPV4, _IPV6, _UDP = 0x8100, 0x0800, 0x86DD, 17


def captures_dir() -> Path:
    """The directory of the captures; skips the test that asks for it where there is none."""
    if not _DIRECTORY.is_dir():
        pytest.skip(f"no captures in {_DIRECTORY}")
    return _DIRECTORY


def capture_files() -> list[Path]:
    """All captures, sorted by name."""
    return sorted(captures_dir().glob("*/*.pcap"))


def udp_payloads(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Source address octets and payload of each datagram in a classic pcap of Ethernet frames."""
    octets = path.read_bytes()
    order = "<" if octets[:1] in (b"\xd4", b"\x4d") else ">"
    position = 24
    while position < len(octets):
        (length,) = struct.unpack_from(f"{order}8xI4x", octets, position)
        frame = octets[position + 16 : position + 16 + length]
        position += 16 + length
        ether_type = int.from_bytes(frame[12:14])
        packet = frame[_ETHERNET_OCTETS:]
        while ether_type == _VLAN:
            ether_type, packet = int.from_bytes(packet[2:4]), packet[4:]
        if ether_type == _IPV4 and packet[9] == _UDP:
            yield packet[12:16], packet[(packet[0] & 15) * 4 + _UDP_OCTETS :]
        elif ether_type == _IPV6 and packet[6] == _UDP:
            yield packet[8:24], packet[40 + _UDP_OCTETS :]
