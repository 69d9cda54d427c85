"""Layouts: records of Set bodies row by row, padding, names that occur twice, columns, bounds."""

import gc
import time

import numpy as np
import pytest

from collector.errors import TruncatedError
from collector.protocols.ipfix.columns import Kind
from collector.protocols.ipfix.fields import V9_SCOPE, VARIABLE, FieldSpecifier
from collector.protocols.ipfix.layout import Layout, LayoutCache
from collector.protocols.ipfix.registry import Registry

_CACHE = LayoutCache(Registry.default())
_SCOPE = True


def _layout(*fields: tuple, version: int = 10) -> Layout:
    return _CACHE.layout(version, tuple(FieldSpecifier(*field) for field in fields))


def _nobody(_template_id: int) -> None:
    return None


def test_golden_record_of_fixed_length() -> None:
    layout = _layout((0, 8, 4), (0, 1, 4), (0, 153, 8), (9, 1, 2), (29305, 2, 8), (0, 82, 6))
    body = bytes.fromhex(
        "c0000201 00000100 0000018cc251f463 abcd 0000000000000007 657468300000"
        "c0000202 ffffffff 0000000000000000 0000 0000000000000000 000000000000"
        "000000"
    )
    rows, error = layout.rows(memoryview(body), _nobody)
    assert error is None
    assert rows[0] == (
        {},
        {
            "sourceIPv4Address": "192.0.2.1",
            "octetDeltaCount": 256,
            "flowEndMilliseconds": "2024-01-01T00:00:00.099Z",
            "9:1": "abcd",
            "reversePacketDeltaCount": 7,
            "interfaceName": "eth0",
        },
    )
    assert rows[1][1]["interfaceName"] == ""
    assert (len(rows), layout.count(body)) == (2, 2)


def test_golden_record_of_variable_length() -> None:
    layout = _layout((0, 234, 4, _SCOPE), (0, 236, VARIABLE), (0, 90, 8), (0, 83, VARIABLE))
    long = "2d" * 300
    body = bytes.fromhex(f"00000001 03 726564 0000fde800000001 ff012c{long}" + "00" * 13)
    rows, error = layout.rows(body, _nobody)
    assert (layout.record_length, layout.is_fixed, error) == (14, False, None)
    said = {"VRFname": "red", "mplsVpnRouteDistinguisher": "0000fde800000001"}
    assert rows == [({"ingressVRFID": 1}, {**said, "interfaceDescription": "-" * 300})]


def test_scopes_of_netflow_v9_are_numbers_or_hex() -> None:
    layout = _layout(
        *((V9_SCOPE, 1, 4, _SCOPE), (V9_SCOPE, 2, 9, _SCOPE), (V9_SCOPE, 9, 1, _SCOPE)),
        *((V9_SCOPE, 5, 0, _SCOPE), (0, 40001, 1)),
        version=9,
    )
    [(scope, fields)], _ = layout.rows(bytes([0, 0, 1, 0, *range(9), 5, 7]), _nobody)
    assert scope == {
        "scopeSystem": 256,
        "scopeInterface": "000102030405060708",
        "0:9": 5,
        "scopeTemplate": None,
    }
    assert fields == {"0:40001": "07"}


def test_a_name_that_comes_again_has_an_array() -> None:
    layout = _layout((0, 10, 1, _SCOPE), (0, 8, 4), (0, 10, 1), (0, 8, 4), (0, 10, 2))
    [(scope, fields)], _ = layout.rows(bytes([1, 192, 0, 2, 1, 2, 192, 0, 2, 2, 0, 3]), _nobody)
    assert scope == {"ingressInterface": 1}
    assert fields == {
        "sourceIPv4Address": ["192.0.2.1", "192.0.2.2"],
        "ingressInterface": [2, 3],
    }
    assert list(fields) == ["sourceIPv4Address", "ingressInterface"]
    assert [field.occurrence for field in layout.fields] == [1, 1, 1, 2, 2]


def test_paddings_are_left_out_of_version_5_only() -> None:
    fields = ((0, 7, 2), (0, 210, 1), (0, 11, 2), (0, 210, 2))
    body = bytes.fromhex("0035 00 0050 0000")
    ports = {"sourceTransportPort": 53, "destinationTransportPort": 80}
    assert _layout(*fields, version=5).rows(body, _nobody)[0] == [({}, ports)]
    [(_, shown)], _ = _layout(*fields, version=9).rows(body, _nobody)
    assert shown == {**ports, "paddingOctets": ["00", "0000"]}


@pytest.mark.parametrize(
    ("lengths", "octets", "count"),
    [
        pytest.param((4, 4), 16 + 7, 2, id="rest-below-a-record"),
        pytest.param((4, 4), 7, 0, id="padding-only"),
        pytest.param((VARIABLE, 3), 4 + 3, 1, id="rest-below-the-shortest-record"),
        pytest.param((0, 4), 9, 2, id="field-of-no-octets"),
        pytest.param((0, 0), 100, 0, id="record-of-no-octets"),
        pytest.param((), 100, 0, id="no-fields"),
        pytest.param((65534, 65534), 65535, 0, id="longer-than-any-set"),
        pytest.param((1, *[0] * 16), 100, 0, id="absurdly-many-fields-an-octet"),
        pytest.param((1, *[0] * 15), 100, 100, id="many-fields-an-octet"),
    ],
)
def test_what_is_no_record_is_padding(lengths: tuple[int, ...], octets: int, count: int) -> None:
    layout = _layout(*((0, 1, length) for length in lengths))
    body = bytes(octets)
    assert layout.count(memoryview(body)) == count
    assert len(layout.rows(body, _nobody)[0]) == count
    assert layout.block([body, body], _nobody).counts.tolist() == [count, count]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param("02 6162 00 01", id="last-run-cut"),
        pytest.param("05 6162 00", id="value-cut"),
        pytest.param("ff 0004 616263", id="long-value-cut"),
        pytest.param("ff 00 01 61", id="long-value-then-nothing"),
    ],
)
def test_a_record_past_the_end_is_told_with_its_offset(wire: str) -> None:
    layout = _layout((0, 82, VARIABLE), (0, 10, 3))
    good = bytes.fromhex("01 61 000001")
    body = good + bytes.fromhex(wire)
    rows, error = layout.rows(body, _nobody)
    assert rows == [({}, {"interfaceName": "a", "ingressInterface": 1})]
    assert (type(error), error.offset) == (TruncatedError, 5)
    block = layout.block([good, body, good], _nobody)
    assert [(index, told.offset) for index, told in block.errors] == [(1, 5)]
    assert block.counts.tolist() == [1, 1, 1]
    assert block.column(0).values == ["a", "a", "a"]
    assert layout.count(body) == 1


def test_columns_are_native_numbers() -> None:
    layout = _layout(
        *((0, 8, 4), (0, 27, 16), (0, 56, 6), (0, 31, 3), (0, 434, 3), (0, 311, 4), (0, 276, 1)),
        *((0, 150, 4), (0, 154, 8), (0, 82, 4), (0, 90, 8), (0, 2, 5), (0, 1, 7), (0, 4, 0)),
    )
    body = bytes.fromhex(
        "c0000201 20010db8000000000000000000000001 00005e005301 0abcde ffff00 3fc00000 02"
        "65920080 e93c7f0080000000 65746830 0000fde800000001 0100000000 01000000000000"
    )
    block = layout.block([body, memoryview(body)], _nobody)
    columns = [block.column(index) for index in range(len(layout.fields))]
    assert len(block) == 2
    assert [column.kind for column in columns] == [
        *(Kind.IPV4, Kind.IPV6, Kind.MAC, Kind.UNSIGNED, Kind.SIGNED, Kind.FLOAT, Kind.BOOLEAN),
        *(Kind.TIMESTAMP, Kind.TIMESTAMP, Kind.STRING, Kind.OCTETS),
        *(Kind.UNSIGNED, Kind.UNSIGNED, Kind.UNSIGNED),
    ]
    expected = [
        *(0xC0000201, [0x20010DB800000000, 1], 0x5E005301, 0xABCDE, -256, 1.5, False),
        *(1_704_067_200_000_000, 1_704_067_200_500_000, "eth0", bytes.fromhex("0000fde800000001")),
        *(1 << 32, 1 << 48, 0),
    ]
    for column, value in zip(columns, expected, strict=True):
        values = column.values if isinstance(column.values, list) else column.values.tolist()
        assert values == [value, value]
        if isinstance(column.values, np.ndarray):
            assert column.values.dtype.isnative
    assert columns[-1].valid.tolist() == [False, False]
    assert columns[0] is block.column(0)


def test_dates_without_a_year_of_four_digits_and_odd_booleans_are_invalid() -> None:
    layout = _layout((0, 152, 8), (0, 276, 1))
    bodies = [bytes.fromhex("0000e677d21fdbff 01"), bytes.fromhex("0000e677d21fdc00 03")]
    block = layout.block(bodies, _nobody)
    assert block.column(0).valid.tolist() == [True, False]
    assert block.column(1).valid.tolist() == [True, False]
    assert block.column(0).json_values() == ["9999-12-31T23:59:59.999Z", "0000e677d21fdc00"]
    assert block.column(1).json_values() == [True, None]


def test_one_layout_for_all_templates_with_the_same_fields() -> None:
    cache = LayoutCache(Registry.default())
    fields = (FieldSpecifier(0, 8, 4), FieldSpecifier(0, 12, 4))
    layout = cache.layout(10, fields)
    assert cache.layout(10, tuple(FieldSpecifier(*field) for field in fields)) is layout
    assert cache.layout(9, fields) is not layout
    assert cache.layout(10, fields[:1]) is not layout


def test_a_layout_that_no_template_has_is_forgotten() -> None:
    cache = LayoutCache(Registry.default())
    layouts = [cache.layout(10, (FieldSpecifier(0, 1, length),)) for length in range(100)]
    assert len(cache) == 100
    del layouts
    gc.collect()
    assert len(cache) == 0


def test_the_largest_template_costs_little_where_it_has_few_records() -> None:
    layout = _layout(*((0, 1 + number % 500, VARIABLE) for number in range(16_000)))
    layout.rows(bytes(16_000), _nobody)
    started = time.process_time()
    for _ in range(16_000):  # as many Sets as fit into a datagram
        assert layout.rows(b"", _nobody) == ([], None)
    assert time.process_time() - started < 2
