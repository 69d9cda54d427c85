"""Which UDP payloads are flow messages, told from the octets alone: no port says so."""

import struct

from collector.receivers.capture.notes import Notes

_V5, _V9, _V10 = 5, 9, 10
_HEADS = struct.Struct("!HH")  # version, then v10's Length or v5's count
_V5_HEADER_OCTETS, _V5_RECORD_OCTETS = 24, 48
_V9_HEADER_OCTETS = 20
_V10_HEADER_OCTETS = 16
_SET_HEADER = struct.Struct("!HH")  # Set ID, Length


def fits(payload: memoryview) -> bool:
    """Tell whether a payload is a NetFlow v5, v9 or IPFIX message by its header.

    v5: the records it counts are there; v10: its Length is; v9, whose header has none: the lengths
    of its FlowSets lead to the end, or to zeros up to the end.
    """
    if len(payload) < _HEADS.size:
        return False
    version, size = _HEADS.unpack_from(payload)
    if version == _V5:
        return len(payload) >= _V5_HEADER_OCTETS + size * _V5_RECORD_OCTETS
    if version == _V10:
        return _V10_HEADER_OCTETS <= size <= len(payload)
    return version == _V9 and _flow_sets_walk(payload)


def _flow_sets_walk(payload: memoryview) -> bool:
    if len(payload) < _V9_HEADER_OCTETS:
        return False
    start = _V9_HEADER_OCTETS
    while start + _SET_HEADER.size <= len(payload):
        _, length = _SET_HEADER.unpack_from(payload, start)
        if length < _SET_HEADER.size or start + length > len(payload):
            break
        start += length
    return not any(payload[start:])


def without_rest(payload: memoryview, notes: Notes) -> memoryview:
    """Cut off what follows a v5 or v10 message inside its datagram, and note it."""
    if not fits(payload):
        return payload
    version, size = _HEADS.unpack_from(payload)
    if version == _V9:
        return payload
    length = size if version == _V10 else _V5_HEADER_OCTETS + size * _V5_RECORD_OCTETS
    if length < len(payload):
        notes.add(f"datagrams with octets behind their version {version} message")
    return payload[:length]
