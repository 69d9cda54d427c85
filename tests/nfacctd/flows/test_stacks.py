"""MPLS label stacks: until the bottom, or the first label of zero."""

import pytest

from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import Value, address, ipfix

_SOURCE: Value = (8, address("10.0.0.1"))


def entry(label: int, bottom: bool = False) -> bytes:
    return (label << 4 | bottom).to_bytes(3)


def stack(*entries: bytes, **settings: bool) -> dict[str, object]:
    values = [_SOURCE, *((70 + number, octets) for number, octets in enumerate(entries))]
    names = ("mpls_label_stack", "mpls_label_top", "mpls_label_bottom")
    (record,) = records_of([ipfix(values)], *names, **settings)
    return record


@pytest.mark.parametrize(
    ("entries", "labels", "bottom"),
    [
        ([entry(16), entry(17, True), entry(18)], "16_17", 17),
        ([entry(16), entry(0), entry(18, True)], "16", 18),
        ([entry(16), entry(17), entry(18)], "16_17_18", 0),
        ([entry(0, True), entry(17)], "0", 0),
        ([entry(0), entry(17, True)], "0_17", 17),
        ([entry(0), entry(0)], "", 0),
        ([entry(3)], "3", 0),
        ([entry(1_048_575, True)], "1048575", 1_048_575),
        ([entry(number + 16) for number in range(10)], "16_17_18_19_20_21_22_23_24_25", 0),
    ],
)
def test_a_stack_ends_at_its_bottom(entries: list[bytes], labels: str, bottom: int) -> None:
    record = stack(*entries)
    assert record["mpls_label_stack"] == labels
    assert record["mpls_label_bottom"] == bottom
    assert record["mpls_label_top"] == int.from_bytes(entries[0]) >> 4


def test_a_stack_as_array() -> None:
    record = stack(entry(16), entry(17, True), mpls_label_stack_encode_as_array=True)
    assert record["mpls_label_stack"] == ["0-16", "1-17"]
    assert stack(entry(0), mpls_label_stack_encode_as_array=True)["mpls_label_stack"] == []


def test_labels_in_other_lengths_are_no_labels() -> None:
    assert stack(b"\0\0\1\1")["mpls_label_stack"] == ""


def test_without_fields_there_is_no_stack() -> None:
    (record,) = records_of([ipfix([_SOURCE])], "mpls_label_stack", "mpls_label_top")
    assert (record["mpls_label_stack"], record["mpls_label_top"]) == ("", 0)
