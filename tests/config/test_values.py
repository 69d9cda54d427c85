from ipaddress import IPv6Address
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.config import schema
from collector.config.values import (
    BadValue,
    Reader,
    address,
    broker,
    bucket_table,
    octets,
    prefix,
    route_distinguisher,
    shown,
)
from collector.exporters.kafka_options import Compression, Mechanism
from collector.records.encode import FORMATS
from collector.rib.view import View
from collector.steering.attach import Mode
from collector.steering.slots import MAX_SLOTS


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (4096, 4096),
        ("4096", 4096),
        ("64MiB", 64 << 20),
        (" 64 MiB ", 64 << 20),
        ("64 MB", 64_000_000),
        ("1 KiB", 1024),
        ("1 kB", 1000),
        ("4096 B", 4096),
    ],
)
def test_sizes(value: object, read: int) -> None:
    assert octets(0, 1 << 40)(value) == read


@pytest.mark.parametrize("value", ["", "MiB", "1.5 MiB", "1 mib", "-1", 1.0, True, None, "9" * 30])
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(BadValue):
        octets(0, 1 << 40)(value)


@pytest.mark.parametrize(
    "value", ["kafka:9092", "k1.example.net:1", "192.0.2.1:65535", "[2001:db8::1]:9092"]
)
def test_brokers(value: str) -> None:
    assert broker(value) == value


@pytest.mark.parametrize(
    "value", ["kafka", ":9092", "k:0", "k:65536", "k:x", "2001:db8::1:9092", "[x]:1", "a b:1", 1]
)
def test_what_is_no_broker(value: object) -> None:
    with pytest.raises(BadValue):
        broker(value)


@pytest.mark.parametrize(
    ("value", "read"),
    [("64512:1", "64512:1"), ("192.0.2.1:1", "192.0.2.1:1"), ("4200000000:1", "4200000000:1")],
)
def test_route_distinguishers(value: str, read: str) -> None:
    assert route_distinguisher(value) == read


@pytest.mark.parametrize(
    "value", ["64512", "1:-1", "-1:1", "65536:65536", "x:1", "00 00 00 00 00 0", ":", "1:1:1", 1]
)
def test_what_is_no_route_distinguisher(value: object) -> None:
    with pytest.raises(BadValue):
        route_distinguisher(value)


def test_a_bucket_written_in_two_ways_is_one() -> None:
    with pytest.raises(BadValue, match="twice"):
        bucket_table({"7": 0, "07": 1})


@given(st.ip_addresses(v=6))
def test_addresses_become_canonical(parsed: IPv6Address) -> None:
    assert address(parsed.exploded) == str(parsed.ipv4_mapped or parsed)


def test_values_are_shown_on_one_short_line() -> None:
    assert shown("a\n\x1b[31m\u202eb") == '"a\\n\\u001b[31m?b"'
    assert shown(1 << 9999) == "a number of more than 70 digits"
    assert shown([1, True, {"a": 1}]) == "[1, true, a table]"
    assert len(shown("x" * 1000)) < 100


def test_a_prefix_may_be_an_address() -> None:
    assert prefix("192.0.2.1") == "192.0.2.1/32"


@pytest.mark.parametrize("reader", [address, prefix, broker, route_distinguisher, octets(0, 9)])
@given(value=st.text() | st.integers() | st.floats() | st.lists(st.text(), max_size=2))
def test_readers_raise_nothing_else(reader: Reader, value: object) -> None:
    try:
        reader(value)
    except BadValue as error:
        assert error.faults


def test_what_is_allowed_is_what_the_parts_know() -> None:
    assert schema.FORMATS == FORMATS
    assert get_args(Compression) == schema.COMPRESSIONS
    assert get_args(Mechanism) == schema.SASL_MECHANISMS
    assert get_args(Mode) == schema.STEERING_MODES
    assert set(schema.VIEWS) == {view.text for view in View}
    assert schema.MAX_SLOTS == MAX_SLOTS
