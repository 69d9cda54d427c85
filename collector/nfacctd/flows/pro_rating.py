"""`nfacctd_pro_rating`: counters of a flow spread over the bins that it lasts through (2.5)."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.metrics import Counters, register

register(nfacctd_pro_rating_cut="flows that last through more bins than they are spread over")

_MAX_BINS = 1000  # a hostile end would make a record one of each bin until then
_COUNTED = ("packets", "bytes", "flows")


def spread(
    data: pl.DataFrame,
    start_s: NDArray[np.int64],
    end_s: NDArray[np.int64],
    length_s: int,
    counters: Counters,
) -> pl.DataFrame:
    """Make a row of each bin that a record lasts through, with its part of the counters.

    Args:
        data: with columns ``bin``, ``packets``, ``bytes``, ``flows``; one row a record.
        start_s: shape (rows,), start of each.
        end_s: shape (rows,), end of each, 0: not known.
        length_s: of a bin.
        counters: counts records of too many bins.
    """
    bins = data["bin"].to_numpy()
    left = end_s - bins - length_s
    further = np.where(left > 0, -(-left // length_s), 0)
    if (further >= _MAX_BINS).any():
        counters.add("nfacctd_pro_rating_cut", int((further >= _MAX_BINS).sum()))
        further = np.minimum(further, _MAX_BINS - 1)
    rows = np.repeat(np.arange(data.height), further + 1)
    firsts = np.repeat(np.cumsum(further + 1) - (further + 1), further + 1)
    bins = bins[rows] + (np.arange(len(rows)) - firsts) * length_s
    start, end = start_s[rows], end_s[rows]
    lasting = end - start
    inside = np.minimum(end, bins + length_s) - np.maximum(start, bins)
    shared = (lasting > 0) & (inside > 0) & (inside < lasting)
    # nfacctd divides in single precision, and gives each bin at least one of what it counts.
    ratio = np.where(shared, lasting, 1).astype(np.float32) / np.where(shared, inside, 1).astype(
        np.float32
    )
    spread_out = data[rows]
    columns = [pl.Series("bin", bins)]
    for name in _COUNTED:
        counts = spread_out[name].to_numpy()
        part = np.maximum(counts.astype(np.float32) / ratio, 1).astype(np.uint64)
        columns.append(pl.Series(name, np.where(shared & (counts != 0), part, counts)))
    return spread_out.with_columns(columns)
