"""All routes of a device, a chunk at a time, while its tables go on changing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from collector.rib.layer import Layer
from collector.rib.opaque_table import OpaqueTable
from collector.rib.peer import Peer, PeerKey
from collector.rib.route_table import RouteTable
from collector.rib.shared import Shared
from collector.rib.view import View


class Route(NamedTuple):
    """One route; ``octets`` is its prefix (length octet first), or its NLRI in other families."""

    peer: PeerKey
    view: View
    rd: bytes
    family: tuple[int, int]
    octets: bytes
    add_path_id: int | None
    labels: tuple[int, ...]
    path: int


def routes_of(peers: list[Peer], chunk: int, shared: Shared) -> Iterator[list[Route]]:
    """Give out the routes of peers.

    A route that stays as it is during the whole iteration is given out once; one that changes
    meanwhile may be missed or given out as it was or is, and its change is an event of its own.

    Args:
        chunk: at most so many routes at a time; path ids are valid until the next tick.
    """
    for peer in peers:
        shared.apply()
        for table in peer.tables:
            if isinstance(table, RouteTable):
                yield from _prefix_routes(table, chunk, shared)
            else:
                yield from _opaque_routes(table, chunk)


def _prefix_routes(table: RouteTable, chunk: int, shared: Shared) -> Iterator[list[Route]]:
    number = 0
    while number < len(table.layers):
        # An unchanged route keeps its prefix id and its layer, whatever happens to others.
        start = 0
        while start < table.index.capacity:
            shared.apply()
            if number >= len(table.layers):
                break
            layer = table.layers[number]
            ids, start = _window(layer, start, chunk, table.index.capacity)
            if ids.size:
                yield _chunk(table, layer, ids, shared)
        number += 1


def _window(layer: Layer, start: int, chunk: int, capacity: int) -> tuple[np.ndarray, int]:
    """Return up to ``chunk`` prefix ids with routes from ``start`` on, and where to go on."""
    while start < capacity:
        stop = start + max(chunk, 4096)
        ids = layer.ids(start, stop)
        if len(ids) > chunk:
            return ids[:chunk], int(ids[chunk])
        start = stop
        if ids.size:
            return ids, start
    return np.zeros(0, np.int32), capacity


def _chunk(table: RouteTable, layer: Layer, ids: np.ndarray, shared: Shared) -> list[Route]:
    count = len(ids)
    numbers = [None] * count
    if "add_path_id" in layer.columns:
        numbers = [n - 1 if n else None for n in layer.get(ids, "add_path_id").tolist()]
    labels = [()] * count
    if "label" in layer.columns:
        labels = [shared.labels.labels(code) for code in layer.get(ids, "label").tolist()]
    view, rd, family = table.key
    key = table.peer.key
    rows = zip(table.index.prefixes(ids), numbers, labels, layer.get(ids).tolist(), strict=True)
    return [Route(key, view, rd, family, *row) for row in rows]


def _opaque_routes(table: OpaqueTable, chunk: int) -> Iterator[list[Route]]:
    known = list(table.routes)
    view, rd, family = table.key
    for start in range(0, len(known), chunk):
        routes = []
        for key in known[start : start + chunk]:
            nlri, number = key if isinstance(key, tuple) else (key, None)
            path = table.routes.get(key)
            if path is not None:
                routes.append(Route(table.peer.key, view, rd, family, nlri, number, (), path))
        if routes:
            yield routes
