"""What settings must not contradict in each other, in whichever syntax they were written.

Each rule gives (attribute, reason); who reads a syntax knows how an attribute is called there.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from collector.config.values import shown
from collector.nfacctd.flows.primitives import is_custom
from collector.nfacctd.read_values import UnsupportedValueError, aggregate
from collector.nfacctd.settings import (
    BmpOutput,
    BmpSettings,
    History,
    KafkaSettings,
    Plugin,
    Settings,
)

PLUGIN_OUTPUTS = {
    "kafka": ("json", "avro", "avro_json"),
    "print": (
        *("formatted", "csv", "json", "avro", "avro_json"),
        *("event_formatted", "event_csv"),
    ),
}

_WITH_VARIABLES = "cannot be together with a topic that has variables"
_LONGEST_MONTH_S = 31 * 86_400
_ONLY_DUMPS, _ONLY_PLUGINS = "only a dump has this", "only a plugin has this"


def contradictions(table: Any) -> Iterator[tuple[str, str]]:
    """Judge one table of settings; the tables in it are right in themselves."""
    match table:
        case Settings():
            yield from _between_plugins(table)
        case Plugin():
            yield from _in_plugin(table)
        case BmpSettings(msglog=BmpOutput(latest_file=str())):
            yield "msglog.latest_file", _ONLY_DUMPS
        case BmpOutput():
            yield from _in_bmp_output(table)


def topic_contradictions(
    kafka: KafkaSettings, output: str, *, has_schemas: bool
) -> Iterator[tuple[str, str]]:
    """Judge a topic by how records go there.

    Args:
        output: the form of records.
        has_schemas: whether the registry, if there is one, gets any.
    """
    if kafka.dynamic_topic:
        if kafka.multi_values:
            yield "multi_values", _WITH_VARIABLES
        if kafka.topic_rr:
            yield "topic_rr", _WITH_VARIABLES
    if kafka.avro_schema_registry is not None:
        if kafka.dynamic_topic and has_schemas:
            yield "avro_schema_registry", _WITH_VARIABLES
        if output == "avro_json":
            yield "avro_schema_registry", "cannot be together with the output avro_json"
    if kafka.partition_dynamic and kafka.partition_key is None:
        yield "partition_dynamic", "needs a partition_key"


def history_contradictions(history: History) -> Iterator[tuple[str, str]]:
    """Judge bins of time: they are moved by less than one of them."""
    longest_s = history.length_s or history.count * _LONGEST_MONTH_S
    if history.offset_s >= longest_s:
        yield "offset_s", f"must be less than the {longest_s} s of a bin"


def unknown_primitives(names: Collection[str], own: Collection[str]) -> Iterator[str]:
    """Name the primitives that neither nfacctd nor the operator's file has."""
    return (name for name in names if is_custom(name) and name not in own)


def _between_plugins(settings: Settings) -> Iterator[tuple[str, str]]:
    counts = Counter(plugin.name for plugin in settings.plugins)
    for name, count in counts.items():
        if count > 1:
            yield "plugin", f"{shown(name)} is the name of {count}"
    if settings.time_new and any(plugin.pro_rating for plugin in settings.plugins):
        yield "time_new", "cannot be together with pro_rating of a plugin"


def _in_plugin(plugin: Plugin) -> Iterator[tuple[str, str]]:
    for other in PLUGIN_OUTPUTS:
        if other != plugin.type and getattr(plugin, other) is not None:
            yield other, f'only a plugin of type = "{other}" has this'
    forms = PLUGIN_OUTPUTS[plugin.type]
    if plugin.output not in forms:
        yield "output", f'of type = "{plugin.type}" must be one of {", ".join(forms)}'
    if plugin.history is not None:
        found = history_contradictions(plugin.history)
        yield from ((f"history.{name}", reason) for name, reason in found)
    if plugin.pro_rating and plugin.stitching:
        yield "pro_rating", "cannot be together with stitching"
    if plugin.pro_rating and plugin.history is None:
        yield "pro_rating", "needs history"
    try:
        aggregate(",".join(plugin.aggregate))
    except (UnsupportedValueError, ValueError) as error:
        yield "aggregate", str(error)
    if plugin.kafka is not None:
        has_schemas = plugin.output == "avro"
        found = topic_contradictions(plugin.kafka, plugin.output, has_schemas=has_schemas)
        yield from ((f"kafka.{name}", reason) for name, reason in found)


def _in_bmp_output(target: BmpOutput) -> Iterator[tuple[str, str]]:
    if (target.file is None) == (target.kafka is None):
        yield "", "needs either file or kafka"
    if target.kafka is None:
        return
    for name, reason in topic_contradictions(target.kafka, target.output, has_schemas=True):
        yield f"kafka.{name}", reason
    if target.kafka.multi_values:
        yield "kafka.multi_values", _ONLY_PLUGINS
    if target.kafka.partition_dynamic != ("$" in (target.kafka.partition_key or "")):
        yield "kafka.partition_dynamic", "must be true where partition_key has variables"
