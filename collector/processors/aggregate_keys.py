"""Which columns of a batch the keys of one aggregate need, and how wide each of them is."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from collector.processors.groups import Groups, merged
from collector.processors.key_words import ColumnOf, Interned, KeyWords, Words
from collector.records.columns import FROM_FIELDS, KINDS, MEMBERS, Kind
from collector.records.distinct import distinct_ids
from collector.records.flow_batch import FlowBatch
from collector.records.path_columns import OF_PATH
from collector.records.publish import PATH_COLUMNS, Tables

# What the paths' own columns of integers answer; the rest of a path is text, and its id stands for
# it until the window is published.
_INTEGER_OF_PATH = {
    f"{side}{what}": (f"{side}Route", attribute)
    for side in MEMBERS.values()
    for what, attribute in (
        ("OriginAs", "origin_as"),
        ("PeerAs", "peer_as"),
        ("LocalPref", "local_pref"),
        ("Med", "med"),
    )
}
_DTYPES = {
    Kind.MAC: "uint64",
    Kind.RD: "uint64",
    Kind.TIMESTAMP: "int64",
    Kind.CODE: "uint8",
    Kind.DEVICE: "uint32",
}
_INTEGER_DTYPES = {column.name: column.dtype for column in FROM_FIELDS}
_INTEGER_DTYPES["observationDomainId"] = "uint32"
# What a batch without such a column says in its place.
_WITHOUT = {"Route": 0, ".length": -1, "Join": 0, "State": 0}


class KeyColumns:
    """The columns of the keys, packed.

    Attributes:
        route_columns: columns of path ids among them; whoever keeps rows must hold those paths.
        words: where each column stands in a row's words.
    """

    def __init__(self, keys: Sequence[str], tables: Tables) -> None:
        self._paths = tables.paths
        self._path_columns = tables.path_columns
        texts = PATH_COLUMNS.difference(_INTEGER_OF_PATH).intersection(keys)
        self._texts_of = {
            route: tuple(what for what in OF_PATH if f"{side}{what}" in texts)
            for route, side in MEMBERS.items()
            if any(key.startswith(side) for key in texts)
        }
        self.route_columns = tuple(self._texts_of)
        columns = [column for key in keys for column in _columns(key)]
        columns += [(name, "int32") for name in self.route_columns]
        self.words = KeyWords(columns)

    def pack(self, batch: FlowBatch, rows: slice | np.ndarray, interned: Interned) -> Words:
        """Pack the key columns of some rows; what the batch has not is null, or no route."""
        count = len(batch.set_of_row[rows])
        return self.words.pack(self._column_of(batch, rows, count), count, interned)

    def folded(self, groups: Groups) -> Groups:
        """Fold the groups whose paths differ, but agree in all that the keys say of them."""
        words = list(groups.words)
        for route, texts in self._texts_of.items():
            ids, row_of = distinct_ids(self.words.values(route, words))
            alike = self._path_columns.alike(texts, ids)
            if (alike != ids).any():
                self.words.replace(route, words, alike[row_of])
        if all(word is before for word, before in zip(words, groups.words, strict=True)):
            return groups
        return merged([Groups.of(self.words, words, groups.sums)])

    def _column_of(self, batch: FlowBatch, rows: slice | np.ndarray, count: int) -> ColumnOf:
        def column_of(name: str) -> tuple[object, np.ndarray | None]:
            if name in _INTEGER_OF_PATH:
                return self._of_path(batch, name, rows)
            values = batch.columns.get(name)
            if values is None:
                for end, value in _WITHOUT.items():
                    if name.endswith(end):
                        return np.full(count, value, np.int16), None
                return None, None
            valid = batch.valid.get(name.partition(".")[0])
            if isinstance(values, list):
                values = pl.Series(values, dtype=pl.String)
            return values[rows], None if valid is None else valid[rows]

        return column_of

    def _of_path(
        self, batch: FlowBatch, key: str, rows: slice | np.ndarray
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        route, attribute = _INTEGER_OF_PATH[key]
        ids = batch.columns.get(route)
        if ids is None:
            return None, None
        ids = ids[rows]
        values = getattr(self._paths, attribute)[ids]
        return values, (ids != 0) & (values >= 0)  # -1: the path has none


def _columns(key: str) -> Iterator[tuple[str, str | None]]:
    """Name the columns of a key, with their types; None: any."""
    kind = KINDS.get(key)
    if key in _INTEGER_OF_PATH:
        yield key, "uint32"
    elif key in PATH_COLUMNS:
        return
    elif kind in (Kind.PREFIX, Kind.ADDRESS):
        yield f"{key}.hi", "uint64"
        yield f"{key}.lo", "uint64"
        if kind is Kind.PREFIX:
            yield f"{key}.length", "int16"
    else:
        yield key, _INTEGER_DTYPES.get(key) or _DTYPES.get(kind)
