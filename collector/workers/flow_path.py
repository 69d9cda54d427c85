"""The way of a datagram through a worker: decode, collect, and hand on batch by batch."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from collector.errors import DecodeError
from collector.metrics import Counters, register
from collector.pipeline.devices import DeviceDirectory
from collector.processors.options_tables import OptionsTables
from collector.protocols.flow_burst import Burst
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_streams import StreamTable
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
# To read so few datagrams in one go costs as much as one by one.
_FEW = 12

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
        self._closes = 0
        # Source address: index and canonical text; None: refused.
        self._exporters: dict[bytes | str, tuple[int, str] | None] = {}
        self._streams = StreamTable(decoder, self._exporter, self._init_ms)

    @property
    def waiting_rows(self) -> int:
        """Records in the batch that is being collected."""
        return self._builder.rows

    def burst(self, burst: Burst) -> None:
        """Take datagrams that were read together.

        Their octets must stay as they are until ``closed`` is called, at the latest until this
        returns.
        """
        before = self._closes
        others: Sequence[int] = range(len(burst))
        if len(burst) > _FEW:
            rest: list[int] = []
            # Whatever this stumbles over is found again, and told, in one of them.
            if self._guard.run("burst", self._plain, burst, rest):
                others = rest
        for index in others:
            # Each by itself: what one of them breaks, the others never see.
            self._guard.run("flow", self.datagram, burst.source(index), burst.datagram(index))
        if self._closes != before and self._builder.rows:
            # The buffer is free to be used anew: nothing of this burst may stay in it.
            self.close_batch()

    def _plain(self, burst: Burst, rest: list[int]) -> None:
        """Take all datagrams that can be read without a look at each; give the rest."""
        now_s = time.time()
        found = self._streams.find(burst)
        received_us = int(now_s * 1e6)
        ready = [
            (layout, sets, self._streams.said(sets, found.headers, received_us))
            for layout, sets in self._streams.layouts(found.sets)
        ]
        self._streams.follow(found, now_s)
        rest += found.others.tolist()
        for layout, sets, said in ready:
            for part in self._parts(sets.records):
                self._builder.add_uniform(
                    layout, burst.octets, sets.start[part], sets.stop[part], said[:, part]
                )
                if self._builder.rows >= self.batch_rows:
                    self.close_batch()

    def _parts(self, records: NDArray[np.int64]) -> Iterator[slice]:
        """Cut Data Sets where the batch has its rows: there may be any number in each."""
        if self._builder.rows + int(records.sum()) <= self.batch_rows:
            yield slice(None)
            return
        total = np.cumsum(records)
        start, done = 0, 0
        while start < len(records):
            room = done + max(self.batch_rows - self._builder.rows, 1)
            stop = min(int(np.searchsorted(total, room)) + 1, len(records))
            yield slice(start, stop)
            start, done = stop, int(total[stop - 1])

    def datagram(self, address: bytes | str, octets: memoryview) -> None:
        """Take one datagram; its octets must stay as they are until ``closed`` is called.

        Args:
            address: where it came from, as 16 octets or as text.
        """
        exporter = self._exporter(address)
        if exporter is None:
            return
        index, name = exporter
        now_s = time.time()
        for event in self.decoder.decode(name, octets, now_s):
            if type(event) is DataSet:
                message, template, _ = event
                if template.is_options:
                    self._learn(index, event)
                    self._streams.forget(index)
                    if not self._options_too:
                        continue
                init_ms = self._init_ms(index, message.observation_domain_id)
                self._builder.add(event, index, int(now_s * 1e6), init_ms)
            elif type(event) is TemplateAnnounced and event.changed:
                self._streams.forget(index)
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
            self._closes += 1
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

    def _init_ms(self, exporter: int, domain: int) -> int:
        options = self.options.of(exporter)
        return 0 if options is None else options.system_init_time_ms(domain) or 0

    def _exporter(self, address: bytes | str) -> tuple[int, str] | None:
        try:
            return self._exporters[address]
        except KeyError:
            return self._know(address)

    def _know(self, address: bytes | str) -> tuple[int, str] | None:
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
