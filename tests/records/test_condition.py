from contextlib import suppress

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.ipfix.registry import Registry
from collector.records.columns import KINDS, RECORD_ORDER
from collector.records.condition import Condition, UnknownColumnsError, published_type

_REGISTRY = Registry.default()
_ELEMENTS = ("wlanSSID", "ethernetPayloadLength", "dataRecordsReliability", "absoluteError")
_COLUMNS = (*RECORD_ORDER, *KINDS, *_ELEMENTS, "extra", "flows", "octetsRenormalised")


def _type_of(name: str) -> pl.DataType | None:
    known = name in _COLUMNS or name.removesuffix("_2") in _ELEMENTS
    return published_type(name, _REGISTRY) if known else None


_FRAME = pl.DataFrame(
    {
        "device": ["192.0.2.1", "192.0.2.2", None],
        "octets": pl.Series([10, 2000, 30], dtype=pl.UInt64),
        "protocol": pl.Series([6, 17, 6], dtype=pl.UInt8),
        "destinationCommunities": [["64512:1"], [], None],
    }
)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("octets > 20", [1, 2]),
        ("device LIKE '192.0.2.%' AND protocol = 6", [0]),
        ("device IS NULL", [2]),
        ("protocol IN (17, 1)", [1]),
        ("array_contains(destinationCommunities, '64512:1')", [0]),
        # Columns that no record of this batch has.
        ("tcpFlags & 2 = 2 OR octets = 10", [0]),
        ("destinationAsPath LIKE '% 64512' OR octets = 10", [0]),
        ("UPPER(wlanSSID_2) IS NULL", [0, 1, 2]),
        ("samplingRate > 1", []),
    ],
)
def test_records_for_which_it_is_true_stay(condition: str, rows: list[int]) -> None:
    kept = Condition(condition, _type_of).apply(_FRAME)
    assert kept.equals(_FRAME[rows])


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("", "no SQL"),
        ("*", "no SQL"),
        ("SELECT 1", "no SQL"),
        ("octets > 1; DROP TABLE x", "no SQL"),
        ("(" * 1000, "no SQL"),
        ("x" * 10_001, "longer"),
        ("octets", "cannot be used"),
        ("device > 1", "cannot be used"),
        ("device ~ '('", "cannot be used"),
        ("CAST(device AS INT) = 1", "cannot be used"),
        ("UNNEST(destinationCommunities) = 'a'", "cannot be used"),
        ("SUM(octets) > 1", "not about one record"),
        ("COUNT(*) > 1", "not about one record"),
        ("TRUE", "not about one record"),
    ],
)
def test_what_is_no_condition_on_a_record(condition: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Condition(condition, _type_of)


def test_unknown_columns_are_named() -> None:
    with pytest.raises(UnknownColumnsError) as caught:
        Condition("octet > 1 AND octets > 1 AND nothing = 'x'", _type_of)
    assert caught.value.names == ("octet", "nothing")


def test_every_column_can_be_compared_with_its_own_type() -> None:
    for name in _COLUMNS:
        assert Condition(f'"{name}" IS NOT NULL', _type_of).columns == (name,)
    assert published_type("ethernetPayloadLength", _REGISTRY) == pl.UInt64
    assert published_type("dataRecordsReliability", _REGISTRY) == pl.Boolean
    assert published_type("absoluteError", _REGISTRY) == pl.Float64
    Condition("dataRecordsReliability", _type_of)


_TOKENS = st.sampled_from(
    (
        *("octets", "device", '"', "'", "(", ")", "*", "=", ">", "AND", "NOT", "IN", "LIKE"),
        *("NULL", "1", "'a'", "SUM", "CASE", "WHEN", "THEN", "END", "[1]", "::INT", ",", ";"),
    )
)


@given(st.lists(_TOKENS | st.text(max_size=3), max_size=8).map(" ".join))
def test_any_text_is_a_condition_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        Condition(text, _type_of)
