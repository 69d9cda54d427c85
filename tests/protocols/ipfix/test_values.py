"""Single values: every abstract type on the wire and as JSON."""

import math
import struct
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.ipfix.datetimes import DATES
from collector.protocols.ipfix.types import LISTS, SIGNED, UNSIGNED, AbstractType, type_named
from collector.protocols.ipfix.values import READERS

_T = AbstractType
_TYPES = sorted(READERS, key=lambda kind: kind.value)
_NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)

_unsigned_types = st.sampled_from(sorted(UNSIGNED, key=lambda kind: kind.value))
_signed_types = st.sampled_from(sorted(SIGNED, key=lambda kind: kind.value))


@pytest.mark.parametrize(
    ("type", "wire", "json"),
    [
        (_T.UNSIGNED8, "ff", 255),
        (_T.UNSIGNED8, "00000100", 256),  # samplers send four octets
        (_T.UNSIGNED64, "010000", 65536),  # reduced length, RFC 7011 section 6.2
        (_T.UNSIGNED64, "ffffffffffffffff", 2**64 - 1),
        (_T.UNSIGNED32, "000000000000000001", "000000000000000001"),
        (_T.UNSIGNED256, "0100000000000000000000", 2**80),
        (_T.UNSIGNED256, "ff" * 32, 2**256 - 1),
        (_T.UNSIGNED256, "ff" * 33, "ff" * 33),
        (_T.SIGNED32, "ff", -1),
        (_T.SIGNED8, "ffff80", -128),
        (_T.SIGNED64, "8000000000000000", -(2**63)),
        (_T.FLOAT64, "3fc00000", 1.5),
        (_T.FLOAT64, "3ff8000000000000", 1.5),
        (_T.FLOAT32, "3ff8000000000000", 1.5),
        (_T.FLOAT32, "7fc00000", "NaN"),
        (_T.FLOAT64, "7ff0000000000000", "Infinity"),
        (_T.FLOAT64, "ff800000", "-Infinity"),
        (_T.FLOAT64, "3ff8", "3ff8"),
        (_T.BOOLEAN, "01", True),
        (_T.BOOLEAN, "02", False),
        (_T.BOOLEAN, "00", None),
        (_T.BOOLEAN, "0001", "0001"),
        (_T.MAC_ADDRESS, "00005e005301", "00:00:5e:00:53:01"),
        (_T.MAC_ADDRESS, "00005e00530100", "00005e00530100"),
        (_T.IPV4_ADDRESS, "c0000201", "192.0.2.1"),
        (_T.IPV4_ADDRESS, "c00002", "c00002"),
        (_T.IPV6_ADDRESS, "20010db8" + "00" * 11 + "01", "2001:db8::1"),
        (_T.IPV6_ADDRESS, "20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"),
        (_T.IPV6_ADDRESS, "00" * 10 + "ffffc0000201", "::ffff:192.0.2.1"),
        (_T.IPV6_ADDRESS, "00" * 12 + "c0000201", "::c000:201"),
        (_T.IPV6_ADDRESS, "00" * 16, "::"),
        (_T.IPV6_ADDRESS, "c0000201", "c0000201"),
        (_T.STRING, "6574683000006100000000", "eth0\0\0a"),
        (_T.STRING, "c3a9ff", "é\N{REPLACEMENT CHARACTER}"),
        (_T.STRING, "0000", ""),
        (_T.OCTET_ARRAY, "00AB", "00ab"),
        (_T.DATE_TIME_SECONDS, "00000000", "1970-01-01T00:00:00Z"),
        (_T.DATE_TIME_SECONDS, "ffffffff", "2106-02-07T06:28:15Z"),
        (_T.DATE_TIME_SECONDS, "0000000065920080", "0000000065920080"),
        (_T.DATE_TIME_MILLISECONDS, "0000018cc251f463", "2024-01-01T00:00:00.099Z"),
        (_T.DATE_TIME_MILLISECONDS, "0000e677d21fdbff", "9999-12-31T23:59:59.999Z"),
        (_T.DATE_TIME_MILLISECONDS, "0000e677d21fdc00", "0000e677d21fdc00"),
        (_T.DATE_TIME_MILLISECONDS, "65920080", "65920080"),
        (_T.DATE_TIME_MICROSECONDS, "0000000000000000", "1900-01-01T00:00:00.000000Z"),
        (_T.DATE_TIME_MICROSECONDS, "e93c7f0080000000", "2024-01-01T00:00:00.500000Z"),
        # Without its bottom 11 bits the fraction is 0; with them it would be 0.000000477.
        (_T.DATE_TIME_MICROSECONDS, "e93c7f00000007ff", "2024-01-01T00:00:00.000000Z"),
        (_T.DATE_TIME_MICROSECONDS, "e93c7f00000010c7", "2024-01-01T00:00:00.000001Z"),
        (_T.DATE_TIME_MICROSECONDS, "e93c7f00ffffffff", "2024-01-01T00:00:01.000000Z"),
        (_T.DATE_TIME_NANOSECONDS, "e93c7f0000000004", "2024-01-01T00:00:00.000000001Z"),
        (_T.DATE_TIME_NANOSECONDS, "e93c7f00ffffffff", "2024-01-01T00:00:01.000000000Z"),
        (_T.DATE_TIME_NANOSECONDS, "ffffffffffffffff", "2036-02-07T06:28:16.000000000Z"),
    ],
)
def test_value_of_octets(type: AbstractType, wire: str, json: object) -> None:
    assert READERS[type](bytes.fromhex(wire)) == json


@pytest.mark.parametrize("type", _TYPES, ids=lambda kind: kind.value)
def test_no_octets_are_null_but_for_text_and_octets(type: AbstractType) -> None:
    assert READERS[type](b"") == ("" if type in {_T.STRING, _T.OCTET_ARRAY} else None)


@given(st.sampled_from(_TYPES), st.binary(max_size=40))
def test_any_octets_are_a_value_null_or_their_hex(type: AbstractType, octets: bytes) -> None:
    value = READERS[type](octets)
    assert value is None or isinstance(value, str | int | float)
    if isinstance(value, float):
        assert math.isfinite(value)


@given(_unsigned_types, st.integers(1, 8), st.data())
def test_unsigned_round_trip(type: AbstractType, length: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 256**length - 1))
    assert READERS[type](number.to_bytes(length, "big")) == number


@given(st.integers(1, 32), st.data())
def test_unsigned256_round_trip(length: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 256**length - 1))
    assert READERS[_T.UNSIGNED256](number.to_bytes(length, "big")) == number


@given(_signed_types, st.integers(1, 8), st.data())
def test_signed_round_trip(type: AbstractType, length: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(-(256**length) // 2, 256**length // 2 - 1))
    assert READERS[type](number.to_bytes(length, "big", signed=True)) == number


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(width=32, allow_nan=False))
def test_float_round_trip(double: float, single: float) -> None:
    assert READERS[_T.FLOAT64](struct.pack("!d", double)) == double
    if math.isfinite(single):
        assert READERS[_T.FLOAT32](struct.pack("!f", single)) == single


@given(st.binary(min_size=6, max_size=6))
def test_mac_address_round_trip(octets: bytes) -> None:
    assert bytes.fromhex(READERS[_T.MAC_ADDRESS](octets).replace(":", "")) == octets


@given(st.ip_addresses(v=4), st.ip_addresses(v=6))
def test_address_round_trip(four: IPv4Address, six: IPv6Address) -> None:
    assert READERS[_T.IPV4_ADDRESS](four.packed) == str(four)
    assert IPv6Address(READERS[_T.IPV6_ADDRESS](six.packed)) == six


@given(st.text().map(lambda text: text.rstrip("\0")), st.integers(0, 4))
def test_string_round_trip(text: str, nulls: int) -> None:
    assert READERS[_T.STRING](text.encode() + bytes(nulls)) == text


@given(st.binary())
def test_octet_array_round_trip(octets: bytes) -> None:
    assert bytes.fromhex(READERS[_T.OCTET_ARRAY](octets)) == octets


_dates = st.datetimes(datetime(1970, 1, 1), datetime(2036, 2, 7, 6, 28, 14), timezones=st.just(UTC))


@given(_dates, st.sampled_from(sorted(DATES, key=lambda kind: kind.value)))
def test_date_round_trip(date: datetime, type: AbstractType) -> None:
    length, digits = DATES[type]
    seconds, fraction = int(date.timestamp()), date.microsecond
    if digits < 6:
        value = seconds * 10**digits + fraction // 10 ** (6 - digits)
        told = date - timedelta(microseconds=fraction % 10 ** (6 - digits))
    else:  # round up, so that the 11 bits cut off leave this microsecond the nearest
        ntp_s = (date - timedelta(microseconds=fraction) - _NTP_EPOCH) // timedelta(seconds=1)
        value = (ntp_s << 32) + -(-(fraction << 32) // 10**6)
        told = date
    text = READERS[type](value.to_bytes(length, "big"))
    assert len(text) == len("2024-01-01T00:00:00Z") + (digits + 1 if digits else 0)
    read = datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")
    assert read == told


def test_types_have_the_names_of_the_registry() -> None:
    assert type_named("ipv6address") is _T.IPV6_ADDRESS
    assert type_named(" ") is _T.OCTET_ARRAY
    assert type_named("text") is None
    assert all(type_named(kind.value) is kind for kind in _T)
    assert set(_TYPES) | LISTS == set(_T)
