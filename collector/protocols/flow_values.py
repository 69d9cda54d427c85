"""What a flow datagram says: the values that NetFlow v5, NetFlow v9 and IPFIX decode to.

A Message and a DataSet are made for every datagram: named tuples, made by `new_message` and
`new_data_set` from a plain tuple of all fields, at a third of the cost of calling the class.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from collector.errors import DecodeError
from collector.protocols.ipfix.fields import FieldSpecifier
from collector.protocols.ipfix.layout import Layout


class Message(NamedTuple):
    """The header of one datagram.

    ``version`` is 5, 9 or 10, ``exporter`` the canonical text of the address it came from.
    ``observation_domain_id`` is the Source ID in NetFlow v9, engine type * 256 + engine id in v5.
    ``sequence`` counts what the version counts: flows (v5), datagrams (v9), data records (IPFIX).
    ``system_uptime_ms`` is None in IPFIX; ``sampling``, the two bits of mode and fourteen of
    interval, and ``export_time_ns``, nanoseconds after ``export_time_s``, are of v5 only.
    """

    version: int
    exporter: str
    observation_domain_id: int
    export_time_s: int
    sequence: int
    system_uptime_ms: int | None = None
    sampling: int | None = None
    export_time_ns: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """How the records of one Set ID look; the same object until the template says something else.

    ``template_id`` is 0 for the built-in one of NetFlow v5. ``record_octets`` is the length of a
    record where all have the same, else 0. ``fields`` is empty in a withdrawal.
    """

    template_id: int
    layout: Layout
    is_options: bool
    fields: tuple[FieldSpecifier, ...]
    record_octets: int


class DataSet(NamedTuple):
    """A Data Set whose template is known; ``body`` is a view, with padding, without Set Header."""

    message: Message
    template: Template
    body: memoryview


class TemplateAnnounced(NamedTuple):
    """A template was announced, for the first time or again, or withdrawn.

    ``octets`` (Set ID and template record as on the wire) let `FlowDecoder.restore` learn it again;
    ``changed`` is False when the same template was known already, or an unknown one withdrawn.
    A withdrawal of all templates has the template id 2, of all options templates 3.
    """

    message: Message
    template: Template
    octets: bytes
    withdrawn: bool
    changed: bool


class MissingTemplate(NamedTuple):
    """A Data Set that nobody has described yet; ``body`` as in `DataSet`."""

    message: Message
    template_id: int
    body: memoryview


new_message = partial(tuple.__new__, Message)
new_data_set = partial(tuple.__new__, DataSet)
FlowEvent = DataSet | TemplateAnnounced | MissingTemplate | DecodeError
