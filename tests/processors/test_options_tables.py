"""Options data of all exporters: learnt, reported once, and learnt again by a successor."""

from typing import Any

from collector.metrics import Counters
from collector.processors.options_tables import OptionsTables
from collector.protocols.flow_values import DataSet
from collector.simulation.ipfix import (
    Field,
    data_set,
    ipfix_message,
    options_template_set,
    variable_length,
)
from tests.records.flows import decoder

EXPORTER = "192.0.2.1"
SCOPE, NAME = [(10, 4)], [(82, 65535)]


class Bench:
    """An exporter's options data on their way into the tables."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.reported: list[tuple[list[Any], bytes | None]] = []
        self.tables = OptionsTables(self.counters, lambda *what: self.reported.append(what))
        self._decoder = decoder()

    def send(self, records: bytes, scope: list[Field] = SCOPE, fields: list[Field] = NAME) -> None:
        sets = [options_template_set(400, scope, fields), data_set(400, records, padded=False)]
        octets = ipfix_message(sets, export_time_s=1, sequence=0, domain=7)
        for event in self._decoder.decode(EXPORTER, memoryview(octets), 0.0):
            if isinstance(event, DataSet):
                self.tables.learn(3, event, self._decoder.lists(event.message))


def interface(number: int, name: bytes) -> bytes:
    return number.to_bytes(4, "big") + variable_length(name)


def test_what_is_news_is_reported_once_and_restores_the_same() -> None:
    bench = Bench()
    for _ in range(3):
        bench.send(interface(1, b"et-1") + interface(2, b"et-2"))
    bench.send(interface(1, b"et-1/new"))
    assert bench.counters["flow_options"] == 7
    assert len(bench.reported) == 3
    last = {tuple(key): octets for key, octets in bench.reported}
    successor = Bench()
    for key, octets in last.items():
        kind, exporter, domain, *_ = key
        assert (kind, exporter, domain) == ("options", EXPORTER, 7)
        successor.tables.restore(3, domain, octets)
    for tables in (bench.tables, successor.tables):
        known = tables.of(3)
        assert known is not None
        assert known.interface_names.of_domain == {(7, 1): "et-1/new", (7, 2): "et-2"}
    assert bench.tables.of(4) is None


def test_a_record_that_runs_past_its_set_costs_only_itself() -> None:
    bench = Bench()
    bench.send(interface(1, b"et-1") + b"\0\0\0\2\xf0zz")
    assert bench.counters["flow_options_malformed"] == 1
    known = bench.tables.of(3)
    assert known is not None
    assert known.interface_names.of_domain == {(7, 1): "et-1"}


def test_an_integer_of_256_bits_is_no_reason_to_stop() -> None:
    bench = Bench()
    fields: list[Field] = [(515, 32), (82, 65535)]  # ipv6ExtensionHeadersFull
    bench.send(b"\0\0\0\1" + b"\xff" * 32 + variable_length(b"et-1"), fields=fields)
    ((_, octets),) = bench.reported
    successor = Bench()
    assert octets is not None
    successor.tables.restore(3, 7, octets)
    known = successor.tables.of(3)
    assert known is not None
    assert known.interface_names.get(7, 1) == "et-1"
