"""Keys of plugins: what they sum, when they purge, and where records go.

Facts: reference sections 1.4, 5 and 6; defaults are those of `settings.py`.
"""

from collector.nfacctd.keys import Feature, Key, Scope, Treatment
from collector.nfacctd.read_values import (
    Reader,
    aggregate,
    existing_file,
    flag,
    flow_filter,
    history,
    integer,
    label_filter,
    one_of,
    path,
    roundoff,
    separator,
    tag,
    tag_filter,
    url,
    words,
)

_HONOURED, _SUPERSEDED = Treatment.HONOURED, Treatment.SUPERSEDED
_NO_EFFECT, _NOT_SUPPORTED = Treatment.NO_EFFECT, Treatment.NOT_SUPPORTED
_PORT = integer(1, 65_535)

# Plugins whose keys of these ends nfacctd keeps in one field, whatever the prefix.
SHARING_PLUGINS = ("kafka", "print", "amqp", "sql", "mongo")


def _plugin(name: str, field: str, told: str, read: Reader, scope: Scope = Scope.PLUGIN) -> Key:
    field = field if "." in field else f"plugin.{field}"
    return Key(name, _HONOURED, told, read, field, scope, Feature.PLUGIN)


def _shared(end: str, field: str, told: str, read: Reader) -> tuple[Key, ...]:
    return tuple(_plugin(f"{kind}_{end}", field, told, read) for kind in SHARING_PLUGINS)


AGGREGATION_KEYS = (
    _plugin("aggregate", "aggregate", "the primitives of records", aggregate),
    _plugin(
        "aggregate_filter",
        "aggregate_filter",
        "the flows that count",
        flow_filter,
        Scope.PLUGIN_ONLY,
    ),
    Key(
        "pre_tag_map", _HONOURED, "tags and labels", existing_file, "tags.pre_tag_map", Scope.EITHER
    ),
    _plugin(
        "pre_tag_filter", "pre_tag_filter", "flows of these tags", tag_filter, Scope.PLUGIN_ONLY
    ),
    _plugin(
        "pre_tag2_filter",
        "pre_tag2_filter",
        "flows of these second tags",
        tag_filter,
        Scope.PLUGIN_ONLY,
    ),
    _plugin(
        "pre_tag_label_filter",
        "pre_tag_label_filter",
        "flows of these labels",
        label_filter,
        Scope.PLUGIN_ONLY,
    ),
    _plugin("post_tag", "post_tag", "tag {value} for all records", tag),
    _plugin("post_tag2", "post_tag2", "tag2 {value} for all records", tag),
    _plugin("nfacctd_pro_rating", "pro_rating", "counters spread over bins", flag),
    _plugin("nfacctd_stitching", "stitching", "timestamp_min and timestamp_max", flag),
)

TIME_KEYS = (
    *_shared("refresh_time", "refresh_s", "a purge each {value} s", integer(1)),
    *_shared("startup_delay", "startup_delay_s", "purges later by {value} s", integer(0)),
    *_shared("history", "history.length", "bins of {value}", history),
    *_shared("history_roundoff", "history.roundoff", "bins that begin at round times", roundoff),
    *_shared("history_offset", "history.offset_s", "bins later by {value} s", integer(0)),
    *_shared("cache_entries", "cache_entries", "the number of records in memory", integer(1)),
    *_shared("preprocess", "preprocess", "records that are large enough only", words),
    *_shared("preprocess_type", "preprocess_type", "how checks are combined", one_of("any", "all")),
    *_shared("markers", "markers", "purge_init and purge_close", flag),
    *_shared("trigger_exec", "trigger_exec", "a program that runs after each purge", path),
    *_shared("num_protos", "num_protos", "numbers for names of IP protocols", flag),
    *_shared("multi_values", "multi_values", "many records in a message", integer(0)),
    *(
        Key(
            f"{kind}_max_writers",
            _SUPERSEDED,
            "there are no writer processes: no record is dropped for want of one",
            integer(1, 99),
            scope=Scope.PLUGIN,
            needs=Feature.PLUGIN,
        )
        for kind in SHARING_PLUGINS
    ),
    *(
        Key(
            f"{kind}_trigger_exec_async",
            _SUPERSEDED,
            "nobody waits for the trigger's program",
            str,
            scope=Scope.PLUGIN,
            needs=Feature.PLUGIN,
        )
        for kind in SHARING_PLUGINS
    ),
    *(
        Key(f"timestamps_{what}", _HONOURED, told, flag, f"timestamps.{what}", Scope.PLUGIN)
        for what, told in (
            ("secs", "times in whole seconds"),
            ("since_epoch", "times as seconds since 1970"),
            ("utc", "times in UTC"),
            ("rfc9557", "times with T and offset"),
        )
    ),
    Key(
        "writer_id_string",
        _HONOURED,
        "the writer_id of records",
        words,
        "writer.writer_id_string",
        Scope.PLUGIN,
    ),
)


def _kafka(end: str, field: str, told: str, read: Reader) -> Key:
    return Key(f"kafka_{end}", _HONOURED, told, read, field, Scope.PLUGIN, Feature.KAFKA)


KAFKA_KEYS = (
    _kafka("broker_host", "kafka.broker_host", "Kafka brokers of {value}", words),
    _kafka("broker_port", "kafka.broker_port", "their port", _PORT),
    _kafka("topic", "kafka.topic", "topic {value}", words),
    _kafka("topic_rr", "kafka.topic_rr", "{value} topics in turn", integer(0)),
    _kafka("partition", "kafka.partition", "partition {value}", integer(-1)),
    _kafka("partition_key", "kafka.partition_key", "the key of each message", words),
    _kafka("partition_dynamic", "kafka.partition_dynamic", "variables in that key", flag),
    _kafka("config_file", "kafka.config_file", "what it says of the connection to Kafka", path),
    Key(
        "kafka_avro_schema_registry",
        _HONOURED,
        "where schemas are registered",
        url,
        "kafka.avro_schema_registry",
        Scope.PLUGIN,
        Feature.AVRO,
    ),
    _kafka("output", "kafka.output", "the form of records", one_of("json", "avro", "avro_json")),
    Key(
        "avro_buffer_size",
        _HONOURED,
        "the most octets of an Avro record",
        integer(1),
        "plugin.avro_buffer_octets",
        Scope.PLUGIN,
        Feature.AVRO,
    ),
    Key(
        "avro_schema_file",
        _HONOURED,
        "the schema, written there at start",
        path,
        "plugin.avro_schema_file",
        Scope.PLUGIN,
        Feature.AVRO,
    ),
)


def _print(name: str, field: str, told: str, read: Reader) -> Key:
    return Key(name, _HONOURED, told, read, f"print.{field}", Scope.PLUGIN, Feature.PRINT)


_PRINT_OUTPUTS = (
    "formatted",
    "csv",
    "json",
    "avro",
    "avro_json",
    "event_formatted",
    "event_csv",
)
_CUSTOM = {"custom": "there is no custom library: records have the form of the default"}

PRINT_KEYS = (
    _print(
        "print_output",
        "output",
        "the form of records",
        one_of(*_PRINT_OUTPUTS, unsupported=_CUSTOM),
    ),
    _print("print_output_file", "file", "records to this file", path),
    _print("print_output_file_append", "append", "files that grow", flag),
    _print("print_latest_file", "latest_file", "a link to the latest file", path),
    _print("print_output_separator", "separator", "the character between values", separator),
    _print("print_write_empty_file", "write_empty_file", "files without a record too", flag),
    Key(
        "print_output_lock_file",
        _SUPERSEDED,
        "lines are written whole",
        str,
        scope=Scope.PLUGIN,
        needs=Feature.PRINT,
    ),
    *(
        Key(name, _NO_EFFECT, "print_output is not custom", str, scope=Scope.PLUGIN)
        for name in ("print_output_custom_lib", "print_output_custom_cfg_file")
    ),
)

OUTPUT_KEYS = AGGREGATION_KEYS + TIME_KEYS + KAFKA_KEYS + PRINT_KEYS
