"""Path attribute sets: kept as they came, once for all devices, and columns to gather from.

A path is a *content*, all that an attribute set says but its next hop, with a next hop. Routers of
one network announce the same contents with next hops of their own: a further next hop costs a
content some 150 octets, whatever it says. What a content says in texts is read when a record
shows it; as most paths are never shown, a table load makes none.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters
from collector.rib.interned import Counted
from collector.rib.key_table import grown

# Sorted as RFC 4271 section 9.1.2.2 prefers them; a path without ORIGIN comes last.
_ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}
_NO_ORIGIN = 3
# What routers assume where LOCAL_PREF is missing, as it is on external sessions.
_DEFAULT_LOCAL_PREF = 100
_WORST = np.iinfo(np.uint64).max
_LONGEST = 0xFFFF


class Facts(NamedTuple):
    """What a content says in numbers: enough to choose a path, and to group flows by it."""

    origin_as: int = 0
    peer_as: int = 0  # the neighbour: first AS of the path; 0 for the router's own AS
    path_length: int = 0  # RFC 4271 section 9.1.2.2 a: an AS_SET counts one
    origin: str | None = None
    local_pref: int | None = None
    med: int | None = None


class FactColumns(NamedTuple):
    """`Facts` of n contents, each of shape (n,); what a content does not say is -1.

    origin: 0 ("igp"), 1 ("egp"), 2 ("incomplete"), 3 for none.
    """

    origin_as: NDArray[np.uint32]
    peer_as: NDArray[np.uint32]
    path_length: NDArray[np.int64]
    origin: NDArray[np.int64]
    local_pref: NDArray[np.int64]
    med: NDArray[np.int64]


class Path(NamedTuple):
    """What one attribute set says, ready for records; the first fields are those of `Facts`."""

    origin_as: int = 0
    peer_as: int = 0
    path_length: int = 0
    origin: str | None = None
    local_pref: int | None = None
    med: int | None = None
    as_path: tuple = ()  # nested: (segment type, (AS, ...)), ...
    as_path_text: str = ""
    next_hop: str | None = None
    communities: tuple[str, ...] = ()
    large_communities: tuple[str, ...] = ()
    extended_communities: tuple[str, ...] = ()


class Reader(Protocol):
    """Knows what the contents that are given to `Paths.add` say."""

    def paths(
        self, contents: Sequence[Hashable], next_hops: Sequence[str | None]
    ) -> Iterable[Path]:
        """Read contents, with the next hop of each."""

    def texts(self, contents: Sequence[Hashable]) -> dict[str, list[str | None]]:
        """Read the fields `TEXTS` of very many contents: lists in lines, None for an empty one."""


TEXTS = ("as_path_text", "communities", "large_communities", "extended_communities")

_COLUMNS = {
    "origin_as": np.uint32,
    "peer_as": np.uint32,
    "local_pref": np.int64,
    "med": np.int64,
    "rank": np.uint64,
    "next_hop": np.int32,
    "born": np.int64,
    "_content": np.int32,
}


class _NextHop:
    """A next hop, and the paths that have it: content id to path id."""

    __slots__ = ("number", "paths", "text")

    def __init__(self, number: int, text: str | None) -> None:
        self.number = number
        self.text = text
        self.paths: dict[int, int] = {}


class Paths(Counted):
    """The table of interned paths of a worker.

    Columns, indexed by path id (0 is no path; look them up anew after each `add`):
        origin_as, peer_as: uint32. local_pref, med: int64, -1 where the path has none.
        rank: uint64, the lower the better: local preference, path length, origin.
        next_hop: int32, ids of `next_hop_id`, 0 where the path has none.
        born: int64, another one for each life of an id, 0 while it is free.
    """

    origin_as: NDArray[np.uint32]
    peer_as: NDArray[np.uint32]
    local_pref: NDArray[np.int64]
    med: NDArray[np.int64]
    rank: NDArray[np.uint64]
    next_hop: NDArray[np.int32]
    born: NDArray[np.int64]

    def __init__(self, limit: int, counters: Counters, reader: Reader) -> None:
        super().__init__()
        self.limit = limit
        self._counters = counters
        self._reader = reader
        for name, kind in _COLUMNS.items():
            setattr(self, name, np.zeros(len(self.holders), kind))
        self.local_pref[0] = self.med[0] = -1
        self.rank[0] = _WORST
        self._cells: list[memoryview] = []
        self._look_at_cells()
        self._born = 0
        self._contents: dict[Hashable, int] = {}
        self._content_keys: list[Hashable] = [None]
        self._content_uses: list[int] = [0]
        self._free_contents: list[int] = []
        no_next_hop = _NextHop(0, None)
        self._next_hops: dict[str | None, _NextHop] = {None: no_next_hop}
        self._next_hop_of: dict[int, _NextHop] = {0: no_next_hop}
        self._last_next_hop = 0

    @property
    def octets(self) -> int:
        """Memory of the columns, without the contents."""
        return self.holders.nbytes + sum(getattr(self, name).nbytes for name in _COLUMNS)

    @property
    def contents(self) -> int:
        """How many contents there are."""
        return len(self._contents)

    @property
    def next_hops(self) -> int:
        """How many next hops there are."""
        return len(self._next_hops) - 1

    def intern(self, content: Hashable, next_hop: str | None) -> int:
        """Return the id of a path, 0 if it has none."""
        entry = self._next_hops.get(next_hop)
        if entry is None:
            return 0
        return entry.paths.get(self._contents.get(content, 0), 0)

    def add(self, content: Hashable, next_hop: str | None, facts: Facts | Path) -> int:
        """Give a path an id, or find the one it has.

        Args:
            content: whatever tells attribute sets apart but for their next hops.
            facts: of the content.
        Returns:
            The id, valid until the next `collect` and as long as it is held; 0 where there are
            too many.
        """
        known = self.intern(content, next_hop)
        if known:
            return known
        if len(self) >= self.limit:
            self._counters.add("rib_paths_refused")
            return 0
        number = self._take()
        content_id = self._use_content(content)
        entry = self._next_hop_entry(next_hop)
        entry.paths[content_id] = number
        self._born += 1
        row = (
            facts.origin_as,
            facts.peer_as,
            -1 if facts.local_pref is None else facts.local_pref,
            -1 if facts.med is None else facts.med,
            _rank(facts),
            entry.number,
            self._born,
            content_id,
        )
        for cells, value in zip(self._cells, row, strict=True):
            cells[number] = value
        return number

    def add_many(
        self, contents: Sequence[Hashable], next_hops: Sequence[str | None], facts: FactColumns
    ) -> NDArray[np.int32]:
        """Give n paths ids, or find those that they have, as `add` does; shape (n,)."""
        ids = list(map(self.intern, contents, next_hops))
        rows = [row for row, number in enumerate(ids) if not number]
        taken: list[tuple[int, int, int, int]] = []  # row, id, next hop, content
        for row in rows:
            content, next_hop = contents[row], next_hops[row]
            number = self.intern(content, next_hop)  # it may have come twice
            if not number and len(self) < self.limit:
                number = self._take()
                content_id, entry = self._use_content(content), self._next_hop_entry(next_hop)
                entry.paths[content_id] = number
                taken.append((row, number, entry.number, content_id))
            ids[row] = number
        if rows:
            refused = ids.count(0)
            if refused:
                self._counters.add("rib_paths_refused", refused)
            self._fill(np.array(taken, np.int64).reshape(-1, 4).T, facts)
        return np.array(ids, np.int32)

    def _fill(self, taken: NDArray[np.int64], facts: FactColumns) -> None:
        """Set the columns of new paths: rows of ``facts``, ids, next hops, contents."""
        rows, ids, next_hops, contents = taken
        chosen = FactColumns(*(column[rows] for column in facts))
        born = self._born + 1 + np.arange(len(ids))
        self._born += len(ids)
        row = (
            chosen.origin_as,
            chosen.peer_as,
            chosen.local_pref,
            chosen.med,
            _ranks(chosen),
            next_hops,
            born,
            contents,
        )
        for name, values in zip(_COLUMNS, row, strict=True):
            getattr(self, name)[ids] = values

    def path(self, number: int) -> Path | None:
        """Read what the path with this id says; None where nothing has it."""
        if not self.born[number]:
            return None
        (path,) = self._reader.paths(self._contents_of([number]), self.next_hop_texts([number]))
        return path

    def texts(self, ids: Sequence[int] | NDArray[np.int32]) -> dict[str, list[str | None]]:
        """Read paths that are in use, as `Reader.texts` does."""
        return self._reader.texts(self._contents_of(ids))

    def next_hop_texts(self, ids: Sequence[int] | NDArray[np.int32]) -> list[str | None]:
        """Return the next hops of paths that are in use."""
        return [self._next_hop_of[number].text for number in self.next_hop[ids].tolist()]

    def next_hop_id(self, text: str) -> int:
        """Return the number that paths with this next hop have in ``next_hop``.

        Returns:
            The id, -1 where no path has it. Ask again for every batch: an id ends with the last
            path that has it, though it is never given to another next hop.
        """
        known = self._next_hops.get(text)
        return -1 if known is None else known.number

    def _contents_of(self, ids: Sequence[int] | NDArray[np.int32]) -> list[Hashable]:
        return [self._content_keys[number] for number in self._content[ids].tolist()]

    def _use_content(self, content: Hashable) -> int:
        number = self._contents.get(content)
        if number is None:
            if self._free_contents:
                number = self._free_contents.pop()
                self._content_keys[number] = content
            else:
                number = len(self._content_keys)
                self._content_keys.append(content)
                self._content_uses.append(0)
            self._contents[content] = number
        self._content_uses[number] += 1
        return number

    def _next_hop_entry(self, text: str | None) -> _NextHop:
        entry = self._next_hops.get(text)
        if entry is None:
            self._last_next_hop += 1
            entry = self._next_hops[text] = _NextHop(self._last_next_hop, text)
            self._next_hop_of[entry.number] = entry
        return entry

    def _forget(self, number: int) -> None:
        self.born[number] = 0
        content = int(self._content[number])
        self._content_uses[content] -= 1
        if not self._content_uses[content]:
            del self._contents[self._content_keys[content]]
            self._content_keys[content] = None
            self._free_contents.append(content)
        entry = self._next_hop_of[int(self.next_hop[number])]
        del entry.paths[content]
        if not entry.paths and entry.number:
            del self._next_hops[entry.text]
            del self._next_hop_of[entry.number]

    def _grow(self, capacity: int) -> None:
        super()._grow(capacity)
        for name in _COLUMNS:
            setattr(self, name, grown(getattr(self, name), capacity))
        self._look_at_cells()

    def _look_at_cells(self) -> None:
        # Setting one element of a memoryview costs a third of what it costs in an array.
        self._cells = [memoryview(getattr(self, name)) for name in _COLUMNS]


def _rank(facts: Facts | Path) -> int:
    local_pref = _DEFAULT_LOCAL_PREF if facts.local_pref is None else facts.local_pref
    origin = _ORIGINS.get(facts.origin, _NO_ORIGIN)
    return (0xFFFFFFFF - local_pref) << 18 | min(facts.path_length, _LONGEST) << 2 | origin


def _ranks(facts: FactColumns) -> NDArray[np.uint64]:
    local_pref = np.where(facts.local_pref < 0, _DEFAULT_LOCAL_PREF, facts.local_pref)
    length = np.minimum(facts.path_length, _LONGEST)
    return ((0xFFFFFFFF - local_pref) << 18 | length << 2 | facts.origin).astype(np.uint64)
