"""The way of a datagram through a worker: decode, collect, and hand on batch by batch."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from collector.errors import DecodeError
from collector.metrics import Counters, register
from collector.pipeline.devices import DeviceDirectory
from collector.processors.options_tables import OptionsTables
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import DataSet, TemplateAnnounced
from collector.receivers.bmp_tcp import canonical_address
from collector.records.batch_builder import BatchBuilder, Collected
from collector.records.flow_batch import FlowBatch
from collector.workers.guard import Guard

register(
    flow_records="flow records decoded",
    flow_record_faults="Data Sets with a record that runs past their end; those before it stand",
    flow_sets_lost="Data Sets that an unexpected error kept from being decoded",
)

_MAX_ADDRESSES = 1 << 17

Report = Callable[[list[Any], bytes | None], None]
Filled = TypeVar("Filled")


class FlowPath(Generic[Filled]):
    """All flow datagrams of one worker.

    Args:
        options: learns what options data say.
        guard: what fails unforeseen costs the records of one layout in one batch.
        fill: makes of a batch what is published; None: nobody wants it. It may fail, and is then
            asked again layout by layout.
        publish: takes that, and the time its batch was closed.
        report: takes (key, octets or None) of what a successor should know.
        hint: takes (device, further addresses that it calls its own).
        closed: called when a batch was closed: the datagrams' octets are needed no more.
        options_too: whether options data is published like flows.
    """

    def __init__(
        self,
        decoder: FlowDecoder,
        builder: BatchBuilder,
        directory: DeviceDirectory,
        options: OptionsTables,
        counters: Counters,
        guard: Guard,
        *,
        batch_rows: int,
        fill: Callable[[FlowBatch], Filled | None],
        publish: Callable[[Filled, float], None],
        report: Report,
        hint: Callable[[str, set[str]], None],
        closed: Callable[[], None],
        options_too: bool = False,
    ) -> None:
        self.decoder = decoder
        self.batch_rows = batch_rows
        self.options = options
        self._builder = builder
        self._directory = directory
        self._counters = counters
        self._guard = guard
        self._fill = fill
        self._publish = publish
        self._report = report
        self._hint = hint
        self._closed = closed
        self._options_too = options_too
        self._hinted: set[int] = set()
        # Source address as the kernel writes it: index and canonical text; None: refused.
        self._exporters: dict[str, tuple[int, str] | None] = {}

    @property
    def waiting_rows(self) -> int:
        """Records in the batch that is being collected."""
        return self._builder.rows

    def datagram(self, address: str, octets: memoryview) -> None:
        """Take one datagram; its octets must stay as they are until ``closed`` is called."""
        try:
            exporter = self._exporters[address]
        except KeyError:
            exporter = self._know(address)
        if exporter is None:
            return
        index, name = exporter
        now_s = time.time()
        for event in self.decoder.decode(name, octets, now_s):
            if type(event) is DataSet:
                message, template, _ = event
                if template.is_options:
                    self._learn(index, event)
                    if not self._options_too:
                        continue
                options = self.options.of(index)
                domain = message.observation_domain_id
                init_ms = 0 if options is None else options.system_init_time_ms(domain) or 0
                self._builder.add(event, index, int(now_s * 1e6), init_ms)
            elif type(event) is TemplateAnnounced and event.changed:
                self._report_template(event)
        if self._builder.rows >= self.batch_rows:
            self.close_batch()

    def close_batch(self) -> None:
        """Decode what was collected, and hand it on as one frame."""
        collected = self._builder.take()
        try:
            done = self._guard.run("batch", self._close, collected)
            if not done and len(collected) > 1:
                # One layout's records may be what failed: those of the others still count.
                for one in collected:
                    if not self._guard.run("batch", self._close, [one]):
                        self._counters.add("flow_sets_lost", len(one.bodies))
            elif not done:
                self._counters.add("flow_sets_lost", len(collected[0].bodies))
        finally:
            self._closed()

    def _close(self, collected: Sequence[Collected]) -> None:
        batch, faults = self._builder.read(collected)
        filled = None if batch is None else self._fill(batch)
        # From here on nothing fails: the same Data Sets are not read again.
        if faults:
            self._counters.add("flow_record_faults", faults)
        if batch is not None:
            self._counters.add("flow_records", batch.rows)
        if filled is not None:
            self._publish(filled, time.time())

    def restore(self, key: list[Any], octets: bytes) -> None:
        """Learn what an earlier worker of this slot reported."""
        kind, exporter, *rest = key
        index = self._directory.exporter(exporter)
        if index is None:
            return
        if kind == "options":
            self.options.restore(index, rest[0], octets)
            return
        version, domain = rest[0], rest[1]
        with contextlib.suppress(DecodeError):  # accepted once; a bound may have become smaller
            self.decoder.restore(exporter, version, domain, octets)

    def _learn(self, exporter: int, data_set: DataSet) -> None:
        options = self.options.learn(exporter, data_set, self.decoder.lists(data_set.message))
        names = {options.exporter_ipv4_address, options.exporter_ipv6_address} - {None}
        if names and exporter not in self._hinted:
            self._hinted.add(exporter)
            self._hint(self._device_of(exporter), names)

    def _report_template(self, event: TemplateAnnounced) -> None:
        message = event.message
        key = ["template", message.exporter, message.version, message.observation_domain_id]
        key.append(event.template.template_id)
        self._report(key, None if event.withdrawn else event.octets)

    def _know(self, address: str) -> tuple[int, str] | None:
        name = canonical_address(address)
        index = self._directory.exporter(name)
        if len(self._exporters) >= _MAX_ADDRESSES:
            self._exporters.clear()
        self._exporters[address] = known = None if index is None else (index, name)
        if index is not None:
            self._hint(self._device_of(index), {name})
        return known

    def _device_of(self, exporter: int) -> str:
        return self._directory.device_of(self._directory.names[exporter])
