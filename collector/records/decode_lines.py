"""What `decode` says of a captured message: JSON-ready objects, one for each line."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from collector.errors import DecodeError
from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.json_form import message_json
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import (
    DataSet,
    FlowEvent,
    Message,
    MissingTemplate,
    TemplateAnnounced,
)
from collector.protocols.ipfix.datetimes import rfc3339

KINDS = ("flow", "options", "template", "missing_template", "bmp", "error")

Json = dict[str, Any]

_YEAR_1_US = -62_135_596_800_000_000  # datetime reaches no farther back
_V5 = 5


def time_text(time_ns: int | None) -> str | None:
    """RFC 3339 text with 6 digits, cut off, of nanoseconds since 1970 UTC.

    None where the capture gives no time, or one whose year has not four digits.
    """
    if time_ns is None or time_ns // 1000 < _YEAR_1_US:
        return None
    return rfc3339(time_ns // 1000, 6)


def flow_lines(
    decoder: FlowDecoder, exporter: str, datagram: memoryview, now_s: float
) -> list[Json]:
    """Decode one flow datagram to lines without their time and origin, in wire order.

    Args:
        exporter: canonical text of its source address.
        now_s: time of capture.
    """
    lines: list[Json] = []

    def take(event: FlowEvent) -> None:
        if isinstance(event, DataSet):
            rows, fault = event.template.layout.rows(event.body, decoder.lists(event.message))
            if fault is not None:
                # The bad Set and the rest of its Message give one error; those before it stand.
                offset = _offset(datagram, event.body) + fault.offset
                raise type(fault)(offset, fault.reason, fault.source)
            lines.extend(_data_lines(event, rows))
        elif isinstance(event, TemplateAnnounced):
            lines.append(_template_line(event))
        elif isinstance(event, MissingTemplate):
            lines.append(_missing_template_line(event))
        else:
            lines.append(error_line(event))

    # Line by line: a list's template may be announced, changed or withdrawn in the same Message.
    decoder.decode_each(exporter, datagram, now_s, take)
    return lines


def bmp_line(decoder: BmpDecoder, message: bytes | DecodeError) -> Json:
    """Decode one BMP message to a line without its time and origin; a fault gives its line."""
    if isinstance(message, DecodeError):
        return error_line(message)
    try:
        return {"kind": "bmp", **message_json(decoder.decode(message))}
    except DecodeError as error:
        return error_line(error)


def error_line(error: DecodeError) -> Json:
    """Say what was wrong."""
    return {
        "kind": "error",
        "reason": error.reason,
        "offset": error.offset,
        "source": error.source,
    }


def _data_lines(data_set: DataSet, rows: list[tuple[Json, Json]]) -> Iterator[Json]:
    message, template = data_set.message, data_set.template
    head: Json = {
        "kind": "options" if template.is_options else "flow",
        **_domain(message),
        "export_time": rfc3339(message.export_time_s, 0),
    }
    if message.system_uptime_ms is not None:
        head["system_uptime_ms"] = message.system_uptime_ms
    if message.sampling is not None:
        head["sampling"] = {"mode": message.sampling >> 14, "interval": message.sampling & 0x3FFF}
    head["sequence"] = message.sequence
    head["template_id"] = None if message.version == _V5 else template.template_id
    for scope, fields in rows:
        if template.is_options:
            yield {**head, "scope": scope, "fields": fields}
        else:
            yield {**head, "fields": fields}


def _template_line(announced: TemplateAnnounced) -> Json:
    template = announced.template
    line: Json = {
        "kind": "template",
        **_domain(announced.message),
        "template_id": template.template_id,
    }
    scopes: list[Json] = []
    elements: list[Json] = []
    for field in template.layout.fields:
        (scopes if field.scope else elements).append({"name": field.name, "length": field.length})
    if template.is_options:
        line["scope"] = scopes
    line["elements"] = elements
    return line


def _missing_template_line(missing: MissingTemplate) -> Json:
    return {
        "kind": "missing_template",
        **_domain(missing.message),
        "export_time": rfc3339(missing.message.export_time_s, 0),
        "template_id": missing.template_id,
        "octets": missing.body.hex(),
    }


def _domain(message: Message) -> Json:
    return {
        "version": message.version,
        "observation_domain_id": message.observation_domain_id,
    }


def _offset(datagram: memoryview, part: memoryview) -> int:
    """Where a view of some of a datagram's octets begins."""
    first, start = (np.frombuffer(view, np.uint8).ctypes.data for view in (datagram, part))
    return start - first
