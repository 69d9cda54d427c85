"""A native configuration as TOML text: the keys that differ from their defaults, with remarks."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from collector.config.document import LISTS, TABLES
from collector.config.model import Config

_WIDTH = 96

Remarks = Mapping[tuple[str, int], list[str]]
"""Comments above a table, by its name and its number among those of that name."""


def to_toml(config: Config, remarks: Remarks) -> str:
    """Write a configuration, as `config/collector.toml` has it."""
    blocks = []
    for name in TABLES:
        lines = [*_comments(remarks, name, 0)]
        if settings := [*_settings(getattr(config, name))]:
            lines += [f"[{name}]", *settings]
        blocks.append(lines)
    for name in LISTS:
        for number, entry in enumerate(getattr(config, name)):
            lines = [*_comments(remarks, name, number), f"[[{name}]]", *_settings(entry)]
            blocks.append(lines)
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def comment(text: str) -> list[str]:
    """Write text as lines of comment."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _comments(remarks: Remarks, name: str, number: int) -> Iterator[str]:
    for text in remarks.get((name, number), ()):
        yield from comment(text)


def _settings(table: Any) -> Iterator[str]:
    for entry in fields(table):
        value = getattr(table, entry.name)
        default = entry.default
        if default is MISSING and entry.default_factory is not MISSING:
            default = entry.default_factory()
        if value != default:
            yield f"{entry.name} = {_value(value)}"


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
    return "[\n" + "".join(f"    {value},\n" for value in values) + "]"
