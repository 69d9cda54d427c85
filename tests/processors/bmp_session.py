"""One BMP session into a RIB: messages as a router sends them, routes as a consumer sees them."""

from collector.metrics import Counters
from collector.processors.bgp_paths import AttributeReader
from collector.processors.bmp_tables import BmpTables
from collector.protocols.bmp.decoder import BmpDecoder
from collector.rib.rib import Rib
from collector.rib.shared import Limits
from collector.simulation import bgp, bmp

DEVICE = "192.0.2.1"
PEER = bmp.Peer("10.0.0.1", 64500, "10.0.0.1")
OPEN = bgp.open_message(64500, "10.0.0.1")
VIA = bgp.Route([64500, 64501], "10.9.9.9")


def new_rib(limits: Limits | None = None) -> Rib:
    return Rib(counters=Counters(), reader=AttributeReader(), limits=limits)


class Session:
    """One session of the device."""

    def __init__(self, rib: Rib, number: int = 1, device: str = DEVICE) -> None:
        self.rib, self.number, self.device = rib, number, device
        self.counters = Counters()
        self._decoder = BmpDecoder()
        self._tables = BmpTables(rib, device, number, self.counters)
        rib.session_up(device, number)

    def send(self, *messages: bytes, now_s: float = 0.0) -> None:
        for message in messages:
            self._tables.apply(self._decoder.decode(message), now_s)

    def up(self, peer: bmp.Peer = PEER, capabilities: bytes = b"") -> None:
        both = bgp.open_message(64500, "10.0.0.1", capabilities)
        self.send(bmp.peer_up(peer, "10.0.0.2", both, both))

    def update(self, *updates: bytes, peer: bmp.Peer = PEER) -> None:
        self.send(*(bmp.route_monitoring(peer, update) for update in updates))

    def lost(self, now_s: float = 0.0) -> None:
        self.rib.session_down(self.device, self.number, now_s)
