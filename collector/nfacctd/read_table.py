"""The table [nfacctd] of a native configuration in, settings out, or all its mistakes."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any

from collector.config.values import BadValue, did_you_mean, flag, shown
from collector.errors import ConfigError
from collector.nfacctd.contradictions import contradictions, unknown_primitives
from collector.nfacctd.maps.custom_primitives import load_custom_primitives
from collector.nfacctd.read_kafka import connection_of_file
from collector.nfacctd.settings import (
    KafkaConnection,
    KafkaSettings,
    Plugin,
    PrintSettings,
    Settings,
)
from collector.nfacctd.table_keys import SECRETS, TableKey, keys_of, values_of

TABLE = "nfacctd"


def read_table(document: Mapping[str, Any], directory: Path) -> tuple[dict[str, Any], list[str]]:
    """Read the table; what [collector] and [[listen]] say of the same is `native.settings_of`'s.

    Args:
        document: the whole configuration.
        directory: where relative paths start.
    Returns:
        The settings as plain values, and all mistakes; with mistakes the settings are nothing.
    """
    reading = _Reading(directory)
    settings = reading.table(Settings, document[TABLE], "")
    if settings is not None:
        reading.mistakes += _primitives_mistakes(settings)
    if _lacks_socket(document):
        reading.mistakes.append(f'{_at("bmp")}: needs a [[listen]] of kind = "bmp"')
    return ({} if reading.mistakes else values_of(settings)), reading.mistakes


@dataclass(slots=True)
class _Reading:
    """Reads table by table; a table with mistakes is None."""

    directory: Path
    mistakes: list[str] = field(default_factory=list)

    def table(self, kind: type, given: Any, path: str) -> Any:
        """Read one table; ``path`` names it in mistakes, by dotted keys."""
        if not isinstance(given, dict):
            self._wrong(path, given, "must be a table")
            return None
        before = len(self.mistakes)
        keys = keys_of(kind)
        for name in given:
            if name not in keys:
                hint = did_you_mean(name, keys) or f"; there are {', '.join(keys)}"
                self.mistakes.append(f"{_at(_join(path, name))}: no such key{hint}")
        base = self._base(kind, given, path)
        values = dict(base)
        for name, key in keys.items():
            if name in given:
                values[key.column.name] = self._value(key, given[name], _join(path, name))
            elif key.default is MISSING and key.column.name not in base:
                self.mistakes.append(f"{_at(_join(path, name))}: is missing")
        if len(self.mistakes) > before:
            return None
        found = kind(**values)
        for name, reason in contradictions(found):
            self.mistakes.append(f"{_at(_dotted(path, name))}: {reason}")
        return None if len(self.mistakes) > before else found

    def _base(self, kind: type, given: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Give what a table starts from, where that is more than its defaults."""
        if kind is KafkaConnection and isinstance(name := given.get("librdkafka_file"), str):
            try:
                return connection_of_file(str(self.directory / name))
            except ConfigError as error:
                where = _at(_join(path, "librdkafka_file"))
                self.mistakes += [f"{where}: {mistake}" for mistake in error.mistakes]
        if kind is Plugin:
            defaults = {"kafka": KafkaSettings(), "print": PrintSettings()}
            return {name: value for name, value in defaults.items() if name == given.get("type")}
        return {}

    def _value(self, key: TableKey, value: Any, path: str) -> Any:
        if not key.is_list:
            return self._single(key, value, path)
        if not isinstance(value, list):
            self._wrong(path, value, "must be a list in [ ], or several [[ ]]")
            return ()
        return tuple(
            self._single(key, entry, f"{path}[{_place(entry, number)}]")
            for number, entry in enumerate(value)
        )

    def _single(self, key: TableKey, value: Any, path: str) -> Any:
        if key.is_table:
            return self.table(key.kind, value, path)
        try:
            found = _TYPES[key.kind](value)
            if key.is_path and found:
                found = str(self.directory / found)
            return found if key.read is None else key.read(found)
        except BadValue as error:
            for _, part, reason in error.faults:
                self._wrong(path, part, reason)
            return None

    def _wrong(self, path: str, value: Any, reason: str) -> None:
        told = "(not shown)" if path.rpartition(".")[2] in SECRETS else shown(value)
        self.mistakes.append(f"{_at(path)} = {told}: {reason}")


def _line(value: Any) -> str:
    # nfacctd.conf may have tabs in names, which other tables have not.
    if not isinstance(value, str):
        raise BadValue.of(value, "must be text in quotes")
    if not value.replace("\t", "").isprintable():
        raise BadValue.of(value, "must have printable characters only")
    return value


def _number(value: Any) -> int:
    if type(value) is not int:  # True is an int to Python
        raise BadValue.of(value, "must be a whole number")
    return value


_TYPES = {bool: flag, int: _number, str: _line}


def _at(path: str) -> str:
    return f"[{TABLE}] {path}" if path else f"[{TABLE}]"


def _join(path: str, key: str) -> str:
    plain = key.replace("_", "").isalnum() and key.isascii()
    return _dotted(path, key if plain else shown(key))


def _dotted(path: str, name: str) -> str:
    return ".".join(part for part in (path, name) if part)


def _place(entry: Any, number: int) -> str:
    """Tell which entry of a list is meant: by its name if it has one."""
    name = entry.get("name") if isinstance(entry, dict) else None
    return shown(name) if isinstance(name, str) else str(number)


def _lacks_socket(document: Mapping[str, Any]) -> bool:
    """Tell whether BMP is configured and the operator's list of sockets has none for it."""
    table, listens = document[TABLE], document.get("listen")
    if not (isinstance(table, dict) and "bmp" in table and isinstance(listens, list)):
        return False
    return not any(isinstance(entry, dict) and entry.get("kind") == "bmp" for entry in listens)


def _primitives_mistakes(settings: Settings) -> Iterator[str]:
    own: set[str] = set()
    if settings.aggregate_primitives is not None:
        try:
            own = {found.name for found in load_custom_primitives(settings.aggregate_primitives)}
        except ConfigError as error:
            where = _at("aggregate_primitives")
            yield from (f"{where}: {mistake}" for mistake in error.mistakes)
            return
    for plugin in settings.plugins:
        if unknown := ", ".join(unknown_primitives(plugin.aggregate, own)):
            where = _at(f"plugin[{shown(plugin.name)}].aggregate")
            yield f"{where}: no such primitive: {unknown}"
