"""BMP Statistics Report (RFC 7854 section 4.8, RFC 8671 section 6.2, RFC 9972).

| Stats Count (32 bits) | Stat Type (16) | Stat Len (16) | Stat Data | ...

IANA's registry grows, but it knows three forms of data only, and their lengths tell them apart: a
counter of 4 octets, a gauge of 8, and a gauge of 8 behind AFI (16 bits) and SAFI (8 bits).
"""

import struct
from typing import NamedTuple

from collector.errors import TruncatedError

_COUNT_OCTETS = 4
_HEADER = struct.Struct("!HH")
_FAMILY_GAUGE = struct.Struct("!HBQ")
_PLAIN = frozenset({4, 8})
_SOURCE = "RFC 7854 section 4.8"


class Statistic(NamedTuple):
    """One counter or gauge; ``value`` is the octets where their length says nothing."""

    type: int
    value: int | bytes
    afi: int | None = None
    safi: int | None = None


def read_statistics(octets: bytes, offset: int = 0) -> tuple[Statistic, ...]:
    """Read as many statistics as Stats Count says, in wire order.

    Args:
        octets: what follows the per-peer header.
        offset: of ``octets[0]`` in the message; used in errors only.
    Raises:
        TruncatedError: there are fewer, or one is cut short.
    """
    if len(octets) < _COUNT_OCTETS:
        raise TruncatedError(offset, "Stats Count cut short", _SOURCE)
    statistics: list[Statistic] = []
    start = _COUNT_OCTETS
    for _ in range(int.from_bytes(octets[:_COUNT_OCTETS])):
        value_at = start + _HEADER.size
        if value_at > len(octets):
            raise TruncatedError(offset + start, "fewer statistics than Stats Count", _SOURCE)
        kind, length = _HEADER.unpack_from(octets, start)
        start = value_at + length
        if start > len(octets):
            reason = f"statistic of type {kind} and length {length} passes the end"
            raise TruncatedError(offset + value_at, reason, _SOURCE)
        statistics.append(_statistic(kind, octets[value_at:start]))
    return tuple(statistics)


def _statistic(kind: int, value: bytes) -> Statistic:
    if len(value) in _PLAIN:
        return Statistic(kind, int.from_bytes(value))
    if len(value) == _FAMILY_GAUGE.size:
        afi, safi, gauge = _FAMILY_GAUGE.unpack(value)
        return Statistic(kind, gauge, afi, safi)
    return Statistic(kind, value)
