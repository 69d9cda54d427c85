"""Join flows with the routes of the same device: source and destination, a whole batch at once.

Both sides of all flows are one list of questions, sorted so that those of one device and route
distinguisher stand together; the RIB answers all of one family in one call. The answers are ids:
what a path says is looked up later, for distinct paths only.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters, register
from collector.pipeline.devices import DeviceDirectory
from collector.protocols.bgp.addresses import ipv4_text, ipv6_text
from collector.records.distinct import distinct_rows
from collector.records.flow_batch import FlowBatch, is_ipv4
from collector.records.text import mask_address
from collector.rib.join import Segment
from collector.rib.rib import Rib
from collector.rib.sync import RibState
from collector.rib.view import View

register(flow_unjoined="flows whose destination no table of their device has")

SIDES = ("source", "destination")
JOIN_TEXTS = ("none", *(view.text for view in View))
STATE_TEXTS = tuple(state.text for state in RibState)
_IPV4_BITS = np.uint64(0xFFFFFFFF)
_MAPPED = bytes(10) + b"\xff\xff"


class Correlator:
    """Asks one worker's RIB.

    Args:
        views: which views answer, in this order, unless a device says otherwise.
    """

    def __init__(
        self, rib: Rib, directory: DeviceDirectory, views: Sequence[View], counters: Counters
    ) -> None:
        self._rib = rib
        self._directory = directory
        self._views = tuple(views)
        self._counters = counters

    def correlate(self, batch: FlowBatch, rds: NDArray[np.uint64] | None) -> None:
        """Add the join's columns: ``SIDERoute``, ``SIDEPrefix``, ``SIDEJoin``, ``ribState``.

        Args:
            batch: with its devices (`DeviceDirectory.devices`).
            rds: shape (rows,), the route distinguishers to look in; None: the global table.
        """
        questions = _Questions(batch, rds)
        next_hops = self._next_hops(batch)
        path = np.zeros(questions.count, np.int32)
        length = np.full(questions.count, -1, np.int16)
        join = np.zeros(questions.count, np.uint8)
        state = np.zeros(questions.count, np.uint8)
        for family in (4, 6):
            rows = questions.of_family(family)
            if isinstance(rows, np.ndarray) and not rows.size:
                continue
            answer = self._rib.join_segments(
                family,
                questions.addresses(family, rows),
                [self._segment(*part) for part in questions.parts(rows)],
                None if next_hops is None else next_hops[rows],
            )
            path[rows] = answer.path
            length[rows] = answer.prefix_length
            join[rows] = answer.view + 1
            state[rows] = answer.state
        self._add(batch, questions, path, length, join, state)
        if rds is not None and rds.any():
            for side in SIDES:
                batch.add(f"{side}Rd", rds, rds != 0)

    def _segment(self, start: int, stop: int, device: int, rd: int) -> Segment:
        own = self._directory.names[device]
        whose = self._directory.rib_device_of(own)
        return Segment(start, stop, whose, rd.to_bytes(8, "big"), self._views_of(own, whose))

    def _views_of(self, *devices: str) -> tuple[View, ...]:
        for device in devices:
            settings = self._directory.settings(device)
            if settings is not None and settings.views is not None:
                return settings.views
        return self._views

    def _add(
        self,
        batch: FlowBatch,
        questions: "_Questions",
        path: NDArray[np.int32],
        length: NDArray[np.int16],
        join: NDArray[np.uint8],
        state: NDArray[np.uint8],
    ) -> None:
        rows = batch.rows
        high, low = mask_address(questions.high, questions.low, length)
        for number, side in enumerate(SIDES):
            part = slice(number * rows, (number + 1) * rows)
            batch.add(f"{side}Route", path[part])
            batch.add(f"{side}Join", join[part])
            batch.columns[f"{side}Prefix.hi"] = high[part]
            batch.columns[f"{side}Prefix.lo"] = low[part]
            batch.columns[f"{side}Prefix.length"] = length[part]
        batch.add("ribState", np.where(state[rows:] != 0, state[rows:], state[:rows]))
        self._counters.add("flow_unjoined", int((path[rows:] == 0).sum()))

    def _next_hops(self, batch: FlowBatch) -> NDArray[np.int32] | None:
        """Find the RIB's ids of the flows' BGP next hops: shape (2 * rows,), sources first.

        The next hop is the destination's: of the way back to the source the flow says nothing.
        """
        name = "bgpNextHopAddress"
        if f"{name}.lo" not in batch.columns:
            return None
        high, low = batch.columns[f"{name}.hi"], batch.columns[f"{name}.lo"]
        some, row_of = distinct_rows([high, low])
        known = map(self._next_hop_id, high[some].tolist(), low[some].tolist())
        ids = np.fromiter(known, np.int32, len(some))
        return np.concatenate([np.zeros(batch.rows, np.int32), ids[row_of]])

    def _next_hop_id(self, high: int, low: int) -> int:
        octets = (high << 64 | low).to_bytes(16, "big")
        id_of = self._rib.paths.next_hop_id
        if octets.startswith(_MAPPED) and (known := id_of(ipv4_text(octets[12:]))) > 0:
            return known
        # Routes of 6PE have the mapped form itself (RFC 4798 section 2).
        return id_of(ipv6_text(octets))


class _Questions:
    """Both sides of a batch, sources first, as one list of addresses to look up."""

    def __init__(self, batch: FlowBatch, rds: NDArray[np.uint64] | None) -> None:
        none = np.zeros(batch.rows, np.uint64)
        self.count = 2 * batch.rows
        self.high = np.concatenate([batch.columns.get(f"{side}Address.hi", none) for side in SIDES])
        self.low = np.concatenate([batch.columns.get(f"{side}Address.lo", none) for side in SIDES])
        # A flow without addresses is not one of "::": no default route is its own.
        known = np.concatenate([_has_address(batch, side) for side in SIDES])
        ipv4 = is_ipv4(self.high, self.low)
        self._of_family = {4: known & ipv4, 6: known & ~ipv4}
        self._device = np.tile(batch.columns["device"], 2)
        self._rds = None if rds is None or not rds.any() else np.tile(rds, 2)

    def of_family(self, family: int) -> slice | NDArray[np.int64]:
        """Rows of a family, those of one device and route distinguisher side by side.

        A batch of one device and family, as most are, is not taken apart: it is a slice.
        """
        every = self._of_family[family]
        one_device = bool((self._device == self._device[:1]).all())
        if one_device and self._rds is None and self.count and every.all():
            return slice(None)
        rows = np.flatnonzero(every)
        if self._rds is not None:
            return rows[np.lexsort((self._rds[rows], self._device[rows]))]
        return rows if one_device else rows[np.argsort(self._device[rows], kind="stable")]

    def parts(self, rows: slice | NDArray[np.int64]) -> Iterator[tuple[int, int, int, int]]:
        """Give (start, stop, device, route distinguisher) of the runs in ``rows`` that agree."""
        devices = self._device[rows]
        changes = devices[1:] != devices[:-1]
        rds = None
        if self._rds is not None:
            rds = self._rds[rows]
            changes |= rds[1:] != rds[:-1]
        starts = [0, *(np.flatnonzero(changes) + 1).tolist()]
        for start, stop in zip(starts, [*starts[1:], len(devices)], strict=True):
            yield start, stop, int(devices[start]), 0 if rds is None else int(rds[start])

    def addresses(
        self, family: int, rows: slice | NDArray[np.int64]
    ) -> NDArray[np.unsignedinteger]:
        """The addresses of some rows: shape (n,) uint32, or (n, 2) uint64 for IPv6."""
        if family == 4:
            return (self.low[rows] & _IPV4_BITS).astype(np.uint32)
        return np.stack([self.high[rows], self.low[rows]], axis=1)


def _has_address(batch: FlowBatch, side: str) -> NDArray[np.bool_]:
    name = f"{side}Address"
    if f"{name}.lo" not in batch.columns:
        return np.zeros(batch.rows, bool)
    return batch.valid.get(name, np.ones(batch.rows, bool))
