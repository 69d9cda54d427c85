"""What paths say as columns to take rows from: a path's texts are made once, not in every batch."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.records.distinct import spread
from collector.records.raw_columns import null_where_not
from collector.rib.key_table import grown
from collector.rib.paths import Paths

_TEXTS = pl.List(pl.String)
# What a path says, by the end of the column's name.
OF_PATH: dict[str, pl.DataType] = {
    "AsPath": pl.String(),
    "OriginAs": pl.UInt32(),
    "PeerAs": pl.UInt32(),
    "NextHop": pl.String(),
    "LocalPref": pl.UInt32(),
    "Med": pl.UInt32(),
    "Communities": _TEXTS,
    "LargeCommunities": _TEXTS,
    "ExtendedCommunities": _TEXTS,
}
# Columns of `Paths`, -1 for none; and texts that have to be read.
_NUMBERS = {
    "OriginAs": "origin_as",
    "PeerAs": "peer_as",
    "LocalPref": "local_pref",
    "Med": "med",
}
_READ = {
    "AsPath": "as_path_text",
    "Communities": "communities",
    "LargeCommunities": "large_communities",
    "ExtendedCommunities": "extended_communities",
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
        self._fresh_from = 0
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
        return spread(self._whole((what,), partial(self._values, what)), rows)

    def members(self, side: str, whats: Sequence[str], rows: NDArray[np.uint32]) -> pl.Series:
        """Give several columns as members of a JSON object, a text such as ``,"sourceMed":0``."""
        return spread(self._whole((side, *whats), partial(self._members, side, whats)), rows)

    def alike(self, whats: Sequence[str], ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Give for each path the first of those that say the same: shape (n,), path ids."""
        texts = self.members("", whats, self.rows(ids))
        if texts.n_unique() == len(texts):
            return ids
        frame = pl.DataFrame([texts.alias("text"), pl.Series("id", ids)])
        return frame.select(pl.col("id").first().over("text")).to_series().to_numpy()

    def _whole(self, key: tuple[str, ...], values: Callable[[int], pl.Series]) -> pl.Series:
        """Find a column, and make those of its rows that are new."""
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = values(0)
        if len(column) < self._count:
            column.append(values(len(column)))
            if column.n_chunks() > _MAX_CHUNKS:
                column.rechunk(in_place=True)
        return column

    def _members(self, side: str, whats: Sequence[str], start: int) -> pl.Series:
        columns = [self._values(what, start).alias(f"{side}{what}") for what in whats]
        objects = pl.DataFrame(columns).to_struct().struct.json_encode()
        return "," + objects.str.slice(1).str.head(-1)

    def _values(self, what: str, start: int) -> pl.Series:
        """Make the rest of a column, from a row on; row 0 alone if from there."""
        if not start:
            return pl.Series([None], dtype=OF_PATH[what])
        ids = self._ids[start : self._count]
        if what in _NUMBERS:
            numbers = getattr(self._paths, _NUMBERS[what])[ids]
            values = pl.Series(np.maximum(numbers, 0).astype(np.uint32))
            known = numbers >= 0
            return values if known.all() else null_where_not(values, known)
        # Of a path that is gone nobody asks any more, but its row has to be there.
        alive = np.flatnonzero(self._paths.born[ids] == self._born[start : self._count])
        texts = self._texts(what, start, alive)
        if len(alive) < len(ids):
            told, texts = texts, [None] * len(ids)
            for row, text in zip(alive.tolist(), told, strict=True):
                texts[row] = text
        values = pl.Series(texts, dtype=pl.String)
        if OF_PATH[what] != _TEXTS:
            return values
        # Of lists, polars would make a Series each: 3.4 us a path against 0.2.
        return values.str.split("\n").fill_null(pl.Series([[]], dtype=_TEXTS))

    def _texts(self, what: str, start: int, alive: NDArray[np.intp]) -> list[str | None]:
        ids = self._ids[start : self._count][alive]
        if what == "NextHop":
            return self._paths.next_hop_texts(ids)
        if self._fresh_from != start:
            self._fresh, self._fresh_from = self._paths.texts(ids), start
        return self._fresh[_READ[what]]

    def _add(self, new: NDArray[np.int32]) -> None:
        first, self._count = self._count, self._count + len(new)
        if self._count > len(self._ids):
            self._ids = grown(self._ids, 2 * self._count)
            self._born = grown(self._born, 2 * self._count)
        self._ids[first : self._count] = new
        self._born[first : self._count] = self._paths.born[new]
        self._row_of[new] = np.arange(first, self._count)

    def _forget(self) -> None:
        self._count = 1
        self._ids = np.zeros(64, np.int32)
        self._born = np.zeros(64, np.int64)
        self._row_of = np.zeros(64, np.uint32)
        self._columns: dict[tuple[str, ...], pl.Series] = {}
        # Texts that are read already, of the rows from one on; 0: there are none.
        self._fresh: dict[str, list[str | None]] = {}
        self._fresh_from = 0
