"""AS paths: segments, their length, and AS4_PATH (RFC 4271 section 5.1.2, RFC 5065, RFC 6793).

| Segment Type (8 bits) | number of ASes (8 bits) | ASes of 2 or 4 octets each ... |
"""

import struct

AS_SET = 1
AS_SEQUENCE = 2
AS_CONFED_SEQUENCE = 3
AS_CONFED_SET = 4

AS_TRANS = 23456  # stands for an AS that two octets cannot hold, RFC 6793 section 9

Segment = tuple[int, tuple[int, ...]]  # segment type, ASes
AsPath = tuple[Segment, ...]

_CONFEDERATION = frozenset({AS_CONFED_SEQUENCE, AS_CONFED_SET})
_TYPES = frozenset({AS_SET, AS_SEQUENCE}) | _CONFEDERATION
_MAX_SEGMENT = 255
_AS_CODE = {2: "H", 4: "I"}


def read_as_path(octets: bytes, as_size: int) -> AsPath:
    """Read the value of AS_PATH, or of AS4_PATH with an ``as_size`` of 4.

    Raises:
        ValueError: it is malformed by RFC 7606 section 7.2; the text says why.
    """
    segments: list[Segment] = []
    start = 0
    while start < len(octets):
        if len(octets) - start < 2:
            raise ValueError("AS path segment header cut short")
        kind, count = octets[start], octets[start + 1]
        if kind not in _TYPES:
            raise ValueError(f"unknown AS path segment type {kind}")
        if not count:
            raise ValueError("AS path segment without an AS")
        stop = start + 2 + count * as_size
        if stop > len(octets):
            raise ValueError(f"AS path segment of {count} ASes cut short")
        ases = struct.unpack_from(f"!{count}{_AS_CODE[as_size]}", octets, start + 2)
        segments.append((kind, ases))
        start = stop
    return tuple(segments)


def path_length(path: AsPath) -> int:
    """Count as route selection does: a set is 1, confederations 0 (RFC 4271 section 9.1.2.2)."""
    return sum(
        1 if kind == AS_SET else len(ases) for kind, ases in path if kind not in _CONFEDERATION
    )


def merge_as4_path(path: AsPath, as4_path: AsPath) -> AsPath:
    """Rebuild the path that a speaker of two-octet ASes has shortened (RFC 6793 section 4.2.3).

    The ASes that AS4_PATH lacks are prepended to it from AS_PATH; an AS4_PATH that is the longer
    one is ignored, and so are its confederation segments (section 6).
    """
    wide = tuple(segment for segment in as4_path if segment[0] not in _CONFEDERATION)
    missing = path_length(path) - path_length(wide)
    if missing < 0 or not wide:
        return path
    leading: list[Segment] = []
    for kind, ases in path:
        # A confederation segment comes along where it leads, or touches one that does.
        if kind not in _CONFEDERATION:
            if not missing:
                break
            if kind == AS_SEQUENCE:
                ases = ases[:missing]
            missing -= 1 if kind == AS_SET else len(ases)
        leading.append((kind, ases))
    return _joined(leading, wide)


def _joined(leading: list[Segment], rest: AsPath) -> AsPath:
    """One path of both; two sequences that meet become one, unless it were too long."""
    if leading and leading[-1][0] == rest[0][0] == AS_SEQUENCE:
        meeting = leading[-1][1] + rest[0][1]
        if len(meeting) <= _MAX_SEGMENT:
            return (*leading[:-1], (AS_SEQUENCE, meeting), *rest[1:])
    return (*leading, *rest)
