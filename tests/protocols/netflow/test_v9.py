import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.flow_values import Message
from collector.protocols.ipfix.fields import V9_SCOPE, FieldSpecifier
from collector.protocols.netflow.v9 import (
    parse_message,
    parse_template_flowset,
    split_flowsets,
)
from tests.protocols import flow_wire

_fields = st.lists(
    st.builds(
        FieldSpecifier,
        st.just(0),
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.just(False),
    ),
    min_size=1,
    max_size=12,
)


def test_header_as_on_the_wire() -> None:
    wire = bytes.fromhex("0009 0003 00057e40 6553f100 00000009 0000002a 0100 0004")
    message, body = parse_message("192.0.2.1", memoryview(wire))
    assert message == Message(9, "192.0.2.1", 42, 1_700_000_000, 9, 360_000)
    assert bytes(body) == bytes.fromhex("0100 0004")


def test_half_a_header_is_told() -> None:
    with pytest.raises(TruncatedError):
        parse_message("192.0.2.1", memoryview(flow_wire.netflow_v9()[:19]))


@pytest.mark.parametrize("padding", ["", "00", "0000", "000000", "00000000", "00" * 11])
def test_zeros_behind_the_last_flowset_are_padding(padding: str) -> None:
    wire = bytes.fromhex("0100 0006 aabb" + padding)
    sets, fault = split_flowsets(memoryview(wire), 20)
    assert ([(s.set_id, bytes(s.body)) for s in sets], fault) == ([(256, b"\xaa\xbb")], None)


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        pytest.param("0100 0000", MalformedError, id="length-zero"),
        pytest.param("0000 0000 0001", MalformedError, id="zeros-and-then-some"),
        pytest.param("0100 0010 aabb", TruncatedError, id="length-past-the-packet"),
        pytest.param("01", TruncatedError, id="less-than-a-header"),
    ],
)
def test_bad_flowset_is_told_with_its_offset(wire: str, error: type[DecodeError]) -> None:
    sets, fault = split_flowsets(memoryview(bytes.fromhex("0100 0005 aa" + wire)), 20)
    assert (len(sets), type(fault)) == (1, error)
    assert fault.offset == 25


def test_types_have_sixteen_bits() -> None:
    wire = bytes.fromhex("0100 0002 80e8 000c 0008 0004")  # 33000, an access list of Cisco's ASA
    (record,) = parse_template_flowset(0, memoryview(wire), 24)
    assert record.fields == (FieldSpecifier(0, 33000, 12), FieldSpecifier(0, 8, 4))
    assert (record.octets, record.is_options) == (b"\0\0" + wire, False)


def test_option_lengths_are_octets() -> None:
    wire = bytes.fromhex("0101 0004 0008 0001 0004 0030 0001 0032 0004 0000")
    (record,) = parse_template_flowset(1, memoryview(wire), 24)
    assert record.is_options
    assert record.fields == (
        FieldSpecifier(V9_SCOPE, 1, 4, True),
        FieldSpecifier(0, 48, 1),
        FieldSpecifier(0, 50, 4),
    )
    assert record.octets == b"\0\1" + wire[:-2]


@pytest.mark.parametrize("set_id", [0, 1])
@pytest.mark.parametrize("padding", ["", "0000", "ffff", "00000000", "00" * 14])
def test_padding_behind_the_last_template(set_id: int, padding: str) -> None:
    head = "0100 0001" if set_id == 0 else "0100 0000 0004"
    wire = bytes.fromhex(head + "0008 0004" + padding)
    assert len(parse_template_flowset(set_id, memoryview(wire), 24)) == 1


@pytest.mark.parametrize(
    ("set_id", "wire", "error"),
    [
        pytest.param(0, "0100 0002 0008 0004", TruncatedError, id="fields-past-the-flowset"),
        pytest.param(0, "00ff 0001 0008 0004", MalformedError, id="reserved-template-id"),
        pytest.param(0, "0000 0000 0001 0000", MalformedError, id="padding-that-is-none"),
        pytest.param(1, "0100 0003 0004 0001 0004", MalformedError, id="scope-length-cuts-a-field"),
        pytest.param(1, "0100 0004 0002 0001 0004", MalformedError, id="length-cuts-a-field"),
        pytest.param(1, "0100 0004 0004 0001 0004", TruncatedError, id="options-past-the-flowset"),
        pytest.param(0, "0100 ffff 0008 0004", DecodeError, id="too-many-fields"),
    ],
)
def test_bad_template_is_told_with_its_offset(
    set_id: int, wire: str, error: type[DecodeError]
) -> None:
    with pytest.raises(error) as told:
        parse_template_flowset(set_id, memoryview(bytes.fromhex(wire)), 24)
    assert (type(told.value), told.value.offset) == (error, 24)


@given(st.lists(_fields, min_size=1, max_size=4))
def test_templates_round_trip(templates: list[list[FieldSpecifier]]) -> None:
    wire = [flow_wire.v9_template(256 + i, fields) for i, fields in enumerate(templates)]
    records = parse_template_flowset(0, memoryview(b"".join(wire)), 24)
    assert [list(record.fields) for record in records] == templates
    assert [record.octets for record in records] == [b"\0\0" + octets for octets in wire]


@given(_fields, _fields)
def test_options_templates_round_trip(
    scopes: list[FieldSpecifier], others: list[FieldSpecifier]
) -> None:
    scopes = [field._replace(pen=V9_SCOPE, scope=True) for field in scopes]
    octets = flow_wire.v9_options_template(300, [*scopes, *others])
    (record,) = parse_template_flowset(1, memoryview(octets), 24)
    assert list(record.fields) == [*scopes, *others]


@given(st.sampled_from([0, 1]), st.binary(max_size=128))
def test_any_octets_give_records_or_an_error(set_id: int, octets: bytes) -> None:
    try:
        records = parse_template_flowset(set_id, memoryview(octets), 24)
    except DecodeError as error:
        assert 24 <= error.offset <= 24 + len(octets)
    else:
        assert octets.startswith(b"".join(record.octets[2:] for record in records))
