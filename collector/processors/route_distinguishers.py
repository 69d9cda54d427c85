"""The route distinguisher in whose tables a flow's addresses are looked up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.processors.options_data import OptionsOf
from collector.records.distinct import map_distinct
from collector.records.flow_batch import FlowBatch

GLOBAL = 0
"""The global table's, as integer of eight octets."""


@dataclass(frozen=True, slots=True)
class StaticRd:
    """One line of the operator's map; None matches every flow."""

    rd: int
    device: str | None
    vrf_id: int | None
    ingress_interface: int | None


def route_distinguishers(
    batch: FlowBatch,
    options_of: OptionsOf,
    static: Sequence[StaticRd],
    device_of: Callable[[int], str],
) -> NDArray[np.uint64] | None:
    """Find each flow's route distinguisher: from the flow, the operator's map, or options data.

    One of zeros says nothing: routers fill the field in flows of every table. The operator's map
    comes before options data, as it is there to correct them. Of options data, the ingress VRF's
    counts, or the egress VRF's where that is none or the global one.

    Returns:
        Shape (rows,), `GLOBAL` where nothing says otherwise; None where that is so for all.
    """
    said = _from_record(batch)
    told = _from_tables(batch, options_of, static, device_of)
    if said is None or told is None:
        return told if said is None else said
    return np.where(said != GLOBAL, said, told)


def _from_record(batch: FlowBatch) -> NDArray[np.uint64] | None:
    return batch.columns.get("mplsVpnRouteDistinguisher")


def _from_tables(
    batch: FlowBatch,
    options_of: OptionsOf,
    static: Sequence[StaticRd],
    device_of: Callable[[int], str],
) -> NDArray[np.uint64] | None:
    exporters = [int(exporter) for exporter in np.unique(batch.sets.exporter)]
    tables = {
        exporter: options.route_distinguishers
        for exporter in exporters
        if (options := options_of(exporter)) and options.route_distinguishers.of_domain
    }
    if not tables and not static:
        return None
    devices = {exporter: device_of(exporter) for exporter in exporters}

    def rd_of(exporter: int, domain: int, ingress: int, egress: int, interface: int) -> int:
        for line in static:
            if (
                line.device in (None, devices[exporter])
                and line.vrf_id in (None, ingress)
                and line.ingress_interface in (None, interface)
            ):
                return line.rd
        table = tables.get(exporter)
        if table is None:
            return GLOBAL
        for vrf_id in (ingress, egress):
            octets = table.get(domain, vrf_id) if vrf_id else None
            if octets is not None and any(octets):
                return int.from_bytes(octets)
        return GLOBAL

    rows = batch.set_of_row
    keys = [batch.sets.exporter[rows], batch.sets.observation_domain_id[rows]]
    keys += [
        batch.columns.get(name, np.zeros(batch.rows, np.uint32))
        for name in ("ingressVRFID", "egressVRFID", "ingressInterface")
    ]
    return map_distinct(keys, rd_of, pl.UInt64()).to_numpy()
