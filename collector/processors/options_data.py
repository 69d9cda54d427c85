"""Fill in what exporters say only in options data: sampling rates and names.

Each answer is looked up once for each distinct question of a batch and spread over its records;
batches of exporters that sent no options data pay nothing.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.protocols.ipfix.options import ExporterOptions
from collector.records.distinct import map_distinct
from collector.records.flow_batch import FlowBatch

OptionsOf = Callable[[int], ExporterOptions | None]
"""What the options data of an exporter (by index) say; None: it sent none."""


def fill_sampling(
    batch: FlowBatch, options_of: OptionsOf, configured_rate: Callable[[int], int | None]
) -> None:
    """Add ``samplingRate`` (float64) where the record itself does not say it.

    Precedence: the record, the sampler or selector it names, its interface, domain, device; then
    what the operator configured. Where nobody says it the rate is missing.
    """
    sets = batch.sets
    exporters = [int(exporter) for exporter in np.unique(sets.exporter)]
    options = {exporter: options_of(exporter) for exporter in exporters}
    configured = {exporter: configured_rate(exporter) for exporter in exporters}
    if not any(map(_says_rates, options.values())) and not any(configured.values()):
        return

    def rate_of(
        exporter: int, domain: int, template: int, selector: int | None, interface: int | None
    ) -> float | None:
        known = options[exporter]
        rate = None if known is None else known.sampling_rate(domain, selector, interface, template)
        rate = configured[exporter] if rate is None else rate
        return None if rate is None else float(rate)

    rows = batch.set_of_row
    keys = [sets.exporter[rows], sets.observation_domain_id[rows], sets.template_id[rows]]
    keys += [_nullable(batch, name) for name in ("selectorId", "ingressInterface")]
    rates = map_distinct(keys, rate_of, pl.Float64())
    known = rates.is_not_null().to_numpy()
    values = rates.fill_null(0.0).to_numpy()
    if "samplingRate" in batch.columns:
        said = batch.valid.get("samplingRate", np.ones(batch.rows, bool))
        values = np.where(said, batch.columns["samplingRate"], values)
        known = said | known
    batch.add("samplingRate", values, None if known.all() else known)


def fill_names(
    batch: FlowBatch, options_of: OptionsOf, wanted: frozenset[str] | None = None
) -> None:
    """Add the names of interfaces, VRFs and applications that options data tell.

    Args:
        wanted: names of columns to make; None: all.
    """
    exporters = [int(exporter) for exporter in np.unique(batch.sets.exporter)]
    options = {exporter: found for exporter in exporters if (found := options_of(exporter))}
    for name, column, table in (
        ("ingressInterfaceName", "ingressInterface", "interface_names"),
        ("egressInterfaceName", "egressInterface", "interface_names"),
        ("ingressVRFName", "ingressVRFID", "vrf_names"),
        ("egressVRFName", "egressVRFID", "vrf_names"),
        ("applicationName", "applicationId", "application_names"),
    ):
        tables = {
            exporter: getattr(found, table)
            for exporter, found in options.items()
            if getattr(found, table).of_domain
        }
        if tables and column in batch.columns and (wanted is None or name in wanted):
            batch.columns[name] = _names(batch, column, tables)


def _names(batch: FlowBatch, column: str, tables: dict) -> pl.Series:
    def name_of(exporter: int, domain: int, value: int | str | None) -> str | None:
        table = tables.get(exporter)
        if table is None or value is None:
            return None
        return table.get(domain, bytes.fromhex(value) if isinstance(value, str) else value)

    rows = batch.set_of_row
    keys = [batch.sets.exporter[rows], batch.sets.observation_domain_id[rows]]
    return map_distinct([*keys, _nullable(batch, column)], name_of, pl.String())


def _says_rates(options: ExporterOptions | None) -> bool:
    if options is None:
        return False
    rates = options.sampling
    return bool(
        rates.samplers.of_domain
        or rates.interfaces.of_domain
        or rates.templates.of_domain
        or rates.domains.of_domain
    )


def _nullable(batch: FlowBatch, name: str) -> pl.Series:
    values = batch.columns.get(name)
    if values is None:
        return pl.repeat(None, batch.rows, dtype=pl.UInt32, eager=True)
    if isinstance(values, list):
        return pl.Series(values, dtype=pl.String)
    valid: NDArray[np.bool_] | None = batch.valid.get(name)
    series = pl.Series(values)
    if valid is None:
        return series
    return pl.select(pl.when(pl.lit(pl.Series(valid))).then(pl.lit(series))).to_series()
