"""The routes of one (peer, view, RD, AFI, SAFI) without longest match: EVPN, FlowSpec, BGP-LS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from collector.rib.shared import Shared

if TYPE_CHECKING:
    from collector.rib.peer import Peer, TableKey
    from collector.rib.sync import Sync


class OpaqueTable:
    """NLRI octets (with ADD-PATH a pair of them and the path identifier) to path id."""

    __slots__ = ("_dropped", "_shared", "_stale", "key", "peer", "routes", "sync")

    def __init__(self, peer: Peer, key: TableKey, sync: Sync, shared: Shared) -> None:
        self.peer = peer
        self.key = key
        self.sync = sync
        self.routes: dict[bytes | tuple[bytes, int], int] = {}
        self._shared = shared
        self._stale: set[bytes | tuple[bytes, int]] = set()
        self._dropped = False

    @property
    def count(self) -> int:
        """Routes in the table."""
        return len(self.routes)

    @property
    def stale(self) -> int:
        """How many of them are left over from a lost session."""
        return len(self._stale)

    @property
    def octets(self) -> int:
        """Memory of the table, about."""
        return 160 * len(self.routes)

    def announce(
        self, nlri: bytes, add_path_id: int | None, path: int, labels: tuple[int, ...] = ()
    ) -> None:
        """Set a route; labels are part of the NLRI here. A path of 0 withdraws."""
        key = nlri if add_path_id is None else (nlri, add_path_id)
        if self._dropped:
            return
        old = self.routes.get(key, 0)
        if path and not old and self.peer.room() < 1:
            self._shared.counters.add("rib_routes_dropped.routes")
            return
        fresh = not old or key in self._stale
        self._stale.discard(key)
        if path:
            self.routes[key] = path
            self.peer.silence.arrived += fresh
        else:
            self.routes.pop(key, None)
        self._exchange([old], [path])

    def announce_many(self, nlris: Sequence[bytes], path: int) -> None:
        """Set routes without path identifiers that share a path; 0 withdraws them."""
        for nlri in nlris:
            self.announce(nlri, None, path)

    def withdraw(self, nlri: bytes, add_path_id: int | None = None) -> None:
        """Remove a route, if it is there."""
        self.announce(nlri, add_path_id, 0)

    def mark_stale(self) -> None:
        """Note that all routes are left over from a lost session."""
        self._stale = set(self.routes)

    def sweep(self) -> int:
        """Remove what is still stale; returns how many routes."""
        swept = [self.routes.pop(key) for key in self._stale]
        self._stale.clear()
        self._exchange(swept, [])
        return len(swept)

    def drop(self) -> int:
        """Remove all routes; returns how many."""
        routes, self.routes = self.routes, {}
        self._stale.clear()
        self._exchange(list(routes.values()), [])
        self._dropped = True
        return len(routes)

    def _exchange(self, old: list[int], new: list[int]) -> None:
        self._shared.paths.hold(np.array(new, np.int32))
        self._shared.paths.release(np.array(old, np.int32))
        self.peer.count_routes(sum(map(bool, new)) - sum(map(bool, old)))
        if any(old) and not self.routes:
            self._shared.emptied.append(self)
