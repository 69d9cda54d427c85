"""Keys of the core: the service itself, how flows come in and are read, maps, where AS come from.

Facts: reference sections 1.4, 2, 4.6, 5 and 8.2, 8.3; defaults are those of `settings.py`.
"""

from collector.nfacctd.keys import Feature, Key, Scope, Treatment
from collector.nfacctd.read_values import (
    Reader,
    address,
    existing_file,
    flag,
    integer,
    names,
    one_of,
    path,
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


def _core(name: str, field: str, told: str, read: Reader, needs: Feature | None = None) -> Key:
    return Key(name, _HONOURED, told, read, f"core.{field}", needs=needs)


def _encoding(name: str, told: str) -> Key:
    return Key(name, _HONOURED, told, flag, f"core.{name}")


SERVICE_KEYS = (
    _core("core_proc_name", "core_proc_name", 'the name "{value}" of BMP\'s writer_id', words),
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
    _core("nfacctd_disable_checks", "disable_checks", "gaps in the log, or not", flag),
    _core(
        "nfacctd_pre_processing_checks",
        "pre_processing_checks",
        "dropping Sets whose padding is not zero",
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

MAP_KEYS = (
    _core("aggregate_primitives", "aggregate_primitives", "primitives of its own", existing_file),
    _core("flow_to_rd_map", "flow_to_rd_map", "RDs by its rules", existing_file),
    _core("sampling_map", "sampling_map", "sampling rates by its rules", existing_file),
    _core(
        "bmp_agent_map",
        "agent_map",
        "whose routes answer for whose flows",
        existing_file,
        Feature.ROUTES,
    ),
    _core("maps_refresh", "maps_refresh", "whether SIGUSR2 reads maps again", flag),
    _core("maps_entries", "maps_entries", "nothing to limit: maps may be of any size", integer(1)),
    _core("maps_row_len", "maps_row_len", "nothing to limit: rows may be long", integer(1)),
    _service("maps_index", _SUPERSEDED, "maps are always indexed", flag),
    _core("networks_file", "networks_file", "prefixes and AS numbers by its rows", existing_file),
    _core("networks_file_filter", "networks_filter", "0 for hosts outside of the file", flag),
    _core("networks_file_no_lpm", "networks_no_lpm", "the file before longer prefixes", flag),
    _core(
        "networks_no_mask_if_zero",
        "networks_no_mask_if_zero",
        "whole addresses where the mask is 0",
        flag,
    ),
    _core("networks_mask", "networks_mask", "prefixes of {value} bits", integer(1, 128)),
    _service("networks_cache_entries", _SUPERSEDED, "lookups need no cache", str),
    *(
        Key(
            f"{kind}_file",
            _NOT_SUPPORTED,
            f"all values of {kind} stay as they are, not only those of the file",
            scope=Scope.PLUGIN,
        )
        for kind in ("ports", "protos", "tos")
    ),
    *(
        _service(name, _NO_EFFECT, "aggregate has no primitive that needs it")
        for name in ("geoip_ipv4_file", "geoip_ipv6_file", "geoipv2_file")
    ),
)

_AS_SOURCES = {
    "bgp": "bmp",
    "false": "netflow",
    "sflow": "netflow",
    "true": "file",
    "fallback": "longest",
}
_SOURCE_WORDS = ("netflow", "file", "bmp", "longest", *_AS_SOURCES)
_PATTERNS = ("stdcomm_pattern", "extcomm_pattern", "lrgcomm_pattern")
_NO_MAP = "the map that says them is not read: values stay empty"
_FROM_ROUTES = "of the route back to the source"

ROUTE_KEYS = (
    _core(
        "nfacctd_as",
        "as_source",
        "AS numbers and paths of {value}",
        renamed(one_of(*_SOURCE_WORDS), _AS_SOURCES),
    ),
    _core(
        "nfacctd_net",
        "net_source",
        "prefixes and next hops of {value}",
        renamed(
            one_of(
                *_SOURCE_WORDS,
                "mask",
                unsupported={
                    "igp": "there is no IGP daemon: prefixes stay empty",
                    "bgp-ls": "there is no BGP-LS: prefixes stay empty",
                },
            ),
            _AS_SOURCES,
        ),
    ),
    _core(
        "bgp_peer_src_as_type",
        "peer_src_as_type",
        "peer_src_as of {value}",
        renamed(
            one_of("netflow", "sflow", "bgp", unsupported={"map": _NO_MAP}), {"sflow": "netflow"}
        ),
        Feature.ROUTES,
    ),
    *(
        _core(
            f"bgp_src_{what}_type",
            f"src_{what}_from_bgp",
            f"src_{what} {_FROM_ROUTES}",
            renamed(
                one_of(
                    "bgp",
                    unsupported={"map": _NO_MAP} if what in ("local_pref", "med") else {},
                ),
                {"bgp": True},
            ),
            Feature.ROUTES,
        )
        for what in ("std_comm", "ext_comm", "lrg_comm", "as_path", "local_pref", "med", "roa")
    ),
    *(
        _service(f"bgp_{what}_map", _NO_EFFECT, f"bgp_{what}_type is not map")
        for what in ("peer_src_as", "src_local_pref", "src_med")
    ),
    _core(
        "bgp_aspath_radius",
        "aspath_radius",
        "paths of {value} hops at most",
        integer(1),
    ),
    *(
        _core(f"bgp_{what}", what, "only communities that match", names, Feature.ROUTES)
        for what in _PATTERNS
    ),
    *(
        _core(
            f"bgp_{what}_to_asn",
            f"{what}_to_asn",
            "AS numbers of own prefixes",
            names,
            Feature.ROUTES,
        )
        for what in ("stdcomm_pattern", "lrgcomm_pattern")
    ),
    _core(
        "bgp_peer_as_skip_subas",
        "peer_as_skip_subas",
        "peer AS behind those of a confederation",
        flag,
        Feature.ROUTES,
    ),
    Key(
        "bgp_follow_default",
        _NOT_SUPPORTED,
        "flows that match only a default route have that route's fields, not those of the router "
        "it leads to",
        str,
        needs=Feature.ROUTES,
    ),
    *(
        _service(name, _NO_EFFECT, "it follows sessions of bgp_daemon, not of BMP", str)
        for name in ("bgp_follow_nexthop", "bgp_follow_nexthop_external")
    ),
    Key(
        "bgp_disable_router_id_check",
        _NOT_SUPPORTED,
        "a router is still found by its BGP identifier too",
        flag,
        needs=Feature.ROUTES,
    ),
    Key(
        "tmp_bgp_lookup_compare_ports",
        _NOT_SUPPORTED,
        "a router is still found by its address alone",
        flag,
        needs=Feature.ROUTES,
    ),
    *(
        Key(
            name,
            _NOT_SUPPORTED,
            'routes are not validated: roa_dst and roa_src stay "u", BMP records have no roa',
        )
        for name in ("rpki_roas_file", "rpki_rtr_cache")
    ),
    *(
        _service(f"rpki_rtr_cache_{end}", _NO_EFFECT, "there is no session to an RTR cache", str)
        for end in ("version", "pipe_size", "ipprec")
    ),
)

FLOW_KEYS = SERVICE_KEYS + LISTENING_KEYS + READING_KEYS + ENCODING_KEYS + MAP_KEYS + ROUTE_KEYS
