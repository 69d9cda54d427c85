"""Data Records: cut a Set body into records and those into fields (RFC 7011 sections 3.3.1, 7).

A record is runs of fixed-length fields with a variable-length one between each two:

| run 0 | length (1 or 3 octets) | value | run 1 | length | value | ... | last run |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.errors import TruncatedError
from collector.protocols.ipfix.fields import VARIABLE

_SOURCE = "RFC 7011 section 7"
_LONG_LENGTH = 255  # then the length is in the two octets that follow
# A field of no octets costs the sender nothing and us a value, so that a template with thousands
# of them and a datagram of tiny records would be a thousandfold: such a template has no records.
_MAX_FIELDS_PER_OCTET = 16
_MAX_RECORD_OCTETS = 65535  # a Set has no more


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cut record has one field: a slice of its fixed part, or the n-th variable value."""

    variable: bool
    key: slice | int


@dataclass(frozen=True, slots=True)
class RecordShape:
    """How long the parts of a record are; all that cutting needs to know."""

    runs: tuple[int, ...]  # octets of fixed fields before each variable one, and after the last
    minimum: int  # octets of the shortest record: the rest of a Set below that is padding
    fixed_length: int  # octets of all runs
    places: tuple[Place, ...]  # by field
    has_records: bool

    @classmethod
    def of(cls, lengths: Sequence[int]) -> "RecordShape":
        """Shape of records whose fields have these lengths; ``VARIABLE`` for variable ones."""
        runs, places, offset = [0], [], 0
        for length in lengths:
            if length == VARIABLE:
                places.append(Place(True, len(runs) - 1))
                runs.append(0)
                continue
            places.append(Place(False, slice(offset, offset + length)))
            runs[-1] += length
            offset += length
        minimum = offset + len(runs) - 1
        dense = len(lengths) > _MAX_FIELDS_PER_OCTET * minimum
        has_records = 0 < minimum <= _MAX_RECORD_OCTETS and not dense
        return cls(tuple(runs), minimum, offset, tuple(places), has_records)


def cut_records(body: bytes, shape: RecordShape) -> Iterator[tuple[bytes, list[bytes]]]:
    """Cut records off a Set body, in wire order: (fixed part, values of the variable fields).

    What is left at the end is padding where no record is that short (RFC 7011 section 3.3.1).

    Raises:
        TruncatedError: a variable-length value passes the end; offsets count from ``body[0]``.
    """
    if not shape.has_records or len(body) < shape.minimum:
        return
    *before_variable, last = shape.runs
    start, end = 0, len(body)
    while end - start >= shape.minimum:
        at = start
        runs: list[bytes] = []
        values: list[bytes] = []
        for run in before_variable:
            if run:
                runs.append(body[at : at + run])
                at += run
            if at >= end:
                raise _passes_the_end(start)
            length = body[at]
            at += 1
            if length == _LONG_LENGTH:
                length = int.from_bytes(body[at : at + 2], "big")
                at += 2
            values.append(body[at : at + length])
            at += length
        if at + last > end:
            raise _passes_the_end(start)
        runs.append(body[at : at + last])
        start = at + last
        yield b"".join(runs), values


def _passes_the_end(start: int) -> TruncatedError:
    return TruncatedError(start, "Data Record passes the end of its Set", _SOURCE)
