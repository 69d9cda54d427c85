"""Records as messages: four formats of one frame, and of events."""

import io
import json

import msgpack
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import RejectedExportError
from collector.records.encode import EVENT_FORMATS, FORMATS, Encoded, encode, encode_events

FRAME = polars.DataFrame(
    {
        "device": ["192.0.2.1", "2001:db8::1", "192.0.2.1", None],
        "octets": polars.Series([1, 2**64 - 1, 3, None], dtype=polars.UInt64),
        "latency": [0.5, float("nan"), float("inf"), None],
        "destinationAsPath": [[64500, 64501], [], None, [1]],
        "destinationCommunities": [["64500:1"], None, [], ['a\n"b\\']],
    }
)
ROWS = [
    {
        "device": "192.0.2.1",
        "octets": 1,
        "latency": 0.5,
        "destinationAsPath": [64500, 64501],
        "destinationCommunities": ["64500:1"],
    },
    {
        "device": "2001:db8::1",
        "octets": 2**64 - 1,
        "latency": None,
        "destinationAsPath": [],
        "destinationCommunities": None,
    },
    {
        "device": "192.0.2.1",
        "octets": 3,
        "latency": None,
        "destinationAsPath": None,
        "destinationCommunities": [],
    },
    {
        "device": None,
        "octets": None,
        "latency": None,
        "destinationAsPath": [1],
        "destinationCommunities": ['a\n"b\\'],
    },
]
KEYS = [b"192.0.2.1", b"2001:db8::1", b"192.0.2.1", None]


def decoded(encoded: Encoded, form: str) -> list[tuple[bytes | None, dict]]:
    """Read messages back into (key, record)."""
    records = []
    for index, (key, payload) in enumerate(encoded.messages):
        if form == "json":
            rows = [json.loads(payload)]
        elif form == "msgpack":
            rows = [msgpack.unpackb(payload)]
        elif form == "json-lines":
            rows = [json.loads(line) for line in payload.split(b"\n")]
        else:
            rows = polars.read_ipc_stream(io.BytesIO(payload)).to_dicts()
        assert len(rows) == (encoded.counts[index] if encoded.counts else 1)
        records += [(key, row) for row in rows]
    return records


@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_one_record_a_message_in_order(form: str) -> None:
    encoded = encode(FRAME, form)
    assert encoded.counts is None
    assert decoded(encoded, form) == list(zip(KEYS, ROWS, strict=True))


def test_json_is_one_object_without_blanks() -> None:
    key, payload = encode(FRAME, "json").messages[0]
    assert key == b"192.0.2.1"
    assert payload == (
        b'{"device":"192.0.2.1","octets":1,"latency":0.5,'
        b'"destinationAsPath":[64500,64501],"destinationCommunities":["64500:1"]}'
    )


def test_json_lines_hold_the_records_of_one_key() -> None:
    encoded = encode(FRAME, "json-lines")
    assert [key for key, _ in encoded.messages] == [b"192.0.2.1", b"2001:db8::1", None]
    assert encoded.counts == [2, 1, 1]
    assert [row for _, row in decoded(encoded, "json-lines")] == [ROWS[i] for i in (0, 2, 1, 3)]


def test_arrow_holds_the_records_of_one_key_with_their_types() -> None:
    encoded = encode(FRAME, "arrow")
    assert [key for key, _ in encoded.messages] == [b"192.0.2.1", b"2001:db8::1", None]
    first = polars.read_ipc_stream(io.BytesIO(encoded.messages[0][1]))
    assert first.equals(FRAME[[0, 2]])
    assert first.schema == FRAME.schema


@pytest.mark.parametrize("form", FORMATS)
def test_without_key_column_no_message_has_a_key(form: str) -> None:
    encoded = encode(FRAME.drop("latency"), form, key_column=None)
    assert {key for key, _ in encoded.messages} == {None}
    expected = [{k: v for k, v in row.items() if k != "latency"} for row in ROWS]
    assert [row for _, row in decoded(encoded, form)] == expected


@pytest.mark.parametrize("form", ["json", "json-lines", "msgpack"])
def test_extra_becomes_an_object_and_is_left_out_where_null(form: str) -> None:
    frame = polars.DataFrame(
        {
            "device": ["a", "a"],
            "extra": ['{"applicationName":"x","nested":{"y":[1]}}', None],
            "octets": [1, 2],
        }
    )
    rows = [row for _, row in decoded(encode(frame, form), form)]
    assert rows == [
        {"device": "a", "octets": 1, "extra": {"applicationName": "x", "nested": {"y": [1]}}},
        {"device": "a", "octets": 2},
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_no_rows_give_no_messages(form: str) -> None:
    assert encode(FRAME[:0], form).messages == []


@pytest.mark.parametrize("form", ["json-lines", "arrow"])
def test_messages_are_cut_at_the_limit_and_nothing_is_lost(form: str) -> None:
    frame = polars.DataFrame({"device": ["a"] * 500, "octets": range(500)})
    encoded = encode(frame, form, max_octets=1200)
    assert len(encoded.messages) > 1
    assert all(len(payload) <= 1200 for _, payload in encoded.messages)
    assert [row["octets"] for _, row in decoded(encoded, form)] == list(range(500))


@pytest.mark.parametrize("form", ["json-lines", "arrow"])
def test_a_row_longer_than_the_limit_stays_whole_and_alone(form: str) -> None:
    frame = polars.DataFrame({"device": ["a"] * 3, "text": ["x", "y" * 5000, "z"]})
    encoded = encode(frame, form, max_octets=100)
    assert [row["text"][0] for _, row in decoded(encoded, form)] == ["x", "y", "z"]
    assert encoded.counts == [1, 1, 1]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "column",
    [
        pytest.param(polars.Series([b"\x00"]), id="binary"),
        pytest.param(polars.Series([[b"\x00"]]), id="list-of-binary"),
        pytest.param(polars.Series([{"a": 1}]), id="struct"),
        pytest.param(polars.Series([1], dtype=polars.Datetime), id="datetime"),
    ],
)
def test_a_type_that_would_panic_is_rejected_by_name(form: str, column: polars.Series) -> None:
    with pytest.raises(RejectedExportError, match="'macAddress' of type"):
        encode(polars.DataFrame({"macAddress": column}), form)


EVENTS = [
    {"device": "192.0.2.1", "type": "peer-up", "capabilities": [1, 2]},
    {"device": "192.0.2.2", "type": "statistics", "counters": {"7": 2**64 - 1}},
    {"device": "192.0.2.1", "type": "route-monitoring", "prefix": "10.0.0.0/8", "med": None},
    {"type": "no device"},
]


@pytest.mark.parametrize("form", EVENT_FORMATS)
def test_events_keep_their_own_shape_and_order_by_key(form: str) -> None:
    read = decoded(encode_events(EVENTS, form), form)
    for key in (b"192.0.2.1", b"192.0.2.2", None):
        wanted = [e for e in EVENTS if e.get("device") == (key.decode() if key else None)]
        assert [event for k, event in read if k == key] == wanted
    assert len(read) == len(EVENTS)


def test_events_have_no_arrow_form() -> None:
    with pytest.raises(ValueError, match="arrow"):
        encode_events(EVENTS, "arrow")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "device": st.sampled_from(["a", "b", "c"]),
            "n": st.none() | st.integers(0, 2**64 - 1),
            "text": st.none() | texts,
            "path": st.none() | st.lists(st.integers(0, 2**32 - 1), max_size=3),
            "names": st.none() | st.lists(texts, max_size=3),
        }
    ),
    max_size=20,
)
SCHEMA = {
    "device": polars.String,
    "n": polars.UInt64,
    "text": polars.String,
    "path": polars.List(polars.UInt32),
    "names": polars.List(polars.String),
}


@given(rows, st.sampled_from(FORMATS), st.integers(1, 2000))
def test_what_is_encoded_reads_back(records: list[dict], form: str, max_octets: int) -> None:
    frame = polars.DataFrame(records, schema=SCHEMA)
    read = decoded(encode(frame, form, max_octets=max_octets), form)
    for device in "abc":
        wanted = [record for record in records if record["device"] == device]
        assert [record for key, record in read if key == device.encode()] == wanted
    assert len(read) == len(records)
