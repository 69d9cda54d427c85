"""Which route a flow follows: the correlation of nfacctd, rule by rule (reference 4.1 to 4.5).

Not looked at: which of the router's tables a route is in, whether it is the best one, its age
beyond "first come", the reachability of its next hop.
"""

from typing import NamedTuple

from collector.nfacctd.bgp_text import NO_RD
from collector.nfacctd.bmp.prefix_index import PrefixIndex
from collector.nfacctd.bmp.route_buckets import Buckets
from collector.nfacctd.bmp.route_store import RouterRoutes, RouteStore
from collector.nfacctd.bmp.routes import Entry, Peer
from collector.protocols.bgp.families import SAFI_LABELLED, SAFI_UNICAST

FROM_MAP = "map"  # origin of an RD that flow_to_rd_map gave
NO_ORIGIN = "unknown"  # of a flow that has no RD

# After SAFI 128, where no route can match (`quirks.matches_flows`).
_SAFIS = (SAFI_UNICAST, SAFI_LABELLED)
_UNDECODABLE = "unknown"  # text of every RD of a type that nobody knows
_MEMO_ENTRIES = 65_536


class Sought(NamedTuple):
    """What a route has to be, besides covering the address."""

    peer: Peer | None  # None: any of the router's
    rd: str | None  # None: whatever it has
    bucket: int | None  # None: any
    next_hop: str | None  # None: any; "" is none that a route could have


class RouteLookup:
    """Finds routes for flows in the tables of all sessions.

    The first of several that an exporter could belong to is the one in the first slot.
    """

    def __init__(self, store: RouteStore, buckets: Buckets) -> None:
        self._store = store
        self._buckets = buckets
        self._found: dict[str, tuple[RouterRoutes, Peer | None] | None] = {}

    def peers_changed(self) -> None:
        """Forget which session belongs to which exporter: a session or a peer came or went."""
        self._found.clear()

    def match(
        self,
        agent: str,
        afi: int,
        address: int,
        rd: str = "",
        rd_origin: str = NO_ORIGIN,
        next_hop: str | None = None,
    ) -> Entry | None:
        """Find the route that a flow's source or destination address follows.

        Args:
            agent: canonical text of the exporter's UDP source, or what `bmp_agent_map` says.
            afi: 1 for IPv4, 2 for IPv6.
            address: as a number.
            rd: the flow's route distinguisher in nfacctd's notation; "" for none.
            rd_origin: "flow", "map", "unknown" as records have it.
            next_hop: BGP next hop that the flow itself tells, for destinations. None for sources,
                "" where it tells none.
        Cost: a dictionary lookup where the address was asked for since the routes changed, else
            one for each prefix length in use.
        """
        found = self._router(agent)
        if found is None:
            return None
        router, peer = found
        sought_rd = _sought_rd(rd, rd_origin)
        # nfacctd looks at next hops for the peers of a route server only (reference 4.3).
        judged = peer is not None and bool(peer.add_path_families)
        key = (afi, address, sought_rd, peer, next_hop if judged else None)
        memo = router.memo
        try:
            return memo[key]
        except KeyError:
            if len(memo) >= _MEMO_ENTRIES:
                memo.clear()
            entry = memo[key] = self._match(router, peer, afi, address, sought_rd, next_hop)
            return entry

    def _router(self, agent: str) -> tuple[RouterRoutes, Peer | None] | None:
        """Find the session of an exporter, or the peer that it is in another router's session."""
        try:
            return self._found[agent]
        except KeyError:
            if len(self._found) >= _MEMO_ENTRIES:
                self._found.clear()
            found = self._found[agent] = self._find_router(agent)
            return found

    def _find_router(self, agent: str) -> tuple[RouterRoutes, Peer | None] | None:
        for router in self._store:
            if agent in (router.address, router.router_id):
                return router, None
        for router in self._store:
            for peer in router.peers.values():
                if peer.address == agent:
                    return router, peer
        return None

    def _match(
        self,
        router: RouterRoutes,
        peer: Peer | None,
        afi: int,
        address: int,
        rd: str | None,
        next_hop: str | None,
    ) -> Entry | None:
        bucket = 0 if self._buckets.by_rd and rd is None else None
        for safi in _SAFIS:
            index = router.indexes.get((afi, safi))
            if index is None:
                continue
            wanted = None
            if peer is not None and (afi, safi) in peer.add_path_families:
                if next_hop is None:
                    continue  # sources have no next hop to compare: no route is theirs
                wanted = next_hop
            entry = self._longest(index, address, Sought(peer, rd, bucket, wanted))
            if entry is not None:
                return entry
        return None

    def _longest(self, index: PrefixIndex[Entry], address: int, sought: Sought) -> Entry | None:
        for is_host, chain in index.covering(address):
            entry = self._chosen(chain, is_host, sought)
            if entry is not None:
                return entry
        return None

    def _chosen(
        self, chain: Entry | dict[Entry, None], is_host: bool, sought: Sought
    ) -> Entry | None:
        """Choose among the routes of one prefix: the oldest, for a host route the newest."""
        if type(chain) is not dict:
            return chain if _fits(chain, sought) else None
        # nfacctd puts new routes in front, and keeps the last match; at a host route, the first.
        in_order = reversed(chain) if is_host else iter(chain)
        if self._buckets.by_rd or self._buckets.number <= 1:
            return next((entry for entry in in_order if _fits(entry, sought)), None)
        best: Entry | None = None
        for entry in in_order:
            if _fits(entry, sought) and (best is None or self._bucket(entry) > self._bucket(best)):
                best = entry
        return best

    def _bucket(self, entry: Entry) -> int:
        return self._buckets.of_path_id(entry.path_id)


def _sought_rd(rd: str, origin: str) -> str | None:
    """The distinguisher that routes must have; None where they may have any (reference 4.4)."""
    if not rd or origin == NO_ORIGIN or (origin == FROM_MAP and rd == NO_RD):
        return None
    return rd


def _fits(entry: Entry, sought: Sought) -> bool:
    peer = entry.table.view.peer
    if sought.peer is not None and peer is not sought.peer:
        return False
    if sought.rd is not None and (peer.rd != sought.rd or peer.rd == _UNDECODABLE):
        return False
    if sought.bucket is not None and peer.bucket != sought.bucket:
        return False
    return sought.next_hop is None or entry.attributes.next_hop == sought.next_hop
