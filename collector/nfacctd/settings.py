"""Records in nfacctd's shape, as settings: defaults filled in, every inheritance resolved.

Both syntaxes lead here, nfacctd.conf (`read_settings`) and the table [nfacctd] of a native
configuration (`read_table`), whose keys are these fields. They are named as nfacctd's keys, without
the prefix of the daemon or plugin where the class tells it. A worker gets them as plain values:
`to_document` and `from_document`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class TagRange:
    """One term of `pre_tag_filter`: tags from ``first`` to ``last``, or all others."""

    first: int
    last: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class LabelTerm:
    """One term of `pre_tag_label_filter`: a label, "" for records without one, or all others."""

    label: str
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamps:
    """How times are written (reference 1.4). All false: local time, with microseconds."""

    secs: bool = False  # microseconds are written as zeros
    since_epoch: bool = False  # "1700000000.000000"
    utc: bool = False
    rfc9557: bool = False  # "T" between date and time, and the offset


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Bins of time: `*_history`, `*_history_roundoff`, `*_history_offset` (reference 5.2)."""

    count: int
    unit: str  # "s", "m", "h", "d", "w"; "M": months of the calendar
    roundoff: str = ""  # letters of "mhdwM" that floor the first bin
    offset_s: int = 0

    @property
    def length_s(self) -> int | None:
        """Length of a bin; None where it is months, which are not all as long."""
        seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}.get(self.unit)
        return None if seconds is None else self.count * seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """`*_preprocess`: least values of a record at purge (reference 5.3); None: not asked for."""

    minp: int | None = None  # packets
    minf: int | None = None  # flows
    minb: int | None = None  # octets
    minbpp: int | None = None  # octets a packet
    minppf: int | None = None  # packets a flow
    maxp: int | None = None
    maxf: int | None = None
    maxb: int | None = None
    maxbpp: int | None = None
    maxppf: int | None = None
    match_all: bool = False  # `*_preprocess_type: all`; any one check suffices otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    """How to reach a cluster: `*_broker_host`, `*_broker_port` and the librdkafka config file.

    The fields are those of `exporters.kafka_options.KafkaOptions`, KafkaTls and KafkaLogin, with
    librdkafka's defaults. What `librdkafka_file` says is in them.
    """

    librdkafka_file: str | None = None  # `kafka_config_file`, where there is such a file
    brokers: tuple[str, ...] = ("127.0.0.1:9092",)
    client_id: str = "rdkafka"
    compression: str = "none"  # "zstd", "lz4", "snappy", "gzip"
    batch_octets: int = 1_000_000
    message_octets: int = 1_000_000
    request_timeout_ms: int = 40_000
    partitioner: str = "consistent_random"  # librdkafka's name: how a key becomes a partition
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password: str | None = None
    verify_broker: bool = True
    sasl_mechanism: str | None = None  # "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"; None: no login
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Where and how one stream of records goes to Kafka (reference 6.1)."""

    connection: KafkaConnection = KafkaConnection()
    topic: str = "pmacct.acct"  # may hold $variables; see `dynamic_topic`
    topic_rr: int = 0  # n > 0: topics TOPIC_0 to TOPIC_(n-1) in turn
    partition: int = -1  # -1: by key, or the partitioner's choice
    partition_key: str | None = None  # may hold $variables where `partition_dynamic`
    partition_dynamic: bool = False  # BMP: true where the key holds a $variable
    multi_values: int = 0  # JSON: octets of a message of many records; Avro: their number; 0: one
    avro_schema_registry: str | None = None  # URL

    @property
    def dynamic_topic(self) -> bool:
        """Whether the topic differs from record to record."""
        return "$" in self.topic


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintSettings:
    """Where a print plugin writes (reference 6.3)."""

    file: str | None = None  # strftime and $variables; standard output where None
    append: bool = False
    latest_file: str | None = None
    separator: str = ","  # of csv, one character
    write_empty_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One plugin: what is summed over what, and where it goes."""

    name: str
    type: str  # "kafka" or "print"
    aggregate: tuple[str, ...] = ("src_host",)  # lower case, in the conf's order, none twice
    output: str = "json"  # "json", "avro", "avro_json"; print also "csv", "formatted", "event_*"
    kafka: KafkaSettings | None = None  # of type "kafka"
    print: PrintSettings | None = None  # of type "print"

    refresh_s: int = 60
    startup_delay_s: int = 0
    history: History | None = None
    cache_entries: int = 16_411  # nfacctd's buckets; our cache is bounded by 10 times as many
    markers: bool = False  # purge_init, purge_close
    trigger_exec: str | None = None
    preprocess: Preprocess | None = None

    pre_tag_map: str | None = None  # a map of this plugin alone; the core's is Settings.pre_tag_map
    pre_tag_filter: tuple[TagRange, ...] = ()  # any of them lets a record in; (): all
    pre_tag2_filter: tuple[TagRange, ...] = ()
    pre_tag_label_filter: tuple[LabelTerm, ...] = ()
    aggregate_filter: str | None = None  # libpcap's expression language
    post_tag: int | None = None  # in place of the map's tag
    post_tag2: int | None = None

    pro_rating: bool = False  # never together with history None or time_new
    stitching: bool = False  # never together with pro_rating
    num_protos: bool = False
    timestamps: Timestamps = Timestamps()
    writer_id_string: str = "$proc_name/$writer_pid"
    avro_buffer_octets: int = 8192  # a larger record cannot be sent
    avro_schema_file: str | None = None  # written at start


@dataclass(frozen=True, slots=True, kw_only=True)
class BmpOutput:
    """`bmp_daemon_msglog_*` or `bmp_dump_*`: exactly one of ``file`` and ``kafka`` is set."""

    output: str = "json"  # "json", "avro", "avro_json"
    file: str | None = None  # $bmp_router, $bmp_router_port; a dump's also strftime
    latest_file: str | None = None  # dump only
    kafka: KafkaSettings | None = None
    avro_schema_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BmpDump:
    """`bmp_dump_*`: all tables, from time to time."""

    target: BmpOutput
    refresh_s: int
    time_slots: int = 1
    exclude_stats: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BmpSettings:
    """The BMP daemon (reference 3). Its times and writer_id are those of the core."""

    enabled: bool = False
    ip: str = "::"
    port: int = 1790
    allow: tuple[str, ...] | None = None  # prefixes of `bmp_daemon_allow_file`; None: everybody
    tag_map: str | None = None
    msglog: BmpOutput | None = None
    msglog_label_filter: tuple[str, ...] = ()  # labels of routers; "": those without one
    dump: BmpDump | None = None
    set_pd: bool = False
    # Decides whether a flow without RD sees routes that have one (reference 4.4).
    table_per_peer_hash: str = "path_id"  # or "mpls_vpn_rd"
    table_per_peer_buckets: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """`networks_file` and what goes with it (reference 5.5)."""

    file: str | None = None
    filter: bool = False  # hosts outside of the file become 0
    no_lpm: bool = False  # the file wins even where its prefix is the shorter one
    no_mask_if_zero: bool = False
    mask: int = 0  # bits, before the file; 0: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, checked. Maps are paths: `maps/` loads them, again on SIGUSR2."""

    core_proc_name: str = "default"
    plugins: tuple[Plugin, ...] = ()  # those of types that we have

    ip: str = "::"
    port: int = 2100
    pipe_size: int = 0  # octets of the socket's buffer; 0: the system's default
    allow: tuple[str, ...] | None = None  # prefixes of `nfacctd_allow_file`; None: everybody

    # times and names of the core, which BMP events use
    timestamps: Timestamps = Timestamps()
    writer_id_string: str = "$proc_name/$writer_pid"
    logfile: str | None = None  # standard error where None
    pidfile: str | None = None
    files_umask: int = 0o077
    dry_run: bool = False  # read the configuration, and end

    # files of JSON lines in place of what is configured, in the records' configured shape
    flow_out: str | None = None
    bmp_out: str | None = None
    dump_out: str | None = None

    # how records are read
    time_new: bool = False  # bins by arrival
    time_secs: bool = False  # NetFlow v5 has seconds in place of milliseconds
    pre_processing_checks: bool = False  # padding that is not zero drops the Set
    disable_opt_scope_check: bool = False  # options data is of the exporter, not of the domain
    account_options: bool = False  # options data is published too
    ignore_exporter_address: bool = False  # peer_src_ip is always the UDP source
    use_ip_next_hop: bool = False
    renormalize: bool = False  # counters times the sampling rate, for all plugins
    ext_sampling_rate: int | None = None
    asa_bi_flow: bool = False  # `tmp_asa_bi_flow`: 231 and 232 are counters

    # how values are written
    tcpflags_encode_as_array: bool = False
    fwd_status_encode_as_string: bool = False
    mpls_label_stack_encode_as_array: bool = False
    as_path_encode_as_array: bool = False
    bgp_comms_encode_as_array: bool = False
    pre_tag_label_encode_as_map: bool = False
    tos_encode_as_dscp: bool = False
    bgp_comms_num: bool = False

    # maps and lookup files
    aggregate_primitives: str | None = None
    pre_tag_map: str | None = None
    flow_to_rd_map: str | None = None
    sampling_map: str | None = None
    agent_map: str | None = None  # `bmp_agent_map` = `bgp_agent_map`
    maps_refresh: bool = True  # SIGUSR2 reads them again
    networks: Networks = Networks()

    # where AS numbers, prefixes and paths come from (reference 4.6)
    as_source: str = "netflow"  # "netflow", "file", "bmp", "longest"
    net_source: str = "netflow"  # also "mask"
    peer_src_as_type: str = "netflow"  # or "bgp"
    src_std_comm_from_bgp: bool = False
    src_ext_comm_from_bgp: bool = False
    src_lrg_comm_from_bgp: bool = False
    src_as_path_from_bgp: bool = False
    src_local_pref_from_bgp: bool = False
    src_med_from_bgp: bool = False
    src_roa_from_bgp: bool = False
    aspath_radius: int = 0  # 0: the whole path
    stdcomm_pattern: tuple[str, ...] = ()
    extcomm_pattern: tuple[str, ...] = ()
    lrgcomm_pattern: tuple[str, ...] = ()
    stdcomm_pattern_to_asn: tuple[str, ...] = ()
    lrgcomm_pattern_to_asn: tuple[str, ...] = ()
    peer_as_skip_subas: bool = False

    bmp: BmpSettings = BmpSettings()


def to_document(settings: Settings) -> dict[str, Any]:
    """Write settings as dictionaries, lists and plain values, for msgpack."""
    return asdict(settings)


def from_document(document: Mapping[str, Any], kind: type = Settings) -> Any:
    """Read what `to_document` wrote, also after msgpack made lists of tuples."""
    hints = get_type_hints(kind)
    return kind(
        **{
            field.name: _value(hints[field.name], document[field.name])
            for field in fields(kind)
            if field.name in document
        }
    )


def _value(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        if value is None:
            return None
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if is_dataclass(hint):
        return from_document(value, hint)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], entry) for entry in value)
    return value
