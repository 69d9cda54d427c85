"""Custom primitives: fields of the operator's choice, always text."""

import pytest

from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.nfacctd.settings import Plugin
from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import Value, address, ipfix

_SOURCE: Value = (8, address("10.0.0.1"))


def written(semantics: str, length: int | None, *values: Value, id: int = 500, pen: int = 0) -> str:
    custom = CustomPrimitive("mine", pen, id, length, semantics)
    (record,) = records_of([ipfix([_SOURCE, *values])], "mine", customs=(custom,))
    return record["mine"]


@pytest.mark.parametrize(
    ("semantics", "octets", "text", "zero"),
    [
        ("u_int", b"\5", "5", "0"),
        ("u_int", b"\1\2", "258", "0"),
        ("u_int", b"\xff" * 8, "18446744073709551615", "0"),
        ("hex", b"\x0a\xbc", "abc", "0"),
        ("hex", b"\xfe\xdc\xba\x98\x76\x54\x32\x10", "fedcba9876543210", "0"),
        ("ip", address("10.1.2.3"), "10.1.2.3", "0.0.0.0"),
        ("ip", address("2001:db8::1"), "2001:db8::1", "::"),
        ("mac", b"\xaa\xbb\xcc\xdd\xee\xff", "aa:bb:cc:dd:ee:ff", "00:00:00:00:00:00"),
        ("str", b"abc\0def\0", "abc", ""),
        ("raw", b"\1\2\xab\xcd", "01-02-AB-CD", ""),
    ],
)
def test_values_are_text(semantics: str, octets: bytes, text: str, zero: str) -> None:
    length = len(octets)
    assert written(semantics, length, (500, octets)) == text
    assert written(semantics, length) == zero
    if semantics != "raw":
        assert written(semantics, length, (500, octets + b"\0")) == zero


def test_lengths_may_vary() -> None:
    assert written("str", None, (500, b"hello")) == "hello"
    assert written("raw", None, (500, b"\x0f\x10")) == "0F-10"
    assert written("raw", 2, (500, b"\1\2\3")) == "01-02"


def test_fields_of_vendors() -> None:
    assert written("u_int", 2, (7, b"\0\5", 9999), id=7, pen=9999) == "5"


def test_a_later_primitive_of_the_same_field_is_the_next_one_of_it() -> None:
    customs = (
        CustomPrimitive("first", 9999, 7, 1, "u_int"),
        CustomPrimitive("second", 9999, 7, 1, "u_int", 1),
        CustomPrimitive("known", 0, 136, 1, "u_int"),
        CustomPrimitive("again", 0, 136, 1, "u_int", 1),
    )
    values: list[Value] = [_SOURCE, (7, b"\1", 9999), (7, b"\2", 9999), (136, b"\3"), (136, b"\4")]
    names = [custom.name for custom in customs]
    (record,) = records_of([ipfix(values)], *names, customs=customs)
    assert [record[name] for name in names] == ["1", "2", "4", "4"]


def test_avro_has_them_in_a_map() -> None:
    customs = (CustomPrimitive("b", 0, 500, 1, "u_int"), CustomPrimitive("a", 0, 501, 1, "u_int"))
    plugin = Plugin(name="p", type="kafka", output="avro")
    octets = ipfix([_SOURCE, (500, b"\5")])
    (record,) = records_of([octets], "src_host", "b", "a", plugin=plugin, customs=customs)
    assert record["custom_primitives"] == {"b": "5", "a": "0"}
    assert list(record)[:3] == ["ip_src", "timestamp_min", "timestamp_max"]
