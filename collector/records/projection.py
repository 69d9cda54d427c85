"""Which fields of a layout feed which column: worked out once for each layout."""

from dataclasses import dataclass, replace

from collector.protocols.ipfix.layout import Layout
from collector.protocols.ipfix.types import SIGNED, UNSIGNED, AbstractType
from collector.records.columns import (
    ADDRESS_COLUMNS,
    DESTINATION_ADDRESSES,
    DESTINATION_PREFIXES,
    FROM_FIELDS,
    NEXT_HOP_ADDRESSES,
    SOURCE_ADDRESSES,
    SOURCE_PREFIXES,
    CanonicalColumn,
)

# Best first. What each means is in `times.py`.
START_TIMES = (
    "flowStartNanoseconds",
    "flowStartMicroseconds",
    "flowStartMilliseconds",
    "flowStartDeltaMicroseconds",
    "flowStartSeconds",
    "flowStartSysUpTime",
    "observationTimeNanoseconds",
    "observationTimeMicroseconds",
    "observationTimeMilliseconds",
    "observationTimeSeconds",
)
END_TIMES = (
    "flowEndNanoseconds",
    "flowEndMicroseconds",
    "flowEndMilliseconds",
    "flowEndDeltaMicroseconds",
    "flowEndSeconds",
    "flowEndSysUpTime",
    "observationTimeNanoseconds",
    "observationTimeMicroseconds",
    "observationTimeMilliseconds",
    "observationTimeSeconds",
)
# In-record sampling: a pair of fields that gives the rate, else a field that is the rate itself.
SAMPLING_RATES = ("samplerRandomInterval", "samplingInterval", "samplingPacketInterval")
SAMPLING_PAIRS = (
    ("samplingPacketInterval", "samplingPacketSpace"),
    ("samplingPopulation", "samplingSize"),
)
# Elements whose columns are numbers, whatever lengths templates give them; others are text.
_NUMBERS = UNSIGNED | SIGNED | {AbstractType.FLOAT32, AbstractType.FLOAT64, AbstractType.BOOLEAN}


@dataclass(frozen=True, slots=True)
class AddressField:
    """One address field of a layout."""

    index: int
    is_ipv6: bool


@dataclass(frozen=True, slots=True)
class TimeField:
    """The field that a time is taken from."""

    name: str
    index: int


@dataclass(frozen=True, slots=True)
class NamedField:
    """A configured element: its column, and whether that is one of numbers or of texts."""

    column: str
    index: int
    is_number: bool


@dataclass(frozen=True, slots=True)
class Projection:
    """Field indices of one layout by what they are for."""

    canonical: tuple[tuple[CanonicalColumn, tuple[int, ...]], ...]
    source: tuple[AddressField, ...]  # in wire order: the outermost header first
    destination: tuple[AddressField, ...]
    next_hops: tuple[tuple[str, tuple[AddressField, ...]], ...]
    start: TimeField | None
    end: TimeField | None
    system_init: int | None
    # One field: the rate; two: see SAMPLING_PAIRS; None: nobody wants it.
    sampling: tuple[int, ...] | None
    sampling_pair: tuple[str, str] | None
    named: tuple[NamedField, ...]
    extra: tuple[tuple[str, int], ...]


def project(
    layout: Layout, elements: frozenset[str] = frozenset(), *, extra: bool = True
) -> Projection:
    """Work out what each field of a layout is for.

    Args:
        layout: a compiled template.
        elements: names of elements that get a column of their own.
        extra: whether what has no column is read at all.
    """
    fields_of: dict[str, list[int]] = {}
    for index, field in enumerate(layout.fields):
        if not field.scope:
            fields_of.setdefault(field.name, []).append(index)
    used: set[int] = set()

    canonical = []
    for column in FROM_FIELDS:
        found = _innermost(fields_of, column.chain)
        indices = tuple(found if column.per_family else found[:1])
        if indices:
            canonical.append((column, indices))
            used.update(indices)
    source = _addresses(fields_of, SOURCE_ADDRESSES, SOURCE_PREFIXES)
    destination = _addresses(fields_of, DESTINATION_ADDRESSES, DESTINATION_PREFIXES)
    next_hops = tuple(
        (name, fields)
        for name, chain in NEXT_HOP_ADDRESSES.items()
        if (fields := _addresses(fields_of, chain))
    )
    used.update(field.index for field in (*source, *destination))
    used.update(field.index for _, fields in next_hops for field in fields)
    start, end = _time(layout, fields_of, START_TIMES), _time(layout, fields_of, END_TIMES)
    used.update(field.index for field in (start, end) if field is not None)
    sampling, pair = _sampling(fields_of)
    used.update(sampling)

    named, unnamed = [], []
    for name, indices in fields_of.items():
        if name == "paddingOctets":
            continue
        for occurrence, index in enumerate(indices, 1):
            column_name = name if occurrence == 1 else f"{name}_{occurrence}"
            if name in elements:
                is_number = layout.fields[index].element.type in _NUMBERS
                named.append(NamedField(column_name, index, is_number))
            elif extra and index not in used:
                unnamed.append((column_name, index))
    return Projection(
        canonical=tuple(canonical),
        source=source,
        destination=destination,
        next_hops=next_hops,
        start=start,
        end=end,
        system_init=next(iter(_innermost(fields_of, ("systemInitTimeMilliseconds",))), None),
        sampling=sampling,
        sampling_pair=pair,
        named=tuple(named),
        extra=tuple(unnamed),
    )


def pruned(projection: Projection, wanted: frozenset[str]) -> Projection:
    """Leave out the fields of columns that nobody wants (`needed_columns.py`)."""
    start = projection.start if "timeStart" in wanted else None
    end = projection.end if "timeEnd" in wanted else None
    # Chosen together: which of several headers is the innermost shows in both sides.
    addresses = not wanted.isdisjoint(ADDRESS_COLUMNS)
    sampling = "samplingRate" in wanted
    return replace(
        projection,
        canonical=tuple(entry for entry in projection.canonical if entry[0].name in wanted),
        source=projection.source if addresses else (),
        destination=projection.destination if addresses else (),
        next_hops=tuple(entry for entry in projection.next_hops if entry[0] in wanted),
        start=start,
        end=end,
        system_init=projection.system_init if start or end else None,
        sampling=projection.sampling if sampling else None,
        sampling_pair=projection.sampling_pair if sampling else None,
        named=tuple(named for named in projection.named if named.column in wanted),
        extra=projection.extra if "extra" in wanted else (),
    )


def _innermost(fields_of: dict[str, list[int]], chain: tuple[str, ...]) -> list[int]:
    """Find the last occurrence of each element of a chain that the layout has, best first."""
    return [fields_of[name][-1] for name in chain if name in fields_of]


def _addresses(
    fields_of: dict[str, list[int]], *chains: tuple[str, str]
) -> tuple[AddressField, ...]:
    for names in chains:
        found = [
            AddressField(index, is_ipv6)
            for name, is_ipv6 in zip(names, (False, True), strict=True)
            for index in fields_of.get(name, ())
        ]
        if found:
            return tuple(sorted(found, key=lambda field: field.index))
    return ()


def _time(
    layout: Layout, fields_of: dict[str, list[int]], chain: tuple[str, ...]
) -> TimeField | None:
    for index in _innermost(fields_of, chain):
        return TimeField(layout.fields[index].name, index)
    return None


def _sampling(
    fields_of: dict[str, list[int]],
) -> tuple[tuple[int, ...], tuple[str, str] | None]:
    for pair in SAMPLING_PAIRS:
        if all(name in fields_of for name in pair):
            return tuple(fields_of[name][-1] for name in pair), pair
    for name in SAMPLING_RATES:
        if name in fields_of:
            return (fields_of[name][-1],), None
    return (), None
