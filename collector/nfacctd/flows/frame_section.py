"""Frames that records carry (dataLinkFrameSection, IE 315 and 104): their headers as columns.

Ethernet only, with VLAN tags (IEEE 802.1Q), MPLS labels (RFC 3032), IPv4, IPv6 and the ports of
what is inside. A section ends where the exporter cut it, so each header may be missing.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_ETHERNET = 1  # IANA, dataLinkFrameType
_VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100})
_MPLS = frozenset({0x8847, 0x8848})
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP, _SCTP = 6, 17, 132
_MAX_LABELS = 10
_IPV4_MAPPED = 0xFFFF_0000_0000
_ADDRESS_HALVES = struct.Struct("!QQQQ")


@dataclass(slots=True)
class _Headers:
    """What one frame says; zeros where it does not."""

    version: int = 0
    src_mac: int = 0
    dst_mac: int = 0
    vlan: int = 0
    cvlan: int = 0
    cos: int = 0
    etype: int = 0
    src_hi: int = 0
    src_lo: int = 0
    dst_hi: int = 0
    dst_lo: int = 0
    proto: int = 0
    tos: int = 0
    src_port: int = 0
    dst_port: int = 0
    tcpflags: int = 0
    octets: int = 0
    labels: list[int] = field(default_factory=list)


_COLUMNS = tuple(name for name in _Headers.__slots__ if name != "labels")


@dataclass(frozen=True, slots=True)
class Frames:
    """The headers of all records' frames: ``columns``, shape (n,) uint64 each; labels by record."""

    columns: dict[str, NDArray[np.uint64]]
    labels: list[list[int]]

    def depths(self) -> NDArray[np.uint64]:
        """Tell how many labels each frame has, shape (n,)."""
        return np.array([len(stack) for stack in self.labels], np.uint64)

    def label(self, number: int) -> NDArray[np.uint64]:
        """Give a label of each frame, 0 where it has none: 0 is the top one, -1 the bottom one."""
        return np.array([_at(stack, number) for stack in self.labels], np.uint64)


def _at(stack: list[int], number: int) -> int:
    return stack[number] if (number if number >= 0 else 0) < len(stack) else 0


def read_frames(
    sections: Sequence[bytes], kinds: NDArray[np.unsignedinteger] | None = None
) -> Frames:
    """Parse the frames of a block's records.

    Args:
        sections: the first octets of a frame, by record.
        kinds: shape (n,), dataLinkFrameType; None: all are Ethernet.
    """
    wanted = np.ones(len(sections), bool) if kinds is None else kinds == _ETHERNET
    headers = [
        _parse(section) if known else _Headers()
        for section, known in zip(sections, wanted.tolist(), strict=True)
    ]
    columns = {
        name: np.array([getattr(one, name) for one in headers], np.uint64) for name in _COLUMNS
    }
    return Frames(columns, [one.labels for one in headers])


def _parse(frame: bytes) -> _Headers:
    headers = _Headers()
    if len(frame) < 14:
        return headers
    headers.dst_mac, headers.src_mac = int.from_bytes(frame[:6]), int.from_bytes(frame[6:12])
    etype, at = int.from_bytes(frame[12:14]), 14
    tags = 0
    while etype in _VLAN_TAGS and len(frame) >= at + 4:
        tag = int.from_bytes(frame[at : at + 2])
        if tags == 0:
            headers.vlan, headers.cos = tag & 0xFFF, tag >> 13
        elif tags == 1:
            headers.cvlan = tag & 0xFFF
        tags += 1
        etype, at = int.from_bytes(frame[at + 2 : at + 4]), at + 4
    if etype in _MPLS:
        at = _labels(headers, frame, at)
        etype = {4: _IPV4, 6: _IPV6}.get(frame[at] >> 4 if at < len(frame) else 0, etype)
    headers.etype = etype
    if etype == _IPV4:
        _ipv4(headers, frame[at:])
    elif etype == _IPV6:
        _ipv6(headers, frame[at:])
    return headers


def _labels(headers: _Headers, frame: bytes, at: int) -> int:
    while len(frame) >= at + 4:
        entry = int.from_bytes(frame[at : at + 4])
        at += 4
        if len(headers.labels) < _MAX_LABELS:
            headers.labels.append(entry >> 12)
        if entry & 0x100:  # bottom of stack
            break
    return at


def _ipv4(headers: _Headers, packet: bytes) -> None:
    if len(packet) < 20:
        return
    headers.version, headers.tos, headers.proto = 4, packet[1], packet[9]
    headers.octets = int.from_bytes(packet[2:4])
    headers.src_lo = _IPV4_MAPPED | int.from_bytes(packet[12:16])
    headers.dst_lo = _IPV4_MAPPED | int.from_bytes(packet[16:20])
    is_first = int.from_bytes(packet[6:8]) & 0x1FFF == 0
    if is_first:  # only the first fragment has the transport header
        _transport(headers, packet[(packet[0] & 15) * 4 :])


def _ipv6(headers: _Headers, packet: bytes) -> None:
    if len(packet) < 40:
        return
    headers.version, headers.proto = 6, packet[6]
    headers.tos = int.from_bytes(packet[:2]) >> 4 & 0xFF
    headers.octets = int.from_bytes(packet[4:6]) + 40
    halves = _ADDRESS_HALVES.unpack_from(packet, 8)
    headers.src_hi, headers.src_lo, headers.dst_hi, headers.dst_lo = halves
    _transport(headers, packet[40:])


def _transport(headers: _Headers, segment: bytes) -> None:
    if headers.proto not in (_TCP, _UDP, _SCTP) or len(segment) < 4:
        return
    headers.src_port = int.from_bytes(segment[:2])
    headers.dst_port = int.from_bytes(segment[2:4])
    if headers.proto == _TCP and len(segment) >= 14:
        headers.tcpflags = segment[13]
