"""Whole tables as events: begin, routes, end; so that a consumer can always be right again."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from collector.metrics import register
from collector.processors.snapshot_form import routes_json
from collector.rib.rib import Rib

register(snapshots="snapshots of a device's tables that were begun")

_ROUTES_AT_ONCE = 1_000
_RETRY_S = 0.5

Publish = Callable[[str, list[dict[str, Any]]], bool]


class Snapshots:
    """Publishes the tables of devices, one device after the other, in small turns.

    Args:
        publish: takes (device, events); False: there is no room, and the events are lost.
        has_room: whether outputs take more.
    """

    def __init__(self, rib: Rib, publish: Publish, has_room: Callable[[], bool]) -> None:
        self._rib = rib
        self._publish = publish
        self._has_room = has_room
        self._waiting: dict[str, None] = {}
        self._number = 0
        self._task: asyncio.Task[None] | None = None

    def start(self, devices: Iterable[str]) -> list[str]:
        """Begin; give the devices that will be published (those this worker has tables of)."""
        known = self._rib.devices
        chosen = [device for device in devices if device in known]
        self._waiting.update(dict.fromkeys(chosen))
        if self._waiting and self._task is None:
            self._task = asyncio.ensure_future(self._run())
            self._task.add_done_callback(self._ended)
        return chosen

    def start_all(self) -> list[str]:
        """Begin with every device."""
        return self.start(list(self._rib.devices))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        task.result()

    async def _run(self) -> None:
        while self._waiting:
            device = next(iter(self._waiting))
            del self._waiting[device]
            await self._device(device)

    async def _device(self, device: str) -> None:
        self._number += 1
        head = {"device": device, "snapshot": self._number}
        self._publish(device, [{**head, "type": "snapshot_begin"}])
        count = 0
        for chunk in self._rib.routes(device, _ROUTES_AT_ONCE):
            while not self._has_room():
                await asyncio.sleep(_RETRY_S)
            events = [
                {**head, "type": "snapshot_routes", **routes_json(self._rib.paths, list(routes))}
                for _, routes in groupby(chunk, key=lambda route: (route[:4], route.path))
            ]
            count += len(chunk)
            if not self._publish(device, events):
                # What was lost is published again as a whole once there is room.
                return
            await asyncio.sleep(0)
        self._publish(device, [{**head, "type": "snapshot_end", "routes": count}])
