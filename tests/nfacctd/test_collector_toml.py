"""`config/collector.toml` lists the keys of every table of [nfacctd]."""

import re
from pathlib import Path

from collector.nfacctd.settings import BmpOutput
from collector.nfacctd.table_keys import INLINE, keys_of, tables

_FILE = Path(__file__).parents[2] / "config" / "collector.toml"
_LISTING = re.compile(r"^# \[\[?(nfacctd[a-z._]*)\]\]? (.*(?:\n#   .*)*)", re.MULTILINE)
_TABLE = re.compile(r"(\w+) \((?:a table|a list of tables): ([\w, ]+)\)")


def _listed() -> dict[str, str]:
    text = _FILE.read_text()
    return {table: re.sub(r"\n#   ", " ", told) for table, told in _LISTING.findall(text)}


def _words(told: str) -> list[str]:
    told = re.sub(r"\([^()]*\)", "", told).partition(";")[0]
    return [word.strip() for word in told.split(",")]


def test_every_key_is_listed_and_no_other() -> None:
    listed = _listed()
    seen: set[type] = set()
    for name, kind in tables():
        keys = keys_of(kind).values()
        if kind in INLINE or kind in seen:
            continue
        seen.add(kind)
        own = [key.name for key in keys if not key.is_table or key.kind in INLINE]
        assert sorted(_words(listed.pop(name))) == sorted(own), name
    assert not listed
    assert BmpOutput in seen


def test_tables_in_one_line_are_told() -> None:
    told = {
        name: keys.split(", ") for text in _listed().values() for name, keys in _TABLE.findall(text)
    }
    for _, kind in tables():
        for key in keys_of(kind).values():
            if key.kind in INLINE and key.name in told:
                assert told[key.name] == [*keys_of(key.kind)]
    assert {"timestamps", "history", "preprocess", "pre_tag2_filter"} <= set(told)
    assert "pre_tag_label_filter" in told
