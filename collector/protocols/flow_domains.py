"""Observation domains: what is known of each exporter's domains, in bounded memory.

A UDP source can be forged, so every table has a bound. A full one is freed of those that have long
been silent; what still does not fit is refused and counted, never put in the place of a live one.
"""

from collector.errors import DecodeError
from collector.protocols.ipfix.layout import LayoutCache
from collector.protocols.ipfix.template_records import LIMIT_SOURCE
from collector.protocols.ipfix.templates import TemplateBudget, TemplateTable
from collector.protocols.sequence import SequenceTracker

IDLE_S = 3600.0  # a domain silent for this long may go, but only if its place is wanted
SWEEP_INTERVAL_S = 60.0  # a flood of forged sources must not make us look through all each time

DomainKey = tuple[str, int, int]  # exporter, observation domain id, version


class Domain:
    """One (exporter, observation domain, version): its templates, sequence and last times.

    ``last_export_time_s`` is the exporter's clock, ``last_seen_s`` ours at the same datagram; both
    are 0 where only templates of an earlier life are known. ``messages`` counts datagrams.
    """

    __slots__ = ("last_export_time_s", "last_seen_s", "messages", "sequence", "templates")

    def __init__(self, templates: TemplateTable) -> None:
        self.templates = templates
        self.sequence = SequenceTracker()
        self.last_export_time_s = 0
        self.last_seen_s = 0.0
        self.messages = 0


class DomainTable:
    """All domains of all exporters; ``by_key`` is for reading.

    ``sweeps`` counts how often domains were forgotten: whoever keeps one asks again after it.
    """

    def __init__(
        self,
        layouts: LayoutCache,
        *,
        max_exporters: int,
        max_domains_per_exporter: int,
        max_templates_per_exporter: int,
    ) -> None:
        self.by_key: dict[DomainKey, Domain] = {}
        self.sweeps = 0
        self._layouts = layouts
        self._max_exporters = max_exporters
        self._max_domains_per_exporter = max_domains_per_exporter
        self._max_templates_per_exporter = max_templates_per_exporter
        self._keys_of: dict[str, set[DomainKey]] = {}
        self._budget_of: dict[str, TemplateBudget] = {}
        self._next_sweep_s = float("-inf")

    def open(self, key: DomainKey, now_s: float) -> Domain:
        """Begin a domain that ``by_key`` does not have.

        Raises:
            DecodeError: too many exporters, or too many domains of this one, and none to free.
        """
        if self._refusal(key[0]):
            self._sweep(now_s)
        if refusal := self._refusal(key[0]):
            raise DecodeError(0, refusal, LIMIT_SOURCE)
        budget = self._budget_of.setdefault(
            key[0], TemplateBudget(self._max_templates_per_exporter)
        )
        domain = Domain(TemplateTable(key[2], self._layouts, budget))
        domain.last_seen_s = now_s
        self.by_key[key] = domain
        self._keys_of.setdefault(key[0], set()).add(key)
        return domain

    def _refusal(self, exporter: str) -> str | None:
        keys = self._keys_of.get(exporter)
        if keys is None:
            full = len(self._keys_of) >= self._max_exporters
            return (
                f"{self._max_exporters} exporters are known: a new one is refused" if full else None
            )
        full = len(keys) >= self._max_domains_per_exporter
        return (
            f"exporter has {self._max_domains_per_exporter} domains: another refused"
            if full
            else None
        )

    def _sweep(self, now_s: float) -> None:
        if now_s < self._next_sweep_s:
            return
        self._next_sweep_s = now_s + SWEEP_INTERVAL_S
        self.sweeps += 1
        idle = [k for k, domain in self.by_key.items() if now_s - domain.last_seen_s > IDLE_S]
        for key in idle:
            exporter = key[0]
            self._budget_of[exporter].held -= len(self.by_key.pop(key).templates.by_id)
            self._keys_of[exporter].discard(key)
            if not self._keys_of[exporter]:
                del self._keys_of[exporter], self._budget_of[exporter]
