import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.bgp.as_path import (
    AS_CONFED_SEQUENCE,
    AS_SEQUENCE,
    AS_SET,
    AsPath,
    merge_as4_path,
    path_length,
    read_as_path,
)
from tests.protocols.bgp.wire import segment


def test_all_segment_types() -> None:
    wire = b"".join(segment(kind, (kind, 4_200_000_000)) for kind in (3, 4, 2, 1))
    assert read_as_path(wire, 4) == tuple((kind, (kind, 4_200_000_000)) for kind in (3, 4, 2, 1))


def test_two_octet_ases() -> None:
    assert read_as_path(segment(AS_SEQUENCE, (64512, 23456), 2), 2) == (
        (AS_SEQUENCE, (64512, 23456)),
    )


def test_no_segment_is_an_empty_path() -> None:
    assert read_as_path(b"", 4) == ()


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param("02", id="half-a-header"),
        pytest.param("02 00", id="no-as"),
        pytest.param("05 01 00000001", id="unknown-type"),
        pytest.param("02 02 00000001", id="as-missing"),
        pytest.param("02 01 00000001 02 01 0000", id="second-cut-short"),
    ],
)
def test_a_malformed_path_is_a_value_error(wire: str) -> None:
    with pytest.raises(ValueError, match="AS path"):
        read_as_path(bytes.fromhex(wire), 4)


def test_length_counts_a_set_once_and_confederations_never() -> None:
    path = ((AS_CONFED_SEQUENCE, (1, 2)), (AS_SEQUENCE, (3, 4, 5)), (AS_SET, (6, 7)))
    assert path_length(path) == 4


@pytest.mark.parametrize(
    ("path", "as4_path", "merged"),
    [
        pytest.param(
            ((2, (275, 250, 225, 23456, 23456, 200, 23456, 175)),),
            ((2, (655361, 655362, 200, 655363, 175)),),
            ((2, (275, 250, 225, 655361, 655362, 200, 655363, 175)),),
            id="leading-ases-prepended",
        ),
        pytest.param(((2, (1, 2)),), ((2, (3, 4, 5)),), ((2, (1, 2)),), id="longer-is-ignored"),
        pytest.param(((2, (23456,)),), ((2, (70000,)),), ((2, (70000,)),), id="same-length"),
        pytest.param(
            ((2, (9, 23456)), (1, (7, 8))),
            ((2, (70000,)), (1, (7, 8))),
            ((2, (9, 70000)), (1, (7, 8))),
            id="set-counts-one",
        ),
        pytest.param(
            ((1, (7, 8)), (2, (23456,))),
            ((2, (70000,)),),
            ((1, (7, 8)), (2, (70000,))),
            id="set-in-front",
        ),
        pytest.param(
            ((3, (64512,)), (2, (23456,))),
            ((2, (70000,)),),
            ((3, (64512,)), (2, (70000,))),
            id="leading-confederation-stays",
        ),
        pytest.param(
            ((2, (9,)), (3, (64512,)), (2, (23456,))),
            ((2, (70000,)),),
            ((2, (9,)), (3, (64512,)), (2, (70000,))),
            id="adjacent-confederation-stays",
        ),
        pytest.param(
            ((2, (23456,)),),
            ((3, (64512,)), (2, (70000,))),
            ((2, (70000,)),),
            id="confederation-of-as4-path-goes",
        ),
        pytest.param(((2, (1,)),), ((3, (64512,)),), ((2, (1,)),), id="nothing-but-confederation"),
    ],
)
def test_as4_path_is_merged_in(path: AsPath, as4_path: AsPath, merged: AsPath) -> None:
    assert merge_as4_path(path, as4_path) == merged


def test_sequences_too_long_for_one_segment_stay_two() -> None:
    path = ((2, (1,)), (2, (23456,) * 255))
    assert merge_as4_path(path, ((2, (70000,) * 255),)) == ((2, (1,)), (2, (70000,) * 255))


paths = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 4]),
        st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=255).map(tuple),
    ),
    max_size=4,
).map(tuple)


@given(paths)
def test_a_path_survives_the_wire(path: AsPath) -> None:
    assert read_as_path(b"".join(segment(kind, ases) for kind, ases in path), 4) == path


@given(paths, paths)
def test_a_merged_path_is_as_long_as_as_path(path: AsPath, as4_path: AsPath) -> None:
    assert path_length(merge_as4_path(path, as4_path)) == path_length(path)
