"""What a worker's tables hold, in numbers for the status of a device and of the worker."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from collector.rib.covering_cache import CoveringCache
from collector.rib.device import Device
from collector.rib.shared import Shared
from collector.rib.sync import RibState


@dataclass(frozen=True, slots=True)
class DeviceStatistics:
    """The tables of one device."""

    state: RibState
    peers: int
    peers_up: int
    routes: int
    stale_routes: int
    tables: int
    octets: int  # of its tables, without prefixes and paths, which it shares with others
    routes_by_table: dict[tuple[str, int, int], int]  # (view, AFI, SAFI)


@dataclass(frozen=True, slots=True)
class RibStatistics:
    """All tables of the worker."""

    devices: int
    routes: int
    prefixes_v4: int
    prefixes_v6: int
    paths: int
    octets: int  # without the path values


def of_device(device: Device) -> DeviceStatistics:
    """Count what a device has."""
    by_table: Counter[tuple[str, int, int]] = Counter()
    stale = octets = 0
    for peer in device.peers.values():
        for table in peer.tables:
            by_table[table.key.view.text, *table.key.family] += table.count
            stale += table.stale
            octets += table.octets
    return DeviceStatistics(
        state=device.state,
        peers=len(device.peers),
        peers_up=sum(peer.session is not None for peer in device.peers.values()),
        routes=device.routes,
        stale_routes=stale,
        tables=device.tables,
        octets=octets + sum(group.octets for group in device.groups.values()),
        routes_by_table=dict(by_table),
    )


def of_worker(
    devices: Collection[Device], shared: Shared, caches: Iterable[CoveringCache]
) -> RibStatistics:
    """Count what all devices have."""
    octets = shared.paths.octets
    octets += sum(index.octets for index in shared.indexes.values())
    octets += sum(cache.octets for cache in caches)
    octets += sum(of_device(device).octets for device in devices)
    return RibStatistics(
        devices=len(devices),
        routes=sum(device.routes for device in devices),
        prefixes_v4=shared.indexes[4].live,
        prefixes_v6=shared.indexes[6].live,
        paths=len(shared.paths),
        octets=octets,
    )
