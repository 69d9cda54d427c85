"""nfacctd's Avro schemas: flow records by the plugin's primitives, BMP records (reference 3.6)."""

from collections.abc import Iterable
from typing import Any

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp.avro_fields import fields_of
from collector.nfacctd.flows.primitives import AVRO_ORDER, Key, is_custom, selected
from collector.nfacctd.outputs.encoding import FLOWS, PURGE_CLOSE, PURGE_INIT
from collector.nfacctd.settings import BmpOutput, BmpSettings, Plugin, Settings

Schema = dict[str, Any]

_STRINGS = {"type": "array", "items": "string"}
_MAP = {"type": "map", "values": "string"}
_TYPES = {"strings": _STRINGS, "map": _MAP}
_NULLABLE_LONG, _NULLABLE_STRING = ["null", "long"], ["null", "string"]
_NULLABLE_INT = ["null", "int"]

_COMMUNITIES = ("comms", "ecomms", "lcomms")
_PATHS = ("as_path", "as_path_src")

_BMP_TYPES: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("log_type", "timestamp", "event_type", "writer_id", "bmp_router", "bmp_msg_type"),
            *("bmp_rib_type", "peer_ip", "bgp_id", "local_ip", "counter_type_str"),
        ),
        "string",
    ),
    **dict.fromkeys(("seq", "peer_asn", "local_as", "counter_value", "dump_period"), "long"),
    **dict.fromkeys(("counter_type", "peer_type", "local_port", "remote_port"), "int"),
    **dict.fromkeys(("reason_type",), "int"),
    **dict.fromkeys(
        (
            *("tag", "as_path_id", "local_pref", "med", "aigp", "psid_li", "otc"),
            "entries",
        ),
        _NULLABLE_LONG,
    ),
    **dict.fromkeys(
        (
            *("bmp_router_port", "peer_tcp_port", "reason_loc_code", "tables", "is_filtered"),
            *("is_in", "is_loc", "is_post", "is_out"),
        ),
        _NULLABLE_INT,
    ),
}
_ROUTES = (kinds.ROUTE_LOG, kinds.ROUTE_DUMP)
_LOG_ONLY = (kinds.LOG_INIT, kinds.LOG_CLOSE, kinds.ROUTE_LOG)
_DUMP_ONLY = (kinds.DUMP_INIT, kinds.DUMP_CLOSE, kinds.ROUTE_DUMP)


def flow_schemas(plugin: Plugin, settings: Settings) -> dict[str, Schema]:
    """Build the schemas of a plugin's records, by kind."""
    before, between, behind = (selected(plugin.aggregate, part) for part in AVRO_ORDER)
    fields = [_field(key, settings) for primitive in before for key in primitive.keys]
    if plugin.stitching:
        fields += [("timestamp_min", _NULLABLE_STRING), ("timestamp_max", _NULLABLE_STRING)]
    fields += [_field(key, settings) for primitive in between for key in primitive.keys]
    if any(is_custom(name) for name in plugin.aggregate):
        fields.append(("custom_primitives", _MAP))
    if plugin.history is not None:
        fields += [("stamp_inserted", _NULLABLE_STRING), ("stamp_updated", _NULLABLE_STRING)]
    fields += [_field(key, settings) for primitive in behind for key in primitive.keys]
    fields += [(name, _NULLABLE_LONG) for name in ("packets", "flows", "bytes")]
    if plugin.type == "kafka":
        fields.append(("writer_id", "string"))
    head = [("event_type", "string"), ("writer_id", "string")]
    tail = [("purged_entries", "long"), ("total_entries", "long"), ("duration", "int")]
    return {
        FLOWS: _record(FLOWS, fields),
        PURGE_INIT: _record(PURGE_INIT, head),
        PURGE_CLOSE: _record(PURGE_CLOSE, head + tail),
    }


def bmp_schemas(bmp: BmpSettings, output: BmpOutput, settings: Settings) -> dict[str, Schema]:
    """Build the schemas of the log's records or of a dump's, by kind."""
    is_log = output is bmp.msglog
    left_out = _DUMP_ONLY if is_log else _LOG_ONLY
    names = fields_of(tagged=bmp.tag_map is not None, set_pd=bmp.set_pd)
    return {
        kind: _record(kind, [(name, _bmp_type(kind, name, settings)) for name in fields])
        for kind, fields in names.items()
        if kind not in left_out
    }


def _record(name: str, fields: Iterable[tuple[str, Any]]) -> Schema:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": field, "type": type_} for field, type_ in fields],
    }


def _field(key: Key, settings: Settings) -> tuple[str, Any]:
    name = key.name
    # The table of primitives has the types of text; arrays and maps are the conf's choice.
    is_array = (
        (name in _PATHS and settings.as_path_encode_as_array)
        or (name.removesuffix("_src") in _COMMUNITIES and settings.bgp_comms_encode_as_array)
        or (name in ("tcp_flags", "tunnel_tcp_flags") and settings.tcpflags_encode_as_array)
        or (name == "mpls_label_stack" and settings.mpls_label_stack_encode_as_array)
    )
    if is_array:
        return name, _STRINGS
    if name == "label" and settings.pre_tag_label_encode_as_map:
        return name, _MAP
    return name, _TYPES.get(key.type, key.type)


def _bmp_type(kind: str, name: str, settings: Settings) -> Any:
    if name == "label" and settings.pre_tag_label_encode_as_map:
        return ["null", _MAP]
    if name in ("afi", "safi"):
        return "int" if kind in _ROUTES else _NULLABLE_INT
    if name == "as_path" and settings.as_path_encode_as_array:
        return _STRINGS
    if name in _COMMUNITIES and settings.bgp_comms_encode_as_array:
        return _STRINGS
    return _BMP_TYPES.get(name, _NULLABLE_STRING)
