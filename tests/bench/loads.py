"""What is sent to a collector: the routers of a row, their tables and their flows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tests.bench import streams
from tests.bench.sender import Sender, Session
from tests.bench.table import BenchTable, make_table
from tests.bench.traffic import FIRST_DEVICE, NextHops, Traffic, make_traffic

PEERS = 30
PEERS_A_ROUTE = 6
NEXT_HOP = IPv4Address("192.0.2.1")
_FIRST_OF_PEER, _FIRST_OF_DEVICE = IPv4Address("10.9.0.1"), IPv4Address("10.10.0.1")
_CLASSES = PEERS // PEERS_A_ROUTE


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """One kind of load.

    Attributes:
        flows, routes: shares of what the command line asks for.
        devices: that share the flows.
        flood: every source address is another one.
        tables: ``one``: every device hears the same peer with all routes; ``own``: the same routes
            with next hops of its own; ``peers``: a device has 30 peers in two views, each with a
            fifth of the routes; ``named``: the same, and each flow names one of its next hops.
    """

    flows: float = 1.0
    routes: float = 1.0
    devices: int = 1
    flood: bool = False
    tables: Literal["one", "own", "peers", "named"] = "one"


class Load:
    """A load, made when somebody first asks for it.

    Args:
        flows, routes: what the command line asks for.
        sender: is given the octets.
    """

    def __init__(self, name: str, spec: LoadSpec, flows: int, routes: int, sender: Sender) -> None:
        self.name = name
        self.spec = spec
        self._flows, self._routes, self._sender = flows, int(routes * spec.routes), sender

    @cached_property
    def table(self) -> BenchTable:
        """The routes that all its routers have."""
        return make_table(self._routes)

    @cached_property
    def traffic(self) -> Traffic:
        """The flows; the sender has them then."""
        spec = self.spec
        traffic = make_traffic(
            int(self._flows * spec.flows),
            self.table,
            _NEXT_HOPS[spec.tables],
            devices=spec.devices,
            flood=spec.flood,
        )
        self._sender.give_traffic(self.name, traffic)
        return traffic

    @cached_property
    def sessions(self) -> list[Session]:
        """One BMP session for each device; the sender has their octets then."""
        self._sender.give("start", streams.session_start())
        self._sender.give("peer", streams.peer_start())
        if self.spec.tables in {"peers", "named"}:
            return [Session(FIRST_DEVICE, (("start", 0), *self._peers()))]
        name = f"table-{self._routes}"
        self._sender.give(name, lambda: streams.table_stream(self.table))
        first, step = (_FIRST_OF_DEVICE, 1) if self.spec.tables == "own" else (NEXT_HOP, 0)
        return [
            Session(
                FIRST_DEVICE + device,
                (
                    ("start", 0),
                    ("peer", int(first) + device * step),
                    (name, int(first) + device * step),
                ),
            )
            for device in range(self.spec.devices)
        ]

    @cached_property
    def routes_sent(self) -> int:
        """Routes of all sessions together."""
        copies = self.spec.devices
        if self.spec.tables in {"peers", "named"}:
            copies = 2 * PEERS_A_ROUTE
        return len(self.table) * copies

    def _peers(self) -> list[tuple[str, int]]:
        parts = []
        for peer in range(PEERS):
            address, share = int(_FIRST_OF_PEER) + peer, (peer % _CLASSES, _CLASSES)
            parts.append(("peer", address))
            for post_policy in (False, True):
                name = f"table-{self._routes}-{share[0]}-{'post' if post_policy else 'pre'}"
                self._sender.give(name, self._share(share, post_policy))
                parts.append((name, address))
        return parts

    def _share(self, share: tuple[int, int], post_policy: bool) -> Callable[[], bytes]:
        return lambda: streams.table_stream(self.table, share, post_policy=post_policy)


def _one(
    devices: NDArray[np.int64], sets: NDArray[np.int64], _rng: np.random.Generator
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    told = np.full(len(devices), int(NEXT_HOP), np.uint32)
    return told, told


def _own(
    devices: NDArray[np.int64], sets: NDArray[np.int64], _rng: np.random.Generator
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    told = (int(_FIRST_OF_DEVICE) + devices).astype(np.uint32)
    return told, told


def _peers(
    devices: NDArray[np.int64], sets: NDArray[np.int64], _rng: np.random.Generator
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """All paths are equally good: that of the lowest peer address answers."""
    best = (int(_FIRST_OF_PEER) + sets % _CLASSES).astype(np.uint32)
    return np.zeros(len(sets), np.uint32), best


def _named(
    devices: NDArray[np.int64], sets: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    peer = sets % _CLASSES + _CLASSES * rng.integers(PEERS_A_ROUTE, size=len(sets))
    told = (int(_FIRST_OF_PEER) + peer).astype(np.uint32)
    return told, told


_NEXT_HOPS: dict[str, NextHops] = {"one": _one, "own": _own, "peers": _peers, "named": _named}
