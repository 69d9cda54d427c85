"""Paths of the RIB read one by one, and the texts of many at once: both say the same."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processors.bgp_paths import AttributeReader, content_of, facts_of
from collector.protocols.bgp.attributes import Attributes, TreatAsWithdraw, parse_attributes
from collector.protocols.bgp.plain_attributes import read_plain
from collector.rib.paths import TEXTS, Facts
from tests.protocols.bgp.wire import attribute, segment
from tests.rib.wire import lines

_AS_PATH = attribute(2, segment(2, (64500, 64501)))
_COMMUNITIES = attribute(8, struct.pack("!II", 1 << 16 | 2, 0xFFFFFFFF), 0xC0)

_numbers = st.integers(0, 2**32 - 1)
_segments = st.lists(
    st.tuples(st.sampled_from((1, 2, 2, 2, 3, 4)), st.lists(_numbers, min_size=1, max_size=4)),
    max_size=3,
)
_one = st.one_of(
    st.integers(0, 2).map(lambda value: attribute(1, bytes((value,)))),
    st.tuples(_segments, st.sampled_from((0x40, 0x50))).map(
        lambda pair: attribute(2, b"".join(segment(*each) for each in pair[0]), pair[1])
    ),
    _numbers.map(lambda value: attribute(4, struct.pack("!I", value), 0x80)),
    _numbers.map(lambda value: attribute(5, struct.pack("!I", value))),
    st.lists(_numbers, min_size=1, max_size=3).map(
        lambda values: attribute(8, struct.pack(f"!{len(values)}I", *values), 0xC0)
    ),
    st.binary(min_size=8, max_size=8).map(lambda value: attribute(16, value, 0xC0)),
    st.binary(min_size=12, max_size=12).map(lambda value: attribute(32, value, 0xC0)),
    st.binary(max_size=300).map(lambda value: attribute(99, value, 0xC0)),
)
_sets = st.lists(_one, max_size=6).map(b"".join)


@given(st.lists(st.tuples(st.sampled_from((4, 4, 4, 2)), _sets), max_size=6))
def test_texts_of_many_are_those_of_each(sets: list[tuple[int, bytes]]) -> None:
    contents = [
        content_of(size, octets)
        for size, octets in sets
        if isinstance(parse_attributes(octets, size), Attributes)
    ]
    reader = AttributeReader()
    texts = reader.texts(contents)
    paths = list(reader.paths(contents, ["192.0.2.1"] * len(contents)))
    assert texts == {name: [lines(getattr(path, name)) for path in paths] for name in TEXTS}
    for content, path in zip(contents, paths, strict=True):
        facts = facts_of(parse_attributes(content[1:], content[0]))
        assert (path[: len(Facts._fields)], path.next_hop) == (facts, "192.0.2.1")


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_whatever_is_no_attribute_set_is_not_plain(sets: list[bytes]) -> None:
    plain = read_plain(sets).plain.tolist()
    for octets, is_plain in zip(sets, plain, strict=True):
        if isinstance(parse_attributes(octets, 4), TreatAsWithdraw) and is_plain:
            # Flags, and values that nobody asks for here, are not looked at again.
            assert not isinstance(_cut(octets), str)


def _cut(octets: bytes) -> list[bytes] | str:
    """Cut a set into its values; a text where an attribute passes the end."""
    values, start = [], 0
    while start < len(octets):
        wide = len(octets) > start and octets[start] & 0x10
        head = 4 if wide else 3
        if start + head > len(octets):
            return "cut short"
        length = int.from_bytes(octets[start + 2 : start + head])
        start += head
        if start + length > len(octets):
            return "passes the end"
        values.append(octets[start : start + length])
        start += length
    return values


@pytest.mark.parametrize(
    ("octets", "plain"),
    [
        pytest.param(b"", True, id="nothing"),
        pytest.param(attribute(2, b""), True, id="empty-path"),
        pytest.param(_COMMUNITIES + _AS_PATH, True, id="usual"),
        pytest.param(attribute(2, segment(2, (1,)), 0x50) + _COMMUNITIES, True, id="long-length"),
        pytest.param(_AS_PATH + _AS_PATH, False, id="twice"),
        pytest.param(attribute(2, segment(1, (1,))), False, id="set"),
        pytest.param(attribute(2, segment(2, (1,)) + segment(2, (2,))), False, id="two-sequences"),
        pytest.param(attribute(32, bytes(12), 0xC0), False, id="large-communities"),
        pytest.param(attribute(99, b"", 0xC0) * 24, True, id="many"),
        pytest.param(attribute(99, b"", 0xC0) * 25, False, id="too-many"),
    ],
)
def test_what_is_plain(octets: bytes, plain: bool) -> None:
    assert read_plain([_AS_PATH, octets, _COMMUNITIES]).plain.tolist() == [True, plain, True]
