"""Sampling rates of flows: mapped, or told by the exporter (reference 2.4)."""

import polars as pl

from collector.nfacctd.flows.raw_columns import Seen
from collector.nfacctd.flows.tables import Frame, OptionsOf
from collector.records.distinct import map_distinct

_TOLD = Seen.SAMPLER | Seen.RECORD_RATE


def fill_sampling_rates(frame: Frame, options_of: OptionsOf, mapped: pl.Series | None) -> None:
    """Add ``sampling_rate``, 0: not known, and ``multiplier``, which is 1 then.

    A rate of 0 that somebody told makes zeros of counters. `nfacctd_ext_sampling_rate` does not
    show in either.

    Args:
        frame: the batch.
        options_of: what exporters say.
        mapped: shape (rows,), what `sampling_map` gives, null: nothing; None: no map.
    """

    def rate_of(exporter: int, domain: int, seen: int, sampler: int, rate: int) -> int | None:
        options = options_of(exporter)
        if seen & Seen.SAMPLER:
            return None if options is None else options.sampling_rate(domain, sampler)
        if seen & Seen.RECORD_RATE:
            return rate
        return None if options is None else options.sampling_rate(domain, None)

    seen = frame.get("seen") & int(_TOLD)
    keys = [frame.get(name) for name in ("exporter", "domain")]
    keys += [seen, frame.get("sampler"), frame.get("record_rate")]
    rates = map_distinct(keys, rate_of, pl.UInt64())
    if mapped is not None:
        given = mapped.cast(pl.UInt64).fill_null(0)
        rates = pl.select(pl.when(given > 0).then(given).otherwise(rates)).to_series()
    frame.put("sampling_rate", rates.fill_null(0))
    frame.put("multiplier", rates.fill_null(1))
