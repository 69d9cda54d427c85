"""Classic pcap files (draft-ietf-opsawg-pcap): one header, then packet records.

| Magic (32) | Major (16) | Minor (16) | reserved (64) | SnapLen (32) | FCS, LinkType (32) |
| Timestamp s (32) | Timestamp µs or ns (32) | Captured length (32) | Original length (32) | ...
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from collector.receivers.capture.frame import MAX_FRAME_OCTETS, Frame, NotACaptureError
from collector.receivers.capture.notes import Notes

_HEADER_OCTETS = 24
_LINK_TYPE_MASK = 0xFFFF  # above it: the length of a frame check sequence, and flags


class _Format(NamedTuple):
    order: str
    nanoseconds_per_tick: int
    record_header: str


# The third kind is that of Kuznetzov's patched libpcap: 8 more octets in each record header.
_KINDS = ((0xA1B2C3D4, 1000, "IIII"), (0xA1B23C4D, 1, "IIII"), (0xA1B2CD34, 1000, "IIII8x"))
_FORMATS = {
    struct.pack(order + "I", magic): _Format(order, tick_ns, order + record_header)
    for magic, tick_ns, record_header in _KINDS
    for order in "<>"
}
MAGICS = frozenset(_FORMATS)


def read_pcap(start: bytes, file: BinaryIO, notes: Notes) -> Iterator[Frame]:
    """Yield the frames of a classic pcap file whose first octets, ``start``, are already read.

    Raises:
        NotACaptureError: the file ends within its header.
    """
    head = start + file.read(_HEADER_OCTETS - len(start))
    if len(head) < _HEADER_OCTETS:
        raise NotACaptureError("the file ends within the pcap header")
    kind = _FORMATS[head[:4]]
    link_type = struct.unpack_from(kind.order + "I", head, 20)[0] & _LINK_TYPE_MASK
    record = struct.Struct(kind.record_header)
    while header := file.read(record.size):
        if len(header) < record.size:
            notes.add("the file ends within a record header")
            return
        seconds, fraction, captured, original = record.unpack(header)
        if captured > MAX_FRAME_OCTETS:
            notes.add("a record's length makes no sense, what follows cannot be read")
            return
        octets = file.read(captured)
        notes.packet += 1
        if len(octets) < captured:
            notes.add("the file ends within a frame")
            return
        time_ns = seconds * 1_000_000_000 + fraction * kind.nanoseconds_per_tick
        yield Frame(time_ns, link_type, octets, original)
