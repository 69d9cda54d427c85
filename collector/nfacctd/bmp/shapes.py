"""The two shapes of BMP records: JSON, and Avro as a consumer behind a schema registry sees it.

JSON leaves out what is not there; an Avro record has all fields of its schema, None where there
is nothing (reference 3.3, 3.4, 3.6).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from collector.nfacctd.bgp_text import prefix_text, rd_text, words
from collector.nfacctd.bmp.avro_fields import LISTS, fields_of
from collector.nfacctd.bmp.events import RD_OF_NLRI, Bodies, view_fields
from collector.nfacctd.bmp.quirks import (
    IS_FILTERED_OF_ROUTES_IN_AVRO,
    has_rd_in_avro,
    words_in_json,
)
from collector.nfacctd.bmp.record import ROUTE_DUMP, ROUTE_LOG, STATISTICS, Router
from collector.nfacctd.bmp.route_attributes import RouteAttributes
from collector.nfacctd.bmp.routes import Entry, Table, View
from collector.nfacctd.label_map import label_map
from collector.protocols.bgp.families import SAFI_LABELLED, SAFI_VPN

Fields = dict[str, Any]

ROUTE_MONITOR, INTERNAL = "route_monitor", "internal"  # bmp_msg_type of route records
LABELLED = frozenset({SAFI_LABELLED, SAFI_VPN})  # families whose routes have labels
_PEER_TCP_PORT = 0


@dataclass(frozen=True, slots=True)
class Style:
    """What the conf says of the form of BMP records."""

    as_path_array: bool = False
    communities_array: bool = False
    label_map: bool = False  # labels are maps, not text
    tagged: bool = False  # there is a bmp_daemon_tag_map
    set_pd: bool = False
    writer_id: str = ""
    json_writer_id: bool = True  # JSON has it in Kafka only


class Stamp(NamedTuple):
    """Number and times of a record.

    In the log: the time of what happened, and of its arrival. In a dump: its slot, and for what
    is no route the time of the ``event``.
    """

    seq: int
    timestamp: str
    arrival: str | None = None
    event: str | None = None


class RouteHead(NamedTuple):
    """What the records of routes share that one message, or one step of a dump, tells of.

    ``log_type`` is "update" ..., and None in dumps.
    """

    stamp: Stamp  # without a number
    router: Router
    view: View
    afi: int
    safi: int
    log_type: str | None
    message_type: str = ROUTE_MONITOR


class JsonShape:
    """Records as nfacctd's JSON objects, in its order of keys."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._bodies = Bodies(style.set_pd)
        self._tail = {"writer_id": style.writer_id} if style.json_writer_id else {}

    def session(self, kind: str, event: str, stamp: Stamp, router: Router, **more: int) -> Fields:
        """Write a log_init, log_close, dump_init or dump_close."""
        del kind
        head: Fields = {"timestamp": stamp.timestamp, "bmp_router": router.address}
        tags, port = self._tags(router), {"bmp_router_port": router.port}
        if event.startswith("log"):
            head = {"seq": stamp.seq, **head, **tags, **port, "event_type": event}
        else:
            head |= {**port, **tags, "event_type": event, **more, "seq": stamp.seq}
        return head | self._tail

    def message(self, kind: str, name: str, stamp: Stamp, router: Router, body: Fields) -> Fields:
        """Write what a message that is no route says; ``name`` is its bmp_msg_type."""
        del kind
        if stamp.arrival is not None:
            event, time = "log", {"timestamp_arrival": stamp.arrival}
        else:
            event, time = "dump", {"timestamp_event": stamp.event}
        return {
            "event_type": event,
            "seq": stamp.seq,
            "timestamp": stamp.timestamp,
            **time,
            "bmp_router": router.address,
            "bmp_router_port": router.port,
            **self._tags(router),
            "bmp_msg_type": name,
            **body,
            **self._tail,
        }

    def route(
        self, head: RouteHead, table: Table | None, attributes: RouteAttributes | None
    ) -> Fields:
        """Write what routes of a table with the same attributes share; `fill_route` does the rest.

        Without both it is an End-of-RIB, which only lacks its number.
        """
        stamp, router, view = head.stamp, head.router, head.view
        record: Fields = {"seq": None}
        if head.log_type is not None:
            record["log_type"] = head.log_type
        record["timestamp"] = stamp.timestamp
        record |= view.forms.get(JsonShape) or self._view_fields(view)
        record |= self._tags(router)
        record["event_type"] = "dump" if head.log_type is None else "log"
        record["afi"], record["safi"] = head.afi, head.safi
        if table is not None:
            record["ip_prefix"] = None
            if table.add_path:
                record["as_path_id"] = None
            record |= self._written(attributes)
            if table.safi == SAFI_VPN:
                record["rd"] = record["rd_origin"] = None
            if table.safi in LABELLED:
                record["mpls_label"] = None
        if stamp.arrival is not None:
            record["timestamp_arrival"] = stamp.arrival
        record["bmp_router"] = router.address
        record["bmp_router_port"] = router.port
        record["peer_ip"] = view.peer.address
        record["peer_asn"] = view.peer.as_number
        record["peer_tcp_port"] = _PEER_TCP_PORT
        record["bmp_msg_type"] = head.message_type
        record |= self._tail
        return record

    def _view_fields(self, view: View) -> Fields:
        view.forms[JsonShape] = fields = {
            **view_fields(view.header),
            "bgp_id": view.header.bgp_id,
            **self._bodies.distinguisher(view.header),
        }
        return fields

    def _written(self, attributes: RouteAttributes) -> Fields:
        fields: Fields = {"bgp_nexthop": attributes.next_hop}
        for name, text in _texts(attributes):
            if text is not None:
                fields[name] = words_in_json(text) if _is_array(self._style, name) else text
        fields["origin"] = attributes.origin
        for name in ("local_pref", "med", "aigp", "psid_li", "otc"):
            value = getattr(attributes, name)
            if value is not None:
                fields[name] = value
        return fields

    def _tags(self, router: Router) -> Fields:
        if router.tags.has_tag:
            return {"tag": router.tags.tag}
        return {"label": _label(router, self._style)} if router.tags.has_label else {}


class AvroShape:
    """Records as a consumer of Avro gets them: every field of the schema, in its order."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._bodies = Bodies(style.set_pd)
        names = fields_of(tagged=style.tagged, set_pd=style.set_pd)
        self._empty = {kind: dict.fromkeys(fields) for kind, fields in names.items()}
        for kind, empty in self._empty.items():
            empty["writer_id"] = style.writer_id
            if kind in (ROUTE_LOG, ROUTE_DUMP):
                empty |= {name: [] for name in LISTS if _is_array(style, name)}

    def session(self, kind: str, event: str, stamp: Stamp, router: Router, **more: int) -> Fields:
        """Write a log_init, log_close, dump_init or dump_close."""
        record = self._record(kind, router)
        record |= {"seq": stamp.seq, "timestamp": stamp.timestamp, "event_type": event, **more}
        return record

    def message(self, kind: str, name: str, stamp: Stamp, router: Router, body: Fields) -> Fields:
        """Write what a message that is no route says; ``name`` is its bmp_msg_type."""
        record = self._record(kind, router)
        record |= {
            "seq": stamp.seq,
            "timestamp": stamp.timestamp,
            "timestamp_arrival": stamp.arrival,
            "timestamp_event": stamp.event,
            "event_type": "dump" if stamp.arrival is None else "log",
            "bmp_msg_type": name,
        }
        # TLVs that nobody knows have no place in a schema.
        record |= {key: value for key, value in body.items() if key in record}
        if kind == STATISTICS:
            record["peer_type_str"] = ""
            if not isinstance(record["counter_value"], int):
                record["counter_value"] = 0
        return record

    def route(
        self, head: RouteHead, table: Table | None, attributes: RouteAttributes | None
    ) -> Fields:
        """Write what routes of a table with the same attributes share; see `JsonShape.route`."""
        stamp, view = head.stamp, head.view
        record = self._record(ROUTE_DUMP if head.log_type is None else ROUTE_LOG, head.router)
        if head.log_type is not None:
            record["log_type"] = head.log_type
        record["timestamp"] = stamp.timestamp
        record["timestamp_arrival"] = stamp.arrival
        record["event_type"] = "dump" if head.log_type is None else "log"
        record["afi"], record["safi"] = head.afi, head.safi
        record |= view.forms.get(AvroShape) or self._view_fields(view)
        if not has_rd_in_avro(head.safi):
            record["rd"] = record["rd_origin"] = None
        record["bmp_msg_type"] = head.message_type
        if attributes is not None:
            record |= self._written(attributes)
        return record

    def _record(self, kind: str, router: Router) -> Fields:
        record = self._empty[kind].copy()
        record["bmp_router"] = router.address
        record["bmp_router_port"] = router.port
        if router.tags.has_tag:
            record["tag"] = router.tags.tag
        elif router.tags.has_label:
            record["label"] = _label(router, self._style)
        return record

    def _view_fields(self, view: View) -> Fields:
        view.forms[AvroShape] = fields = {
            **view_fields(view.header),
            "is_filtered": IS_FILTERED_OF_ROUTES_IN_AVRO,
            "bgp_id": view.header.bgp_id,
            **self._bodies.distinguisher(view.header),
            "peer_ip": view.peer.address,
            "peer_asn": view.peer.as_number,
            "peer_tcp_port": _PEER_TCP_PORT,
        }
        return fields

    def _written(self, attributes: RouteAttributes) -> Fields:
        fields: Fields = {
            "bgp_nexthop": attributes.next_hop,
            "origin": attributes.origin,
            "local_pref": attributes.local_pref,
            "med": attributes.med,
            "aigp": attributes.aigp,
            "psid_li": attributes.psid_li,
            "otc": attributes.otc,
        }
        for name, text in _texts(attributes):
            fields[name] = words(text or "") if _is_array(self._style, name) else text
        return fields


Shape = JsonShape | AvroShape


def fill_route(shared: Fields, seq: int, table: Table, entry: Entry) -> Fields:
    """Write the record of one route, from what `Shape.route` wrote for all."""
    record = shared.copy()
    record["seq"] = seq
    record["ip_prefix"] = prefix_text(table.afi, entry.prefix)
    if table.add_path:
        record["as_path_id"] = entry.path_id
    if table.safi in LABELLED:
        record["mpls_label"] = str(entry.label)
        if entry.rd is not None:
            record["rd"], record["rd_origin"] = rd_text(entry.rd), RD_OF_NLRI
    return record


SHAPES: dict[str, Callable[[Style], Shape]] = {
    "json": JsonShape,
    "avro": AvroShape,
    "avro_json": AvroShape,
}
"""By the conf's name of an output format."""


def _texts(attributes: RouteAttributes) -> tuple[tuple[str, str | None], ...]:
    return (
        ("as_path", attributes.as_path),
        ("comms", attributes.comms),
        ("ecomms", attributes.ecomms),
        ("lcomms", attributes.lcomms),
    )


def _is_array(style: Style, name: str) -> bool:
    return style.as_path_array if name == "as_path" else style.communities_array


def _label(router: Router, style: Style) -> str | dict[str, str]:
    return label_map(router.tags.label) if style.label_map else router.tags.label
