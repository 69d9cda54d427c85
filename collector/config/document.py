"""The configuration as plain values and back: how it travels to the workers."""

from dataclasses import asdict, fields
from typing import Any

from collector.config.model import (
    AggregateTable,
    CollectorTable,
    Config,
    DeviceTable,
    FlowTable,
    ListenTable,
    OutputTable,
    PublishTable,
    RibTable,
    RouteDistinguisherTable,
    SnapshotTable,
    SteeringTable,
)

# The tables of `config/collector.toml` by name: one of each, and those that come as lists.
TABLES: dict[str, type] = {
    "collector": CollectorTable,
    "steering": SteeringTable,
    "flow": FlowTable,
    "rib": RibTable,
    "snapshot": SnapshotTable,
}
LISTS: dict[str, type] = {
    "listen": ListenTable,
    "device": DeviceTable,
    "rd": RouteDistinguisherTable,
    "aggregate": AggregateTable,
    "output": OutputTable,
    "publish": PublishTable,
}


def to_document(config: Config) -> dict[str, Any]:
    """Write a configuration as dictionaries, lists and plain values."""
    return asdict(config)


def from_document(document: dict[str, Any]) -> Config:
    """Read what `to_document` wrote; nothing is validated again."""
    tables: dict[str, Any] = {
        name: _table(kind, document.get(name, {})) for name, kind in TABLES.items()
    }
    for name, kind in LISTS.items():
        tables[name] = tuple(_table(kind, entry) for entry in document.get(name, ()))
    return Config(**tables, nfacctd=document.get("nfacctd"))


def _table(kind: type, values: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    return kind(
        **{
            key: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()
            if key in known
        }
    )
