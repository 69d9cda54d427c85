"""pre_tag_filter and pre_tag_label_filter, in nfacctd's order of terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.maps.tag_filters import (
    read_label_filter,
    read_tag_filter,
    takes_label,
    takes_tag,
)
from collector.nfacctd.settings import LabelTerm, TagRange


def test_terms_are_read() -> None:
    assert read_tag_filter("100, 200-300,-5,0") == (
        *(TagRange(100, 100), TagRange(200, 300), TagRange(5, 5, True), TagRange(0, 0)),
    )
    assert read_label_filter("blue, -null") == (LabelTerm("blue"), LabelTerm("", True))


@pytest.mark.parametrize(
    ("text", "taken", "left"),
    [
        ("100", [100], [0, 99]),
        ("0", [0], [1]),
        ("10-20,30", [10, 15, 20, 30], [9, 21, 31]),
        ("-6", [0, 5, 7], [6]),
        ("-10-20", [9, 21], [10, 20]),
        ("5,-6", [5, 7], [6]),
        ("-5,-6", [6, 7], [5]),  # nfacctd does not ask further after a negation
        ("6,-5-10", [6, 11], [5, 7]),
    ],
)
def test_tags(text: str, taken: list[int], left: list[int]) -> None:
    terms = read_tag_filter(text)
    assert [tag for tag in (*taken, *left) if takes_tag(terms, tag)] == taken


@pytest.mark.parametrize(
    ("text", "taken", "left"),
    [
        ("blue", ["blue", "red,blue"], ["", "blues", "blue%1"]),
        ("blue,red", ["blue", "red"], ["green", ""]),
        ("null", [""], ["blue"]),
        ("-null", ["blue"], [""]),
        ("-blue", ["red", ""], ["blue", "red,blue"]),
        ("nkey%1", ["nkey%1,pkey%2"], ["nkey%10,pkey%2"]),
    ],
)
def test_labels(text: str, taken: list[str], left: list[str]) -> None:
    terms = read_label_filter(text)
    assert [label for label in (*taken, *left) if takes_label(terms, label)] == taken


@given(st.integers(0, 2**64 - 1), st.text(max_size=5))
def test_no_terms_take_all(tag: int, label: str) -> None:
    assert takes_tag((), tag)
    assert takes_label((), label)


@pytest.mark.parametrize("text", ["", "a", "5-", "20-10", "5-5", "1,,2", "--5", str(2**64)])
def test_malformed_tag_filter(text: str) -> None:
    with pytest.raises(ValueError):
        read_tag_filter(text)


@pytest.mark.parametrize("text", ["", "a,", "-"])
def test_malformed_label_filter(text: str) -> None:
    with pytest.raises(ValueError, match="no label"):
        read_label_filter(text)
