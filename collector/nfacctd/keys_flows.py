"""Keys of the core: the service itself, how flows come in and are read, how values are written.

Facts: reference sections 1.4, 2, 7 and 8; defaults are those of `settings.py`.
"""

from collector.nfacctd.keys import Key, Scope, Treatment
from collector.nfacctd.read_values import (
    Reader,
    address,
    existing_file,
    flag,
    integer,
    one_of,
    path,
    plain_words,
    renamed,
    umask,
    words,
)

_HONOURED, _SUPERSEDED = Treatment.HONOURED, Treatment.SUPERSEDED
_NO_EFFECT, _NOT_SUPPORTED = Treatment.NO_EFFECT, Treatment.NOT_SUPPORTED
_UINT32_MAX = (1 << 32) - 1
_PORT = integer(1, 65_535)
_LOG = "only the log changes; ours has levels of its own"
_ONE_PROCESS = "one worker does all the work for its devices: there is no pipe between processes"
_BALANCED = "the kernel steers each device to one worker, by its address"


def _service(name: str, treatment: Treatment, told: str, read: Reader = words) -> Key:
    return Key(name, treatment, told, read)


def _core(name: str, field: str, told: str, read: Reader) -> Key:
    return Key(name, _HONOURED, told, read, f"core.{field}")


def _encoding(name: str, told: str) -> Key:
    return Key(name, _HONOURED, told, flag, f"core.{name}")


SERVICE_KEYS = (
    _core(
        "core_proc_name", "core_proc_name", 'the name "{value}" of BMP\'s writer_id', plain_words
    ),
    _core("logfile", "logfile", "the log, in place of standard error", path),
    _core("pidfile", "pidfile", "the process id of the service, that signals go to", path),
    _core("files_umask", "files_umask", "permissions of files that are written", umask),
    Key(
        "dry_run",
        _HONOURED,
        "reading the configuration, and ending",
        renamed(one_of("config", "setup"), {"config": True, "setup": True}),
        "core.dry_run",
    ),
    _service("daemonize", _SUPERSEDED, "the service stays in the foreground", flag),
    _service("debug", _NO_EFFECT, _LOG, flag),
    _service("debug_internal_msg", _NO_EFFECT, _LOG, flag),
    _service("syslog", _SUPERSEDED, "the log goes to standard error, or to logfile"),
    _service("files_uid", _NO_EFFECT, "files belong to the user that runs the service"),
    _service("files_gid", _NO_EFFECT, "files belong to the group that runs the service"),
    _service("propagate_signals", _SUPERSEDED, "workers get the signals they need", flag),
    _service("proc_priority", _NO_EFFECT, "priority is for the service manager", str),
    _service("plugin_exit_any", _SUPERSEDED, "a worker that ends is started again", flag),
    _service("thread_stack", _NO_EFFECT, "there are no threads to size", str),
    *(
        Key(f"plugin_pipe_{end}", _SUPERSEDED, _ONE_PROCESS, str, scope=Scope.PLUGIN)
        for end in ("size", "zmq", "zmq_retry", "zmq_profile", "zmq_hwm")
    ),
    Key("plugin_buffer_size", _SUPERSEDED, _ONE_PROCESS, str, scope=Scope.PLUGIN),
    *(
        _service(name, _SUPERSEDED, "workers of one service share the load, without election")
        for name in ("redis_host", "redis_db", "redis_passwd", "cluster_name", "cluster_id")
    ),
)

LISTENING_KEYS = (
    _core("nfacctd_ip", "ip", "listening on {value}, UDP", address),
    _core("nfacctd_port", "port", "listening on port {value}, UDP", _PORT),
    _core(
        "nfacctd_pipe_size",
        "pipe_size",
        "the receive buffer of each worker's socket, in octets",
        integer(1),
    ),
    _core("nfacctd_allow_file", "allow", "the only senders of flows that are read", existing_file),
    Key(
        "nfacctd_ipv6_only",
        _NOT_SUPPORTED,
        'flows of IPv4 devices would be published too; listen on an address other than "::"',
        flag,
    ),
    Key(
        "nfacctd_interface",
        _NOT_SUPPORTED,
        "flows from all interfaces would be published; give nfacctd_ip instead",
    ),
    Key("nfacctd_mcast_groups", _NOT_SUPPORTED, "no flows sent to multicast groups come in"),
    Key("nfacctd_dtls_port", _NOT_SUPPORTED, "no flows come in over DTLS", str),
    _service("nfacctd_rp_ebpf_prog", _SUPERSEDED, _BALANCED),
    _service("nfacctd_templates_port", _SUPERSEDED, f"{_BALANCED}: it has all its templates", str),
    _service("nfacctd_templates_receiver", _SUPERSEDED, f"{_BALANCED}: it has all its templates"),
    _service(
        "nfacctd_templates_file",
        _SUPERSEDED,
        "a new worker gets the templates of the one before; after a restart of the whole service "
        "flows count from the exporter's next template on",
    ),
    *(
        Key(
            name,
            _NOT_SUPPORTED,
            "no flows are read from there: exporters must send to nfacctd_port",
        )
        for name in (
            *(f"nfacctd_kafka_{end}" for end in ("broker_host", "topic", "config_file")),
            "nfacctd_zmq_address",
            "pcap_savefile",
        )
    ),
    _service("nfacctd_kafka_broker_port", _NO_EFFECT, "flows come over UDP", str),
)

READING_KEYS = (
    _core("nfacctd_time_new", "time_new", "bins of time by arrival", flag),
    _core("nfacctd_time_secs", "time_secs", "times in NetFlow headers as seconds", flag),
    _service(
        "nfacctd_disable_checks",
        _SUPERSEDED,
        "gaps of sequence numbers are counted; SIGUSR1 tells them by exporter",
        flag,
    ),
    _core(
        "nfacctd_pre_processing_checks",
        "pre_processing_checks",
        "dropping Sets of fixed-length records whose padding is not zero",
        flag,
    ),
    _core(
        "nfacctd_disable_opt_scope_check",
        "disable_opt_scope_check",
        "options data of a whole exporter, in place of a domain",
        flag,
    ),
    _core("nfacctd_account_options", "account_options", "options data as records too", flag),
    _core("nfacctd_renormalize", "renormalize", "counters times the sampling rate", flag),
    _core(
        "nfacctd_ext_sampling_rate",
        "ext_sampling_rate",
        "sampling rate {value}, whatever exporters say",
        integer(1, _UINT32_MAX),
    ),
    _core(
        "nfacctd_ignore_exporter_address",
        "ignore_exporter_address",
        "peer_src_ip from the UDP source alone",
        flag,
    ),
    _core("use_ip_next_hop", "use_ip_next_hop", "the IP next hop where BGP's is missing", flag),
    _core("tmp_asa_bi_flow", "asa_bi_flow", "counters from elements 231 and 232 too", flag),
    Key(
        "nfacctd_peer_as",
        _NOT_SUPPORTED,
        "peer_src_as and peer_dst_as do not come from the exporter's AS fields",
        flag,
        scope=Scope.PLUGIN,
    ),
    Key(
        "sampling_rate",
        _NOT_SUPPORTED,
        "all flows count, not one of so many",
        str,
        scope=Scope.PLUGIN,
        off=frozenset({"0", "1"}),
    ),
)

ENCODING_KEYS = (
    _encoding("tcpflags_encode_as_array", "tcp_flags as a list of names"),
    _encoding("fwd_status_encode_as_string", "fwd_status as text"),
    _encoding("mpls_label_stack_encode_as_array", "mpls_label_stack as a list"),
    _encoding("as_path_encode_as_array", "AS paths as lists"),
    _encoding("bgp_comms_encode_as_array", "communities as lists"),
    _encoding("pre_tag_label_encode_as_map", "labels as maps"),
    _encoding("tos_encode_as_dscp", "tos without its two lowest bits"),
    _encoding("bgp_comms_num", "communities as numbers, without names"),
)

FLOW_KEYS = SERVICE_KEYS + LISTENING_KEYS + READING_KEYS + ENCODING_KEYS
