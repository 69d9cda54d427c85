"""A native configuration with the table [nfacctd] as TOML text: what differs from the defaults."""

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from collector.config.document import LISTS, TABLES
from collector.config.model import Config
from collector.errors import ConfigError
from collector.nfacctd.read_kafka import connection_of_file
from collector.nfacctd.settings import KafkaConnection, Settings, from_document
from collector.nfacctd.table_keys import INLINE, TableKey, keys_of

_WIDTH = 96


def to_toml(config: Config) -> str:
    """Write a configuration; secrets stay in the file of librdkafka that holds them."""
    blocks = []
    for name in TABLES:
        if settings := [*_settings(getattr(config, name))]:
            blocks.append([f"[{name}]", *settings])
    for name in LISTS:
        blocks += [[f"[[{name}]]", *_settings(entry)] for entry in getattr(config, name)]
    if config.nfacctd is not None:
        blocks += _blocks("[nfacctd]", from_document(config.nfacctd, Settings))
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _settings(table: Any) -> Iterator[str]:
    """Write the keys of a table of `config.model`."""
    for entry in fields(table):
        value = getattr(table, entry.name)
        default = entry.default
        if default is MISSING and entry.default_factory is not MISSING:
            default = entry.default_factory()
        if value != default:
            yield f"{entry.name} = {_value(value)}"


def _blocks(heading: str, table: Any) -> Iterator[list[str]]:
    """Write a table of `settings.py` under its heading, then the tables in it."""
    here, below = [heading], []
    for key, value in _differing(table):
        if not key.is_table or key.kind in INLINE:
            here.append(f"{key.name} = {_written(key, value)}")
            continue
        path = f"{heading.strip('[]')}.{key.name}"
        if key.is_list:
            for entry in value:
                below += _blocks(f"[[{path}]]", entry)
        else:
            below += _blocks(f"[{path}]", value)
    yield here
    yield from below


def _differing(table: Any) -> Iterator[tuple[TableKey, Any]]:
    defaults = {}
    if isinstance(table, KafkaConnection) and table.librdkafka_file is not None:
        defaults = _said_by(table.librdkafka_file)
    for key in keys_of(type(table)).values():
        value = getattr(table, key.column.name)
        # The name of the file must be there: the values that it sets are not.
        is_file = key.name == "librdkafka_file"
        if value != (key.default if is_file else defaults.get(key.column.name, key.default)):
            yield key, value


def _said_by(librdkafka_file: str) -> dict[str, Any]:
    try:
        return connection_of_file(librdkafka_file)
    except ConfigError:  # `run` will say so
        return {}


def _written(key: TableKey, value: Any) -> str:
    if key.name == "files_umask":
        return f"0o{value:03o}"
    if not key.is_table:
        return _value(value)
    return _list([_inline(entry) for entry in value]) if key.is_list else _inline(value)


def _inline(table: Any) -> str:
    inside = [f"{key.name} = {_written(key, value)}" for key, value in _differing(table)]
    return f"{{ {', '.join(inside)} }}" if inside else "{}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return _list([_value(entry) for entry in value])
    # JSON's escapes are TOML's, but for one character that JSON leaves alone.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: list[str]) -> str:
    line = f"[{', '.join(values)}]"
    if len(line) <= _WIDTH - 20:
        return line
    rows = [""]
    for value in values:
        if rows[-1] and len(rows[-1]) + len(value) > _WIDTH:
            rows.append("")
        rows[-1] += f" {value}," if rows[-1] else f"    {value},"
    return "\n".join(["[", *rows, "]"])
