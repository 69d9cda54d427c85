"""A BMP path without sockets: sessions that a test opens, events that it keeps."""

from typing import Any

from collector.metrics import Counters
from collector.pipeline.devices import DeviceDirectory, DeviceSettings
from collector.processors.bgp_paths import AttributeReader
from collector.receivers.bmp_tcp import BmpSession
from collector.rib.rib import Rib
from collector.rib.shared import Limits
from collector.simulation import bgp, bmp
from collector.workers.bmp_path import BmpPath
from collector.workers.guard import Guard

PEER = bmp.Peer("10.0.0.1", 64500, "10.0.0.1")
OPEN = bgp.open_message(64500, "10.0.0.1")
VIA = bgp.Route([64500, 64501], "10.9.9.9", communities=[(64500, 7)])


class BmpBench:
    """`BmpPath` with outputs that have room or not."""

    def __init__(self, *devices: DeviceSettings, limits: Limits | None = None) -> None:
        self.counters = Counters()
        self.rib = Rib(counters=self.counters, reader=AttributeReader(), limits=limits)
        self.directory = DeviceDirectory(devices, self.counters)
        self.events: list[dict[str, Any]] = []
        self.hinted: list[tuple[str, set[str]]] = []
        self.takes = True
        self.has_room = True
        self.path = BmpPath(
            self.rib,
            self.directory,
            self.counters,
            Guard(self.counters),
            publish=self._publish,
            has_room=lambda: self.has_room,
            hint=lambda *what: self.hinted.append(what),
        )

    def open(self, number: int = 1, address: str = "192.0.2.1") -> BmpSession:
        session = BmpSession(number, address, 30_000 + number, 1000.0, None)  # type: ignore[arg-type]
        self.path.opened(session)
        return session

    def send(self, session: BmpSession, *messages: bytes, now_s: float = 1001.0) -> bool:
        return self.path.received(session, messages, now_s)

    def up(self, session: BmpSession, *updates: bytes, peer: bmp.Peer = PEER) -> None:
        monitored = [bmp.route_monitoring(peer, update) for update in updates]
        assert self.send(session, bmp.peer_up(peer, "10.0.0.2", OPEN, OPEN), *monitored)

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    def _publish(self, events: list[dict[str, Any]]) -> bool:
        if self.takes:
            self.events += events
        return self.takes
