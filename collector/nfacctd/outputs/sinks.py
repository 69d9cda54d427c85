"""All outputs of one worker: what takes records, and their common start and end."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence

from collector.metrics import Counters
from collector.nfacctd.bmp.record import BmpRecord, Router
from collector.nfacctd.outputs.avro_schemas import bmp_schemas, flow_schemas
from collector.nfacctd.outputs.bmp_output import bmp_output
from collector.nfacctd.outputs.encoding import FLOWS, PURGE_CLOSE, PURGE_INIT, Entry, Fields
from collector.nfacctd.outputs.file_stream import FileStream
from collector.nfacctd.outputs.flow_output import Stream, flow_output, print_form, write_schemas
from collector.nfacctd.outputs.outlet import Outlet
from collector.nfacctd.outputs.variables import Values, router_values
from collector.nfacctd.settings import BmpOutput, Plugin, Settings
from collector.pipeline.batch import Batch


class FlowSink:
    """Takes the records of one plugin.

    A purge is `begin`, `put` for each time bin, `end`. Markers and the trigger are for those who
    call `begin` and `end`.
    """

    def __init__(self, plugin: Plugin, stream: Stream, outlet: Outlet) -> None:
        self._plugin = plugin
        self._stream = stream
        self._outlet = outlet
        self._writer_id = f"{plugin.name}/{os.getpid()}"
        self._began_s = 0.0
        self._records = 0

    @property
    def has_room(self) -> bool:
        """Whether less than half of the buffer is in use."""
        return self._outlet.has_room

    @property
    def takes_octets(self) -> bool:
        """Whether records may be put as JSON objects."""
        return self._stream.takes_octets

    def begin(self, time_s: float | None = None) -> None:
        """A purge begins.

        Args:
            time_s: of file names, as of `put`; None: now.
        """
        self._began_s = time.monotonic()
        self._records = 0
        self._mark(PURGE_INIT, time_s, event_type="purge_init")

    def put(self, records: Sequence[Fields] | Sequence[bytes], time_s: float | None = None) -> None:
        """Take records, in the shape of the plugin's output.

        Args:
            time_s: what strftime of file names stands for: the start of the records' bin, or of
                the purge where there are no bins; None: now.
        """
        moment = _moment(time_s)
        self._records += len(records)
        if not records and isinstance(self._stream, FileStream):
            self._outlet.put(self._stream.nothing(moment))
        elif records:
            if isinstance(records[0], bytes):
                entries = [Entry(FLOWS, octets, {}, moment) for octets in records]
            else:
                entries = [Entry(FLOWS, fields, fields, moment) for fields in records]
            self._outlet.put(self._stream.batches(entries))

    def end(self, time_s: float | None = None) -> None:
        """The purge's records were all put: the trigger runs once they are sent."""
        duration_s = int(time.monotonic() - self._began_s)
        entries = {"purged_entries": self._records, "total_entries": self._records}
        self._mark(PURGE_CLOSE, time_s, event_type="purge_close", **entries, duration=duration_s)
        self._outlet.purged()

    def _mark(self, kind: str, time_s: float | None, event_type: str, **more: int) -> None:
        if self._plugin.markers:
            fields = {"event_type": event_type, "writer_id": self._writer_id, **more}
            self._outlet.put(self._stream.batches([Entry(kind, fields, {}, _moment(time_s))]))


class BmpSink:
    """Takes the records of the log or of dumps; it is what `bmp.record.Sink` asks for."""

    def __init__(self, stream: Stream, outlet: Outlet) -> None:
        self._stream = stream
        self._outlet = outlet

    @property
    def has_room(self) -> bool:
        """Whether less than half of the buffer is in use."""
        return self._outlet.has_room

    def __call__(self, records: Sequence[BmpRecord]) -> None:
        """Take records."""
        last: Router | None = None
        values: Values = {}
        entries = []
        for kind, router, time_s, fields in records:
            if router is not last:
                # Those of a router come together.
                last, values = router, router_values(router.address, router.port)
            entries.append(Entry(kind, fields, values, time_s))
        self._outlet.put(self._stream.batches(entries))


class Sinks:
    """The sinks of one worker.

    Args:
        slot: of the worker; that of slot 0 writes what is written once.
        failed: called where a destination is gone for good.

    Raises:
        ConfigError: files of TLS are not what they should be.
    """

    def __init__(
        self,
        settings: Settings,
        slot: int,
        counters: Counters,
        failed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._slot = slot
        self._counters = counters
        self._failed = failed
        self._outlets: list[Outlet] = []
        self._flows = {
            plugin.name: self._flow_sink(plugin, settings.flow_out) for plugin in settings.plugins
        }
        bmp = settings.bmp
        self.msglog = self._bmp_sink("bmp_msglog", bmp.msglog, settings.bmp_out, None)
        """None where the conf asks for no log."""
        dump = bmp.dump
        self.dump = (
            self._bmp_sink("bmp_dump", dump.target, settings.dump_out, dump.refresh_s)
            if dump
            else None
        )
        """None where the conf asks for no dumps."""

    def plugin(self, name: str) -> FlowSink:
        """Give the sink of a plugin."""
        return self._flows[name]

    @property
    def has_room(self) -> bool:
        """Whether all outputs have less than half of their buffers in use."""
        return all(outlet.has_room for outlet in self._outlets)

    def start(self) -> None:
        """Begin to send what is put."""
        if self._slot == 0:
            self._write_schemas()
        for outlet in self._outlets:
            outlet.start()

    async def drain(self, deadline_s: float) -> int:
        """Send what waits; give the number of records left unacknowledged."""
        return sum(await asyncio.gather(*(outlet.drain(deadline_s) for outlet in self._outlets)))

    def _flow_sink(self, plugin: Plugin, lines_to: str | None) -> FlowSink:
        stream, exporter = flow_output(plugin, self._settings, self._counters, lines_to)
        outlet = Outlet(
            plugin.name, exporter, self._counters, self._failed, trigger=plugin.trigger_exec
        )
        self._outlets.append(outlet)
        if plugin.print is not None and plugin.print.file is None and self._slot == 0:
            header = print_form(plugin, self._settings, self._counters).header
            outlet.put([Batch.of("", [(None, header.removesuffix(b"\n"))])] if header else [])
        return FlowSink(plugin, stream, outlet)

    def _bmp_sink(
        self, name: str, output: BmpOutput | None, lines_to: str | None, period_s: int | None
    ) -> BmpSink | None:
        if output is None:
            return None
        stream, exporter = bmp_output(
            name, output, self._settings, self._counters, lines_to=lines_to, period_s=period_s
        )
        outlet = Outlet(name, exporter, self._counters, self._failed)
        self._outlets.append(outlet)
        return BmpSink(stream, outlet)

    def _write_schemas(self) -> None:
        settings = self._settings
        for plugin in settings.plugins:
            if plugin.avro_schema_file and plugin.output.startswith("avro"):
                write_schemas(plugin.avro_schema_file, flow_schemas(plugin, settings))
        bmp = settings.bmp
        for output in (bmp.msglog, bmp.dump.target if bmp.dump else None):
            if output and output.avro_schema_file and output.output.startswith("avro"):
                schemas = bmp_schemas(bmp, output, settings)
                write_schemas(output.avro_schema_file, schemas)


def _moment(time_s: float | None) -> int:
    return int(time.time() if time_s is None else time_s)
