"""Settings of all kinds for property tests: every field of every table, values that may be."""

from dataclasses import MISSING, replace
from typing import Any

from hypothesis import strategies as st

from collector.config.values import BadValue
from collector.nfacctd.contradictions import PLUGIN_OUTPUTS, history_contradictions
from collector.nfacctd.flows.primitives import FLOWS, PRIMITIVES
from collector.nfacctd.settings import BmpOutput, KafkaSettings, Plugin, Settings
from collector.nfacctd.table_keys import TableKey, keys_of

_NUMBERS = (0, 1, 2, 60, 77, 86_400, 1_000_000, (1 << 31) - 1, (1 << 64) - 1)
_TEXTS = (
    *("json", "avro", "csv", "s", "M", "m", "h", "kafka", "print", "bmp", "mask", "netflow"),
    *("bgp", "longest", "path_id", "mpls_vpn_rd", "zstd", "none", "murmur2", "PLAIN", "http://r:1"),
    *("k:9092", "[2001:db8::1]:1", "192.0.2.0/24", "2001:db8::/32", "/tmp/%Y/$peer_src_ip", ";"),
    *("a\tb", 'quotes " and \\', "é ☃", "", "tag 'x' # no comment", "ip or udp", __file__),
)
# Files that are loaded when the table is read.
_LOADED = ("aggregate_primitives", "librdkafka_file")


def any_settings() -> st.SearchStrategy[Settings]:
    """Give settings that a table can say, without what is told elsewhere."""
    return _tables(Settings).map(_consistent)


def _tables(kind: type) -> st.SearchStrategy[Any]:
    values = {key.column.name: _values(key) for key in keys_of(kind).values()}
    return st.builds(kind, **{name: value for name, value in values.items() if value is not None})


def _values(key: TableKey) -> st.SearchStrategy[Any] | None:
    if key.name in _LOADED:
        return None
    if key.name == "aggregate":
        return st.lists(st.sampled_from([*PRIMITIVES, FLOWS]), unique=True, max_size=30).map(tuple)
    values = _tables(key.kind) if key.is_table else _single(key)
    if key.is_list:
        values = st.lists(values, max_size=3).map(tuple)
    if key.default is MISSING:
        return values
    return st.one_of(st.just(key.default), values)


def _single(key: TableKey) -> st.SearchStrategy[Any]:
    if key.kind is bool:
        return st.booleans()
    known = [value for value in (_NUMBERS if key.kind is int else _TEXTS) if _is_right(key, value)]
    assert known, key
    return st.sampled_from(known)


def _is_right(key: TableKey, value: Any) -> bool:
    if key.is_path and not str(value).startswith("/"):
        return False
    try:
        return key.read is None or key.read(value) == value
    except BadValue:
        return False


def _consistent(settings: Settings) -> Settings:
    """Take back what contradicts something else."""
    plugins = [
        _plugin(plugin, settings, f"{plugin.name}{number}")
        for number, plugin in enumerate(settings.plugins)
    ]
    bmp = settings.bmp
    dump = bmp.dump
    if dump is not None:
        dump = replace(dump, target=_target(dump.target))
    msglog = bmp.msglog and replace(_target(bmp.msglog), latest_file=None)
    return replace(settings, plugins=tuple(plugins), bmp=replace(bmp, msglog=msglog, dump=dump))


def _plugin(plugin: Plugin, settings: Settings, name: str) -> Plugin:
    forms = PLUGIN_OUTPUTS[plugin.type]
    by_start = plugin.history is not None and not settings.time_new and not plugin.stitching
    tables = {other: None for other in PLUGIN_OUTPUTS if other != plugin.type}
    tables[plugin.type] = getattr(plugin, plugin.type) or keys_of(Plugin)[plugin.type].kind()
    history = plugin.history
    if history is not None and next(history_contradictions(history), None):
        history = replace(history, offset_s=0)
    plugin = replace(
        plugin,
        name=name,
        history=history,
        output=plugin.output if plugin.output in forms else forms[0],
        pro_rating=plugin.pro_rating and by_start,
        **tables,
    )
    return plugin if plugin.kafka is None else replace(plugin, kafka=_topic(plugin.kafka))


def _topic(kafka: KafkaSettings) -> KafkaSettings:
    kafka = replace(kafka, avro_schema_registry=None)
    if kafka.dynamic_topic:
        kafka = replace(kafka, multi_values=0, topic_rr=0)
    return replace(kafka, partition_dynamic="$" in (kafka.partition_key or ""))


def _target(target: BmpOutput) -> BmpOutput:
    kafka = target.kafka and replace(_topic(target.kafka), multi_values=0)
    file = None if kafka else target.file or "/tmp/x"
    return replace(target, file=file, kafka=kafka)
