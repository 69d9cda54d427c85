"""One value from its octets to JSON, for each abstract data type without inner structure.

RFC 7011 section 6.1 says the encodings and 6.2 that exporters may send numbers in fewer octets;
real ones also send more than the type has. What a type cannot be is shown as lower-case hex, a
value of no octets as null: one odd field costs its own value, never the record.
"""

import math
import struct
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import IPv6Address
from typing import TypeAlias

from collector.protocols.ipfix.datetimes import DATES, date_text
from collector.protocols.ipfix.types import LISTS, SIGNED, UNSIGNED, AbstractType

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
Reader: TypeAlias = Callable[[bytes], JsonValue]

_FLOATS = {4: struct.Struct("!f"), 8: struct.Struct("!d")}
_TRUTH = {b"\x01": True, b"\x02": False}  # RFC 7011 section 6.1.5: 2 is false, 0 is nothing
_MAPPED_PREFIX = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96


def misfit(octets: bytes) -> str | None:
    """What is shown of octets that are no value of their type: null for none, else hex."""
    return octets.hex() if octets else None


def ipv4_text(octets: bytes) -> str:
    """Dotted decimal of 4 octets."""
    return ".".join(map(str, octets))


@lru_cache(maxsize=1 << 14)
def ipv6_text(octets: bytes) -> str:
    """Text of 16 octets as RFC 5952 says, with the mixed form of section 5 for IPv4-mapped."""
    if octets.startswith(_MAPPED_PREFIX):
        return f"::ffff:{ipv4_text(octets[12:])}"
    return str(IPv6Address(octets))


def string_text(octets: bytes) -> str:
    """UTF-8 without trailing NULs, with what is not UTF-8 replaced (RFC 7011 section 6.1.6)."""
    return octets.rstrip(b"\0").decode("utf-8", "replace")


def float_json(value: float) -> float | str:
    """A number, or the name of what JSON has no number for."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _integer(octets: bytes, signed: bool, limit: int) -> JsonValue:
    if 0 < len(octets) <= limit:
        return int.from_bytes(octets, "big", signed=signed)
    return misfit(octets)


def _float(octets: bytes) -> JsonValue:
    form = _FLOATS.get(len(octets))
    return float_json(form.unpack(octets)[0]) if form else misfit(octets)


def _boolean(octets: bytes) -> JsonValue:
    return _TRUTH.get(octets) if len(octets) == 1 else misfit(octets)


def _mac_address(octets: bytes) -> JsonValue:
    return octets.hex(":") if len(octets) == 6 else misfit(octets)


def _ipv4_address(octets: bytes) -> JsonValue:
    return ipv4_text(octets) if len(octets) == 4 else misfit(octets)


def _ipv6_address(octets: bytes) -> JsonValue:
    return ipv6_text(octets) if len(octets) == 16 else misfit(octets)


def _date(octets: bytes, length: int, digits: int) -> JsonValue:
    text = date_text(octets, digits) if len(octets) == length else None
    return misfit(octets) if text is None else text


READERS: dict[AbstractType, Reader] = {
    **dict.fromkeys(UNSIGNED, partial(_integer, signed=False, limit=8)),
    **dict.fromkeys(SIGNED, partial(_integer, signed=True, limit=8)),
    AbstractType.UNSIGNED256: partial(_integer, signed=False, limit=32),
    AbstractType.FLOAT32: _float,
    AbstractType.FLOAT64: _float,
    AbstractType.BOOLEAN: _boolean,
    AbstractType.MAC_ADDRESS: _mac_address,
    AbstractType.IPV4_ADDRESS: _ipv4_address,
    AbstractType.IPV6_ADDRESS: _ipv6_address,
    AbstractType.STRING: string_text,
    AbstractType.OCTET_ARRAY: bytes.hex,
    **{kind: partial(_date, length=length, digits=n) for kind, (length, n) in DATES.items()},
}
assert READERS.keys() | LISTS == set(AbstractType)
