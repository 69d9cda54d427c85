"""Structured data: basicList, subTemplateList and subTemplateMultiList (RFC 6313 section 4.5).

A list has its length from the record around it, so that one that contradicts itself (its elements
do not fill it, a record passes its end) costs its own value: it is shown as hex, like any value
that its type cannot have.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.ipfix.data_records import RecordShape, cut_records
from collector.protocols.ipfix.fields import VARIABLE
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.types import AbstractType
from collector.protocols.ipfix.values import READERS, JsonValue, Reader, misfit

if TYPE_CHECKING:
    from collector.protocols.ipfix.layout import Layout

# Template ID → layout, in the exporter's observation domain; None for an unknown template.
TemplateLookup: TypeAlias = Callable[[int], "Layout | None"]

_SOURCE = "RFC 6313 section 4.5"
_BASIC_LIST = struct.Struct("!BHH")  # Semantic, enterprise bit and Field ID, Element Length
_ENTERPRISE_NUMBER = struct.Struct("!I")
_SUB_TEMPLATE_LIST = struct.Struct("!BH")  # Semantic, Template ID
_MULTI_LIST_ENTRY = struct.Struct("!HH")  # Template ID, length with these four octets
_ENTERPRISE_BIT = 0x8000
_ONE_VARIABLE = RecordShape.of((VARIABLE,))
_MAX_DEPTH = 16  # real lists have two or three levels; each more costs a hostile sender 5 octets


@dataclass(frozen=True, slots=True)
class ValueDecoder:
    """Reads values of any type; knows the templates that lists refer to."""

    registry: Registry
    lists: TemplateLookup
    depth: int = 0

    def reader(self, kind: AbstractType) -> Reader:
        """What makes JSON of the octets of that type."""
        form = _FORMS.get(kind)
        return READERS[kind] if form is None else lambda octets: self._list(form, octets)

    def _list(self, form: "_Form", octets: bytes) -> JsonValue:
        if not octets or self.depth >= _MAX_DEPTH:
            return misfit(octets)
        try:
            return form(replace(self, depth=self.depth + 1), octets)
        except DecodeError:
            return octets.hex()


_Form: TypeAlias = Callable[[ValueDecoder, bytes], JsonValue]


def _basic_list(inner: ValueDecoder, octets: bytes) -> JsonValue:
    """| Semantic | E, Field ID | Element Length | Enterprise Number if E | elements | (4.5.1)."""
    semantic, id, length = _unpack(_BASIC_LIST, octets, 0)
    start, pen = _BASIC_LIST.size, 0
    if id & _ENTERPRISE_BIT:
        (pen,) = _unpack(_ENTERPRISE_NUMBER, octets, start)
        start += _ENTERPRISE_NUMBER.size
    element = inner.registry.element(pen, id & ~_ENTERPRISE_BIT)
    read = inner.reader(element.type)
    values = [read(value) for value in _elements(octets[start:], length)]
    return {"element": element.name, "semantic": semantic, "values": values}


def _elements(content: bytes, length: int) -> list[bytes]:
    if length == VARIABLE:
        return [values[0] for _, values in cut_records(content, _ONE_VARIABLE)]
    if content and (not length or len(content) % length):
        raise MalformedError(0, f"elements of {length} octets do not fill the list", _SOURCE)
    return [content[at : at + length] for at in range(0, len(content), length or 1)]


def _sub_template_list(inner: ValueDecoder, octets: bytes) -> JsonValue:
    """| Semantic | Template ID | records ... | (4.5.2)."""
    semantic, template_id = _unpack(_SUB_TEMPLATE_LIST, octets, 0)
    records = _records(inner, template_id, octets[_SUB_TEMPLATE_LIST.size :])
    return {"template_id": template_id, "semantic": semantic, **records}


def _sub_template_multi_list(inner: ValueDecoder, octets: bytes) -> JsonValue:
    """| Semantic | Template ID | length | records ... | Template ID | length | ... | (4.5.3)."""
    templates: list[JsonValue] = []
    start = 1
    while start < len(octets):
        template_id, length = _unpack(_MULTI_LIST_ENTRY, octets, start)
        end = start + length
        if length < _MULTI_LIST_ENTRY.size or end > len(octets):
            raise MalformedError(start, f"Data Records Length {length} does not fit", _SOURCE)
        content = octets[start + _MULTI_LIST_ENTRY.size : end]
        templates.append({"template_id": template_id, **_records(inner, template_id, content)})
        start = end
    return {"semantic": octets[0], "templates": templates}


def _records(inner: ValueDecoder, template_id: int, content: bytes) -> dict[str, JsonValue]:
    layout = inner.lists(template_id)
    if layout is None:
        return {"octets": content.hex()}
    return {"records": list(layout.list_records(content, inner))}


def _unpack(form: struct.Struct, octets: bytes, offset: int) -> tuple[int, ...]:
    if len(octets) - offset < form.size:
        raise TruncatedError(offset, "list header cut short", _SOURCE)
    return form.unpack_from(octets, offset)


_FORMS: dict[AbstractType, _Form] = {
    AbstractType.BASIC_LIST: _basic_list,
    AbstractType.SUB_TEMPLATE_LIST: _sub_template_list,
    AbstractType.SUB_TEMPLATE_MULTI_LIST: _sub_template_multi_list,
}
