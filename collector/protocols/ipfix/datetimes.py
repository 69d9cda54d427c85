"""Dates on the wire (RFC 7011 sections 6.1.7 to 6.1.10): their text, their microseconds."""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from collector.protocols.ipfix.types import AbstractType

# Type → octets on the wire, digits of its fraction.
DATES = {
    AbstractType.DATE_TIME_SECONDS: (4, 0),
    AbstractType.DATE_TIME_MILLISECONDS: (8, 3),
    AbstractType.DATE_TIME_MICROSECONDS: (8, 6),
    AbstractType.DATE_TIME_NANOSECONDS: (8, 9),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970, RFC 868
# The bottom 11 bits of a Fraction MUST be ignored in Microseconds, RFC 7011 section 6.1.9.
_FRACTION_MASK = {6: 0xFFFF_F800, 9: 0xFFFF_FFFF}
_HALF = 1 << 31  # of the last digit: fractions are rounded to the nearest, a tie upwards
_LAST_S = 253_402_300_799  # 9999-12-31T23:59:59: RFC 3339 has years of four digits


def rfc3339(ticks: int, digits: int) -> str | None:
    """Text of a time in units of 10**-digits seconds since 1970; None past the year 9999."""
    seconds, fraction = divmod(ticks, 10**digits)
    if seconds > _LAST_S:
        return None
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    return f"{text}.{fraction:0{digits}d}Z" if digits else f"{text}Z"


def date_text(octets: bytes, digits: int) -> str | None:
    """Text of a date on the wire; None where its year has not four digits.

    Args:
        octets: as many as ``DATES`` says for the type.
        digits: of the type's fraction, which tell the types apart.
    """
    value = int.from_bytes(octets, "big")
    if digits in _FRACTION_MASK:
        seconds, fraction = (value >> 32) - _NTP_EPOCH_S, value & _FRACTION_MASK[digits]
        value = seconds * 10**digits + ((fraction * 10**digits + _HALF) >> 32)
    return rfc3339(value, digits)


def date_us(
    words: NDArray[np.unsignedinteger], digits: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """Microseconds since 1970 of a column of dates, nanoseconds rounded to nearest.

    Args:
        words: shape (n,), the wire's 4 or 8 octets as native numbers.
        digits: of the type's fraction, which tell the types apart.

    Returns:
        shape (n,); and which of them have a year of four digits, None where all have.
    """
    if digits in _FRACTION_MASK:
        seconds = (words >> np.uint64(32)).astype(np.int64) - _NTP_EPOCH_S
        fraction = words & np.uint64(_FRACTION_MASK[digits])
        microseconds = (fraction * np.uint64(10**6) + np.uint64(_HALF)) >> np.uint64(32)
        return seconds * 10**6 + microseconds.astype(np.int64), None
    if digits == 0:
        return words.astype(np.int64) * 10**6, None
    limit = np.uint64(_LAST_S * 1000 + 999)
    if not len(words) or words.max() <= limit:
        return words.astype(np.int64) * 1000, None
    valid = words <= limit
    return np.where(valid, words, 0).astype(np.int64) * 1000, valid
