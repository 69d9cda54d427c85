"""nfacctd's Avro schemas: flow records by the plugin's primitives, BMP records (reference 3.6)."""

from collections.abc import Iterable
from typing import Any

from collector.nfacctd.bmp import record as kinds
from collector.nfacctd.bmp.avro_fields import fields_of
from collector.nfacctd.flows.custom import CustomColumn
from collector.nfacctd.flows.primitives import Key, is_custom
from collector.nfacctd.flows.records import record_keys
from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.nfacctd.outputs.encoding import FLOWS, PURGE_CLOSE, PURGE_INIT
from collector.nfacctd.settings import BmpOutput, BmpSettings, Plugin, Settings

Schema = dict[str, Any]

_STRINGS = {"type": "array", "items": "string"}
_MAP = {"type": "map", "values": "string"}
_TYPES = {"strings": _STRINGS, "map": _MAP}
_NULLABLE_LONG, _NULLABLE_STRING = ["null", "long"], ["null", "string"]
_NULLABLE_INT = ["null", "int"]

_COMMUNITIES = ("comms", "ecomms", "lcomms")

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
    """Build the schemas of a plugin's records, by kind; its output is one of Avro."""
    customs = [
        CustomColumn(CustomPrimitive(name, 0, None, None, "str"))
        for name in plugin.aggregate
        if is_custom(name)  # whatever they are, records have them as a map of text
    ]
    fields = [(key.name, _type(key)) for key in record_keys(plugin, settings, customs)]
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


def _type(key: Key) -> Any:
    type_ = _TYPES.get(key.type, key.type)
    return ["null", type_] if key.nullable else type_


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
