"""The native configuration that comes closest to settings of nfacctd: same sums, other names.

Native records have IANA's names, times of their own form, JSON in place of Avro; what has no
equivalent is told in remarks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from collector.config.model import (
    AggregateTable,
    CollectorTable,
    Config,
    FlowTable,
    OutputTable,
    PublishTable,
    RibTable,
    SnapshotTable,
    SteeringTable,
)
from collector.config.schema import VIEWS
from collector.config.values import printable
from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.nfacctd.native import allowed_by_steering, listen_tables
from collector.nfacctd.native_columns import native_columns
from collector.nfacctd.settings import BmpOutput, KafkaConnection, KafkaSettings, Plugin, Settings

_FROM_ROUTES = ("bmp", "longest")
_DAY_S = 86_400
_DEFAULT_WINDOW_S = 60
_RESERVED = ("flow", "bmp")
_SECURITIES = {
    (False, False): "plaintext",
    (True, False): "tls",
    (False, True): "sasl_plaintext",
    (True, True): "sasl_tls",
}
_HIDDEN_PASSWORD = "not shown"


@dataclass(slots=True)
class Equivalent:
    """A configuration and what is to be said of its tables (`native_toml.Remarks`)."""

    config: Config
    remarks: dict[tuple[str, int], list[str]]


@dataclass(slots=True)
class _Draft:
    """What is gathered plugin by plugin."""

    aggregates: list[AggregateTable] = field(default_factory=list)
    outputs: list[OutputTable] = field(default_factory=list)
    publishes: list[PublishTable] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    remarks: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def remark(self, table: str, number: int, text: str) -> None:
        self.remarks.setdefault((table, number), []).append(text)


def equivalent(settings: Settings, custom: Sequence[CustomPrimitive]) -> Equivalent:
    """Build the configuration.

    Args:
        custom: what `aggregate_primitives` holds.
    """
    draft = _Draft()
    has_routes = settings.bmp.enabled and settings.as_source in _FROM_ROUTES
    for plugin in settings.plugins:
        _add_plugin(draft, settings, plugin, custom, has_routes=has_routes)
    snapshot = _add_bmp(draft, settings)
    _remark_core(draft, settings)
    if not draft.publishes:
        draft.remark("collector", 0, "Without a [[publish]] all records go to standard output.")
    config = Config(
        collector=CollectorTable(name=printable(settings.core_proc_name)),
        steering=SteeringTable(allow=allowed_by_steering(settings)),
        flow=FlowTable(elements=tuple(dict.fromkeys(draft.elements)), extra=False),
        rib=RibTable(views=VIEWS if has_routes else ()),
        snapshot=snapshot,
        listen=listen_tables(settings),
        aggregate=tuple(draft.aggregates),
        output=tuple(draft.outputs),
        publish=tuple(draft.publishes),
    )
    return Equivalent(config, draft.remarks)


def _add_plugin(
    draft: _Draft,
    settings: Settings,
    plugin: Plugin,
    custom: Sequence[CustomPrimitive],
    *,
    has_routes: bool,
) -> None:
    number = len(draft.aggregates)
    columns = native_columns(plugin.aggregate, custom, has_routes=has_routes)
    sums = ["octets", "packets", "flows"] if "flows" in plugin.aggregate else ["octets", "packets"]
    if settings.renormalize:
        sums[:2] = ["octetsRenormalised", "packetsRenormalised"]
    name = _free_name(plugin.name, [table.name for table in draft.aggregates])
    draft.elements += columns.elements
    draft.aggregates.append(
        AggregateTable(
            name=name,
            keys=tuple(columns.keys) or ("device",),
            sums=tuple(sums),
            window_s=_window_s(plugin),
            time="arrival" if settings.time_new else "end",
        )
    )
    draft.remark("aggregate", number, f'Plugin "{plugin.name}".')
    if columns.named:
        pairs = ", ".join(f"{primitive} is {column}" for primitive, column in columns.named)
        draft.remark("aggregate", number, f"Of nfacctd's primitives {pairs}.")
    if columns.lacking:
        draft.remark("aggregate", number, f"No columns for {', '.join(columns.lacking)}.")
    for text in _plugin_remarks(settings, plugin):
        draft.remark("aggregate", number, text)
    draft.publishes.append(
        PublishTable(
            records=name,
            output=_output_of_plugin(draft, plugin),
            format="json-lines" if plugin.kafka and plugin.kafka.multi_values else "json",
            topic=_topic(plugin.kafka) if plugin.kafka else None,
        )
    )


def _plugin_remarks(settings: Settings, plugin: Plugin) -> list[str]:
    """Tell what makes native records differ from the plugin's."""
    told = []
    if not settings.time_new:
        told.append("nfacctd takes the bin of a flow from its start, here its end decides.")
    if plugin.history is not None and plugin.history.length_s is None:
        told.append("Months have no window here; a day is the longest.")
    if plugin.output != "json":
        told.append(f"The form is JSON, not {plugin.output}.")
    filters = (
        plugin.pre_tag_filter,
        plugin.pre_tag2_filter,
        plugin.pre_tag_label_filter,
        plugin.aggregate_filter,
        plugin.preprocess,
    )
    if any(filters):
        told.append(
            "The plugin's filters have no equivalent; a [[publish]] filter can ask for columns."
        )
    if plugin.pro_rating or plugin.stitching:
        told.append("There are neither pro rating nor stitching.")
    return told


def _window_s(plugin: Plugin) -> int:
    if plugin.history is None:
        return min(plugin.refresh_s, _DAY_S)
    return min(plugin.history.length_s or _DAY_S, _DAY_S)


def _output_of_plugin(draft: _Draft, plugin: Plugin) -> str:
    if plugin.kafka is not None:
        return _kafka_output(draft, plugin.kafka)
    path = plugin.print.file if plugin.print is not None else None
    return _file_output(draft, plugin.name, path)


def _file_output(draft: _Draft, name: str, path: str | None) -> str:
    if path is None:
        return _output(draft, OutputTable("stdout", "stdout"))
    plain = re.sub(r"[%$][A-Za-z_]+|[{}]", "_", printable(path))
    number = len(draft.outputs)
    taken = _output(draft, OutputTable(_free_name(name, _names(draft)), "file", path=plain))
    if plain != path and len(draft.outputs) > number:
        draft.remark("output", number, f"{path}: names of files have no variables here.")
    return taken


def _kafka_output(draft: _Draft, kafka: KafkaSettings) -> str:
    connection = kafka.connection
    number = len(draft.outputs)
    by_device = kafka.partition_dynamic and any(
        name in (kafka.partition_key or "") for name in ("$peer_src_ip", "$bmp_router")
    )
    login = connection.sasl_mechanism is not None
    taken = _output(
        draft,
        OutputTable(
            name=_free_name("kafka", _names(draft)),
            type="kafka",
            brokers=tuple(connection.bootstrap.split(",")),
            compression=connection.compression,
            max_message_octets=min(max(connection.message_octets, 1 << 10), 1 << 30),
            request_timeout_ms=max(connection.request_timeout_ms, 1000),
            partition_by="device" if by_device else "none",
            security=_SECURITIES[connection.tls, login],
            **_tls(connection),
            **_login(connection),
        ),
    )
    if len(draft.outputs) > number and login:
        draft.remark("output", number, "The password is in librdkafka's file, and not shown here.")
    return taken


def _tls(connection: KafkaConnection) -> dict[str, str | bool | None]:
    if not connection.tls:
        return {}
    return {
        "ca_file": connection.ca_file,
        "cert_file": connection.cert_file,
        "key_file": connection.key_file,
        "verify_broker": connection.verify,
    }


def _login(connection: KafkaConnection) -> dict[str, str | None]:
    if connection.sasl_mechanism is None:
        return {}
    return {
        "sasl_mechanism": connection.sasl_mechanism,
        "username": printable(connection.username),
        "password": _HIDDEN_PASSWORD,
    }


def _output(draft: _Draft, table: OutputTable) -> str:
    """Take an output that is the same but for its name, or add this one; give the name."""
    for other in draft.outputs:
        if _nameless(other) == _nameless(table):
            return other.name
    draft.outputs.append(table)
    return table.name


def _nameless(table: OutputTable) -> dict[str, object]:
    return {key: getattr(table, key) for key in table.__slots__ if key != "name"}


def _names(draft: _Draft) -> list[str]:
    return [table.name for table in draft.outputs]


def _add_bmp(draft: _Draft, settings: Settings) -> SnapshotTable:
    bmp = settings.bmp
    if bmp.msglog is not None:
        _publish_bmp(draft, bmp.msglog, "bmp-events")
    if bmp.dump is None:
        return SnapshotTable()
    if bmp.msglog is None:
        _publish_bmp(draft, bmp.dump.target, "bmp-dumps")
    draft.remark("snapshot", 0, "Tables are events among the others, in the topic of [[publish]].")
    return SnapshotTable(interval_s=bmp.dump.refresh_s)


def _publish_bmp(draft: _Draft, target: BmpOutput, name: str) -> None:
    number = len(draft.publishes)
    kafka = target.kafka
    output = _kafka_output(draft, kafka) if kafka else _file_output(draft, name, target.file)
    draft.publishes.append(PublishTable("bmp", output, topic=_topic(kafka) if kafka else None))
    if target.output != "json":
        draft.remark("publish", number, f"The form is JSON, not {target.output}.")


def _remark_core(draft: _Draft, settings: Settings) -> None:
    maps = {
        "pre_tag_map": settings.pre_tag_map,
        "flow_to_rd_map (use [[rd]])": settings.flow_to_rd_map,
        "sampling_map (use [[device]] sampling_rate)": settings.sampling_map,
        "bmp_agent_map (use [[device]] rib_of)": settings.agent_map,
        "bmp_daemon_tag_map": settings.bmp.tag_map,
        "networks_file": settings.networks.file,
    }
    if named := [name for name, path in maps.items() if path is not None]:
        draft.remark("collector", 0, f"There are no such maps here: {', '.join(named)}.")
    if settings.ext_sampling_rate is not None:
        draft.remark(
            "collector", 0, "nfacctd_ext_sampling_rate: use [[device]] sampling_rate for each."
        )


def _topic(kafka: KafkaSettings) -> str:
    """Give a topic that Kafka takes; variables, which native topics have not, become ``_``."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", kafka.topic)[:249]


def _free_name(name: str, taken: Sequence[str]) -> str:
    word = re.sub(r"[^A-Za-z0-9_-]", "_", name).lstrip("-_")[:60] or "plugin"
    if word in _RESERVED:
        word = f"{word}-sums"
    free, number = word, 1
    while free in taken:
        number += 1
        free = f"{word}-{number}"
    return free
