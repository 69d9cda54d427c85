"""What every exporter's options data say, and what of it a successor must be told."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgpack

from collector.metrics import Counters, register
from collector.protocols.flow_values import DataSet
from collector.protocols.ipfix.options import ExporterOptions
from collector.protocols.ipfix.structured import TemplateLookup

register(
    flow_options="options records decoded",
    flow_options_malformed="options data sets with a record that runs past their end",
)

_MAX_REPORTED = 262_144

Report = Callable[[list[Any], bytes | None], None]
Options = TypeVar("Options", bound=ExporterOptions)  # or what is learnt from in the same way


class OptionsTables(Generic[Options]):
    """Options data of all exporters of a worker, by index in its directory.

    Args:
        report: told (key, octets) of each record that is news: the last of each scope is what a
            successor has to `restore`.
        make: makes the tables of one exporter, with ``counters``.
    """

    def __init__(
        self,
        counters: Counters,
        report: Report,
        make: Callable[..., Options] = ExporterOptions,
    ) -> None:
        self._counters = counters
        self._report = report
        self._make = make
        self._tables: dict[int, Options] = {}
        self._reported: dict[bytes, int] = {}

    def of(self, exporter: int) -> Options | None:
        """What one exporter's options data say; None: it sent none."""
        return self._tables.get(exporter)

    def learn(self, exporter: int, data_set: DataSet, lists: TemplateLookup) -> Options:
        """Take an options data set; give all that its exporter has said."""
        message, template, body = data_set
        rows, fault = template.layout.rows(body, lists)
        self._counters.add("flow_options", len(rows))
        if fault is not None:
            self._counters.add("flow_options_malformed")
        domain = message.observation_domain_id
        options = self._of(exporter)
        for scope, fields in rows:
            before = options.revision
            options.learn(domain, scope, fields)
            if options.revision != before:
                key = ["options", message.exporter, domain, template.template_id]
                key.append(_packed(scope))
                self._report_once(key, _packed([scope, fields]))
        return options

    def restore(self, exporter: int, domain: int, octets: bytes) -> None:
        """Learn a record of an earlier life from what was reported."""
        scope, fields = msgpack.unpackb(octets)
        self._of(exporter).learn(domain, scope, fields)

    def _of(self, exporter: int) -> Options:
        options = self._tables.get(exporter)
        if options is None:
            options = self._tables[exporter] = self._make(counters=self._counters)
        return options

    def _report_once(self, key: list[Any], octets: bytes) -> None:
        name = msgpack.packb(key)
        if self._reported.get(name) == hash(octets):
            return
        if len(self._reported) >= _MAX_REPORTED:
            self._reported.clear()
        self._reported[name] = hash(octets)
        self._report(key, octets)


def _packed(values: object) -> bytes:
    # Integers of more than 64 bits, which msgpack has not, become text; no table wants them.
    return msgpack.packb(values, default=str)
