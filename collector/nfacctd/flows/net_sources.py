"""Whose AS numbers, prefixes and next hops a flow has: its own, a route's, a file's (4.6)."""

from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.nfacctd.flows.raw_columns import Seen
from collector.nfacctd.flows.route_values import RouteTable
from collector.nfacctd.flows.tables import Frame
from collector.nfacctd.maps.networks_file import Network, NetworksFile
from collector.nfacctd.settings import Settings
from collector.records.distinct import map_distinct
from collector.records.flow_batch import IPV4_MAPPED, is_ipv4

_BGP = ("bmp", "longest")
_IPV4_PREFIX = int(IPV4_MAPPED)


@dataclass(slots=True)
class _End:
    """One direction of a batch: what its route and its entry of the file say, by record."""

    route: NDArray[np.uint32]  # number of the route, 0: none
    bgp_wins: NDArray[np.bool_]  # where `longest` asks
    network: NDArray[np.int64]  # index of the entry, 0: none
    file_wins_as: NDArray[np.bool_]  # both where `longest` asks
    file_wins_net: NDArray[np.bool_]


class NetSources:
    """Chooses by `nfacctd_as` and `nfacctd_net`; the result stands in the frame's own columns."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._as, self._net = settings.as_source, settings.net_source
        self.asks_routes = self._as in _BGP or self._net in _BGP
        self.asks_networks = settings.networks.file is not None and (
            {self._as, self._net} & {"file", "longest"} != set() or settings.networks.filter
        )

    def choose(self, frame: Frame, routes: RouteTable, networks: NetworksFile | None) -> None:
        """Replace AS numbers, masks, peers and next hop; drop routes that do not count.

        Args:
            frame: the batch, with ``src_route`` and ``dst_route`` where routes are asked for.
            routes: of the batch.
            networks: what the file says; None: there is none.
        """
        if not self.asks_routes and networks is None and self._net != "mask":
            return
        entries = [Network(0)]
        source = self._end(frame, "src", routes, networks, entries)
        destination = self._end(frame, "dst", routes, networks, entries)
        for name, end in (("src", source), ("dst", destination)):
            self._choose_as(frame, name, end, routes, entries)
            self._choose_mask(frame, name, end, routes, entries)
        self._choose_peers(frame, source, destination, routes, entries)
        self._choose_next_hop(frame, destination, routes, entries)
        for name, end in (("src", source), ("dst", destination)):
            frame.put(f"{name}_route", self._counting(end))

    def _end(
        self,
        frame: Frame,
        name: str,
        routes: RouteTable,
        networks: NetworksFile | None,
        entries: list[Network],
    ) -> _End:
        route = frame.numpy(f"{name}_route")
        of_route = routes.column("prefix_length").to_numpy()[route]
        # Routes are compared with the prefix length of IPv4 alone, the file with either family's.
        bgp_wins = (route != 0) & (of_route >= frame.numpy(f"flow_{name}_mask"))
        longest = np.where(bgp_wins, of_route, frame.numpy(f"{name}_mask"))
        network = self._networks(frame, name, networks, entries)
        if networks is None:
            none = np.zeros(frame.rows, bool)
            return _End(route, bgp_wins, network, none, none)
        length = np.array([entry.prefix_length for entry in entries])[network]
        chosen = {
            "netflow": frame.numpy(f"{name}_mask"),
            "bmp": of_route,
            "longest": longest,
        }.get(self._net, np.zeros(frame.rows, np.uint8))
        if self._settings.networks.no_lpm:
            found = network != 0
            return _End(route, bgp_wins, network, found, found)
        # An address that is not in the file is in a prefix of length 0 there.
        return _End(route, bgp_wins, network, length >= chosen, length >= longest)

    def _networks(
        self, frame: Frame, name: str, networks: NetworksFile | None, entries: list[Network]
    ) -> NDArray[np.int64]:
        if networks is None:
            return np.zeros(frame.rows, np.int64)
        numbers: dict[Network, int] = {}

        def number_of(high: int, low: int) -> int:
            if high == 0 and low >> 32 == 0xFFFF:
                entry = networks.find(4, low - _IPV4_PREFIX)
            else:
                entry = networks.find(6, high << 64 | low)
            if entry is None:
                return 0
            if entry not in numbers:
                numbers[entry] = len(entries)
                entries.append(entry)
            return numbers[entry]

        high, low = frame.halves(f"{name}_host")
        found = map_distinct([high, low], number_of, pl.Int64()).to_numpy()
        if self._settings.networks.filter:
            outside = found == 0
            zeros = np.where(is_ipv4(high, low), IPV4_MAPPED, np.uint64(0))
            frame.put_halves(
                f"{name}_host",
                np.where(outside, np.uint64(0), high),
                np.where(outside, zeros, low),
            )
        return found

    def _choose_as(
        self, frame: Frame, name: str, end: _End, routes: RouteTable, entries: list[Network]
    ) -> None:
        column = f"{name}_as"
        of_route = routes.column("origin_as").to_numpy()[end.route]
        of_file = np.array([entry.origin_as for entry in entries])[end.network]
        own = frame.numpy(column)
        frame.put(column, _chosen(self._as, own, of_route, of_file, end, end.file_wins_as))

    def _choose_mask(
        self, frame: Frame, name: str, end: _End, routes: RouteTable, entries: list[Network]
    ) -> None:
        column = f"{name}_mask"
        if self._net == "mask":
            frame.put(column, np.full(frame.rows, self._settings.networks.mask))
            return
        of_route = routes.column("prefix_length").to_numpy()[end.route]
        of_file = np.array([entry.prefix_length for entry in entries])[end.network]
        own = frame.numpy(column)
        frame.put(column, _chosen(self._net, own, of_route, of_file, end, end.file_wins_net))

    def _choose_peers(
        self,
        frame: Frame,
        source: _End,
        destination: _End,
        routes: RouteTable,
        entries: list[Network],
    ) -> None:
        peers = routes.column("peer_as").to_numpy()
        of_file = np.array([entry.peer_as for entry in entries])
        own = frame.numpy("peer_src_as")
        if self._settings.peer_src_as_type == "bgp":
            own = peers[self._counting(source)]
        # The route's is asked for by a key of its own; here it is what a flow has already.
        by = "netflow" if self._as == "bmp" else self._as
        wins = source.file_wins_as
        chosen = _chosen(by, own, own, of_file[source.network], source, wins)
        frame.put("peer_src_as", chosen)
        own, of_route = frame.numpy("peer_dst_as"), peers[destination.route]
        wins = destination.file_wins_as
        of_file = of_file[destination.network]
        chosen = _chosen(self._as, own, of_route, of_file, destination, wins)
        frame.put("peer_dst_as", chosen)

    def _choose_next_hop(
        self, frame: Frame, end: _End, routes: RouteTable, entries: list[Network]
    ) -> None:
        if self._net in ("netflow", "mask"):
            return
        of_routes = _halves(routes.column("next_hop").to_list())
        of_file = _halves([entry.next_hop for entry in entries])
        own = frame.halves("peer_dst_ip")
        halves = [
            _chosen(self._net, mine, route[end.route], network[end.network], end, end.file_wins_net)
            for mine, route, network in zip(own, of_routes, of_file, strict=True)
        ]
        frame.put_halves("peer_dst_ip", *halves)
        seen = frame.numpy("seen")
        none = np.zeros_like(seen)
        own = seen & np.uint8(Seen.PEER_DST_IP)
        kept = _chosen(self._net, own, none, none, end, end.file_wins_net)
        frame.put("seen", (seen & ~np.uint8(Seen.PEER_DST_IP)) | kept)

    def _counting(self, end: _End) -> NDArray[np.uint32]:
        """Give the routes whose paths and communities are published."""
        if self._as == "bmp":
            return end.route
        if self._as == "longest":
            return np.where(end.bgp_wins, end.route, np.uint32(0))
        return np.zeros_like(end.route)


def _chosen(
    by: str,
    own: NDArray[np.generic],
    of_route: NDArray[np.generic],
    of_file: NDArray[np.generic],
    end: _End,
    file_wins: NDArray[np.bool_],
) -> NDArray[np.generic]:
    match by:
        case "bmp":
            return of_route
        case "file":
            return of_file
        case "longest":
            return np.where(file_wins, of_file, np.where(end.bgp_wins, of_route, own))
    return own


def _halves(texts: list[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    numbers = [_number(text) for text in texts]
    high = np.array([number >> 64 for number in numbers], np.uint64)
    return high, np.array([number & (1 << 64) - 1 for number in numbers], np.uint64)


def _number(text: str) -> int:
    if not text:
        return 0
    address = ip_address(text)
    return int(address) | (_IPV4_PREFIX if address.version == 4 else 0)
