"""The table [nfacctd] of a native configuration in, settings out, or all its mistakes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any

from collector.config.values import BadValue, did_you_mean, flag, shown
from collector.errors import ConfigError
from collector.nfacctd.contradictions import topic_contradictions, unknown_primitives
from collector.nfacctd.maps.custom_primitives import load_custom_primitives
from collector.nfacctd.read_kafka import connection_of_file
from collector.nfacctd.read_values import UnsupportedValueError, aggregate
from collector.nfacctd.settings import (
    BmpOutput,
    KafkaConnection,
    KafkaSettings,
    Plugin,
    PrintSettings,
    Settings,
)
from collector.nfacctd.table_keys import PLUGIN_OUTPUTS, SECRETS, TableKey, keys_of, values_of

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
    if not reading.mistakes:
        reading.mistakes += _contradictions(settings, document)
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
        return None if len(self.mistakes) > before else kind(**values)

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


def _join(path: str, name: str) -> str:
    name = name if name.replace("_", "").isalnum() and name.isascii() else shown(name)
    return f"{path}.{name}" if path else name


def _place(entry: Any, number: int) -> str:
    """Tell which entry of a list is meant: by its name if it has one."""
    name = entry.get("name") if isinstance(entry, dict) else None
    return shown(name) if isinstance(name, str) else str(number)


def _contradictions(settings: Settings, document: Mapping[str, Any]) -> Iterator[str]:
    yield from _names_given_twice(settings)
    own = _own_primitives(settings)
    for plugin in settings.plugins:
        path = f"plugin[{shown(plugin.name)}]"
        for name, reason in (
            *_plugin_contradictions(plugin, settings),
            *_aggregate_contradictions(plugin, own),
        ):
            yield f"{_at(path)}.{name}: {reason}"
    if isinstance(own, ConfigError):
        yield from (f"{_at('aggregate_primitives')}: {mistake}" for mistake in own.mistakes)
    bmp = settings.bmp
    listens = document.get("listen")
    if "bmp" in document[TABLE] and isinstance(listens, list) and not _has_bmp(listens):
        yield f'{_at("bmp")}: needs a [[listen]] of kind = "bmp"'
    targets = [("bmp.msglog", bmp.msglog)]
    if bmp.dump is not None:
        targets.append(("bmp.dump.target", bmp.dump.target))
    for path, target in targets:
        if target is not None:
            for name, reason in _bmp_contradictions(target, is_dump="dump" in path):
                yield f"{_at(path)}{name}: {reason}"


def _has_bmp(listens: list[Any]) -> bool:
    return any(isinstance(entry, dict) and entry.get("kind") == "bmp" for entry in listens)


def _names_given_twice(settings: Settings) -> Iterator[str]:
    counts = Counter(plugin.name for plugin in settings.plugins)
    for name, count in counts.items():
        if count > 1:
            yield f"{_at('plugin')}: {shown(name)} is the name of {count}"


def _own_primitives(settings: Settings) -> set[str] | ConfigError:
    if settings.aggregate_primitives is None:
        return set()
    try:
        return {own.name for own in load_custom_primitives(settings.aggregate_primitives)}
    except ConfigError as error:
        return error


def _aggregate_contradictions(
    plugin: Plugin, own: set[str] | ConfigError
) -> Iterator[tuple[str, str]]:
    try:
        aggregate(",".join(plugin.aggregate))
    except (UnsupportedValueError, ValueError) as error:
        yield "aggregate", str(error)
        return
    unknown = () if isinstance(own, ConfigError) else unknown_primitives(plugin.aggregate, own)
    if names := ", ".join(unknown):
        yield "aggregate", f"no such primitive: {names}"


def _plugin_contradictions(plugin: Plugin, settings: Settings) -> Iterator[tuple[str, str]]:
    for other in PLUGIN_OUTPUTS:
        if other != plugin.type and getattr(plugin, other) is not None:
            yield other, f'only a plugin of type = "{other}" has this'
    forms = PLUGIN_OUTPUTS[plugin.type]
    if plugin.output not in forms:
        yield "output", f'of type = "{plugin.type}" must be one of {", ".join(forms)}'
    if plugin.pro_rating and plugin.stitching:
        yield "pro_rating", "cannot be together with stitching"
    if plugin.pro_rating and (plugin.history is None or settings.time_new):
        yield "pro_rating", "needs history, and cannot be together with time_new"
    if plugin.kafka is not None:
        has_schemas = plugin.output == "avro"
        found = topic_contradictions(plugin.kafka, plugin.output, has_schemas=has_schemas)
        yield from ((f"kafka.{name}", reason) for name, reason in found)


def _bmp_contradictions(target: BmpOutput, *, is_dump: bool) -> Iterator[tuple[str, str]]:
    if (target.file is None) == (target.kafka is None):
        yield "", "needs either file or kafka"
    if target.latest_file is not None and not is_dump:
        yield ".latest_file", "only a dump has this"
    if target.kafka is None:
        return
    for name, reason in topic_contradictions(target.kafka, target.output, has_schemas=True):
        yield f".kafka.{name}", reason
    if target.kafka.multi_values:
        yield ".kafka.multi_values", "only a plugin has this"
    if target.kafka.partition_dynamic != ("$" in (target.kafka.partition_key or "")):
        yield ".kafka.partition_dynamic", "must be true where partition_key has variables"
