"""What paths say as columns to take rows from: a path's texts are made once, not in every batch."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.records.distinct import spread
from collector.rib.paths import Path, Paths

_TEXTS = pl.List(pl.String)
# What a path says, by the end of the column's name; the types that polars needs to be told.
OF_PATH: dict[str, tuple[Callable[[Path], object], pl.DataType]] = {
    "AsPath": (lambda path: path.as_path_text, pl.String()),
    "OriginAs": (lambda path: path.origin_as, pl.UInt32()),
    "PeerAs": (lambda path: path.peer_as, pl.UInt32()),
    "NextHop": (lambda path: path.next_hop, pl.String()),
    "LocalPref": (lambda path: path.local_pref, pl.UInt32()),
    "Med": (lambda path: path.med, pl.UInt32()),
    "Communities": (lambda path: path.communities, _TEXTS),
    "LargeCommunities": (lambda path: path.large_communities, _TEXTS),
    "ExtendedCommunities": (lambda path: path.extended_communities, _TEXTS),
}

_MAX_PATHS = 1 << 18  # then all is forgotten: it also holds paths that no table has any more
_MAX_CHUNKS = 8  # more of them make taking rows dear


class PathColumns:
    """One row for each path that records named; row 0 is no path, and null in every column."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._forget()

    def rows(self, ids: NDArray[np.int32]) -> NDArray[np.uint32]:
        """Find the rows of paths, shape (n,), and make those that are new.

        They are valid until the next call.
        """
        if self._freed != self._paths.freed:
            self._forget_freed()
        highest = int(ids.max(initial=0))
        if highest >= len(self._row_of):
            grown = np.zeros(max(highest + 1, 2 * len(self._row_of)), np.uint32)
            grown[: len(self._row_of)] = self._row_of
            self._row_of = grown
        rows = self._row_of[ids]
        new = np.unique(ids[(rows == 0) & (ids != 0)])
        if not new.size:
            return rows
        if len(self._ids) + len(new) > _MAX_PATHS and len(self._ids) > 1:
            self._forget()
            return self.rows(ids)
        self._row_of[new] = np.arange(len(self._ids), len(self._ids) + len(new))
        self._ids.extend(new.tolist())
        self._known.extend(self._paths.paths[path] for path in new.tolist())
        return self._row_of[ids]

    def column(self, what: str, rows: NDArray[np.uint32]) -> pl.Series:
        """Give what the paths in these rows say; ``what`` is a key of `OF_PATH`."""
        value_of, dtype = OF_PATH[what]
        column = self._columns.get(what)
        if column is None:
            column = self._columns[what] = pl.Series([None], dtype=dtype)
        if len(column) < len(self._known):
            column.append(_series([value_of(path) for path in self._known[len(column) :]], dtype))
            if column.n_chunks() > _MAX_CHUNKS:
                column.rechunk(in_place=True)
        return spread(column, rows)

    def _forget(self) -> None:
        self._known: list[Path | None] = [None]
        self._ids: list[int] = [0]
        self._row_of = np.zeros(1, np.uint32)
        self._columns: dict[str, pl.Series] = {}
        self._freed = self._paths.freed

    def _forget_freed(self) -> None:
        """Forget the rows of ids that stand for other paths now, or for none."""
        self._freed = self._paths.freed
        values = self._paths.paths
        rows = self._row_of[self._ids].tolist()
        for row, (path, known) in enumerate(zip(self._ids, self._known, strict=True)):
            # A row of an earlier life of the id says nothing of its present one.
            if values[path] is not known and rows[row] == row:
                self._row_of[path] = 0


def _series(values: list, dtype: pl.DataType) -> pl.Series:
    if dtype != _TEXTS:
        return pl.Series(values, dtype=dtype)
    # Of lists, polars would make a Series each: 3.4 us a path against 0.2.
    joined = pl.Series(["\n".join(texts) if texts else None for texts in values], dtype=pl.String)
    return joined.str.split("\n").fill_null(pl.Series([[]], dtype=_TEXTS))
