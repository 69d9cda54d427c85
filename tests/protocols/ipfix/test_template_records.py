import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.ipfix.fields import VARIABLE, FieldSpecifier
from collector.protocols.ipfix.template_records import MAX_FIELDS, parse_template_set
from tests.protocols import flow_wire

_fields = st.lists(
    st.builds(
        FieldSpecifier,
        st.sampled_from([0, 9, 29305, 2**32 - 1]),
        st.integers(1, 0x7FFF),
        st.integers(0, VARIABLE),
        st.just(False),
    ),
    min_size=1,
    max_size=12,
)


def test_templates_of_one_set() -> None:
    wire = "0100 0002 0008 0004 8001ffff 00000009 0101 0001 0052 ffff 0000"
    first, second = parse_template_set(2, memoryview(bytes.fromhex(wire)), 20)
    assert (first.template_id, first.is_options, first.is_withdrawal) == (256, False, False)
    assert first.fields == (FieldSpecifier(0, 8, 4), FieldSpecifier(9, 1, VARIABLE))
    assert first.octets == bytes.fromhex("0002 0100 0002 0008 0004 8001ffff 00000009")
    assert (second.template_id, second.fields) == (257, (FieldSpecifier(0, 82, VARIABLE),))
    assert second.offset == 36


def test_options_template_has_scope_fields_first() -> None:
    wire = "0101 0002 0001 012e 0008 0131 0004"
    (record,) = parse_template_set(3, memoryview(bytes.fromhex(wire)), 20)
    assert record.is_options
    assert record.fields == (FieldSpecifier(0, 302, 8, True), FieldSpecifier(0, 305, 4))


def test_withdrawals() -> None:
    records = parse_template_set(2, memoryview(bytes.fromhex("0100 0000 0002 0000")), 20)
    assert [(r.template_id, r.is_withdrawal, r.fields) for r in records] == [
        (256, True, ()),
        (2, True, ()),
    ]


@pytest.mark.parametrize("padding", ["", "00", "0000", "ffffff", "00000000", "00" * 9])
def test_padding_behind_the_last_record(padding: str) -> None:
    wire = bytes.fromhex("0100 0001 0008 0004" + padding)
    assert len(parse_template_set(2, memoryview(wire), 20)) == 1


@pytest.mark.parametrize(
    ("set_id", "wire", "error", "offset"),
    [
        pytest.param(2, "0100 0002 0008 0004", TruncatedError, 28, id="no-second-specifier"),
        pytest.param(2, "0100 0001 8008 0004 0000", TruncatedError, 24, id="half-an-enterprise"),
        pytest.param(2, "0100 0001 0008", TruncatedError, 24, id="half-a-specifier"),
        pytest.param(2, "00ff 0001 0008 0004", MalformedError, 20, id="reserved-template-id"),
        pytest.param(2, "0003 0000", MalformedError, 20, id="all-options-withdrawn-in-set-2"),
        pytest.param(2, "0002 0001 0008 0004", MalformedError, 20, id="template-2-with-a-field"),
        pytest.param(2, "0000 0000 0001", MalformedError, 20, id="padding-that-is-none"),
        pytest.param(3, "0100 0001 0000 0008 0004", MalformedError, 20, id="no-scope"),
        pytest.param(3, "0100 0001 0002 0008 0004", MalformedError, 20, id="scopes-above-fields"),
        pytest.param(3, "0100 0001", TruncatedError, 20, id="no-scope-count"),
        pytest.param(2, "0100 0801 0008 0004", DecodeError, 20, id="too-many-fields"),
    ],
)
def test_bad_record_is_told_with_its_offset(
    set_id: int, wire: str, error: type[DecodeError], offset: int
) -> None:
    with pytest.raises(error) as told:
        parse_template_set(set_id, memoryview(bytes.fromhex(wire)), 20)
    assert (type(told.value), told.value.offset) == (error, offset)


def test_the_limit_is_the_one_the_table_above_means() -> None:
    assert MAX_FIELDS == 0x800


@given(st.lists(_fields, min_size=1, max_size=4))
def test_templates_round_trip(templates: list[list[FieldSpecifier]]) -> None:
    wire = [flow_wire.ipfix_template(256 + i, fields) for i, fields in enumerate(templates)]
    records = parse_template_set(2, memoryview(b"".join(wire)), 20)
    assert [list(record.fields) for record in records] == templates
    assert [record.octets for record in records] == [b"\0\x02" + octets for octets in wire]


@given(_fields, st.data())
def test_options_templates_round_trip(fields: list[FieldSpecifier], data: st.DataObject) -> None:
    scopes = data.draw(st.integers(1, len(fields)))
    fields = [field._replace(scope=i < scopes) for i, field in enumerate(fields)]
    octets = flow_wire.ipfix_options_template(300, fields)
    (record,) = parse_template_set(3, memoryview(octets), 20)
    assert list(record.fields) == fields


@given(st.sampled_from([2, 3]), st.binary(max_size=128))
def test_any_octets_give_records_or_an_error(set_id: int, octets: bytes) -> None:
    try:
        records = parse_template_set(set_id, memoryview(octets), 20)
    except DecodeError as error:
        assert 20 <= error.offset <= 20 + len(octets)
    else:
        assert octets.startswith(b"".join(record.octets[2:] for record in records))
