"""What other sources say of a batch's records: options data, the operator, the device's routes."""

from collections.abc import Sequence

from collector.pipeline.devices import DeviceDirectory
from collector.processors.correlate import Correlator
from collector.processors.options_data import fill_names, fill_sampling
from collector.processors.options_tables import OptionsTables
from collector.processors.route_distinguishers import StaticRd, route_distinguishers
from collector.records.flow_batch import FlowBatch


class FlowFiller:
    """Adds what others say to batches, and correlates them.

    Attributes:
        static_rds: the operator's map of route distinguishers.
        wants_flows, wants_routes: what nobody wants is not made.
        wanted: columns that are; None: all.
    """

    def __init__(
        self, directory: DeviceDirectory, options: OptionsTables, correlator: Correlator
    ) -> None:
        self.static_rds: Sequence[StaticRd] = ()
        self.wants_flows = self.wants_routes = True
        self.wanted: frozenset[str] | None = None
        self._directory = directory
        self._options = options
        self._correlator = correlator

    def fill(self, batch: FlowBatch) -> FlowBatch | None:
        """Fill in what is missing; None where nobody wants flows."""
        if not self.wants_flows:
            return None
        batch.add("device", self._directory.devices(batch.columns["exporterAddress"]))
        if self.wanted is None or "samplingRate" in self.wanted:
            fill_sampling(batch, self._options.of, self._configured_rate)
        fill_names(batch, self._options.of, self.wanted)
        if self.wants_routes:
            rds = route_distinguishers(batch, self._options.of, self.static_rds, self._device_of)
            self._correlator.correlate(batch, rds)
        return batch

    def _device_of(self, exporter: int) -> str:
        return self._directory.device_of(self._directory.names[exporter])

    def _configured_rate(self, exporter: int) -> int | None:
        settings = self._directory.settings(self._device_of(exporter))
        return None if settings is None else settings.sampling_rate
