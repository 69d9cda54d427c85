"""The plugins of a configuration: each with all that is set for it, and what nfacctd ends at."""

from dataclasses import replace
from typing import Any

from collector.errors import ConfigError
from collector.nfacctd.conf import PluginName
from collector.nfacctd.contradictions import (
    history_contradictions,
    topic_contradictions,
    unknown_primitives,
)
from collector.nfacctd.maps.custom_primitives import load_custom_primitives
from collector.nfacctd.maps.preprocess import read_preprocess
from collector.nfacctd.read_kafka import Files, read_kafka
from collector.nfacctd.read_lines import Lines
from collector.nfacctd.settings import (
    History,
    KafkaSettings,
    Plugin,
    Preprocess,
    PrintSettings,
    Timestamps,
)


def read_plugins(lines: Lines, files: Files) -> tuple[Plugin, ...]:
    """Build the plugins of types that we have; what is wrong goes to ``lines``."""
    custom = _custom_primitives(lines)
    plugins = []
    for named in lines.plugins():
        plugin = _plugin(lines, named, files)
        _check_aggregate(lines, plugin, custom)
        plugin = _pro_rated(lines, plugin)
        if plugin.kafka is not None:
            _check_kafka(lines, plugin, plugin.kafka)
        plugins.append(plugin)
    return tuple(plugins)


def _custom_primitives(lines: Lines) -> frozenset[str] | None:
    """Give the names of the operator's file; None where it cannot be read."""
    path = lines.of("core").get("aggregate_primitives")
    if path is None:
        return frozenset()
    try:
        return frozenset(primitive.name for primitive in load_custom_primitives(path))
    except ConfigError as error:
        lines.mistakes += error.mistakes
        return None


def _plugin(lines: Lines, named: PluginName, files: Files) -> Plugin:
    name = named.name
    values = lines.of("plugin", name) | lines.of("writer", name) | lines.of("tags", name)
    values["timestamps"] = Timestamps(**lines.of("timestamps", name))
    values["history"] = _history(lines, name)
    values["preprocess"] = _preprocess(lines, name, values)
    multi_values = values.pop("multi_values", 0)
    if named.type == "kafka":
        kafka = lines.of("kafka", name) | {"multi_values": multi_values}
        values["output"] = kafka.pop("output", "json")
        values["kafka"] = read_kafka(
            lines,
            kafka,
            files,
            lambda attribute, reason: lines.at(f"kafka.{attribute}", reason, name),
        )
    else:
        target = lines.of("print", name)
        values["output"] = target.pop("output", "formatted")
        values["print"] = PrintSettings(**target)
    return Plugin(name=name, type=named.type, **values)


def _history(lines: Lines, name: str) -> History | None:
    parts = lines.of("history", name)
    length: History | None = parts.pop("length", None)
    if length is None:
        return None
    history = replace(length, **parts)
    for attribute, reason in history_contradictions(history):
        lines.mistakes.append(lines.at(f"history.{attribute}", reason, name))
    return history


def _preprocess(lines: Lines, name: str, values: dict[str, Any]) -> Preprocess | None:
    text = values.pop("preprocess", None)
    match_all = values.pop("preprocess_type", "any") == "all"
    if text is None:
        return None
    try:
        return read_preprocess(text, match_all)
    except ValueError as error:
        lines.refused.append(lines.at("plugin.preprocess", str(error), name))
        return None


def _pro_rated(lines: Lines, plugin: Plugin) -> Plugin:
    """Take back `nfacctd_pro_rating` where nfacctd does not obey it."""
    if plugin.pro_rating and plugin.stitching:
        reason = "cannot be together with nfacctd_stitching"
        lines.mistakes.append(lines.at("plugin.pro_rating", reason, plugin.name))
    by_arrival = lines.of("core").get("time_new", False)
    obeyed = plugin.history is not None and not by_arrival
    return replace(plugin, pro_rating=plugin.pro_rating and obeyed)


def _check_aggregate(lines: Lines, plugin: Plugin, custom: frozenset[str] | None) -> None:
    if custom is None:
        return
    if unknown := [*unknown_primitives(plugin.aggregate, custom)]:
        reason = f"no such primitive: {', '.join(unknown)}"
        lines.mistakes.append(lines.at("plugin.aggregate", reason, plugin.name))


def _check_kafka(lines: Lines, plugin: Plugin, kafka: KafkaSettings) -> None:
    has_schemas = plugin.output == "avro"
    for attribute, reason in topic_contradictions(kafka, plugin.output, has_schemas=has_schemas):
        owner = "plugin" if attribute == "multi_values" else "kafka"
        lines.mistakes.append(lines.at(f"{owner}.{attribute}", reason, plugin.name))
