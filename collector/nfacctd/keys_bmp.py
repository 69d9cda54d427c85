"""Keys of the BMP daemon: its sessions, its table, its stream of events and its dumps.

Facts: reference sections 3, 4.4, 7.5 and 8; defaults are those of `settings.py`.
"""

from collector.nfacctd.keys import Feature, Key, Treatment
from collector.nfacctd.read_values import (
    Reader,
    address,
    existing_file,
    flag,
    integer,
    names,
    one_of,
    path,
    url,
    words,
)

_HONOURED, _SUPERSEDED = Treatment.HONOURED, Treatment.SUPERSEDED
_NO_EFFECT, _NOT_SUPPORTED = Treatment.NO_EFFECT, Treatment.NOT_SUPPORTED
_PORT = integer(1, 65_535)
_DAY_S = 86_400
_OUTPUT = one_of("json", "avro", "avro_json")
_ALWAYS_ACTIVE = (
    "every process is active, as nfacctd is without Redis: run one service with several workers; "
    "a second member of the cluster would publish all events a second time"
)


def _bmp(name: str, field: str, told: str, read: Reader) -> Key:
    return Key(name, _HONOURED, told, read, f"bmp.{field}", needs=Feature.BMP)


def _other(
    name: str,
    treatment: Treatment,
    told: str,
    read: Reader = str,
    needs: Feature = Feature.BMP,
) -> Key:
    return Key(name, treatment, told, read, needs=needs)


SESSION_KEYS = (
    Key("bmp_daemon", _HONOURED, "listening for BMP", flag, "bmp.enabled"),
    _bmp("bmp_daemon_ip", "ip", "listening on {value}, TCP", address),
    _bmp("bmp_daemon_port", "port", "listening on port {value}, TCP", _PORT),
    _bmp("bmp_daemon_allow_file", "allow", "the only routers whose BMP is read", existing_file),
    _bmp("bmp_daemon_tag_map", "tag_map", "tags and labels of routers", existing_file),
    _bmp("bmp_daemon_set_pd", "set_pd", "pd in place of rd for the peer distinguisher", flag),
    _other(
        "bmp_daemon_parse_proxy_header",
        _NOT_SUPPORTED,
        "no BMP is read behind a PROXY header; let routers connect without a proxy",
        flag,
    ),
    Key(
        "bmp_daemon_max_peers",
        _SUPERSEDED,
        "sessions are not limited: all routers are let in",
        integer(1),
        needs=Feature.BMP,
    ),
    _other(
        "bmp_daemon_ipv6_only",
        _NOT_SUPPORTED,
        'IPv4 routers would be let in too; listen on an address other than "::"',
        flag,
    ),
    _other(
        "bmp_daemon_interface",
        _NOT_SUPPORTED,
        "routers on all interfaces would be let in; give bmp_daemon_ip instead",
    ),
    _other("bmp_daemon_pipe_size", _NO_EFFECT, "nfacctd takes it back at once"),
    _other("bmp_daemon_ipprec", _NO_EFFECT, "it marks packets, of which BMP sends none"),
    _other("bmp_daemon_batch", _SUPERSEDED, "all sessions may start at once"),
    _other("bmp_daemon_batch_interval", _SUPERSEDED, "all sessions may start at once"),
    _other("bmp_daemon_rp_ebpf_prog", _SUPERSEDED, "the kernel steers each router to one worker"),
    _other("bmp_daemon_ha", _SUPERSEDED, _ALWAYS_ACTIVE, flag),
    *(
        _other(f"bmp_daemon_ha_{end}", _SUPERSEDED, "every process is active")
        for end in (
            "cluster_name",
            "cluster_id",
            "queue_message_timeout",
            "queue_max_size",
        )
    ),
    _other(
        "tmp_bgp_daemon_origin_type_int", _NOT_SUPPORTED, "origin stays i, e or u, no number", flag
    ),
)

TABLE_KEYS = (
    _bmp(
        "bmp_table_per_peer_hash",
        "table_per_peer_hash",
        "the hash of routes, {value}: which RDs a flow without one may meet",
        one_of("path_id", "mpls_vpn_rd"),
    ),
    _bmp(
        "bmp_table_per_peer_buckets",
        "table_per_peer_buckets",
        "the buckets of that hash, {value}",
        integer(1, 128),
    ),
    _other("bmp_table_peer_buckets", _NO_EFFECT, "it sizes a hash table"),
    _other("bmp_table_attr_hash_buckets", _NO_EFFECT, "it sizes a hash table"),
)


def _kafka_keys(prefix: str, owner: str, what: str, needs: Feature) -> tuple[Key, ...]:
    def key(end: str, field: str, told: str, read: Reader) -> Key:
        return Key(f"{prefix}_kafka_{end}", _HONOURED, told, read, f"{owner}.{field}", needs=needs)

    return (
        key("broker_host", "broker_host", "Kafka brokers of {value}", words),
        key("broker_port", "broker_port", "their port", _PORT),
        key("partition", "partition", "partition {value}", integer(-1)),
        key("partition_key", "partition_key", "the key of each message", words),
        key("topic_rr", "topic_rr", "{value} topics in turn", integer(0)),
        key("config_file", "config_file", "what it says of the connection to Kafka", path),
        key(
            "avro_schema_registry",
            "avro_schema_registry",
            f"where schemas of {what} are registered",
            url,
        ),
        Key(
            f"{prefix}_kafka_retry",
            _SUPERSEDED,
            "attempts to connect follow each other within seconds",
            integer(1),
            needs=needs,
        ),
    )


def _amqp_keys(prefix: str, what: str, needs: Feature) -> tuple[Key, ...]:
    ends = ("host", "user", "passwd", "vhost", "exchange", "exchange_type", "persistent_msg")
    ends += ("frame_max", "heartbeat_interval", "retry", "routing_key_rr")
    return (
        Key(
            f"{prefix}_amqp_routing_key",
            _NOT_SUPPORTED,
            f"{what} do not go to AMQP; send them to Kafka or to files",
            needs=needs,
        ),
        *(
            Key(f"{prefix}_amqp_{end}", _NO_EFFECT, "nothing goes to AMQP", str, needs=needs)
            for end in ends
        ),
    )


MSGLOG_KEYS = (
    Key(
        "bmp_daemon_msglog_file",
        _HONOURED,
        "events to this file",
        path,
        "msglog.file",
        needs=Feature.BMP,
    ),
    Key(
        "bmp_daemon_msglog_kafka_topic",
        _HONOURED,
        "events to topic {value}",
        words,
        "msglog_kafka.topic",
        needs=Feature.BMP,
    ),
    Key(
        "bmp_daemon_msglog_output",
        _HONOURED,
        "the form of events",
        _OUTPUT,
        "msglog.output",
        needs=Feature.MSGLOG,
    ),
    Key(
        "bmp_daemon_msglog_avro_schema_file",
        _HONOURED,
        "schemas of events, written there at start",
        path,
        "msglog.avro_schema_file",
        needs=Feature.MSGLOG_AVRO,
    ),
    Key(
        "bmp_daemon_msglog_label_filter",
        _HONOURED,
        "events of routers with these labels only",
        names,
        "bmp.msglog_label_filter",
        needs=Feature.MSGLOG,
    ),
    *_kafka_keys("bmp_daemon_msglog", "msglog_kafka", "events", Feature.MSGLOG_KAFKA),
    *_amqp_keys("bmp_daemon_msglog", "events", Feature.BMP),
)


def _dump(end: str, field: str, told: str, read: Reader, needs: Feature = Feature.DUMP) -> Key:
    return Key(f"bmp_dump_{end}", _HONOURED, told, read, field, needs=needs)


DUMP_KEYS = (
    _dump("file", "dump_target.file", "tables to this file", path, Feature.BMP),
    _dump("kafka_topic", "dump_kafka.topic", "tables to topic {value}", words, Feature.BMP),
    _dump(
        "refresh_time",
        "dump.refresh_s",
        "a dump at each multiple of {value} s",
        integer(60, _DAY_S),
        Feature.BMP,
    ),
    _dump("time_slots", "dump.time_slots", "routers spread over {value} slots", integer(1)),
    _dump("output", "dump_target.output", "the form of dumps", _OUTPUT),
    _dump("latest_file", "dump_target.latest_file", "a link to the latest file", path),
    _dump("exclude_stats", "dump.exclude_stats", "dumps without statistics", flag),
    _dump(
        "avro_schema_file",
        "dump_target.avro_schema_file",
        "schemas of dumps, written there at start",
        path,
        Feature.DUMP_AVRO,
    ),
    _other(
        "bmp_dump_workers",
        _SUPERSEDED,
        "each worker dumps the tables of its own routers",
        needs=Feature.DUMP,
    ),
    *_kafka_keys("bmp_dump", "dump_kafka", "dumps", Feature.DUMP_KAFKA),
    *_amqp_keys("bmp_dump", "dumps", Feature.BMP),
)

BMP_KEYS = SESSION_KEYS + TABLE_KEYS + MSGLOG_KEYS + DUMP_KEYS
