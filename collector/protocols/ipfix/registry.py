"""Information Elements by number: IANA's registry, vendors' elements, an operator's additions.

The table is data, `information-elements.csv` beside this module: ``pen,id,name,type,semantics,
units,status``. An element is shown by IANA's bare name, a vendor's as ``PEN:NAME``, an unknown one
as ``PEN:NUMBER`` (``0:NUMBER`` for IANA's and for NetFlow v9 types that IANA does not know).
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import resources
from typing import Self

from collector.errors import ConfigError
from collector.protocols.ipfix.fields import V9_SCOPE
from collector.protocols.ipfix.types import AbstractType, type_named

REVERSE_PEN = 29305  # RFC 5103 section 6.1: the element of that number, seen from the other end

_V9_SCOPES = {  # RFC 3954 section 6.1
    1: "scopeSystem",
    2: "scopeInterface",
    3: "scopeLineCard",
    4: "scopeCache",
    5: "scopeTemplate",
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_NUMBERED = re.compile(r"([0-9]{1,10}):([0-9]{1,5})")
_COLUMNS = ("pen", "id", "name", "type")  # without these a line says nothing; the others may lack
_MAX_PEN = 2**32 - 1
_MAX_ID = 2**16 - 1  # 15 bits in IPFIX; NetFlow v9 types have all 16


@dataclass(frozen=True, slots=True)
class Element:
    """One Information Element; ``name`` is the one that records and `decode` show."""

    pen: int
    id: int
    name: str
    type: AbstractType
    semantics: str = ""
    units: str = ""


class Registry:
    """Elements by (enterprise number, element number); never changed once made."""

    def __init__(self, elements: dict[tuple[int, int], Element]) -> None:
        self._elements = elements

    @classmethod
    @cache
    def default(cls) -> Self:
        """The registry that this package carries."""
        table = resources.files(__package__).joinpath("information-elements.csv")
        return cls({}).with_csv(table.read_text("utf-8"))

    def with_csv(self, text: str) -> Self:
        """A registry with an operator's elements added; a known number gets the new meaning.

        Args:
            text: CSV with the header ``pen,id,name,type`` and optionally ``semantics,units``.

        Raises:
            ConfigError: lists every line that is wrong.
        """
        mistakes: list[str] = []
        elements = dict(self._elements)
        for line, row in _rows(text, mistakes):
            if told := _mistakes(row):
                mistakes.extend(f"line {line}: {mistake}" for mistake in told)
                continue
            element = _element(row)
            elements[element.pen, element.id] = element
        if mistakes:
            raise ConfigError(mistakes)
        return type(self)(elements)

    def element(self, pen: int, id: int) -> Element:
        """The element of that number; an unknown one is an octetArray named by its number.

        ``V9_SCOPE`` in place of an enterprise number gives a scope of NetFlow v9, whose types have
        numbers of their own: a number of 1 to 8 octets.
        """
        known = self._elements.get((pen, id))
        if known is not None:
            return known
        if pen == V9_SCOPE:
            return Element(pen, id, _V9_SCOPES.get(id, f"0:{id}"), AbstractType.UNSIGNED64)
        if pen == REVERSE_PEN and (forward := self._elements.get((0, id))):
            name = f"reverse{forward.name[0].upper()}{forward.name[1:]}"
            return replace(forward, pen=pen, name=name)
        return Element(pen, id, f"{pen}:{id}", AbstractType.OCTET_ARRAY)

    def by_name(self, name: str) -> Element | None:
        """The element shown as ``name``, ``PEN:NUMBER`` included; None where there is none."""
        if known := self._by_name.get(name):
            return known
        if numbered := _NUMBERED.fullmatch(name):
            pen, id = map(int, numbered.groups())
            return self.element(pen, id) if pen <= _MAX_PEN and id <= _MAX_ID else None
        return None

    def __iter__(self) -> Iterator[Element]:
        return iter(self._elements.values())

    @cached_property
    def _by_name(self) -> dict[str, Element]:
        # Reversed, so that of two numbers with one name the first one listed stands.
        named = {element.name: element for element in reversed(self._elements.values())}
        reverse = [self.element(REVERSE_PEN, id) for pen, id in self._elements if pen == 0]
        scopes = [self.element(V9_SCOPE, id) for id in _V9_SCOPES]
        return {element.name: element for element in (*reverse, *scopes)} | named


def _rows(text: str, mistakes: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(text.splitlines(), restval="", skipinitialspace=True)
    missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        mistakes.append(f"line 1: the header lacks {', '.join(missing)}")
        return
    try:
        for row in reader:
            yield reader.line_num, {k: v.strip() for k, v in row.items() if isinstance(v, str)}
    except csv.Error as error:
        mistakes.append(f"line {reader.line_num}: {error}")


def _mistakes(row: dict[str, str]) -> list[str]:
    told = []
    if not _is_number(row["pen"], 0, _MAX_PEN):
        told.append(f'pen "{row["pen"]}" is no number from 0 to {_MAX_PEN}')
    if not _is_number(row["id"], 1, _MAX_ID):
        told.append(f'id "{row["id"]}" is no number from 1 to {_MAX_ID}')
    if not _NAME.fullmatch(row["name"]):
        told.append(f'name "{row["name"]}" is not a letter and then letters, digits, "_", "-", "."')
    if type_named(row["type"]) is None:
        allowed = ", ".join(kind.value for kind in AbstractType)
        told.append(f'type "{row["type"]}" is none of {allowed}')
    return told


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10 and least <= int(text) <= most


def _element(row: dict[str, str]) -> Element:
    pen, id, name = int(row["pen"]), int(row["id"]), row["name"]
    return Element(
        pen,
        id,
        f"{pen}:{name}" if pen else name,
        type_named(row["type"]) or AbstractType.OCTET_ARRAY,
        row.get("semantics", ""),
        row.get("units", ""),
    )
