"""Path attribute sets: plain values once for each distinct set, and columns to gather from."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters
from collector.rib.interned import Interned
from collector.rib.key_table import grown

# Sorted as RFC 4271 section 9.1.2.2 prefers them; a path without ORIGIN comes last.
_ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}
_NO_ORIGIN = 3
# What routers assume where LOCAL_PREF is missing, as it is on external sessions.
_DEFAULT_LOCAL_PREF = 100
_WORST = np.iinfo(np.uint64).max
_LONGEST = 0xFFFF


@dataclass(frozen=True, slots=True)
class Path:
    """What one attribute set says, ready for records; built once for each set."""

    as_path: tuple = ()  # nested: (segment type, (AS, ...)), ...
    as_path_text: str = ""
    origin_as: int = 0
    peer_as: int = 0  # the neighbour: first AS of the path; 0 for the router's own AS
    path_length: int = 0  # RFC 4271 section 9.1.2.2 a: an AS_SET counts one
    origin: str | None = None
    local_pref: int | None = None
    med: int | None = None
    next_hop: str | None = None
    communities: tuple[str, ...] = ()
    large_communities: tuple[str, ...] = ()
    extended_communities: tuple[str, ...] = ()


_COLUMNS = {
    "origin_as": np.uint32,
    "peer_as": np.uint32,
    "local_pref": np.int64,
    "med": np.int64,
    "next_hop": np.int32,
    "rank": np.uint64,
}


class Paths(Interned):
    """The table of interned paths of a worker.

    Columns, indexed by path id (0 is no path; look them up anew after each `add`):
        origin_as, peer_as: uint32. local_pref, med: int64, -1 where the path has none.
        next_hop: int32, ids of `next_hop_id`, 0 where the path has none.
        rank: uint64, the lower the better: local preference, path length, origin.
    """

    origin_as: NDArray[np.uint32]
    peer_as: NDArray[np.uint32]
    local_pref: NDArray[np.int64]
    med: NDArray[np.int64]
    next_hop: NDArray[np.int32]
    rank: NDArray[np.uint64]

    def __init__(self, limit: int, counters: Counters) -> None:
        super().__init__(limit)
        self._counters = counters
        for name, kind in _COLUMNS.items():
            setattr(self, name, np.zeros(len(self.holders), kind))
        self.local_pref[0] = self.med[0] = -1
        self.rank[0] = _WORST
        self._next_hops: dict[str, list[int]] = {}  # text: id, paths that have it
        self._last_next_hop = 0

    @property
    def paths(self) -> list[Path | None]:
        """The values by id."""
        return self.values

    @property
    def octets(self) -> int:
        """Memory of the columns, without the values."""
        return self.holders.nbytes + sum(getattr(self, name).nbytes for name in _COLUMNS)

    def add(self, key: Hashable, path: Path) -> int:
        """Give a path an id, or find the one its key has; 0 where there are too many.

        Args:
            key: whatever tells attribute sets apart.
        """
        before = len(self._added)
        number = super().add(key, path)
        if len(self._added) > before:
            self._fill(number, path)
        elif not number:
            self._counters.add("rib_paths_refused")
        return number

    def next_hop_id(self, text: str) -> int:
        """Return the number that paths with this next hop have in ``next_hop``.

        Returns:
            The id, -1 where no path has it. Ask again for every batch: an id ends with the last
            path that has it, though it is never given to another next hop.
        """
        known = self._next_hops.get(text)
        return known[0] if known else -1

    def _fill(self, number: int, path: Path) -> None:
        self.origin_as[number] = path.origin_as
        self.peer_as[number] = path.peer_as
        self.local_pref[number] = -1 if path.local_pref is None else path.local_pref
        self.med[number] = -1 if path.med is None else path.med
        self.next_hop[number] = self._take_next_hop(path.next_hop)
        self.rank[number] = _rank(path)

    def _take_next_hop(self, text: str | None) -> int:
        if text is None:
            return 0
        entry = self._next_hops.get(text)
        if entry is None:
            self._last_next_hop += 1
            entry = self._next_hops[text] = [self._last_next_hop, 0]
        entry[1] += 1
        return entry[0]

    def _forget(self, number: int) -> None:
        text = self.values[number].next_hop
        if text is not None:
            entry = self._next_hops[text]
            entry[1] -= 1
            if not entry[1]:
                del self._next_hops[text]

    def _grow(self, capacity: int) -> None:
        super()._grow(capacity)
        for name in _COLUMNS:
            setattr(self, name, grown(getattr(self, name), capacity))


def _rank(path: Path) -> int:
    local_pref = _DEFAULT_LOCAL_PREF if path.local_pref is None else path.local_pref
    origin = _ORIGINS.get(path.origin, _NO_ORIGIN)
    return (0xFFFFFFFF - local_pref) << 18 | min(path.path_length, _LONGEST) << 2 | origin
