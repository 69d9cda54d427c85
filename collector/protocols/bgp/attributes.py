"""Path attributes of an UPDATE: octets to values, errors as RFC 7606 revises them.

| Flags (8 bits) | Type Code (8 bits) | Length (8, or 16 if Extended Length) | value ... |
"""

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from collector.protocols.bgp.addresses import ipv4_text
from collector.protocols.bgp.as_path import (
    AS_TRANS,
    AsPath,
    merge_as4_path,
    read_as_path,
)

EXTENDED_LENGTH = 0x10
OPTIONAL = 0x80
_TRANSITIVE = 0x40
JUDGED_FLAGS = OPTIONAL | _TRANSITIVE  # RFC 7606 section 3 (c)
WELL_KNOWN = _TRANSITIVE
OPTIONAL_TRANSITIVE = OPTIONAL | _TRANSITIVE

NEXT_HOP = 3
MP_REACH_NLRI = 14
MP_UNREACH_NLRI = 15

AS4_PATH = 17
AS4_AGGREGATOR = 18
_AIGP_METRIC = 1  # RFC 7311 section 3
_AIGP_OCTETS = 11

ORIGINS = ("igp", "egp", "incomplete")  # by the value of ORIGIN

Aggregator = tuple[int, str]  # AS, address


class Attributes(NamedTuple):
    """The path attributes of an UPDATE but MP_REACH_NLRI and MP_UNREACH_NLRI; None: not there.

    AS4_PATH and AS4_AGGREGATOR are merged into ``as_path`` and ``aggregator``. A list that is not
    there is empty, as an empty one is malformed. A tuple, since a table load builds very many.
    """

    origin: int | None = None  # index in ORIGINS
    as_path: AsPath | None = None
    next_hop: bytes | None = None  # NEXT_HOP, that of the classic IPv4 NLRI: 4 octets
    med: int | None = None
    local_pref: int | None = None
    atomic_aggregate: bool = False
    aggregator: Aggregator | None = None
    communities: tuple[int, ...] = ()
    originator_id: str | None = None
    cluster_list: tuple[str, ...] = ()
    extended_communities: tuple[bytes, ...] = ()
    aigp: int | None = None
    large_communities: tuple[tuple[int, int, int], ...] = ()
    otc: int | None = None
    prefix_sid: bytes | None = None
    unknown: tuple[tuple[int, int, bytes], ...] = ()  # flags, type, value


_ABSENT: dict[str, Any] = Attributes()._asdict()  # in the order of the fields


class TreatAsWithdraw(NamedTuple):
    """An attribute is malformed: the routes of the UPDATE are withdrawn (RFC 7606 section 2)."""

    reason: str


@lru_cache(maxsize=64)  # an UPDATE goes into tables, then into an event
def parse_attributes(octets: bytes, as_size: int) -> Attributes | TreatAsWithdraw:
    """Parse path attributes; never fails.

    Args:
        octets: `UpdateParts.attributes_key`.
        as_size: octets of an AS in AS_PATH and AGGREGATOR, 2 or 4.
    Returns:
        The attributes without those that RFC 7606 has discarded, and of an attribute that comes
        twice the first one; or what is malformed. One that is merely missing is no error.
    """
    found = _ABSENT.copy()
    unknown: list[tuple[int, int, bytes]] = []
    seen: set[int] = set()
    start, end = 0, len(octets)
    while start < end:
        # The head is read in line: a table load parses very many sets.
        value_at = start + 3
        if value_at > end:
            return TreatAsWithdraw("attribute header cut short")
        flags, code, length = octets[start:value_at]
        if flags & EXTENDED_LENGTH:
            value_at += 1
            if value_at > end:
                return TreatAsWithdraw("attribute header cut short")
            length = length << 8 | octets[start + 3]
        start = value_at + length
        if start > end:
            # RFC 7606 section 4.
            reason = f"attribute {code} of {length} octets passes the attributes"
            return TreatAsWithdraw(reason)
        if code in seen:
            continue
        seen.add(code)
        value = octets[value_at:start]
        rule = _RULES.get(code)
        if rule is None:
            unknown.append((flags, code, value))
            continue
        name, field, wanted, parse, discard, discard_on_flags = rule
        if (flags ^ wanted) & JUDGED_FLAGS:
            if discard_on_flags:
                continue
            return TreatAsWithdraw(f"{name}: flags {flags:#04x}")
        try:
            found[field] = parse(value, as_size)
        except ValueError as error:
            if not discard:
                return TreatAsWithdraw(f"{name}: {error}")
    if unknown:
        found["unknown"] = tuple(unknown)
    return _built(found, as_size)


class _Rule(NamedTuple):
    """How one attribute is read; ``discard``: a malformed value costs the attribute only."""

    name: str
    field: str
    flags: int
    parse: Callable[[bytes, int], Any]  # raises ValueError for a malformed value
    discard: bool = False
    discard_on_flags: bool = False


def _built(found: dict[str, Any], as_size: int) -> Attributes:
    if len(found) > len(_ABSENT):
        as4_path = found.pop("as4_path", None)
        as4_aggregator = found.pop("as4_aggregator", None)
        if as_size == 2:  # a speaker of four octets must not send them: RFC 6793 section 6
            _merge_four_octets(found, as4_path, as4_aggregator)
    return Attributes._make(found.values())


def _merge_four_octets(
    found: dict[str, Any], as4_path: AsPath | None, as4_aggregator: Aggregator | None
) -> None:
    """Merge AS4_PATH and AS4_AGGREGATOR in (RFC 6793 section 4.2.3)."""
    aggregator = found["aggregator"]
    if aggregator and as4_aggregator:
        if aggregator[0] != AS_TRANS:
            return  # aggregated since by a two-octet speaker: both AS4 attributes are stale
        found["aggregator"] = as4_aggregator
    if as4_path and found["as_path"] is not None:
        found["as_path"] = merge_as4_path(found["as_path"], as4_path)


def _of(length: int, octets: bytes) -> bytes:
    if len(octets) != length:
        raise ValueError(f"length {len(octets)} is not {length}")
    return octets


def _items(length: int, octets: bytes) -> bytes:
    if not octets or len(octets) % length:
        raise ValueError(f"length {len(octets)} is no multiple of {length} above 0")
    return octets


def _origin(octets: bytes, _: int) -> int:
    value = _of(1, octets)[0]
    if value >= len(ORIGINS):
        raise ValueError(f"undefined value {value}")
    return value


def _next_hop(octets: bytes, _: int) -> bytes:
    return _of(4, octets)


def _number(octets: bytes, _: int) -> int:
    return int.from_bytes(_of(4, octets))


def _nothing(octets: bytes, _: int) -> bool:
    return not _of(0, octets)


def _aggregator(octets: bytes, as_size: int) -> Aggregator:
    _of(as_size + 4, octets)
    return int.from_bytes(octets[:as_size]), ipv4_text(octets[as_size:])


def _as4_path(octets: bytes, _: int) -> AsPath:
    return read_as_path(octets, 4)


def _as4_aggregator(octets: bytes, _: int) -> Aggregator:
    return _aggregator(octets, 4)


def _communities(octets: bytes, _: int) -> tuple[int, ...]:
    return struct.unpack(f"!{len(_items(4, octets)) // 4}I", octets)


def _identifier(octets: bytes, _: int) -> str:
    return ipv4_text(_of(4, octets))


def _identifiers(octets: bytes, _: int) -> tuple[str, ...]:
    _items(4, octets)
    return tuple(ipv4_text(octets[i : i + 4]) for i in range(0, len(octets), 4))


def _extended_communities(octets: bytes, _: int) -> tuple[bytes, ...]:
    _items(8, octets)
    return tuple(octets[i : i + 8] for i in range(0, len(octets), 8))


def _large_communities(octets: bytes, _: int) -> tuple[tuple[int, ...], ...]:
    return tuple(struct.iter_unpack("!III", _items(12, octets)))


def _aigp(octets: bytes, _: int) -> int | None:
    """Metric of the first AIGP TLV; TLVs are | Type (8) | Length (16, of all three) | value |."""
    metric = None
    start = 0
    while start < len(octets):
        length = int.from_bytes(octets[start + 1 : start + 3])
        if length < 3 or start + length > len(octets):
            raise ValueError("AIGP TLV cut short")
        if octets[start] == _AIGP_METRIC:
            if length != _AIGP_OCTETS:
                raise ValueError(f"AIGP TLV of {length} octets")
            if metric is None:
                metric = int.from_bytes(octets[start + 3 : start + length])
        start += length
    return metric


def _as_is(octets: bytes, _: int) -> bytes:
    return octets


def _misplaced(octets: bytes, _: int) -> None:
    # `split_update` takes those with right flags out.
    raise ValueError("stands among the other attributes")


# IANA's numbers. A malformed value: RFC 7606 section 7, RFC 6793 section 6 (AS4_*), RFC 7311
# section 3.2 (AIGP), RFC 8092 section 6 (LARGE_COMMUNITY), RFC 9234 section 5 (OTC).
_RULES: dict[int, _Rule] = {
    1: _Rule("ORIGIN", "origin", WELL_KNOWN, _origin),
    2: _Rule("AS_PATH", "as_path", WELL_KNOWN, read_as_path),
    NEXT_HOP: _Rule("NEXT_HOP", "next_hop", WELL_KNOWN, _next_hop),
    4: _Rule("MULTI_EXIT_DISC", "med", OPTIONAL, _number),
    5: _Rule("LOCAL_PREF", "local_pref", WELL_KNOWN, _number),
    6: _Rule("ATOMIC_AGGREGATE", "atomic_aggregate", WELL_KNOWN, _nothing, discard=True),
    7: _Rule("AGGREGATOR", "aggregator", OPTIONAL_TRANSITIVE, _aggregator, discard=True),
    8: _Rule("COMMUNITIES", "communities", OPTIONAL_TRANSITIVE, _communities),
    9: _Rule("ORIGINATOR_ID", "originator_id", OPTIONAL, _identifier),
    10: _Rule("CLUSTER_LIST", "cluster_list", OPTIONAL, _identifiers),
    MP_REACH_NLRI: _Rule("MP_REACH_NLRI", "", OPTIONAL, _misplaced),
    MP_UNREACH_NLRI: _Rule("MP_UNREACH_NLRI", "", OPTIONAL, _misplaced),
    16: _Rule(
        "EXTENDED COMMUNITIES", "extended_communities", OPTIONAL_TRANSITIVE, _extended_communities
    ),
    AS4_PATH: _Rule("AS4_PATH", "as4_path", OPTIONAL_TRANSITIVE, _as4_path, discard=True),
    AS4_AGGREGATOR: _Rule(
        "AS4_AGGREGATOR", "as4_aggregator", OPTIONAL_TRANSITIVE, _as4_aggregator, discard=True
    ),
    26: _Rule("AIGP", "aigp", OPTIONAL, _aigp, discard=True, discard_on_flags=True),
    32: _Rule("LARGE_COMMUNITY", "large_communities", OPTIONAL_TRANSITIVE, _large_communities),
    35: _Rule("OTC", "otc", OPTIONAL_TRANSITIVE, _number),
    40: _Rule("PREFIX_SID", "prefix_sid", OPTIONAL_TRANSITIVE, _as_is),
}
