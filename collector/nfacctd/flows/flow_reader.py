"""Reads the raw columns of nfacctd's primitives out of blocks of records, as a `SegmentReader`.

Which fields of a layout are read, and how, is worked out once a layout; then a block costs some
numpy calls a column, however many records it has.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from collector.nfacctd.flows.addresses import (
    plan_exporter,
    plan_hosts,
    plan_nat,
    plan_next_hops,
)
from collector.nfacctd.flows.counters import plan_counters
from collector.nfacctd.flows.custom import plan_custom
from collector.nfacctd.flows.fields import Fields, Plan, Reading, Step, number_step
from collector.nfacctd.flows.flow_type import plan_flow_type
from collector.nfacctd.flows.headers import plan_headers, plan_link, plan_masks
from collector.nfacctd.flows.sampling import plan_sampling
from collector.nfacctd.flows.stacks import plan_stacks
from collector.nfacctd.flows.times import plan_times
from collector.nfacctd.flows.tunnels import plan_tunnels
from collector.nfacctd.flows.vrf import plan_route_distinguisher
from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.nfacctd.settings import Settings
from collector.protocols.ipfix.block import Block
from collector.protocols.ipfix.layout import Layout
from collector.records.flow_batch import SetColumns
from collector.records.segment import Segment

_MAX_LAYOUTS = 4096  # as bounded as the cache of layouts is
_V5, _IPFIX = 5, 10
_PMACCT = 43874  # enterprise number of pmacct
_APPLICATION = 95
_BOTH_WAYS = ((231, 232), (298, 299))  # counters of initiator and responder
# Column, and how a message's value is made of `SetColumns`.
_MESSAGE_COLUMNS = {
    "domain": ("observation_domain_id", "uint32"),
    "set_id": ("template_id", "uint16"),
    "export_proto_version": ("version", "uint8"),
    "export_proto_seqno": ("sequence", "uint32"),
    "timestamp_arrival": ("received_us", "int64"),
}


class FlowReader:
    """Makes raw columns (`raw_columns.DTYPES`) of Data Sets.

    Args:
        settings: what is read how.
        needs: raw columns that somebody asks for; flow type and counters are always there.
        customs: custom primitives that somebody selects.
    """

    def __init__(
        self, settings: Settings, needs: Iterable[str], customs: Iterable[CustomPrimitive]
    ) -> None:
        self._needs = frozenset(needs)
        self._layouts: dict[Layout, tuple[Fields, Sequence[Step]]] = {}
        self._plans: tuple[Plan, ...] = (
            plan_flow_type,  # the others ask for it
            _plan_message,
            plan_hosts,
            plan_next_hops(settings.use_ip_next_hop),
            plan_exporter,
            plan_nat,
            plan_headers,
            plan_masks,
            plan_link,
            plan_tunnels,
            plan_stacks,
            plan_sampling,
            plan_route_distinguisher,
            plan_times(settings.time_secs),
            _plan_own,
            plan_custom(customs),
            plan_counters(settings.asa_bi_flow),
        )

    def __call__(self, block: Block, layout: Layout, sets: SetColumns) -> Segment:
        """Read the columns of a block's records."""
        fields, steps = self._planned(layout)
        reading = Reading(block, fields, sets)
        for step in steps:
            step(reading)
        return Segment(reading.rows, reading.columns, {}, sets, reading.of_row)

    def need(self, needs: Iterable[str]) -> None:
        """Read other raw columns from now on: a map that was read again may ask for more."""
        if self._needs != frozenset(needs):
            self._needs = frozenset(needs)
            self._layouts.clear()

    def _planned(self, layout: Layout) -> tuple[Fields, Sequence[Step]]:
        planned = self._layouts.get(layout)
        if planned is None:
            if len(self._layouts) >= _MAX_LAYOUTS:
                self._layouts.clear()
            fields = Fields(layout)
            steps = [step for plan in self._plans for step in plan(fields, self._needs)]
            planned = self._layouts[layout] = fields, steps
        return planned


def _plan_message(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of what the message says, the exporter's index first."""
    yield _exporter
    for column, (name, dtype) in _MESSAGE_COLUMNS.items():
        if column in needs:
            yield _message_step(column, name, dtype)
    if "export_proto_sysid" in needs:
        yield _system_id
    if "timestamp_export" in needs:
        yield _export_time


def _exporter(reading: Reading) -> None:
    reading.columns["exporter"] = reading.of_set(reading.sets.exporter)


def _message_step(column: str, name: str, dtype: str) -> Step:
    def step(reading: Reading) -> None:
        reading.columns[column] = reading.of_set(getattr(reading.sets, name)).astype(dtype)

    return step


def _system_id(reading: Reading) -> None:
    ids = reading.sets.observation_domain_id
    # NetFlow v5 has engine type and id in one number, of which nfacctd shows the id.
    shown = ids & np.uint32(0xFF) if reading.fields.version == _V5 else ids
    reading.columns["export_proto_sysid"] = reading.of_set(shown)


def _export_time(reading: Reading) -> None:
    seconds = reading.sets.export_time_us // 1_000_000
    reading.columns["timestamp_export"] = reading.of_set(seconds * 1_000_000)


def _plan_own(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of pmacct's own elements, and of the application's id."""
    if fields.version == _IPFIX:
        for element, column in ((1, "tag"), (2, "tag2")):
            index = fields.first(element, _PMACCT)
            if column in needs and index is not None:
                yield number_step(f"record_{column}", index, "uint64", 8)
        index = fields.first(3, _PMACCT)
        if "label" in needs and index is not None:
            yield _octets_step("record_label", index)
    if "bi_flow" in needs and any(all(map(fields.has, pair)) for pair in _BOTH_WAYS):
        yield _mark_bi_flow
    application = fields.readable((_APPLICATION, (2, 3, 4, 5, 6, 7, 8)))
    if "application" in needs and application is not None:
        yield _application_step(application, fields.length(application))


def _mark_bi_flow(reading: Reading) -> None:
    reading.columns["bi_flow"] = np.ones(reading.rows, np.uint8)


def _octets_step(column: str, index: int) -> Step:
    def step(reading: Reading) -> None:
        reading.columns[column] = reading.octets(index)

    return step


def _application_step(index: int, length: int) -> Step:
    selector = np.uint64((1 << 8 * (min(length, 8) - 1)) - 1)  # without the engine's octet

    def step(reading: Reading) -> None:
        reading.columns["application"] = reading.number(index).astype(np.uint64) & selector

    return step
