"""The BGP tables of all devices of a worker: who owns them, and the questions they answer.

Time is an argument, and `tick` wants to be called about once a second, between messages: path ids
that nobody holds end there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters
from collector.rib import statistics
from collector.rib.covering_cache import CoveringCache
from collector.rib.device import Device
from collector.rib.join import DEFAULT_POLICY, Answer, Join, Segment
from collector.rib.paths import Reader
from collector.rib.peer import GLOBAL_RD, Peer, PeerKey
from collector.rib.shared import Limits, Shared
from collector.rib.snapshot import Route, routes_of
from collector.rib.sync import RibState
from collector.rib.view import View


class Rib:
    """All tables of one worker process.

    Args:
        counters: where drops are counted.
        reader: tells what the contents say that are given to `Paths.add`.
        views: the views to keep; updates of others are passed over.
        stale_s: how long routes of a lost session may still answer.
        silence_s: without End-of-RIB a table counts as whole after so long a silence.
    """

    def __init__(
        self,
        *,
        counters: Counters,
        reader: Reader,
        views: Sequence[View] = tuple(View),
        stale_s: float = 600,
        silence_s: float = 30,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        self.devices: dict[str, Device] = {}
        self._shared = Shared(limits, counters, reader)
        self._views = frozenset(views)
        self._stale_s = stale_s
        self._silence_s = silence_s
        self._counters = counters
        self._caches = {
            number: CoveringCache(index, limits.covering_cache_octets)
            for number, index in self._shared.indexes.items()
        }
        self.paths = self._shared.paths

    # Sessions and peers.

    def session_up(self, device: str, session: int) -> None:
        """Note a BMP session of a device; several may be open at once.

        Args:
            session: a number that no other session of this worker has or had.
        """
        self._device(device).sessions.add(session)

    def session_down(self, device: str, session: int, now_s: float) -> None:
        """Keep the routes of a lost session's peers as stale ones for a while."""
        self._shared.apply()
        known = self._device(device)
        known.sessions.discard(session)
        for peer in known.peers.values():
            if peer.session == session:
                peer.lose_session(now_s + self._stale_s)
                known.unsettled.add(peer)

    def peer_up(self, device: str, session: int, key: PeerKey, now_s: float) -> Peer | None:
        """Make a session the owner of a peer; what was known of the peer is stale until it comes.

        Returns:
            Where the session puts the peer's routes; None where the device has too many peers.
        """
        self._shared.apply()
        known = self._device(device)
        known.sessions.add(session)
        peer = known.peers.get(key)
        if peer is None and len(known.peers) >= self._shared.limits.peers_per_device:
            self._counters.add("rib_peers_refused")
            return None
        if peer is None or peer.session != session:
            # A new object, as the former owner still holds the old one.
            before, peer = peer, Peer(known, key, self._shared, self._views)
            if before is not None:
                before.move_to(peer)
                known.unsettled.discard(before)
            known.peers[key] = peer
        peer.open(session, now_s, now_s + self._stale_s)
        known.unsettled.add(peer)
        return peer

    def peer(self, device: str, session: int, key: PeerKey) -> Peer | None:
        """Find a peer that the session owns; None (counted) where it does not own it."""
        known = self.devices.get(device)
        peer = known.peers.get(key) if known else None
        if peer is None or peer.session != session:
            self._counters.add("rib_updates_ignored")
            return None
        return peer

    def is_owned(self, device: str, key: PeerKey) -> bool:
        """Tell whether a living session owns a peer."""
        known = self.devices.get(device)
        peer = known.peers.get(key) if known else None
        return peer is not None and peer.session is not None

    def peer_down(self, device: str, session: int, key: PeerKey) -> int:
        """Withdraw all routes of a peer that the session owns; returns how many."""
        peer = self.peer(device, session, key)
        if peer is None:
            return 0
        self._shared.apply()
        return self._drop(peer)

    def end_of_rib(self, peer: Peer, view: View, family: tuple[int, int]) -> int:
        """Note that a peer's table came whole; returns how many stale routes are gone."""
        if peer.session is None or view not in self._views:
            return 0
        self._shared.apply()
        swept = peer.end_of_rib(View(view), family)
        self._count_swept("resync", swept)
        return swept

    def tick(self, now_s: float) -> None:
        """Do what time brings: silence, the end of stale routes, and cleaning up."""
        self._shared.apply()
        for device in list(self.devices.values()):
            self._settle(device, now_s)
            if not device.sessions and not device.peers:
                del self.devices[device.address]
        emptied = self._shared.emptied[:]
        self._shared.emptied.clear()
        for table in emptied:
            table.peer.drop_if_empty(table)
        for index in self._shared.indexes.values():
            index.compact()
        self.paths.collect()
        self._shared.labels.collect()
        self._count_cache()

    def state(self, device: str) -> RibState:
        """Return how far a device's tables can be trusted; `RibState.NONE` without any."""
        known = self.devices.get(device)
        return known.state if known else RibState.NONE

    # Questions.

    def join(
        self,
        device: str,
        family: int,
        addresses: NDArray,
        *,
        rd: bytes = GLOBAL_RD,
        next_hops: NDArray[np.int32] | None = None,
        views: tuple[View, ...] = DEFAULT_POLICY,
    ) -> Answer:
        """Find one device's routes for addresses, as `join_segments` does for many."""
        segment = Segment(0, len(addresses), device, rd, views)
        return self.join_segments(family, addresses, [segment], next_hops)

    def join_segments(
        self,
        family: int,
        addresses: NDArray,
        segments: Sequence[Segment],
        next_hops: NDArray[np.int32] | None = None,
    ) -> Answer:
        """Find the routes for a batch of addresses, each in its own device's tables.

        Args:
            family: 4 or 6.
            addresses: uint32 of shape (n,) for IPv4, uint64 of shape (n, 2) for IPv6.
            segments: which rows ask which tables; the first view with a match answers.
            next_hops: shape (n,), the flows' BGP next hops as ids of `Paths.next_hop_id`, 0 for
                none: of several paths to the longest prefix the one with this next hop is taken.
        """
        self._shared.apply()
        join = Join(self._caches[family].chains(addresses), next_hops, self.paths)
        for segment in segments:
            device = self.devices.get(segment.device)
            if device is not None:
                join.ask(device, segment, family)
        lengths = self._shared.indexes[family].lengths(join.prefix).astype(np.int16)
        lengths[join.path == 0] = -1
        return Answer(join.path, lengths, join.view, join.state)

    def routes(self, device: str, chunk: int = 1000) -> Iterator[list[Route]]:
        """Give out all routes of a device, at most ``chunk`` at a time; see `routes_of`."""
        known = self.devices.get(device)
        return routes_of(list(known.peers.values()) if known else [], chunk, self._shared)

    def peer_routes(self, peer: Peer, chunk: int = 1000) -> Iterator[list[Route]]:
        """Give out all routes of a peer, such as those that a Peer Down is about to withdraw."""
        return routes_of([peer], chunk, self._shared)

    def device_statistics(self, device: str) -> statistics.DeviceStatistics | None:
        """Count what a device has; None where nothing is known of it."""
        self._shared.apply()
        known = self.devices.get(device)
        return statistics.of_device(known) if known else None

    def statistics(self) -> statistics.RibStatistics:
        """Count what the worker has."""
        self._shared.apply()
        return statistics.of_worker(self.devices.values(), self._shared, self._caches.values())

    # Inside.

    def _device(self, address: str) -> Device:
        device = self.devices.get(address)
        if device is None:
            device = self.devices[address] = Device(address)
        return device

    def _drop(self, peer: Peer) -> int:
        withdrawn = peer.drop()
        del peer.device.peers[peer.key]
        peer.device.unsettled.discard(peer)
        return withdrawn

    def _settle(self, device: Device, now_s: float) -> None:
        # A router may send its peers' tables one after the other: a peer that waits for its turn
        # is not silent before its session is.
        silent_since: dict[int | None, float] = {}
        for peer in device.unsettled:
            since = peer.silence.look(now_s, peer.routes)
            silent_since[peer.session] = max(since, silent_since.get(peer.session, since))
        for peer in list(device.unsettled):
            if peer.stale_until_s is not None and now_s >= peer.stale_until_s:
                self._count_swept("expired", peer.sweep())
            if peer.session is None:
                if not peer.routes:
                    self._drop(peer)
                continue
            since = peer.silence.since_s if peer.silence.burst else silent_since[peer.session]
            if now_s - since >= self._silence_s:
                self._count_swept("resync", peer.settle_by_silence())
            if not peer.unsettled():
                device.unsettled.discard(peer)

    def _count_swept(self, reason: str, swept: int) -> None:
        if swept:
            self._counters.add(f"rib_routes_swept.{reason}", swept)

    def _count_cache(self) -> None:
        for cache in self._caches.values():
            if cache.misses or cache.flushes:
                self._counters.add("rib_chain_misses", cache.misses)
                self._counters.add("rib_chain_flushes", cache.flushes)
                cache.misses = cache.flushes = 0
