"""Structured data (RFC 6313): lists of elements and of records, nested, unknown, contradictory."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.ipfix.columns import Kind
from collector.protocols.ipfix.fields import VARIABLE, FieldSpecifier
from collector.protocols.ipfix.layout import Layout, LayoutCache
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.structured import ValueDecoder
from collector.protocols.ipfix.types import AbstractType

_REGISTRY = Registry.default()
_CACHE = LayoutCache(_REGISTRY)
_BASIC, _SUB, _MULTI = (
    AbstractType.BASIC_LIST,
    AbstractType.SUB_TEMPLATE_LIST,
    AbstractType.SUB_TEMPLATE_MULTI_LIST,
)


def _layout(*fields: tuple) -> Layout:
    return _CACHE.layout(10, tuple(FieldSpecifier(*field) for field in fields))


_TEMPLATES = {
    256: _layout((0, 8, 4), (0, 7, 2)),
    257: _layout((0, 82, VARIABLE), (0, 292, VARIABLE)),  # a list within a list
    258: _layout((0, 10, 1, True), (0, 10, 1), (0, 10, 1)),
    259: _layout((0, 1, 0)),
}


def _value(kind: AbstractType, wire: str) -> object:
    return ValueDecoder(_REGISTRY, _TEMPLATES.get).reader(kind)(bytes.fromhex(wire))


def test_basic_list() -> None:
    assert _value(_BASIC, "03 000a 0004 00000001 00000002") == {
        "element": "ingressInterface",
        "semantic": 3,
        "values": [1, 2],
    }
    enterprise = _value(_BASIC, "ff 8002 0001 00007279 05 06")
    assert enterprise == {"element": "reversePacketDeltaCount", "semantic": 255, "values": [5, 6]}
    variable = _value(_BASIC, "04 0052 ffff 03616263 00 ff000178")
    assert variable == {"element": "interfaceName", "semantic": 4, "values": ["abc", "", "x"]}
    unknown = _value(_BASIC, "04 fffe 0001 00000009 ab")
    assert unknown == {"element": "9:32766", "semantic": 4, "values": ["ab"]}
    nested = _value(_BASIC, "04 0123 ffff 07 03000a00010102 05 03000a0002")
    assert nested["values"] == [
        {"element": "ingressInterface", "semantic": 3, "values": [1, 2]},
        {"element": "ingressInterface", "semantic": 3, "values": []},
    ]


def test_sub_template_list() -> None:
    assert _value(_SUB, "03 0100 c0000201 0035 c0000202 0050") == {
        "template_id": 256,
        "semantic": 3,
        "records": [
            {"sourceIPv4Address": "192.0.2.1", "sourceTransportPort": 53},
            {"sourceIPv4Address": "192.0.2.2", "sourceTransportPort": 80},
        ],
    }
    nested = _value(_SUB, "03 0101 016109 030100c00002010035 0162 00")
    assert nested["records"] == [
        {
            "interfaceName": "a",
            "subTemplateList": {
                "template_id": 256,
                "semantic": 3,
                "records": [{"sourceIPv4Address": "192.0.2.1", "sourceTransportPort": 53}],
            },
        },
        {"interfaceName": "b", "subTemplateList": None},
    ]


def test_sub_template_multi_list() -> None:
    assert _value(_MULTI, "04 0100 000a c0000201 0035 0102 0007 010203 03e8 0006 abcd") == {
        "semantic": 4,
        "templates": [
            {
                "template_id": 256,
                "records": [{"sourceIPv4Address": "192.0.2.1", "sourceTransportPort": 53}],
            },
            # Scope fields are among the others in a list's record, and share their names.
            {"template_id": 258, "records": [{"ingressInterface": [1, 2, 3]}]},
            {"template_id": 1000, "octets": "abcd"},
        ],
    }


def test_empty_lists_and_unknown_templates() -> None:
    assert _value(_BASIC, "ff 000a 0004")["values"] == []
    assert _value(_BASIC, "ff 000a 0000")["values"] == []
    assert _value(_SUB, "ff 0100") == {"template_id": 256, "semantic": 255, "records": []}
    assert _value(_SUB, "ff 0103 00")["records"] == []  # records of no octets
    assert _value(_SUB, "ff 03e8 01") == {"template_id": 1000, "semantic": 255, "octets": "01"}
    assert _value(_SUB, "ff 03e8") == {"template_id": 1000, "semantic": 255, "octets": ""}
    assert _value(_MULTI, "ff") == {"semantic": 255, "templates": []}
    for kind in (_BASIC, _SUB, _MULTI):
        assert _value(kind, "") is None


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        pytest.param(_BASIC, "ff 000a 00", id="header-cut"),
        pytest.param(_BASIC, "ff 800a 0004 000000", id="enterprise-number-cut"),
        pytest.param(_BASIC, "ff 000a 0004 0000000100", id="elements-do-not-fill-it"),
        pytest.param(_BASIC, "ff 000a 0000 01", id="octets-for-elements-of-none"),
        pytest.param(_BASIC, "ff 0052 ffff 0461", id="element-past-the-end"),
        pytest.param(_SUB, "ff 01", id="template-id-cut"),
        pytest.param(_SUB, "ff 0101 0561 00", id="record-past-the-end"),
        pytest.param(_MULTI, "ff 0100 0003", id="length-below-its-header"),
        pytest.param(_MULTI, "ff 0100 0008 c00002", id="length-past-the-end"),
        pytest.param(_MULTI, "ff 0100", id="entry-cut"),
    ],
)
def test_a_list_that_contradicts_itself_is_hex(kind: AbstractType, wire: str) -> None:
    assert _value(kind, wire) == bytes.fromhex(wire).hex()


def test_only_the_bad_list_is_hex_not_the_one_around_it() -> None:
    value = _value(_BASIC, "04 0123 ffff 05 03000a0002 02 0300")
    assert value["values"][1] == "0300"


def test_depth_is_bounded() -> None:
    octets = b""
    for _ in range(4000):
        length = len(octets).to_bytes(2, "big")
        octets = b"\xff\x01\x23\xff\xff" + (b"\xff" + length + octets if octets else b"")
    value, depth = ValueDecoder(_REGISTRY, _TEMPLATES.get).reader(_BASIC)(octets), 0
    while isinstance(value, dict):
        [value], depth = value["values"], depth + 1
    assert (type(value), depth) == (str, 16)


def test_a_datagram_of_tiny_lists_does_not_pay_for_a_large_template() -> None:
    large = _layout(*((0, 1 + number % 500, VARIABLE) for number in range(16_000)))
    read = ValueDecoder(_REGISTRY, lambda _: large).reader(_BASIC)
    started = time.process_time()
    value = read(bytes.fromhex("ff 0124 ffff") + bytes.fromhex("03 ff0100") * 16_000)
    assert len(value["values"]) == 16_000
    assert time.process_time() - started < 2


def test_lists_in_columns_use_the_templates_of_their_exporter() -> None:
    layout = _layout((0, 10, 1), (0, 292, VARIABLE))
    body = bytes.fromhex("01 09 03 0100 c0000201 0035")
    block = layout.block([body, body + body], [_TEMPLATES.get, lambda _: None])
    column = block.column(1)
    known = layout.rows(body, _TEMPLATES.get)[0][0][1]["subTemplateList"]
    unknown = {"template_id": 256, "semantic": 3, "octets": "c00002010035"}
    assert column.kind is Kind.STRUCTURED
    assert column.values == column.json_values() == [known, unknown, unknown]


@given(st.sampled_from([_BASIC, _SUB, _MULTI]), st.binary(max_size=120))
def test_any_octets_are_a_list_null_or_hex(kind: AbstractType, octets: bytes) -> None:
    value = ValueDecoder(_REGISTRY, _TEMPLATES.get).reader(kind)(octets)
    assert isinstance(value, dict) or value == (octets.hex() or None)


@given(st.integers(0, 255), st.lists(st.binary(max_size=300), max_size=8))
def test_basic_list_round_trip(semantic: int, values: list[bytes]) -> None:
    wire = bytes([semantic]) + bytes.fromhex("005f ffff")
    for value in values:
        wire += b"\xff" + len(value).to_bytes(2, "big") + value
    assert ValueDecoder(_REGISTRY, _TEMPLATES.get).reader(_BASIC)(wire) == {
        "element": "applicationId",
        "semantic": semantic,
        "values": [value.hex() for value in values],
    }
