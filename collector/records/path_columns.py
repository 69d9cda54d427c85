"""What paths say as columns to take rows from: a path's texts are made once, not in every batch."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.records.distinct import spread
from collector.records.frame import null_where_not
from collector.rib.key_table import grown
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

# What the table of paths has in numbers, -1 for none: nothing is to be read for these.
_NUMBERS = {
    "OriginAs": "origin_as",
    "PeerAs": "peer_as",
    "LocalPref": "local_pref",
    "Med": "med",
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
        highest = int(ids.max(initial=0))
        if highest >= len(self._row_of):
            self._row_of = grown(self._row_of, max(highest + 1, 2 * len(self._row_of)))
        rows = self._row_of[ids]
        # A row may be one of an earlier life of its id.
        old = (self._born[rows] != self._paths.born[ids]) & (ids != 0)
        new = np.unique(ids[old])
        if not new.size:
            return rows
        if self._count + len(new) > _MAX_PATHS and self._count > 1:
            self._forget()
            return self.rows(ids)
        self._add(new)
        return self._row_of[ids]

    def column(self, what: str, rows: NDArray[np.uint32]) -> pl.Series:
        """Give what the paths in these rows say; ``what`` is a key of `OF_PATH`."""
        value_of, dtype = OF_PATH[what]
        column = self._columns.get(what)
        if column is None:
            column = self._columns[what] = pl.Series([None], dtype=dtype)
        if len(column) < self._count:
            column.append(self._values(what, value_of, dtype, len(column)))
            if column.n_chunks() > _MAX_CHUNKS:
                column.rechunk(in_place=True)
        return spread(column, rows)

    def _values(
        self, what: str, value_of: Callable[[Path], object], dtype: pl.DataType, start: int
    ) -> pl.Series:
        """Make the rest of a column, from a row on."""
        if what in _NUMBERS:
            ids = self._ids[start : self._count]
            numbers = getattr(self._paths, _NUMBERS[what])[ids]
            # Of an id that has begun another life nobody asks for this row any more.
            values = pl.Series(np.where(numbers < 0, 0, numbers).astype(np.uint32))
            return null_where_not(values, numbers >= 0) if (numbers < 0).any() else values
        if start < self._fresh_from or self._fresh_from + len(self._fresh) < self._count:
            self._read(start)
        fresh = self._fresh[start - self._fresh_from :]
        return _series([value_of(path) for path in fresh], dtype)

    def _add(self, new: NDArray[np.int32]) -> None:
        first, self._count = self._count, self._count + len(new)
        if self._count > len(self._ids):
            self._ids = grown(self._ids, 2 * self._count)
            self._born = grown(self._born, 2 * self._count)
        self._ids[first : self._count] = new
        self._born[first : self._count] = self._paths.born[new]
        self._row_of[new] = np.arange(first, self._count)
        self._fresh, self._fresh_from = [], first

    def _read(self, start: int) -> None:
        """Read paths from a row on; those that are gone have nothing to say."""
        ids, born = self._ids[start : self._count], self._born[start : self._count]
        alive = self._paths.born[ids] == born
        paths = iter(self._paths.read(ids[alive]))
        self._fresh = [next(paths) if one else Path() for one in alive.tolist()]
        self._fresh_from = start

    def _forget(self) -> None:
        self._count = 1
        self._ids = np.zeros(64, np.int32)
        self._born = np.zeros(64, np.int64)
        self._row_of = np.zeros(64, np.uint32)
        self._columns: dict[str, pl.Series] = {}
        self._fresh: list[Path] = []  # read already, for the columns that lack the last rows
        self._fresh_from = 1


def _series(values: list, dtype: pl.DataType) -> pl.Series:
    if dtype != _TEXTS:
        return pl.Series(values, dtype=dtype)
    # Of lists, polars would make a Series each: 3.4 us a path against 0.2.
    joined = pl.Series(["\n".join(texts) if texts else None for texts in values], dtype=pl.String)
    return joined.str.split("\n").fill_null(pl.Series([[]], dtype=_TEXTS))
