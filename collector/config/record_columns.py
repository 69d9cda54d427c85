"""The columns that records of this configuration have: what keys, sums, filters may name."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from collector.config.draft import Draft, Entry
from collector.config.files import FileError, read_text
from collector.config.values import did_you_mean
from collector.errors import ConfigError
from collector.protocols.ipfix.registry import Element, Registry
from collector.protocols.ipfix.types import SIGNED, UNSIGNED, AbstractType
from collector.records.columns import (
    DESTINATION_ADDRESSES,
    DESTINATION_PREFIXES,
    FROM_FIELDS,
    KINDS,
    NEXT_HOP_ADDRESSES,
    RECORD_ORDER,
    SOURCE_ADDRESSES,
    SOURCE_PREFIXES,
    Kind,
    is_known_column,
)

FLOWS = "flows"  # the number of records, as a sum
RENORMALISED = "Renormalised"
WINDOW_COLUMNS = ("windowStart", "windowLength", "part")
ENVELOPE = ("collector", "slot", "incarnation", "sequence")  # of every record
_EXTRA = "extra"
_NUMBERS = UNSIGNED | SIGNED | {AbstractType.FLOAT32, AbstractType.FLOAT64}

# Which column shows an element that has none of its own name.
_TAKEN_INTO = {element: column.name for column in reversed(FROM_FIELDS) for element in column.chain}
_TAKEN_INTO |= dict.fromkeys((*SOURCE_ADDRESSES, *SOURCE_PREFIXES), "sourceAddress")
_TAKEN_INTO |= dict.fromkeys((*DESTINATION_ADDRESSES, *DESTINATION_PREFIXES), "destinationAddress")
_TAKEN_INTO |= {element: name for name, chain in NEXT_HOP_ADDRESSES.items() for element in chain}


class RecordColumns:
    """The names of one configuration; the registry is read when somebody asks for an element."""

    def __init__(self, flow: Entry) -> None:
        self._files: tuple[str, ...] = flow["element_files"] if flow.right("element_files") else ()
        self._complete = flow.right("elements", "element_files")
        self.elements: tuple[str, ...] = flow["elements"]

    @cached_property
    def registry(self) -> Registry:
        """All elements, the operator's among them; files that are wrong add none."""
        registry = Registry.default()
        for name in self._files:
            try:
                registry = registry.with_csv(read_text(Path(name)))
            except (FileError, ConfigError):
                continue
        return registry

    def file_mistakes(self) -> Iterator[str]:
        """Give what is wrong in the operator's tables of elements, by file and line."""
        for name in self._files:
            try:
                Registry({}).with_csv(read_text(Path(name)))
            except FileError as error:
                yield f'[flow] element_files "{name}": {error}'
            except ConfigError as error:
                yield from (f'[flow] element_files "{name}": {line}' for line in error.mistakes)

    def is_flow_column(self, name: str) -> bool:
        """Tell whether a flow record can have a column of this name."""
        return is_known_column(name) or self.element_of(name) is not None

    def element_of(self, name: str) -> Element | None:
        """Find the configured element that a column shows; ``NAME_2`` is one that occurs twice."""
        for element in (name, _first_occurrence(name)):
            if element in self.elements:
                return self.registry.by_name(element)
        return None

    def is_number(self, name: str) -> bool:
        """Tell whether a column can be summed."""
        kind = KINDS.get(name)
        if kind is not None:
            return kind is Kind.INTEGER
        element = self.element_of(name)
        return element is not None and element.type in _NUMBERS

    def names(self) -> tuple[str, ...]:
        """All columns of a flow record but those of second occurrences."""
        return tuple(dict.fromkeys((*RECORD_ORDER, *KINDS, *self.elements, _EXTRA)))

    def why_unknown(self, name: str) -> str | None:
        """Say why a flow record has no such column; None where nobody can tell."""
        if not self._complete:
            return None  # the element may stand in what could not be read
        if name in _TAKEN_INTO:
            return f'flow records have it as "{_TAKEN_INTO[name]}"'
        if self.registry.by_name(_first_occurrence(name)) or self.registry.by_name(name):
            return "flow records have it as a column only if [flow] elements names it"
        return f"flow records have no such column{did_you_mean(name, self.names())}"


def check_elements(draft: Draft, columns: RecordColumns) -> Iterator[str]:
    """Give the mistakes of [flow] elements and element_files."""
    flow = draft.tables["flow"]
    yield from columns.file_mistakes()
    if not flow.right("elements"):
        return
    for position, name in enumerate(flow["elements"]):
        if reason := _no_element(name, columns):
            yield flow.mistake("elements", reason, f"[{position}]", name)


def _no_element(name: str, columns: RecordColumns) -> str | None:
    if is_known_column(name):
        return "flow records have this column anyway"
    if columns.registry.by_name(name) is None:
        known = (element.name for element in columns.registry)
        return f"no element has this name{did_you_mean(name, known)}"
    if "." in name or name.endswith("Route"):
        return "cannot be a column, because of its name; the map extra has it"
    return None


def check_aggregates(draft: Draft, columns: RecordColumns) -> Iterator[str]:
    """Give the mistakes of [[aggregate]]."""
    for entry in draft.lists["aggregate"]:
        if entry.right("keys"):
            for position, key in enumerate(entry["keys"]):
                if not columns.is_flow_column(key) and (reason := columns.why_unknown(key)):
                    yield entry.mistake("keys", reason, f"[{position}]", key)
        if entry.right("sums"):
            keys = entry["keys"] if entry.right("keys") else ()
            for position, name in enumerate(entry["sums"]):
                reason = "is among the keys" if name in keys else _no_sum(name, columns)
                if reason:
                    yield entry.mistake("sums", reason, f"[{position}]", name)


def _no_sum(name: str, columns: RecordColumns) -> str | None:
    if name == FLOWS:
        return None
    column = name.removesuffix(RENORMALISED)
    if column == FLOWS:
        return "flow records themselves are not sampled"
    if columns.is_number(column):
        return None
    if columns.is_flow_column(column):
        return "cannot be summed"
    reason = columns.why_unknown(column)
    if reason and "did you mean" not in reason and column not in _TAKEN_INTO:
        reason += did_you_mean(name, _sums())
    return reason


def _sums() -> Iterable[str]:
    counters = ("octets", "packets")
    return (FLOWS, *counters, *(f"{name}{RENORMALISED}" for name in counters))


def _first_occurrence(name: str) -> str:
    base, _, number = name.rpartition("_")
    return base if base and number.isascii() and number.isdecimal() else name
