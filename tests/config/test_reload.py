from dataclasses import fields, replace
from typing import Any

import pytest

from collector.config.document import LISTS, TABLES
from collector.config.load import default_config
from collector.config.model import Config
from collector.config.reload import keep_fixed, refused_changes
from tests.config.documents import KAFKA, load

# What a running service takes over; all other keys of the tables are fixed while it runs.
_APPLIED = {
    ("collector", "stop_timeout_s"),
    ("steering", "allow"),
    ("steering", "buckets"),
    ("flow", "batch_rows"),
    ("snapshot", "interval_s"),
}
_KEYS = [(table, column.name) for table, kind in TABLES.items() for column in fields(kind)]


def _changed(config: Config, table: str, key: str) -> Config:
    entry = getattr(config, table)
    value: Any = getattr(entry, key)
    if isinstance(value, bool):
        other: Any = not value
    elif isinstance(value, int):
        other = value + 1
    elif isinstance(value, dict):
        other = {1: 0}
    else:
        other = value[1:] + value[:1] if value else type(value)("x")
    assert other != value
    return replace(config, **{table: replace(entry, **{key: other})})


@pytest.mark.parametrize(("table", "key"), _KEYS, ids=[f"{table}.{key}" for table, key in _KEYS])
def test_a_key_is_applied_or_refused_by_name(table: str, key: str) -> None:
    old = default_config()
    new = _changed(old, table, key)
    if (table, key) in _APPLIED:
        assert refused_changes(old, new) == []
        assert keep_fixed(old, new) == new
    else:
        assert refused_changes(old, new) == [f"[{table}] {key}"]
        assert keep_fixed(old, new) == old


def test_lists_are_applied_except_for_listening_addresses() -> None:
    old = default_config()
    new = load(
        KAFKA
        + '[[aggregate]]\nname = "a"\nkeys = ["device"]\n[[rd]]\nrd = "1:1"\n'
        + '[[device]]\naddresses = ["192.0.2.1"]\n[[listen]]\nkind = "bmp"\n'
    )
    assert refused_changes(old, new) == ["[[listen]]"]
    kept = keep_fixed(old, new)
    assert kept.listen == old.listen
    for name in LISTS:
        if name != "listen":
            assert getattr(kept, name) == getattr(new, name)


def test_buckets_for_workers_that_do_not_start_stay_as_they_were() -> None:
    old = load("[collector]\nworkers = 2\n[steering]\nbuckets = { 1 = 1 }")
    new = load("[collector]\nworkers = 4\n[steering]\nbuckets = { 1 = 0, 2 = 3 }\nallow = ['::/0']")
    assert refused_changes(old, new) == ["[collector] workers", "[steering] buckets"]
    kept = keep_fixed(old, new)
    assert kept.steering.buckets == {1: 1}
    assert kept.steering.allow == ("::/0",)


def test_nothing_changed_is_nothing_refused() -> None:
    assert refused_changes(default_config(), default_config()) == []
