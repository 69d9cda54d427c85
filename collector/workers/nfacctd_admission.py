"""Which senders, and which of their Data Sets, flows are read of in nfacctd's mode."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters, register
from collector.pipeline.devices import DeviceDirectory
from collector.protocols.flow_values import DataSet, Message
from collector.protocols.ipfix.layout import Layout, TemplateLookup
from collector.records.batch_builder import BatchBuilder, SegmentReader
from collector.steering.allow_list import AllowList

register(
    nfacctd_flow_not_allowed="senders of flows outside of nfacctd_allow_file, when first seen",
    nfacctd_padding="Data Sets dropped because their padding is not zero",
)


class AllowedDirectory(DeviceDirectory):
    """Knows the exporters of `nfacctd_allow_file`, and no others.

    Steering lets in who may send flows or BMP, with one list for both: here only flows count.
    """

    def __init__(self, allow: AllowList | None, counters: Counters) -> None:
        super().__init__([], counters)
        self._allow = allow
        self._refusals = counters

    def exporter(self, address: str) -> int | None:
        """Find the index of an address; None (counted) where it may not send."""
        if self._allow is not None and not self._allow.allows(address):
            self._refusals.add("nfacctd_flow_not_allowed")
            return None
        return super().exporter(address)


class PaddingCheckedBuilder(BatchBuilder):
    """Takes Data Sets as nfacctd does with `nfacctd_pre_processing_checks` (reference 2.2)."""

    def __init__(
        self,
        lists_of: Callable[[Message], TemplateLookup],
        reader: SegmentReader,
        counters: Counters,
    ) -> None:
        super().__init__(lists_of, reader)
        self._counters = counters

    def add(self, data_set: DataSet, exporter: int, received_us: int, init_ms: int) -> None:
        """Put a Data Set into the batch, unless octets behind its last record are not zero."""
        if _is_padded_with_zeros(data_set):
            super().add(data_set, exporter, received_us, init_ms)
        else:
            self._counters.add("nfacctd_padding")

    def add_uniform(
        self,
        layout: Layout,
        octets: memoryview,
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        said: NDArray[np.int64],
    ) -> None:
        """Put Data Sets into the batch, but those with padding that is not zero."""
        padding = (stops - starts) % layout.record_length
        bad = [
            index
            for index in np.flatnonzero(padding).tolist()
            if any(octets[stops[index] - padding[index] : stops[index]])
        ]
        if bad:
            self._counters.add("nfacctd_padding", len(bad))
            starts, stops = np.delete(starts, bad), np.delete(stops, bad)
            said = np.delete(said, bad, axis=1)
        super().add_uniform(layout, octets, starts, stops, said)


def _is_padded_with_zeros(data_set: DataSet) -> bool:
    layout, body = data_set.template.layout, data_set.body
    # Where lengths vary, what is behind the last record is found only by reading all records.
    if not layout.is_fixed or not layout.record_length:
        return True
    padding = len(body) % layout.record_length
    return not padding or not any(body[-padding:])
