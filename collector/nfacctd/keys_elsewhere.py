"""Keys of what we have not: other plugins, other daemons, other threads; and all keys together.

A family is told by how its keys begin: nfacctd reads them too, and they change nothing here.
"""

from collector.nfacctd.keys import Family, Key, KeyTable, Treatment
from collector.nfacctd.keys_bmp import BMP_KEYS
from collector.nfacctd.keys_flows import FLOW_KEYS
from collector.nfacctd.keys_lookups import LOOKUP_KEYS
from collector.nfacctd.keys_outputs import OUTPUT_KEYS
from collector.nfacctd.read_values import flag

_SWITCHES = (
    Key(
        "bgp_daemon",
        Treatment.NOT_SUPPORTED,
        "there are no BGP sessions: flows are joined with BMP's routes alone",
        flag,
    ),
    Key(
        "isis_daemon",
        Treatment.NOT_SUPPORTED,
        "there is no IS-IS: prefixes come from elsewhere, or stay empty",
        flag,
    ),
    Key(
        "telemetry_daemon",
        Treatment.NOT_SUPPORTED,
        "there is no Streaming Telemetry: its records are not made",
        flag,
    ),
)

_FAMILIES = (
    Family("amqp_", "nothing goes to AMQP"),
    Family("sql_", "nothing goes to a database"),
    Family("mongo_", "nothing goes to a database"),
    Family("imt_", "there is no memory plugin"),
    Family("nfprobe_", "there is no nfprobe plugin"),
    Family("sfprobe_", "there is no sfprobe plugin"),
    Family("tee_", "there is no tee plugin"),
    Family("bgp_daemon_", "bgp_daemon is not there"),
    Family("bgp_table_", "bgp_daemon is not there"),
    Family("bgp_neighbors_file", "bgp_daemon is not there"),
    Family("bgp_blackhole_stdcomm_list", "no record tells it"),
    Family("tmp_bgp_daemon_", "bgp_daemon is not there"),
    Family("isis_", "isis_daemon is not there"),
    Family("igp_", "isis_daemon is not there"),
    Family("telemetry_", "telemetry_daemon is not there"),
    Family("sfacctd_", "it is of sfacctd"),
    Family("pmacctd_", "it is of pmacctd"),
    Family("uacctd_", "it is of uacctd"),
    Family("dtls_path", "no flows come in over DTLS"),
    Family("pcap_", "flows come from routers, not from interfaces or files"),
    Family("snaplen", "flows come from routers, not from interfaces"),
    Family("promisc", "flows come from routers, not from interfaces"),
    Family("tunnel_0", "flows come from routers, not from interfaces"),
    Family("classifier", "flows come from routers, which classify themselves"),
)

# What nfacctd calls the same: earlier names, and keys that it keeps in one field.
_OTHER_NAMES = {
    "nfacctd_as_new": "nfacctd_as",
    "nfacctd_proc_name": "core_proc_name",
    "bgp_agent_map": "bmp_agent_map",
    "timestamps_rfc3339": "timestamps_rfc9557",
    "avro_schema_output_file": "avro_schema_file",
    "amqp_output": "kafka_output",
    "message_broker_output": "kafka_output",
    "refresh_maps": "maps_refresh",
    **{
        f"{kind}_time_roundoff": f"{kind}_history_roundoff"
        for kind in ("kafka", "print", "amqp", "sql", "mongo")
    },
}
# All daemons of pmacct read one set of keys; issue 4 names the dump's by its longer prefix.
_OTHER_PREFIXES = {
    "sfacctd_": "nfacctd_",
    "pmacctd_": "nfacctd_",
    "uacctd_": "nfacctd_",
    "bmp_daemon_table_dump_": "bmp_dump_",
    "bmp_table_dump_": "bmp_dump_",
}

KEYS = KeyTable(
    FLOW_KEYS + LOOKUP_KEYS + BMP_KEYS + OUTPUT_KEYS + _SWITCHES,
    _OTHER_NAMES,
    _OTHER_PREFIXES,
    _FAMILIES,
)

# Plugins of nfacctd that we have not, and what follows.
OTHER_PLUGINS = {
    "amqp": "its records do not go to AMQP",
    "memory": "the pmacct client finds no table in memory",
    "mysql": "its records do not go to a database",
    "pgsql": "its records do not go to a database",
    "sqlite3": "its records do not go to a database",
    "mongodb": "its records do not go to a database",
    "nfprobe": "nothing is exported as NetFlow",
    "sfprobe": "nothing is exported as sFlow",
    "tee": "datagrams are not replicated",
}
