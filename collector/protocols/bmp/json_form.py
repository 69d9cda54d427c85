"""BMP messages as JSON-ready objects, in the form that `decode` prints and events carry."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from collector.protocols.bgp.json_form import (
    Json,
    notification_json,
    open_json,
    update_json,
)
from collector.protocols.bgp.plain_attributes import PlainLists
from collector.protocols.bgp.plain_json import run_json
from collector.protocols.bgp.plain_updates import PlainRun
from collector.protocols.bgp.route_distinguisher import rd_text
from collector.protocols.bmp.information import Information
from collector.protocols.bmp.messages import (
    BmpMessage,
    Initiation,
    Mirrored,
    MirroredMessage,
    MirroredUpdate,
    MirroringInformation,
    PeerDown,
    PeerUp,
    RouteMirroring,
    RouteMonitoring,
    Statistics,
    Termination,
    UnknownType,
    Version4,
)
from collector.protocols.bmp.per_peer import PeerHeader
from collector.protocols.bmp.statistics import Statistic

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def message_json(message: BmpMessage) -> Json:
    """Write a message: its ``type`` and what it holds; octets as lower-case hex.

    Raises:
        DecodeError: the NLRI of an UPDATE cannot be cut.
    """
    return _FORMS[type(message)](message)


def monitoring_json(
    peer: PeerHeader, times_us: Sequence[int], run: PlainRun, lists: PlainLists
) -> Iterator[Json]:
    """Write the Route Monitoring messages of a run, each as `message_json` does."""
    form = peer_json(peer, 0)
    for time_us, update in zip(times_us, run_json(run, lists), strict=True):
        timed = {**form, "time": _time_text(time_us)} if time_us else form
        yield {"type": "route_monitoring", "peer": timed, "bgp": update}


def peer_json(peer: PeerHeader, time_us: int) -> Json:
    """Write a per-peer header with its timestamp, microseconds since 1970 UTC, 0 for unknown."""
    form: Json = {
        "type": peer.type,
        "distinguisher": rd_text(peer.distinguisher),
        "address": peer.address,
        "as": peer.as_number,
        "bgp_id": peer.bgp_id,
        "time": _time_text(time_us) if time_us else None,
        "view": peer.view,
    }
    if peer.as_size == 2:
        form["as2"] = True
    if peer.filtered:
        form["filtered"] = True
    return form


def _time_text(time_us: int) -> str:
    seconds, microseconds = divmod(time_us, 1_000_000)
    return f"{_second_text(seconds)}.{microseconds:06d}Z"


@lru_cache(maxsize=256)  # messages of one second come together
def _second_text(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def _initiation(message: Initiation) -> Json:
    return {"type": "initiation", "information": _information(message.information)}


def _termination(message: Termination) -> Json:
    return {"type": "termination", "information": _information(message.information)}


def _peer_up(message: PeerUp) -> Json:
    return {
        "type": "peer_up",
        "peer": peer_json(message.peer, message.time_us),
        "local_address": message.local_address,
        "local_port": message.local_port,
        "remote_port": message.remote_port,
        "sent_open": open_json(message.sent_open),
        "received_open": open_json(message.received_open),
        "information": _information(message.information),
    }


def _peer_down(message: PeerDown) -> Json:
    form: Json = {
        "type": "peer_down",
        "peer": peer_json(message.peer, message.time_us),
        "reason": message.reason,
    }
    if message.notification is not None:
        form["notification"] = notification_json(message.notification)
    if message.fsm_event is not None:
        form["fsm_event"] = message.fsm_event
    if message.information is not None:
        form["information"] = _information(message.information)
    return form


def _route_monitoring(message: RouteMonitoring) -> Json:
    return {
        "type": "route_monitoring",
        "peer": peer_json(message.peer, message.time_us),
        "bgp": update_json(message.parts, message.peer.as_size, message.add_path),
    }


def _statistics(message: Statistics) -> Json:
    return {
        "type": "statistics",
        "peer": peer_json(message.peer, message.time_us),
        "statistics": [_statistic(one) for one in message.statistics],
    }


def _route_mirroring(message: RouteMirroring) -> Json:
    return {
        "type": "route_mirroring",
        "peer": peer_json(message.peer, message.time_us),
        "mirrored": [_mirrored(one) for one in message.mirrored],
    }


def _unknown_type(message: UnknownType) -> Json:
    return {"type": message.type, "octets": message.octets.hex()}


def _version_4(message: Version4) -> Json:
    return {"version": 4, "type": message.type, "octets": message.octets.hex()}


def _information(tlvs: tuple[Information, ...]) -> list[Json]:
    return [{"type": tlv.type, "value": _value(tlv.value)} for tlv in tlvs]


def _statistic(statistic: Statistic) -> Json:
    form: Json = {"type": statistic.type, "value": _value(statistic.value)}
    if statistic.afi is not None:
        form |= {"afi": statistic.afi, "safi": statistic.safi}
    return form


def _mirrored(one: Mirrored) -> Json:
    match one:
        case MirroredUpdate():
            return {"bgp": update_json(one.parts, one.as_size, one.add_path)}
        case MirroredMessage():
            return {"bgp": {"type": one.type, "octets": one.body.hex()}}
        case MirroringInformation():
            return {"information": one.code}
    return {"type": one.type, "value": one.value.hex()}


def _value(value: str | int | bytes) -> str | int:
    return value.hex() if isinstance(value, bytes) else value


_FORMS: dict[type, Callable[[Any], Json]] = {
    Initiation: _initiation,
    Termination: _termination,
    PeerUp: _peer_up,
    PeerDown: _peer_down,
    RouteMonitoring: _route_monitoring,
    Statistics: _statistics,
    RouteMirroring: _route_mirroring,
    UnknownType: _unknown_type,
    Version4: _version_4,
}
