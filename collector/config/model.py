"""The configuration as values: what `load.py` makes of the operator's TOML.

Each dataclass is one table of `config/collector.toml`, each field one key of it, with the same
name; the default here is the default there. Units stand in the names: ``_s`` seconds, ``_ms``
milliseconds, ``_octets`` octets.
"""

from dataclasses import dataclass, field
from typing import Any

DEFAULT_PORTS = {"flow": 4739, "bmp": 1790}
DEFAULT_VIEWS = ("loc-rib", "adj-rib-in-post", "adj-rib-in-pre")


@dataclass(frozen=True, slots=True)
class CollectorTable:
    """[collector]: the service as a whole."""

    name: str = ""  # host name where empty
    workers: int = 0  # one per core where 0
    log_level: str = "info"
    control_socket: str = ""  # a path in the run-time directory where empty
    stop_timeout_s: int = 45


@dataclass(frozen=True, slots=True)
class SteeringTable:
    """[steering]: which rung, who is let in, and buckets moved by hand."""

    mode: str = "auto"
    allow: tuple[str, ...] = ()  # prefixes of sources; empty: everybody
    buckets: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListenTable:
    """[[listen]]: one address for every router."""

    kind: str  # "flow" (UDP) or "bmp" (TCP)
    address: str = "::"
    port: int = 0  # 4739 for flow, 1790 for bmp where 0
    receive_buffer_octets: int = 64 << 20


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """[[device]]: a router with more than one address, or with an answer of its own."""

    addresses: tuple[str, ...]
    rib_of: str | None = None
    views: tuple[str, ...] | None = None
    sampling_rate: int | None = None


@dataclass(frozen=True, slots=True)
class RouteDistinguisherTable:
    """[[rd]]: the route distinguisher of flows that carry none."""

    rd: str
    device: str | None = None  # every device where None
    vrf_id: int | None = None
    ingress_interface: int | None = None


@dataclass(frozen=True, slots=True)
class FlowTable:
    """[flow]: how flow records are read."""

    batch_rows: int = 10_000
    batch_age_ms: int = 150
    elements: tuple[str, ...] = ()  # elements that get a column of their own, by IANA's name
    extra: bool = True  # what has no column goes into the map `extra`
    element_files: tuple[str, ...] = ()  # CSV files that add elements to the registry
    max_templates: int = 4096  # per exporter


@dataclass(frozen=True, slots=True)
class RibTable:
    """[rib]: which tables are kept, and for how long without their session."""

    views: tuple[str, ...] = DEFAULT_VIEWS  # kept, and asked in this order
    stale_s: int = 300
    silence_s: int = 30
    max_routes: int = 20_000_000  # of one device


@dataclass(frozen=True, slots=True)
class SnapshotTable:
    """[snapshot]: whole tables as events."""

    interval_s: int = 0  # 0: on demand, and after events had to be dropped


@dataclass(frozen=True, slots=True)
class AggregateTable:
    """[[aggregate]]: one sum over windows of time."""

    name: str
    keys: tuple[str, ...]
    sums: tuple[str, ...] = ("octets", "packets", "flows")
    window_s: int = 60
    time: str = "end"  # "end" of the flow, or "arrival"
    lateness_s: int = 10
    time_range_s: int = 3600
    max_groups: int = 1_000_000


@dataclass(frozen=True, slots=True)
class OutputTable:
    """[[output]]: one destination."""

    name: str
    type: str  # "kafka", "file", "stdout"
    buffer_octets: int = 256 << 20
    # kafka
    brokers: tuple[str, ...] = ()
    prefix: str = "telemetry"
    compression: str = "zstd"
    max_message_octets: int = 1_000_000
    request_timeout_ms: int = 40_000
    partition_by: str = "device"  # or "none"
    security: str = "plaintext"  # "tls", "sasl_plaintext", "sasl_tls"
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify_broker: bool = True
    sasl_mechanism: str | None = None  # "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    # file
    path: str | None = None  # {slot}, {topic} are replaced
    rotate_octets: int = 0
    rotate_s: int = 0
    keep_files: int = 0


@dataclass(frozen=True, slots=True)
class PublishTable:
    """[[publish]]: which records go where, and how."""

    records: str  # "flow", "bmp", or the name of an aggregate
    output: str
    format: str = "json"  # "json", "msgpack", "json-lines", "arrow"
    filter: str | None = None  # an SQL condition on the record's columns
    columns: tuple[str, ...] = ()  # all where empty
    topic: str | None = None  # PREFIX.RECORDS where None


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration, validated."""

    collector: CollectorTable = CollectorTable()
    steering: SteeringTable = SteeringTable()
    flow: FlowTable = FlowTable()
    rib: RibTable = RibTable()
    snapshot: SnapshotTable = SnapshotTable()
    listen: tuple[ListenTable, ...] = ()
    device: tuple[DeviceTable, ...] = ()
    rd: tuple[RouteDistinguisherTable, ...] = ()
    aggregate: tuple[AggregateTable, ...] = ()
    output: tuple[OutputTable, ...] = ()
    publish: tuple[PublishTable, ...] = ()
    # [nfacctd]: its settings as plain values, which `collector.nfacctd` reads and knows. None:
    # records are native.
    nfacctd: dict[str, Any] | None = None
