"""`config/collector.toml` explains every key, and what it says of defaults is true."""

import re
import tomllib
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from collector.config.document import LISTS, TABLES
from collector.config.load import default_config, load_file
from collector.config.reload import FIXED
from collector.config.remarks import remarks
from collector.config.schema import OUTPUT_KEYS, schema
from tests.config.documents import mistakes_of

_FILE = Path(__file__).parents[2] / "config" / "collector.toml"
# A commented key has no blank after its #, prose has one.
_COMMENTED = re.compile(r"^#(\[|[a-z_]+ = )", re.MULTILINE)
_HEADING = re.compile(r"^#?\[+([a-z]+)\]+$", re.MULTILINE)
_RESTART = re.compile(r"\(restart\)\n#([a-z_]+) = ")
_EVERYTHING = _COMMENTED.sub(r"\1", _FILE.read_text())
_KINDS = TABLES | LISTS
_KEYS = [(table, column) for table, kind in _KINDS.items() for column in fields(kind)]

_EXAMPLES = {("output", "brokers")}  # every Kafka output must have them


def _entries(table: str) -> list[dict[str, Any]]:
    found = tomllib.loads(_EVERYTHING)[table]
    return found if isinstance(found, list) else [found]


def _default(column: Any) -> Any:
    return column.default if column.default is not MISSING else column.default_factory()


def test_it_loads_as_it_is_and_changes_nothing() -> None:
    config = load_file(_FILE)
    assert config == default_config()
    assert remarks(config) == []


@pytest.mark.parametrize(
    ("table", "column"), _KEYS, ids=[f"{table}.{column.name}" for table, column in _KEYS]
)
def test_every_key_is_there_with_its_default(table: str, column: Any) -> None:
    values = [entry[column.name] for entry in _entries(table) if column.name in entry]
    assert values, f"{_FILE.name} does not explain [{table}] {column.name}"
    if (table, column.name) in _EXAMPLES:
        return
    has_default = column.default is not MISSING or column.default_factory is not MISSING
    if has_default and _default(column) is not None:
        # As text in the file it may be more readable: "64 MiB".
        read = schema(Path("/"))[table][column.name]
        assert [read(value) for value in values] == [_default(column)]


def test_every_key_is_known_and_in_one_place() -> None:
    for table, kind in _KINDS.items():
        known = {column.name for column in fields(kind)}
        assert set(schema(Path("/"))[table]) == known
        for entry in _entries(table):
            assert set(entry) <= known
    outputs = {entry["type"]: set(entry) for entry in _entries("output")}
    for kind, keys in OUTPUT_KEYS.items():
        assert outputs[kind] - {"name", "type", "buffer_octets"} == keys


def test_with_every_key_set_only_login_and_certificates_lack_their_protocol() -> None:
    assert all(": needs security = " in line for line in mistakes_of(_EVERYTHING))


def test_what_needs_a_restart_is_marked() -> None:
    tables = _HEADING.split(_FILE.read_text())[1:]
    marked = {
        (table, key)
        for table, text in zip(tables[::2], tables[1::2], strict=True)
        for key in _RESTART.findall(text)
    }
    assert marked == {(table, key) for table, keys in FIXED.items() for key in keys}


def test_every_key_is_explained() -> None:
    """A key stands below prose, or below another key (name and type of an example)."""
    lines = _FILE.read_text().splitlines()
    for above, line in pairwise(lines):
        if _COMMENTED.match(line) and not line.startswith("#["):
            assert above.startswith("#"), line
    assert max(map(len, lines)) <= 100
