"""Encode records as messages: JSON, msgpack, JSON lines or Arrow IPC, with the key beside it.

| format     | a message holds                                | of a frame, 20 columns       |
| json       | one record, a JSON object                      | 0.6 us a record (measured)   |
| msgpack    | one record, a map                              | 2.9                          |
| json-lines | records of one key, an object a line           | 0.8                          |
| arrow      | records of one key, an Arrow IPC stream (zstd) | 0.4, and 0.1 ms for each key |

Records of one key keep their order. A column ``extra`` holds the text of a JSON object, which is
spliced in as an object (Arrow: stays text); it is left out where it is null. Other nulls are
written, so that every record of a topic has the same keys. NaN and infinity are null. JSON may be
given what paths say as text already (`MEMBERS`).
"""

import io
from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any, Literal, NamedTuple

import msgpack
import orjson
import polars

from collector.errors import RejectedExportError
from collector.records.columns import MEMBERS

Format = Literal["json", "msgpack", "json-lines", "arrow"]
FORMATS: tuple[Format, ...] = ("json", "msgpack", "json-lines", "arrow")
EVENT_FORMATS: tuple[Format, ...] = ("json", "msgpack", "json-lines")

MAX_MESSAGE_OCTETS = 1_000_000
"""Octets of a message that holds many records: Kafka's default limit is 1 048 588 with headers."""

_EXTRA = "extra"
_SCALARS = (
    polars.String,
    polars.Boolean,
    polars.Null,
    polars.Float32,
    polars.Float64,
    polars.Categorical,
    polars.Enum,
)


class Encoded(NamedTuple):
    """Messages (key, payload) and the records in each; ``counts`` None: one in each.

    ``octets`` of all payloads together, where that is known without looking at each. ``compressed``
    payloads need not be compressed again.
    """

    messages: list[tuple[bytes | None, bytes]]
    counts: list[int] | None
    octets: int | None = None
    compressed: bool = False


def encode(
    frame: polars.DataFrame,
    form: Format,
    *,
    key_column: str | None = "device",
    max_octets: int = MAX_MESSAGE_OCTETS,
) -> Encoded:
    """Encode the rows of a frame.

    Args:
        frame: columns of strings, integers, floats, booleans and lists of strings or integers.
        form: one of ``FORMATS``.
        key_column: the column whose text is the key; None makes messages without a key, and
            then one message may hold rows of all devices.
        max_octets: where a message of many rows is cut; a single longer row stays whole.
    Raises:
        RejectedExportError: a column's type has no such form (polars would panic).
    """
    _check(frame)
    if form == "msgpack":
        return Encoded(list(zip(_keys(frame, key_column), _maps(frame), strict=True)), None)
    if form in ("json", "json-lines"):
        column = _json_rows(frame)
        keys, rows = _keys(frame, key_column), column.cast(polars.Binary).to_list()
        if form == "json-lines":
            return _by_key(keys, rows, max_octets)
        return Encoded(list(zip(keys, rows, strict=True)), None, column.str.len_bytes().sum())
    return _arrow(frame, key_column, max_octets)


def encode_events(
    events: list[dict[str, Any]],
    form: Format,
    *,
    key: str | None = "device",
    max_octets: int = MAX_MESSAGE_OCTETS,
) -> Encoded:
    """Encode events of differing shapes; Arrow, which wants one schema, is not for them.

    Args:
        events: JSON-ready values with text keys.
        form: one of ``EVENT_FORMATS``.
        key: the entry whose text is the key; events without it have no key.
        max_octets: as in `encode`.
    """
    keys = [_key_octets(event.get(key)) if key else None for event in events]
    if form == "msgpack":
        pack = msgpack.Packer().pack
        return Encoded([(k, pack(event)) for k, event in zip(keys, events, strict=True)], None)
    rows = [orjson.dumps(event) for event in events]
    if form == "json":
        return Encoded(list(zip(keys, rows, strict=True)), None)
    if form != "json-lines":
        raise ValueError(f"events have no form {form!r}")
    return _by_key(keys, rows, max_octets)


def _check(frame: polars.DataFrame) -> None:
    # A polars panic is a BaseException that no handler of ours catches: it would end the worker.
    for name, dtype in frame.schema.items():
        inner = dtype.inner if isinstance(dtype, polars.List) else dtype
        if not (inner.is_integer() or isinstance(inner, _SCALARS)):
            raise RejectedExportError(f"column {name!r} of type {dtype} has no form in a message")


def _key_octets(value: object) -> bytes | None:
    return None if value is None else str(value).encode()


def _keys(frame: polars.DataFrame, key_column: str | None) -> list[bytes | None]:
    if key_column is None:
        return [None] * len(frame)
    column = frame.get_column(key_column)
    if len(column) and column.n_unique() == 1:
        return [_key_octets(column[0])] * len(column)
    values = column.to_list()
    # One object per distinct key: its hash is computed once, and the partition found once.
    octets = {value: _key_octets(value) for value in set(values)}
    return [octets[value] for value in values]


def _json_rows(frame: polars.DataFrame) -> polars.Series:
    """Make one JSON object per row; `json_encode` of a struct also cuts the rows apart."""
    # Column by column and not by `select` or `drop`: a query costs as much as a hundred rows.
    rest = [column for column in frame if column.name not in (_EXTRA, *MEMBERS)]
    members = [frame[name] for name in MEMBERS if name in frame.columns]
    extra = frame[_EXTRA] if _EXTRA in frame.columns else None
    if not rest:
        return _else(extra, "{}")
    objects = polars.DataFrame(rest).to_struct().struct.json_encode()
    if not members and extra is None:
        return objects
    end = polars.Series(["}"]) if extra is None else _else(f',"{_EXTRA}":' + extra + "}", "}")
    # The short ones first: each `+` copies.
    return objects.str.head(-1) + reduce(add, [*members, end])


def _else(texts: polars.Series, text: str) -> polars.Series:
    return texts.zip_with(texts.is_not_null(), polars.Series([text]))


def _by_key(keys: list[bytes | None], rows: list[bytes], max_octets: int) -> Encoded:
    # Grouped here and not in polars: that costs twice as much from some hundred keys on.
    groups: dict[bytes | None, list[bytes]] = {}
    for key, row in zip(keys, rows, strict=True):
        groups.setdefault(key, []).append(row)
    return _cut(((key, b"\n".join(group)) for key, group in groups.items()), max_octets)


def _cut(groups: Iterator[tuple[bytes | None, bytes]], max_octets: int) -> Encoded:
    """Cut joined lines at line ends into messages of at most ``max_octets``."""
    encoded = Encoded([], [])
    for key, octets in groups:
        start = 0
        while start < len(octets):
            end = len(octets)
            if end - start > max_octets:
                end = octets.rfind(b"\n", start, start + max_octets + 1)
                end = octets.find(b"\n", start) if end < 0 else end
                end = len(octets) if end < 0 else end
            encoded.messages.append((key, octets[start:end]))
            encoded.counts.append(octets.count(b"\n", start, end) + 1)
            start = end + 1
    return encoded


def _maps(frame: polars.DataFrame) -> list[bytes]:
    floats = polars.selectors.float()
    whole = frame.with_columns(polars.when(floats.is_finite()).then(floats))
    pack = msgpack.Packer().pack
    if _EXTRA not in frame.columns:
        return [pack(row) for row in whole.iter_rows(named=True)]
    rows = []
    for row in whole.iter_rows(named=True):
        extra = row.pop(_EXTRA)
        if extra is not None:
            row[_EXTRA] = orjson.loads(extra)
        rows.append(pack(row))
    return rows


def _arrow(frame: polars.DataFrame, key_column: str | None, max_octets: int) -> Encoded:
    encoded = Encoded([], [], compressed=True)
    if key_column is None or frame[key_column].n_unique() == 1:
        key = key_column and frame[key_column][0]
        _append_streams(encoded, _key_octets(key), frame, max_octets)
        return encoded
    for (value,), group in frame.group_by(key_column, maintain_order=True):
        _append_streams(encoded, _key_octets(value), group, max_octets)
    return encoded


def _append_streams(
    encoded: Encoded, key: bytes | None, rows: polars.DataFrame, max_octets: int
) -> None:
    if rows.is_empty():
        return
    buffer = io.BytesIO()
    rows.write_ipc_stream(buffer, compression="zstd")
    octets = buffer.getvalue()
    if len(octets) <= max_octets or len(rows) == 1:
        encoded.messages.append((key, octets))
        encoded.counts.append(len(rows))
        return
    half = len(rows) // 2
    _append_streams(encoded, key, rows[:half], max_octets)
    _append_streams(encoded, key, rows[half:], max_octets)
