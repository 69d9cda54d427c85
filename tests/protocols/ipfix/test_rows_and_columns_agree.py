"""One compiled layout, two ways to read it: rows and columns say the same of any octets."""

from collections import defaultdict
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import DataSet
from collector.protocols.ipfix.block import Block
from collector.protocols.ipfix.fields import V9_SCOPE, VARIABLE, FieldSpecifier
from collector.protocols.ipfix.layout import Layout, LayoutCache
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.types import AbstractType
from tests.captures import capture_files, udp_payloads

_REGISTRY = Registry.default().with_csv(
    "pen,id,name,type\n"
    "1,1,s8,signed8\n1,2,s16,signed16\n1,3,s64,signed64\n1,4,f32,float32\n1,5,u256,unsigned256\n"
)
_CACHE = LayoutCache(_REGISTRY)
_OF_EACH_TYPE = [(element.pen, element.id) for element in {e.type: e for e in _REGISTRY}.values()]
_UNKNOWN = [(9, 1), (29305, 1), (29305, 32000), (V9_SCOPE, 1), (0, 40001), (0, 210)]
_LENGTHS = st.sampled_from([0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 16, VARIABLE, VARIABLE])
_SPECIFIERS = st.lists(
    st.builds(
        lambda element, length, scope: FieldSpecifier(*element, length, scope),
        st.sampled_from(_OF_EACH_TYPE + _UNKNOWN),
        _LENGTHS,
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
).map(tuple)
# Octets that look like something: small lengths, true and false, template ids, dates, names.
_PIECES = st.one_of(
    st.binary(min_size=1, max_size=24),
    st.sampled_from(
        [
            *(b"\x01", b"\x02", b"\x04", b"\x08", b"\x10", bytes(8), b"\xff\x00\x04", b"eth0\0\0"),
            bytes.fromhex("0000018cc251f463"),
            bytes.fromhex("e93c7f0080000000"),
            bytes.fromhex("7f800001ff800001"),
            bytes.fromhex("00000000000000000000ffffc0000201"),
            bytes.fromhex("09 03 0100 c0000201 0035"),
            bytes.fromhex("0d ff 000a 0004 0000000100000002"),
        ]
    ),
)
_BODIES = st.lists(st.lists(_PIECES, min_size=4, max_size=40).map(b"".join), max_size=4)
_SUB_TEMPLATES = {
    256: _CACHE.layout(10, (FieldSpecifier(0, 8, 4), FieldSpecifier(0, 7, 2))),
    257: _CACHE.layout(10, (FieldSpecifier(0, 291, VARIABLE), FieldSpecifier(0, 292, VARIABLE))),
}


def test_every_abstract_type_takes_part() -> None:
    assert {_REGISTRY.element(*key).type for key in _OF_EACH_TYPE} == set(AbstractType)


@settings(max_examples=300, deadline=None)
@given(_SPECIFIERS, _BODIES, st.sampled_from([9, 10]))
def test_rows_and_columns_agree(
    specifiers: tuple[FieldSpecifier, ...], bodies: list[bytes], version: int
) -> None:
    _assert_agreement(_CACHE.layout(version, specifiers), bodies)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 32, VARIABLE])
def test_every_type_of_every_length_agrees(length: int) -> None:
    octets = Random(length).randbytes(4000) + bytes.fromhex("0000e677d21fdbff") * 40
    for element in _OF_EACH_TYPE + _UNKNOWN:
        layout = _CACHE.layout(10, (FieldSpecifier(0, 4, 1), FieldSpecifier(*element, length)))
        _assert_agreement(layout, [octets, octets[1:], b""])


def test_every_capture_agrees() -> None:
    bodies = defaultdict(list)
    for path in capture_files():
        decoder = FlowDecoder(Registry.default())
        for number, (source, payload) in enumerate(udp_payloads(path)):
            for event in decoder.decode(source.hex(), memoryview(payload), float(number)):
                if isinstance(event, DataSet):
                    bodies[event.template.layout].append(event.body)
    assert len(bodies) > 10
    for layout, some in bodies.items():
        _assert_agreement(layout, some)


def _assert_agreement(layout: Layout, bodies: list[bytes | memoryview]) -> None:
    block = layout.block([memoryview(body) for body in bodies], _SUB_TEMPLATES.get)
    rows, faults = [], []
    for index, body in enumerate(bodies):
        some, fault = layout.rows(memoryview(body), _SUB_TEMPLATES.get)
        assert layout.count(memoryview(body)) == block.counts[index] == len(some)
        rows.extend(some)
        if fault is not None:
            faults.append((index, fault.args))
    assert [(index, fault.args) for index, fault in block.errors] == faults
    assert _rows_of_columns(layout, block) == rows


def _rows_of_columns(layout: Layout, block: Block) -> list[tuple[dict, dict]]:
    rows: list[tuple[dict, dict]] = [({}, {}) for _ in range(len(block))]
    often = {(field.scope, field.name) for field in layout.fields if field.occurrence > 1}
    for index, field in enumerate(layout.fields):
        values = block.column(index).json_values()
        assert len(values) == len(rows)
        for row, value in zip(rows, values, strict=True):
            part = row[0 if field.scope else 1]
            if (field.scope, field.name) in often:
                part.setdefault(field.name, []).append(value)
            else:
                part[field.name] = value
    return rows
