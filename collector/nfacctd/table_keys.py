"""The keys of [nfacctd] in a native configuration: the fields of `settings.py`, and their readers.

A key takes what nfacctd.conf takes for the same field: its reader is that of `keys_elsewhere.KEYS`.
Here is only what the two syntaxes write differently.
"""

from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from collector.config.values import BadValue, broker, integer, one_of, prefix
from collector.nfacctd.contradictions import PLUGIN_OUTPUTS
from collector.nfacctd.keys_elsewhere import KEYS
from collector.nfacctd.librdkafka import CONNECTION_READERS
from collector.nfacctd.read_values import (
    UnsupportedValueError,
    existing_file,
    path,
    words,
)
from collector.nfacctd.settings import (
    BmpDump,
    BmpOutput,
    BmpSettings,
    History,
    KafkaConnection,
    KafkaSettings,
    LabelTerm,
    Networks,
    Plugin,
    Preprocess,
    PrintSettings,
    Settings,
    TagRange,
    Timestamps,
    to_document,
)

SECRETS = ("password", "key_password")

# What other tables of a native configuration say: [collector] name, [[listen]].
ELSEWHERE: dict[type, tuple[str, ...]] = {
    Settings: ("core_proc_name", "ip", "port", "pipe_size"),
    BmpSettings: ("enabled", "ip", "port"),
}
# Tables that are short enough to stand in one line.
INLINE = (History, LabelTerm, Preprocess, TagRange, Timestamps)

_NAMES = {(Settings, "plugins"): "plugin"}
_MAX_UINT32, _MAX_UINT64 = (1 << 32) - 1, (1 << 64) - 1
_MAX_INT = (1 << 31) - 1

# Owners of fields, as `keys.Key.field` calls them.
_OWNERS: dict[type, tuple[str, ...]] = {
    Settings: ("core", "writer", "tags"),
    Timestamps: ("timestamps",),
    Networks: ("networks",),
    Plugin: ("plugin", "writer", "tags"),
    History: ("history",),
    KafkaSettings: ("kafka",),
    PrintSettings: ("print",),
    BmpSettings: ("bmp",),
    BmpOutput: ("msglog", "dump_target"),
    BmpDump: ("dump",),
}


def _by_text(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Read a value as nfacctd.conf would have it."""

    def read_value(value: Any) -> Any:
        try:
            return read(str(value))
        except (UnsupportedValueError, ValueError) as error:
            raise BadValue.of(value, str(error)) from None

    return read_value


_OWN_READERS: dict[tuple[type, str], Callable[[Any], Any]] = {
    (Settings, "files_umask"): integer(0o002, 0o777),
    (Settings, "allow"): prefix,
    (BmpSettings, "allow"): prefix,
    **{(Settings, f"{name}_out"): _by_text(path) for name in ("flow", "bmp", "dump")},
    (Plugin, "name"): _by_text(words),
    (Plugin, "type"): one_of(*PLUGIN_OUTPUTS),
    (Plugin, "aggregate"): str.lower,
    (Plugin, "output"): one_of(*PLUGIN_OUTPUTS["print"]),
    (KafkaSettings, "multi_values"): integer(0, _MAX_INT),
    (KafkaConnection, "librdkafka_file"): _by_text(existing_file),
    (KafkaConnection, "brokers"): broker,
    (History, "count"): integer(1, 999_999_999),
    (History, "unit"): one_of("s", "m", "h", "d", "w", "M"),
    (TagRange, "first"): integer(0, _MAX_UINT64),
    (TagRange, "last"): integer(0, _MAX_UINT64),
    **{
        (Preprocess, column.name): integer(1, _MAX_UINT32)
        for column in fields(Preprocess)
        if column.name != "match_all"
    },
}


@dataclass(frozen=True, slots=True)
class TableKey:
    """One key.

    Attributes:
        name: in the table.
        column: the field that it sets.
        kind: bool, int, str, or the dataclass of a table.
        is_list: whether the value is a list of these.
        read: judges a value, or an entry of the list, that is of the kind.
        is_path: whether it names a file.
    """

    name: str
    column: Field[Any]
    kind: type
    is_list: bool
    read: Callable[[Any], Any] | None
    is_path: bool

    @property
    def default(self) -> Any:
        """What the field is without the key; `dataclasses.MISSING` where it must be there."""
        return self.column.default

    @property
    def is_table(self) -> bool:
        """Whether the value is a table, or a list of tables."""
        return is_dataclass(self.kind)


@cache
def keys_of(kind: type) -> dict[str, TableKey]:
    """Give the keys of a table by name, in the order of its dataclass."""
    hints = get_type_hints(kind)
    found = (_key(kind, column, hints[column.name]) for column in fields(kind))
    hidden = ELSEWHERE.get(kind, ())
    return {key.name: key for key in found if key.column.name not in hidden}


def values_of(settings: Settings) -> dict[str, Any]:
    """Write what [nfacctd] says as plain values."""
    document = to_document(settings)
    for table, kind in ((document, Settings), (document["bmp"], BmpSettings)):
        for name in ELSEWHERE[kind]:
            del table[name]
    return document


def tables() -> Iterator[tuple[str, type]]:
    """Give the name of every table with its kind, [nfacctd] first."""
    yield from _tables("nfacctd", Settings)


def _tables(name: str, kind: type) -> Iterator[tuple[str, type]]:
    yield name, kind
    for key in keys_of(kind).values():
        if key.is_table:
            yield from _tables(f"{name}.{key.name}", key.kind)


def _key(kind: type, column: Field[Any], hint: Any) -> TableKey:
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    is_list = get_origin(hint) is tuple
    if is_list:
        hint = get_args(hint)[0]
    name = _NAMES.get((kind, column.name), column.name)
    of_conf = _conf_reader(kind, column.name)
    own = _OWN_READERS.get((kind, column.name))
    read = own
    if read is None and of_conf is not None and hint in (int, str) and not is_list:
        read = _by_text(of_conf)
    is_path = of_conf in (path, existing_file) and own is None
    is_path = is_path or name in ("librdkafka_file", "flow_out", "bmp_out", "dump_out")
    return TableKey(name, column, hint, is_list, read, is_path)


def _conf_reader(kind: type, field: str) -> Callable[[str], Any] | None:
    if kind is KafkaConnection:
        return CONNECTION_READERS.get(field)
    readers = KEYS.readers()
    names = (f"{owner}.{field}" for owner in _OWNERS.get(kind, ()))
    return next((readers[name] for name in names if name in readers), None)
