"""Whole tables as events: begin, routes, end; so that a consumer can always be right again."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from collector.metrics import Counters, register
from collector.processors.snapshot_form import routes_json
from collector.rib.rib import Rib
from collector.rib.snapshot import Route
from collector.workers.guard import Guard

register(snapshots="snapshots of a device's tables, by what became of them: begun, whole")

_ROUTES_AT_ONCE = 1_000
_RETRY_S = 0.5

Publish = Callable[[str, list[dict[str, Any]]], bool]


class Snapshots:
    """Publishes the tables of devices, one device after the other, in small turns.

    Args:
        guard: notes what fails unforeseen.
        publish: takes (device, events); False: there is no room, and the events are lost.
        has_room: whether outputs take more.
        pause: waits before room is looked for again; tests replace it.
    """

    def __init__(
        self,
        rib: Rib,
        counters: Counters,
        guard: Guard,
        publish: Publish,
        has_room: Callable[[], bool],
        pause: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._rib = rib
        self._counters = counters
        self._guard = guard
        self._publish = publish
        self._has_room = has_room
        self._pause = pause
        self._waiting: dict[str, None] = {}
        self._number = 0
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self, devices: Iterable[str]) -> list[str]:
        """Begin; give the devices that will be published (those this worker has tables of)."""
        chosen = [device for device in devices if device in self._rib.devices]
        self.repair(chosen)
        return chosen

    def start_all(self) -> list[str]:
        """Begin with every device."""
        return self.start(list(self._rib.devices))

    def repair(self, devices: Iterable[str]) -> None:
        """Begin for devices whose events were lost; one without tables is told to have none."""
        if self._stopped:
            return
        self._waiting.update(dict.fromkeys(devices))
        if self._waiting and self._task is None:
            self._task = asyncio.ensure_future(self._run())
            self._guard.watch("snapshot", self._task)
            self._task.add_done_callback(self._ended)

    def stop(self) -> None:
        """End for good: outputs take no more."""
        self._stopped = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def idle(self) -> None:
        """Wait until nothing is being published."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._task = None
        self.repair(())  # what failed has cost its own device only

    async def _run(self) -> None:
        while self._waiting:
            device = next(iter(self._waiting))
            del self._waiting[device]
            await self._device(device)

    async def _device(self, device: str) -> None:
        await self._room()
        self._number += 1
        head = {"device": device, "snapshot": self._number}
        self._counters.add("snapshots.begun")
        if not self._publish(device, [{**head, "type": "snapshot_begin"}]):
            return
        count = 0
        for routes in self._rib.routes(device, _ROUTES_AT_ONCE):
            # At once: the routes' path ids are good until the next tick of the RIB only.
            if not self._publish(device, self._events(head, routes)):
                return  # what was lost is published again as a whole once there is room
            count += len(routes)
            await self._room()
        self._publish(device, [{**head, "type": "snapshot_end", "routes": count}])
        self._counters.add("snapshots.whole")

    def _events(self, head: dict[str, Any], routes: list[Route]) -> list[dict[str, Any]]:
        return [
            {**head, "type": "snapshot_routes", **routes_json(self._rib.paths, list(group))}
            for _, group in groupby(routes, key=lambda route: (route[:4], route.path))
        ]

    async def _room(self) -> None:
        """Give the loop its turn, and wait until outputs have room."""
        await asyncio.sleep(0)
        while not self._has_room():
            await self._pause(_RETRY_S)
