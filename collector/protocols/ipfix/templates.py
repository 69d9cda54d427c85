"""Template lifetime: what the templates of one observation domain are now (RFC 7011 section 8).

A template lives until it is announced with other fields or withdrawn. No timer ends it: there are
routers that announce once an hour, or once, and what they describe does not become unknown.
"""

from dataclasses import dataclass

from collector.errors import DecodeError
from collector.protocols.flow_values import Template
from collector.protocols.ipfix.fields import FieldSpecifier
from collector.protocols.ipfix.layout import Layout, LayoutCache
from collector.protocols.ipfix.sets import FIRST_DATA_SET
from collector.protocols.ipfix.template_records import LIMIT_SOURCE, TemplateRecord


@dataclass(slots=True)
class TemplateBudget:
    """How many templates one exporter has, over all its domains, and how many it may have."""

    limit: int
    held: int = 0


class TemplateTable:
    """The templates of one (exporter, observation domain, version).

    ``by_id`` maps a Set ID to its `Template`; the hot path reads it directly, nobody else writes.
    """

    __slots__ = ("_budget", "_ids", "_layouts", "_version", "by_id")

    def __init__(self, version: int, layouts: LayoutCache, budget: TemplateBudget) -> None:
        self.by_id: dict[int, Template] = {}
        self._version = version
        self._layouts = layouts
        self._budget = budget
        # By kind (options or not): to withdraw all of one must not cost a look at all others.
        self._ids: dict[bool, set[int]] = {False: set(), True: set()}

    def layout_of(self, template_id: int) -> Layout | None:
        """Find a template's layout, for the records of structured types (RFC 6313)."""
        template = self.by_id.get(template_id)
        return None if template is None else template.layout

    def build_in(self, template_id: int, fields: tuple[FieldSpecifier, ...]) -> None:
        """Know a template that is never announced: that of NetFlow v5."""
        self._budget.held += 1
        self._keep(self._template(template_id, False, fields))

    def take(self, record: TemplateRecord) -> tuple[Template, bool]:
        """Take a template as announced, in the place of whatever had its id, or withdraw it.

        Returns:
            The template (the known object if nothing changed; one without fields for a withdrawal),
            and whether anything changed.
        Raises:
            DecodeError: the exporter holds as many templates as it may, and this is a new one.
        """
        return self._withdraw(record) if record.is_withdrawal else self._announce(record)

    def _announce(self, record: TemplateRecord) -> tuple[Template, bool]:
        known = self.by_id.get(record.template_id)
        if known is None:
            if self._budget.held >= self._budget.limit:
                reason = (
                    f"exporter has {self._budget.limit} templates: {record.template_id} refused"
                )
                raise DecodeError(record.offset, reason, LIMIT_SOURCE)
            self._budget.held += 1
        elif (known.fields, known.is_options) == (record.fields, record.is_options):
            return known, False
        else:
            self._ids[known.is_options].discard(record.template_id)
        template = self._template(record.template_id, record.is_options, record.fields)
        self._keep(template)
        return template, True

    def _withdraw(self, record: TemplateRecord) -> tuple[Template, bool]:
        """Forget the template of a withdrawal, or all of its kind (RFC 7011 section 8.1)."""
        # Section 8.4 wants withdrawals over UDP ignored, as they may come late. Exporters that send
        # them all the same mean them, and a template used after its end would invent flows.
        withdrawn = [record.template_id]
        if record.template_id < FIRST_DATA_SET:
            withdrawn = list(self._ids[record.is_options])
        forgotten = [self.by_id.pop(template_id, None) for template_id in withdrawn]
        for template in filter(None, forgotten):
            self._ids[template.is_options].discard(template.template_id)
            self._budget.held -= 1
        return self._template(record.template_id, record.is_options, ()), any(forgotten)

    def _keep(self, template: Template) -> None:
        self.by_id[template.template_id] = template
        self._ids[template.is_options].add(template.template_id)

    def _template(
        self, template_id: int, is_options: bool, fields: tuple[FieldSpecifier, ...]
    ) -> Template:
        layout = self._layouts.layout(self._version, fields)
        record_octets = layout.record_length if layout.is_fixed else 0
        return Template(template_id, layout, is_options, layout.specifiers, record_octets)
