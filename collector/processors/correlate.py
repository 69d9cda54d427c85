"""Join flows with the routes of the same device: source and destination, a whole batch at once.

Both sides of all flows are one list of questions; those of one device, family and route
distinguisher are answered by the RIB in one call. The answers are ids: what a path says is looked
up later, for distinct paths only.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.metrics import Counters, register
from collector.pipeline.devices import DeviceDirectory
from collector.records.distinct import map_distinct
from collector.records.flow_batch import FlowBatch, is_ipv4
from collector.records.text import address_text, mask_address
from collector.rib.rib import Rib
from collector.rib.states import RibState, View

register(flow_unjoined="flows whose destination no table of their device has")

SIDES = ("source", "destination")
JOIN_TEXTS = ("none", *(view.text for view in View))
STATE_TEXTS = tuple(state.text for state in RibState)
_IPV4_BITS = np.uint64(0xFFFFFFFF)


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
        questions = _Questions(batch, rds, self._next_hops(batch))
        path = np.zeros(questions.count, np.int32)
        length = np.full(questions.count, -1, np.int16)
        join = np.zeros(questions.count, np.uint8)
        state = np.zeros(questions.count, np.uint8)
        for device, family, rd, rows in questions.groups():
            name = self._directory.rib_device_of(self._directory.names[device])
            settings = self._directory.settings(name)
            views = self._views
            if settings is not None and settings.views is not None:
                views = tuple(View.of(text) for text in settings.views)
            answer = self._rib.join(
                name,
                family,
                questions.addresses(family, rows),
                rd.to_bytes(8, "big"),
                questions.next_hops[rows] if questions.next_hops is not None else None,
                views,
            )
            path[rows] = answer.path
            length[rows] = answer.prefix_length
            join[rows] = np.where(answer.path != 0, answer.view + 1, 0)
            state[rows] = answer.state
        self._add(batch, questions, path, length, join, state)
        if rds is not None and rds.any():
            for side in SIDES:
                batch.add(f"{side}Rd", rds, rds != 0)

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
        batch.add("ribState", np.maximum(state[:rows], state[rows:]))
        self._counters.add("flow_unjoined", int((path[rows:] == 0).sum()))

    def _next_hops(self, batch: FlowBatch) -> NDArray[np.int32] | None:
        """The RIB's ids of the flows' BGP next hops, 0 where the RIB does not know one."""
        name = "bgpNextHopAddress"
        if f"{name}.lo" not in batch.columns:
            return None
        high, low = batch.columns[f"{name}.hi"], batch.columns[f"{name}.lo"]

        def id_of(high: int, low: int) -> int:
            text = address_text(np.array([high], np.uint64), np.array([low], np.uint64))[0]
            return self._rib.next_hop_id(text)

        return map_distinct([high, low], id_of, pl.Int32()).to_numpy()


class _Questions:
    """Both sides of a batch, sources first, as one list of addresses to look up."""

    def __init__(
        self,
        batch: FlowBatch,
        rds: NDArray[np.uint64] | None,
        next_hops: NDArray[np.int32] | None,
    ) -> None:
        none = np.zeros(batch.rows, np.uint64)
        self.count = 2 * batch.rows
        self.high = np.concatenate([batch.columns.get(f"{side}Address.hi", none) for side in SIDES])
        self.low = np.concatenate([batch.columns.get(f"{side}Address.lo", none) for side in SIDES])
        # The next hop is the destination's: of the way back to the source the flow says nothing.
        self.next_hops = (
            None
            if next_hops is None
            else np.concatenate([np.zeros(batch.rows, np.int32), next_hops])
        )
        self._ipv4 = is_ipv4(self.high, self.low)
        self._device = np.tile(batch.columns["device"], 2)
        self._rds = None if rds is None or not rds.any() else np.tile(rds, 2)

    def groups(self) -> Iterator[tuple[int, int, int, NDArray[np.int64] | slice]]:
        """Give (device, family 4 or 6, route distinguisher, rows) of the questions that agree."""
        key = self._device.astype(np.int64) * 2 + self._ipv4
        if self._rds is not None:
            rds, position = np.unique(self._rds, return_inverse=True)
            key = key * len(rds) + position
        if self.count and (key == key[0]).all():
            yield self._group(0, slice(None))
            return
        order = np.argsort(key, kind="stable")
        borders = np.flatnonzero(np.diff(key[order])) + 1
        for rows in np.split(order, borders):
            if len(rows):
                yield self._group(int(rows[0]), rows)

    def _group(
        self, first: int, rows: NDArray[np.int64] | slice
    ) -> tuple[int, int, int, NDArray[np.int64] | slice]:
        rd = 0 if self._rds is None else int(self._rds[first])
        return int(self._device[first]), 4 if self._ipv4[first] else 6, rd, rows

    def addresses(
        self, family: int, rows: NDArray[np.int64] | slice
    ) -> NDArray[np.unsignedinteger]:
        """The addresses of some rows: shape (n,) uint32, or (n, 2) uint64 for IPv6."""
        if family == 4:
            return (self.low[rows] & _IPV4_BITS).astype(np.uint32)
        return np.stack([self.high[rows], self.low[rows]], axis=1)
