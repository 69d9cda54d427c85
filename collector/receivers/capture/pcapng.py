"""pcapng files (draft-ietf-opsawg-pcapng): sections of blocks, interfaces described on the way.

| Block Type (32) | Block Total Length (32) | body, padded to 32 bits | Block Total Length (32) |
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from collector.receivers.capture.frame import MAX_FRAME_OCTETS, Frame, NotACaptureError
from collector.receivers.capture.notes import Notes

SECTION_HEADER = b"\x0a\x0d\x0d\x0a"  # the same in either octet order
_INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 2, 3, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_OPTION_END, _OPTION_TSRESOL, _OPTION_TSOFFSET = 0, 9, 14
_MAX_BLOCK_OCTETS = MAX_FRAME_OCTETS + 65536  # room for options
_MAX_INTERFACES = 65536


@dataclass(frozen=True, slots=True)
class _Interface:
    """What an Interface Description Block says (section 4.2)."""

    link_type: int
    snap_length: int  # 0: no limit
    ticks_per_second: int
    offset_s: int

    def time_ns(self, high: int, low: int) -> int:
        ticks = (high << 32) | low
        return self.offset_s * 1_000_000_000 + ticks * 1_000_000_000 // self.ticks_per_second


def _octet_order(octets: bytes) -> str | None:
    for order in "<>":
        if struct.unpack_from(order + "I", octets)[0] == _BYTE_ORDER_MAGIC:
            return order
    return None


def _options(body: bytes, start: int, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield an interface's options up to the end or the first that passes it (section 3.5)."""
    while start + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, start)
        value = body[start + 4 : start + 4 + length]
        if code == _OPTION_END or len(value) < length:
            return
        yield code, value
        start += 4 + (length + 3 & ~3)


def _interface(body: bytes, order: str) -> _Interface | None:
    if len(body) < 8:
        return None
    link_type, _, snap_length = struct.unpack_from(order + "HHI", body)
    ticks_per_second, offset_s = 1_000_000, 0
    for code, value in _options(body, 8, order):
        if code == _OPTION_TSRESOL and len(value) == 1:
            exponent = value[0] & 0x7F
            ticks_per_second = 1 << exponent if value[0] & 0x80 else 10**exponent
        elif code == _OPTION_TSOFFSET and len(value) == 8:
            offset_s = struct.unpack(order + "q", value)[0]
    return _Interface(link_type, snap_length, ticks_per_second, offset_s)


class _Section:
    """One section: its octet order and the interfaces described so far."""

    def __init__(self, order: str, notes: Notes) -> None:
        self.order = order
        self._notes = notes
        self._interfaces: list[_Interface | None] = []
        self._enhanced = struct.Struct(order + "IIIII")
        self._obsolete = struct.Struct(order + "HHIIII")
        self._simple = struct.Struct(order + "I")

    def frame(self, block_type: int, body: bytes) -> Frame | None:
        """Read one block; None where it carries no frame."""
        if block_type == _ENHANCED_PACKET and len(body) >= self._enhanced.size:
            interface, *times, captured, original = self._enhanced.unpack_from(body)
            return self._packet(interface, times, body[20 : 20 + captured], captured, original)
        if block_type == _OBSOLETE_PACKET and len(body) >= self._obsolete.size:
            interface, _, *times, captured, original = self._obsolete.unpack_from(body)
            return self._packet(interface, times, body[20 : 20 + captured], captured, original)
        if block_type == _SIMPLE_PACKET and len(body) >= self._simple.size:
            (original,) = self._simple.unpack_from(body)
            captured = min(original, len(body) - 4)
            if self._interfaces and (first := self._interfaces[0]) and first.snap_length:
                captured = min(captured, first.snap_length)
            return self._packet(0, None, body[4 : 4 + captured], captured, original)
        if block_type == _INTERFACE:
            self._describe(body)
        return None

    def _describe(self, body: bytes) -> None:
        interface = _interface(body, self.order)
        if interface is None:
            self._notes.add("an Interface Description Block is too short")
        if len(self._interfaces) < _MAX_INTERFACES:
            self._interfaces.append(interface)

    def _packet(
        self, number: int, times: list[int] | None, octets: bytes, captured: int, original: int
    ) -> Frame | None:
        self._notes.packet += 1
        interface = self._interfaces[number] if number < len(self._interfaces) else None
        if interface is None:
            self._notes.add("a packet of an interface that was not described is left out")
            return None
        if len(octets) < captured:
            self._notes.add("a packet's captured length passes its block")
        time_ns = interface.time_ns(*times) if times else None
        return Frame(time_ns, interface.link_type, octets, original)


def read_pcapng(start: bytes, file: BinaryIO, notes: Notes) -> Iterator[Frame]:
    """Yield the frames of a pcapng file whose first four octets, ``start``, are already read.

    Blocks of other types are skipped; a damaged or cut block ends the reading with a note.

    Raises:
        NotACaptureError: the first Section Header Block is not one.
    """
    section = None
    header = start + file.read(4)
    while header:
        is_section = header[:4] == SECTION_HEADER
        magic = file.read(4) if is_section else b""
        if len(header) < 8 or len(magic) < 4 * is_section:
            break
        if is_section:
            order = _octet_order(magic)
            if order is None:
                if section is None:
                    raise NotACaptureError("a pcapng section without its byte-order magic")
                notes.add("a section has no byte-order magic, what follows cannot be read")
                return
            section = _Section(order, notes)
        assert section is not None  # the first block is a section header, or this raised
        block_type, length = struct.unpack(section.order + "II", header)
        rest = (length + 3 & ~3) - 8 - len(magic)
        if rest < 4 or rest > _MAX_BLOCK_OCTETS:
            notes.add("a block's length makes no sense, what follows cannot be read")
            return
        body = file.read(rest)
        if len(body) < rest:
            break
        if not is_section:
            frame = section.frame(block_type, body[:-4])
            if frame is not None:
                yield frame
        header = file.read(8)
    else:
        return
    if section is None:
        raise NotACaptureError("the file ends within its first block")
    notes.add("the file ends within a block")
