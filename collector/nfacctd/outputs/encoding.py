"""JSON octets of records; what every form of record offers to the streams that send it."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

Fields = dict[str, Any]


class Entry(NamedTuple):
    """One record on its way to an output.

    Attributes:
        kind: a name of Avro's schemas.
        fields: of the record, or the JSON object of them where that is its form.
        values: what $variables stand for.
        time_s: what strftime of file names stands for.
    """

    kind: str
    fields: Fields | bytes
    values: Mapping[str, Any]
    time_s: int


Encode = Callable[[str, Fields], bytes]
"""Writes one record of a kind (a name of Avro's schemas).

Raises ``ValueError`` for what the form cannot hold.
"""

FLOWS, PURGE_INIT, PURGE_CLOSE = "acct_data", "acct_init", "acct_close"
"""Kinds of a plugin's records; those of BMP are in `bmp.record`."""


def json_octets(kind: str, fields: Fields | bytes) -> bytes:
    """Write a record as one JSON object without a newline; one that is written stays as it is."""
    del kind
    if isinstance(fields, bytes):
        return fields
    try:
        return orjson.dumps(fields)
    except TypeError:
        # Sums past 64 bits, and text of a router that is not UTF-8: slower, but never refused.
        return json.dumps(fields, separators=(",", ":")).encode()
