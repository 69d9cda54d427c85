"""One path id for each prefix id: an array over all prefixes, or a sorted pair while few."""

import numpy as np
from numpy.typing import NDArray

from collector.rib.key_table import grown

# An array over all prefixes takes 4 octets a prefix, a sorted pair 8 a route. Arrays answer
# several times faster, so they may waste some; between the two bounds a layer stays as it is.
_DENSE_FROM = 8
_SPARSE_FROM = 32
_NO_ID = np.iinfo(np.int32).max


class Layer:
    """Prefix id to path id (0: no route), with further columns for routes that have them.

    Columns: ``path``; ``stale`` (bool) only while routes of a lost session are left; others as
    the caller names them. In the dense form row and prefix id are the same and the last row stays
    0: ids past the end are clipped to it. In the sparse form rows are sorted by id, and the last
    one belongs to an id that no prefix has.
    """

    __slots__ = ("_ids", "columns", "count", "stale")

    def __init__(self, **columns: type) -> None:
        self.count = 0  # routes
        self.stale = 0  # of these, left over from a lost session
        self._ids: NDArray[np.int32] | None = np.full(1, _NO_ID, np.int32)
        self.columns: dict[str, NDArray] = {
            name: np.zeros(1, kind) for name, kind in {"path": np.int32, **columns}.items()
        }

    @property
    def octets(self) -> int:
        """Memory of the layer."""
        ids = 0 if self._ids is None else self._ids.nbytes
        return ids + sum(column.nbytes for column in self.columns.values())

    def get(self, ids: NDArray[np.int32], column: str = "path") -> NDArray:
        """Return a column's values, 0 where there is no route.

        Args:
            ids: shape (n,), any prefix ids.
        """
        values = self.columns[column]
        if self._ids is None:
            return values.take(ids, mode="clip")
        rows = self._ids.searchsorted(ids)
        return np.where(self._ids[rows] == ids, values[rows], values.dtype.type(0))

    def add_column(self, column: str, kind: type) -> None:
        """Give every route a further value, 0 until it is replaced."""
        if column not in self.columns:
            self.columns[column] = np.zeros(len(self.columns["path"]), kind)

    def replace(
        self, ids: NDArray[np.int32], capacity: int, **values: NDArray
    ) -> NDArray[np.int32]:
        """Set or remove routes.

        Args:
            ids: shape (n,), distinct prefix ids.
            capacity: every prefix id is below this.
            values: new values by column; where ``path`` is 0 the route goes.
        Returns:
            shape (n,), the paths before.
        """
        if self._ids is None:
            old = self._replace_dense(ids, capacity, values)
        else:
            old = self._replace_sparse(ids, values)
        self.count += int(np.count_nonzero(values["path"]) - np.count_nonzero(old))
        self._choose_form(capacity)
        return old

    def ids(self, start: int = 0, stop: int = _NO_ID, column: str = "path") -> NDArray[np.int32]:
        """Return the prefix ids from ``start`` up to ``stop`` whose value in a column is not 0."""
        values = self.columns[column]
        if self._ids is None:
            return (np.flatnonzero(values[start:stop]) + start).astype(np.int32)
        first, last = self._ids.searchsorted((start, stop))
        return self._ids[first:last][values[first:last] != 0]

    def mark_stale(self) -> None:
        """Note that every route is left over from now on, until it is replaced."""
        self.columns["stale"] = self.columns["path"] != 0
        self.stale = self.count

    def stale_ids(self) -> NDArray[np.int32]:
        """Return the prefix ids of stale routes."""
        return self.ids(column="stale") if self.stale else np.zeros(0, np.int32)

    def forget_stale(self) -> None:
        """Drop the marks; the caller has removed the routes."""
        self.columns.pop("stale", None)
        self.stale = 0

    def copy_of(self, **columns: np.generic) -> "Layer":
        """Return a layer with the same paths, and further columns filled with one value each."""
        copy = Layer()
        copy.count = self.count
        copy._ids = None if self._ids is None else self._ids.copy()
        copy.columns = {"path": self.columns["path"].copy()}
        for name, value in columns.items():
            copy.columns[name] = np.where(copy.columns["path"] != 0, value, value.dtype.type(0))
        return copy

    def _replace_dense(
        self, ids: NDArray[np.int32], capacity: int, values: dict[str, NDArray]
    ) -> NDArray[np.int32]:
        length = len(self.columns["path"])
        if length <= capacity and ids.size and int(ids.max()) >= length - 1:
            self.columns = {
                name: grown(column, capacity + 1) for name, column in self.columns.items()
            }
        old = self.columns["path"][ids]
        self._write(ids, values)
        return old

    def _replace_sparse(
        self, ids: NDArray[np.int32], values: dict[str, NDArray]
    ) -> NDArray[np.int32]:
        rows = self._ids.searchsorted(ids)
        known = self._ids[rows] == ids
        old = np.where(known, self.columns["path"][rows], np.int32(0))
        if known.any():
            self._write(rows[known], {name: new[known] for name, new in values.items()})
        added = np.flatnonzero(~known & (values["path"] != 0))
        if added.size:
            self._insert(rows, ids, values, added)
        if np.count_nonzero(values["path"]) < len(ids) and old.any():
            self._drop_empty_rows()
        return old

    def _write(self, rows: NDArray, values: dict[str, NDArray]) -> None:
        if self.stale:
            marks = self.columns["stale"]
            self.stale -= int(np.count_nonzero(marks[rows]))
            marks[rows] = False
        gone = None if values["path"].all() else values["path"] == 0
        for name, new in values.items():
            self.columns[name][rows] = new if gone is None else np.where(gone, 0, new)

    def _insert(
        self,
        rows: NDArray[np.intp],
        ids: NDArray[np.int32],
        values: dict[str, NDArray],
        added: NDArray[np.intp],
    ) -> None:
        added = added[ids[added].argsort()]
        at = rows[added] + np.arange(len(added))
        kept = np.ones(len(self._ids) + len(added), np.bool_)
        kept[at] = False
        self._ids = _merged(self._ids, ids[added], at, kept)
        for name, column in self.columns.items():
            new = values[name][added] if name in values else column.dtype.type(0)
            self.columns[name] = _merged(column, new, at, kept)

    def _drop_empty_rows(self) -> None:
        kept = self.columns["path"] != 0
        kept[-1] = True
        self._ids = self._ids[kept]
        self.columns = {name: column[kept] for name, column in self.columns.items()}

    def _choose_form(self, capacity: int) -> None:
        if self._ids is not None and self.count * _DENSE_FROM >= capacity:
            ids, self._ids = self._ids[:-1], None
            for name, column in self.columns.items():
                dense = np.zeros(capacity + 1, column.dtype)
                dense[ids] = column[:-1]
                self.columns[name] = dense
        elif self._ids is None and self.count * _SPARSE_FROM < len(self.columns["path"]):
            ids = self.ids()
            self._ids = np.append(ids, np.int32(_NO_ID))
            for name, column in self.columns.items():
                self.columns[name] = np.append(column[ids], column.dtype.type(0))


def _merged(
    column: NDArray, new: NDArray | np.generic, at: NDArray[np.intp], kept: NDArray[np.bool_]
) -> NDArray:
    # What np.insert does, without working out the places again for every column.
    merged = np.empty(len(kept), column.dtype)
    merged[kept] = column
    merged[at] = new
    return merged
