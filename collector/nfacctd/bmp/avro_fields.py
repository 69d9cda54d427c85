"""The fields of nfacctd's Avro schemas of BMP records, in their order (reference 3.6)."""

from collector.nfacctd.bmp import record

_SESSION = ("bmp_router", "bmp_router_port")
_TAGS = ("tag", "label")
_HEAD = (
    *("seq", "timestamp", "timestamp_arrival", "timestamp_event", "event_type"),
    *(*_SESSION, "bmp_msg_type", "writer_id"),
)
_TABLE = ("bmp_rib_type", "is_filtered", "is_in", "is_loc", "is_post", "is_out")
_RD = ("rd", "rd_origin")
_PD = ("pd", "pd_origin")
_PEER = ("bgp_id", "peer_type", "peer_type_str", *_TABLE)

_START = ("seq", "timestamp", "event_type", "writer_id")

LISTS = ("as_path", "comms", "ecomms", "lcomms")
"""Fields of routes that are arrays where the conf asks for arrays."""

_ROUTE = (
    *("afi", "safi", "ip_prefix", *_RD, "bgp_nexthop", "as_path", "as_path_id"),
    *("comms", "ecomms", "lcomms", "origin", "local_pref", "med", "aigp", "psid_li", "otc"),
    *("mpls_label", "peer_ip", "peer_asn", "bgp_id", "peer_tcp_port", "timestamp_arrival"),
    *(*_SESSION, "bmp_msg_type", *_TABLE),
)


def fields_of(*, tagged: bool, set_pd: bool) -> dict[str, tuple[str, ...]]:
    """Name the fields of each kind of record.

    Args:
        tagged: there is a `bmp_daemon_tag_map`, so that records have tag and label.
        set_pd: `bmp_daemon_set_pd`.
    """
    tags = _TAGS if tagged else ()
    rd = (*_RD, *_PD) if set_pd else _RD
    head = (*_HEAD, *tags)
    start = (*_START, *tags)
    rd_at = _ROUTE.index(_RD[0])
    route = (*start, *_ROUTE[:rd_at], *rd, *_ROUTE[rd_at + len(_RD) :])
    return {
        record.ROUTE_LOG: ("log_type", *route),
        record.ROUTE_DUMP: route,
        record.STATISTICS: (
            *(*head, "peer_ip", "peer_asn", *_PEER, *rd),
            *("counter_type", "counter_type_str", "counter_value", "afi", "safi"),
        ),
        record.PEER_UP: (
            *(*head, "peer_ip", "peer_asn", "local_as", *_PEER, *rd),
            *("local_port", "remote_port", "local_ip"),
            *_named("bmp_peer_up_info", "string", "vrf_table_name", "admin_label", "reserved"),
        ),
        record.PEER_DOWN: (
            *(*head, "peer_ip", "peer_asn", *_PEER, *rd),
            *("reason_type", "reason_str", "reason_loc_code"),
        ),
        record.INITIATION: (
            *head,
            *_named("bmp_init_info", "string", "sysdescr", "sysname", "reserved"),
        ),
        record.TERMINATION: (*head, *_named("bmp_term_info", "string", "reason")),
        record.LOG_INIT: (*start, *_SESSION),
        record.LOG_CLOSE: (*start, *_SESSION),
        record.DUMP_INIT: (*start, *_SESSION, "dump_period"),
        record.DUMP_CLOSE: (*start, *_SESSION, "entries", "tables"),
    }


def _named(prefix: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{name}" for name in names)
