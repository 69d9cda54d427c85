"""Which of several paths to one prefix is best (RFC 4271 section 9.1.2.2), for many prefixes."""

import numpy as np
from numpy.typing import NDArray

from collector.rib.paths import Paths

_WORST = np.iinfo(np.uint64).max
_LAST = np.iinfo(np.int64).max


def choose(
    candidates: NDArray[np.int32], ties: NDArray[np.int64] | None, paths: Paths
) -> NDArray[np.intp]:
    """Choose by local preference, path length, origin, MED (same neighbour AS), then the tie.

    Args:
        candidates: shape (tables, prefixes), path ids, 0 where a table has no route; tables are
            in the order that breaks ties.
        ties: shape (tables, prefixes), what breaks ties instead, the lowest wins.
    Returns:
        shape (prefixes,), the row of the winner; where no table has a route, any row.
    """
    rank = paths.rank[candidates]
    tied = (rank == rank.min(axis=0)) & (rank != _WORST)
    several = np.flatnonzero(tied.sum(axis=0) > 1)
    if several.size:
        tied[:, several] &= _lowest_med(candidates[:, several], tied[:, several], paths)
    if ties is None:
        return tied.argmax(axis=0)
    return np.where(tied, ties, _LAST).argmin(axis=0)


def _lowest_med(
    candidates: NDArray[np.int32], tied: NDArray[np.bool_], paths: Paths
) -> NDArray[np.bool_]:
    """Keep of each neighbour AS the paths with the lowest MED; a missing one counts as 0."""
    med = np.maximum(paths.med[candidates], 0)
    if (np.where(tied, med, 0).max(axis=0) == np.where(tied, med, _LAST).min(axis=0)).all():
        return tied
    prefix, table = np.nonzero(tied.T)
    med = med[table, prefix]
    neighbour = paths.peer_as[candidates[table, prefix]]
    order = np.lexsort((med, neighbour, prefix))
    prefix, table, med, neighbour = prefix[order], table[order], med[order], neighbour[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (prefix[1:] != prefix[:-1]) | (neighbour[1:] != neighbour[:-1])
    lowest = med[np.flatnonzero(first)[first.cumsum() - 1]]
    kept = np.zeros_like(tied)
    kept[table, prefix] = med == lowest
    return kept
