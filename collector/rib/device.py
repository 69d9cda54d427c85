"""What a worker holds of one device: sessions, peers, and the best tables over its peers."""

from __future__ import annotations

from collector.rib.best_table import BestTable
from collector.rib.peer import Peer, PeerKey
from collector.rib.shared import Shared
from collector.rib.sync import RibState, weakest
from collector.rib.view import View


class Device:
    """One router, by its canonical address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.sessions: set[int] = set()
        self.peers: dict[PeerKey, Peer] = {}
        self.unsettled: set[Peer] = set()  # peers to look after at every tick
        self.groups: dict[tuple[View, bytes, int], BestTable] = {}
        self.routes = 0
        self.tables = 0

    @property
    def state(self) -> RibState:
        """The least trustworthy state of its peers, NONE without any."""
        return weakest({peer.state for peer in self.peers.values()})

    def group(self, view: View, rd: bytes, family: int, shared: Shared) -> BestTable:
        """Return the best table that a new table of some peer belongs to."""
        group = self.groups.get((view, rd, family))
        if group is None:
            group = self.groups[view, rd, family] = BestTable(shared.indexes[family], shared.paths)
        return group

    def forget_empty_group(self, view: View, rd: bytes, family: int) -> None:
        """Let go of a best table that no peer has a table for."""
        group = self.groups.get((view, rd, family))
        if group is not None and not group.members:
            del self.groups[view, rd, family]
