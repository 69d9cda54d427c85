"""A TOML document read table by table: what could be made of it, and all that could not."""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from collector.config.document import LISTS, TABLES
from collector.config.model import Config
from collector.config.schema import Schema
from collector.config.values import BadValue, Reader, did_you_mean, shown

_SECRET = "password"


@dataclass(slots=True)
class Entry:
    """One table as far as it could be read: ``entry["key"]`` is its value, or the default.

    Attributes:
        label: how mistakes name it: ``[flow]``, ``[[output]] "kafka"``, ``[[listen]] #2``.
        given: keys that the operator wrote, right or wrong.
        wrong: keys without a usable value: wrong, or missing though there is no default.
    """

    label: str
    kind: type
    values: dict[str, Any]
    given: dict[str, Any] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def right(self, *keys: str) -> bool:
        """Tell whether all of these have a usable value, so that more can be said of it."""
        return self.wrong.isdisjoint(keys)

    def mistake(self, key: str, reason: str, where: str = "", value: Any = MISSING) -> str:
        """Write one mistake: key, value, what is allowed."""
        told = "(not shown)" if key == _SECRET else shown(self[key] if value is MISSING else value)
        return f"{self.label} {key}{where} = {told}: {reason}"


@dataclass(slots=True)
class Draft:
    """All tables of a document, and the mistakes found so far."""

    tables: dict[str, Entry] = field(default_factory=dict)
    lists: dict[str, list[Entry]] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def named(self, table: str) -> dict[str, Entry]:
        """Entries of a list by their names, those with a usable one."""
        return {entry["name"]: entry for entry in self.lists[table] if entry.right("name")}

    def config(self) -> Config:
        """Make the configuration; only of a draft without mistakes."""
        made: dict[str, Any] = {
            name: entry.kind(**entry.values) for name, entry in self.tables.items()
        }
        for name, entries in self.lists.items():
            made[name] = tuple(entry.kind(**entry.values) for entry in entries)
        return Config(**made)


def read_document(document: dict[str, Any], schema: Schema) -> Draft:
    """Read every key of a document; what contradicts something else is judged later."""
    draft = Draft()
    known = (*TABLES, *LISTS)
    for name, value in document.items():
        if name not in known:
            draft.mistakes.append(_unknown_table(name, value, schema))
    for name, kind in TABLES.items():
        given = document.get(name, {})
        if not isinstance(given, dict):
            draft.mistakes.append(f"[{name}]: there is one such table: write [{name}]")
            given = {}
        draft.tables[name] = _read(f"[{name}]", kind, given, name, schema, draft.mistakes)
    for name, kind in LISTS.items():
        given = document.get(name, [])
        if not (isinstance(given, list) and all(isinstance(entry, dict) for entry in given)):
            draft.mistakes.append(f"[[{name}]]: there can be several: write [[{name}]]")
            given = []
        draft.lists[name] = [
            _read(_label(name, number, entry), kind, entry, name, schema, draft.mistakes)
            for number, entry in enumerate(given, 1)
        ]
    for name in ("aggregate", "output"):
        draft.mistakes += _repeated_names(draft.lists[name])
    return draft


def _label(table: str, number: int, given: dict[str, Any]) -> str:
    name = given.get("name")
    return (
        f"[[{table}]] {shown(name)}" if name and isinstance(name, str) else f"[[{table}]] #{number}"
    )


def _read(
    label: str,
    kind: type,
    given: dict[str, Any],
    table: str,
    schema: Schema,
    mistakes: list[str],
) -> Entry:
    readers: dict[str, Reader] = schema[table]
    entry = Entry(label, kind, {}, given)
    for key in given:
        if key not in readers:
            mistakes.append(f"{label} {_key(key)}: no such key{_hint(key, table, schema)}")
    for column in fields(kind):
        key = column.name
        if column.default is not MISSING:
            entry.values[key] = column.default
        elif column.default_factory is not MISSING:
            entry.values[key] = column.default_factory()
        elif key not in given:
            entry.wrong.add(key)
            mistakes.append(f"{label} {key}: is missing")
        if key in given:
            try:
                entry.values[key] = readers[key](given[key])
            except BadValue as error:
                entry.wrong.add(key)
                mistakes += [
                    entry.mistake(key, reason, where, part) for where, part, reason in error.faults
                ]
    return entry


def _unknown_table(name: str, value: Any, schema: Schema) -> str:
    if not isinstance(value, dict | list):
        return f"{_key(name)}: stands in no table{_hint(name, '', schema)}"
    return f"[{_key(name)}]: no such table{did_you_mean(name, schema)}"


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else shown(key)


def _hint(key: str, table: str, schema: Schema) -> str:
    """Say what an unknown key could have been, or where it belongs."""
    near = did_you_mean(key, schema.get(table, ()))
    if near:
        return near
    homes = [_heading(name) for name, keys in schema.items() if key in keys]
    if homes:
        return f"; it belongs to {' or '.join(homes)}"
    return f"; there are {', '.join(schema[table])}" if table else ""


def _heading(table: str) -> str:
    return f"[{table}]" if table in TABLES else f"[[{table}]]"


def _repeated_names(entries: list[Entry]) -> Iterator[str]:
    seen: set[str] = set()
    for entry in entries:
        if entry.right("name"):
            if entry["name"] in seen:
                yield entry.mistake("name", "is the name of two")
            seen.add(entry["name"])
