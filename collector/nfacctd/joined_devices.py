"""Which devices must come to one worker: those that `bmp_agent_map` gives the routes of others.

Only rows of single addresses can say so before the first packet: rows of prefixes, and routers that
are found by their BGP identifier, need `workers = 1` or a [[device]] of the operator's.
"""

from collections.abc import Iterator

from collector.config.model import DeviceTable
from collector.errors import ConfigError
from collector.nfacctd.maps.syntax import read_rows, split_token, tokens_of
from collector.nfacctd.maps.values import address

_ROUTER_KEYS = ("bmp_ip", "bgp_ip", "id")
_MOST = 400  # classic BPF has no tables: they are compiled into its program, which is bounded


def joined_devices(agent_map: str | None) -> tuple[DeviceTable, ...]:
    """Give a table for each exporter that takes the routes of another device.

    Args:
        agent_map: path of the map; what is wrong in it is told where it is loaded.
    """
    if agent_map is None:
        return ()
    router_of: dict[str, str] = {}
    for exporter, router in _pairs(agent_map):
        router_of.setdefault(exporter, router)
    joined = {exporter: _end_of(exporter, router_of) for exporter in router_of}
    devices = [
        DeviceTable((exporter,), rib_of=end) for exporter, end in joined.items() if exporter != end
    ]
    return tuple(devices) if len(devices) <= _MOST else ()


def _pairs(path: str) -> Iterator[tuple[str, str]]:
    """Read exporter and router of each row that is about one address."""
    try:
        for row in read_rows(path):
            try:
                told = dict(split_token(token) for token in tokens_of(row.text))
                router = next(told[key] for key in _ROUTER_KEYS if key in told)
                yield address(told["ip"]), address(router)
            except (ValueError, KeyError, StopIteration):
                continue
    except ConfigError:
        return


def _end_of(exporter: str, router_of: dict[str, str]) -> str:
    """Follow a chain to its end; where it is a circle all of it has one end as well."""
    way = [exporter]
    while (router := router_of.get(way[-1], way[-1])) != way[-1]:
        if router in way:
            return min(way[way.index(router) :])
        way.append(router)
    return way[-1]
