import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.ipfix.sets import Set, is_padding, split_sets


def test_sets_follow_each_other() -> None:
    body = memoryview(bytes.fromhex("0002 0006 aabb 0100 0004 0007 0005 cc"))
    sets, error = split_sets(body, offset=16)
    assert error is None
    assert sets == [Set(2, body[4:6], 20), Set(256, body[10:10], 26), Set(7, body[14:], 30)]


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        pytest.param("0002", TruncatedError, id="half-a-set-header"),
        pytest.param("0002 0003", MalformedError, id="length-below-header"),
        pytest.param("0000 0000", MalformedError, id="length-zero"),
        pytest.param("0100 0010 aabb", TruncatedError, id="length-past-the-message"),
    ],
)
def test_bad_set_is_told_with_its_offset(wire: str, error: type[DecodeError]) -> None:
    sets, told = split_sets(memoryview(bytes.fromhex(wire)), offset=16)
    assert (sets, type(told)) == ([], error)
    assert told.offset == 16


def test_sets_before_a_bad_one_stand() -> None:
    sets, told = split_sets(memoryview(bytes.fromhex("0100 0005 aa 0100 0003 bb")), offset=16)
    assert [(s.set_id, bytes(s.body)) for s in sets] == [(256, b"\xaa")]
    assert told.offset == 21


@given(st.binary(max_size=256))
def test_sets_are_cut_without_gaps(octets: bytes) -> None:
    sets, error = split_sets(memoryview(octets), offset=16)
    told = sum(4 + len(s.body) for s in sets)
    assert told == len(octets) if error is None else error.offset == 16 + told
    assert all(octets[s.offset - 16 :].startswith(bytes(s.body)) for s in sets)


@given(st.binary(max_size=16))
def test_padding_is_zeros(octets: bytes) -> None:
    assert is_padding(memoryview(octets)) == (octets == bytes(len(octets)))
