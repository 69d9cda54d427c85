"""A BMP daemon of nfacctd's kind with its outputs in lists, and routers that speak to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from collector.metrics import Counters
from collector.nfacctd.bmp.log import BmpLog
from collector.nfacctd.bmp.record import BmpRecord
from collector.nfacctd.maps.bmp_tag_map import BmpTagMap
from collector.nfacctd.settings import (
    BmpDump,
    BmpOutput,
    BmpSettings,
    KafkaSettings,
    Settings,
    Timestamps,
)
from collector.simulation import bgp, bmp

NOW_S = 1_700_000_000.5
ROUTER = "192.0.2.254"

PEER = bmp.Peer("192.0.2.1", 65001, "192.0.2.1")
LOC_RIB = bmp.Peer(as_number=65000, bgp_id="10.9.9.9", type=bmp.LOC_RIB)
EPOCH = Timestamps(since_epoch=True)
RD_1, RD_2 = bytes.fromhex("0000fde800000001"), bytes.fromhex("0000fde800000002")
ROUTE = bgp.Route([65001, 65002], "192.0.2.1", local_pref=None)


@dataclass(frozen=True)
class Connection:
    """A connection as the receiver hands it over."""

    number: int
    address: str = ROUTER
    port: int = 40_000


class Lab:
    """One daemon; keyword arguments are those of its `BmpSettings`."""

    def __init__(
        self,
        output: str = "json",
        *,
        core: dict[str, Any] | None = None,
        tag_map: BmpTagMap | None = None,
        kafka: bool = False,
        dump: BmpDump | None = None,
        log: bool = True,
        timestamps: Timestamps = EPOCH,
        **bmp_settings: Any,
    ) -> None:
        self.counters = Counters()
        self.log_records: list[BmpRecord] = []
        self.dump_records: list[BmpRecord] = []
        self.batches = 0
        target = BmpOutput(output=output, **({"kafka": KafkaSettings()} if kafka else FILE))
        if tag_map is not None:
            bmp_settings["tag_map"] = "tags.map"
        settings = Settings(
            timestamps=timestamps,
            bmp=BmpSettings(enabled=True, msglog=target, dump=dump, **bmp_settings),
            **(core or {}),
        )
        self.daemon = BmpLog(
            settings,
            tag_map,
            self.counters,
            writer_id="core",
            log=self._take if log else None,
            dump=self.dump_records.extend if dump else None,
        )
        self._connections = 0

    def _take(self, batch: Sequence[BmpRecord]) -> None:
        self.batches += 1
        self.log_records.extend(batch)

    def open(self, address: str = ROUTER) -> Connection:
        """Connect a router."""
        self._connections += 1
        connection = Connection(self._connections, address, 40_000 + self._connections)
        self.daemon.opened(connection, NOW_S)
        return connection

    def send(self, connection: Connection, *messages: bytes) -> list[dict[str, Any]]:
        """Send messages; give the records that they make."""
        before = len(self.log_records)
        self.daemon.received(connection, messages, NOW_S + 1)
        self.finish()
        return [record.fields for record in self.log_records[before:]]

    def close(self, connection: Connection) -> list[dict[str, Any]]:
        """End a connection; give the records that this makes."""
        before = len(self.log_records)
        self.daemon.closed(connection, NOW_S + 2)
        self.finish()
        return [record.fields for record in self.log_records[before:]]

    def dump(self, now_s: float = NOW_S + 60) -> list[dict[str, Any]]:
        """Dump tables."""
        before = len(self.dump_records)
        self.daemon.dump(now_s)
        self.finish()
        return [record.fields for record in self.dump_records[before:]]

    def finish(self) -> None:
        """Do all work that is left."""
        while self.daemon.has_work:
            self.daemon.resume()


FILE = {"file": "bmp.json"}


def up(peer: bmp.Peer = PEER, router_id: str = "10.9.9.9", capabilities: bytes = b"") -> bytes:
    """A Peer Up; ``capabilities`` are those of both OPENs."""
    return bmp.peer_up(
        peer,
        "2001:db8::9" if ":" in peer.address else "10.0.0.9",
        bgp.open_message(65000, router_id, capabilities),
        bgp.open_message(peer.as_number or 65000, "192.0.2.1", capabilities),
        1_700_000_000.25,
    )


def announce(
    *prefixes: str, peer: bmp.Peer = PEER, route: bgp.Route = ROUTE, path_id: int | None = None
) -> bytes:
    """A Route Monitoring that announces unicast prefixes."""
    return monitoring(bgp.announcement(prefixes, route, path_id), peer)


def withdraw(*prefixes: str, peer: bmp.Peer = PEER, path_id: int | None = None) -> bytes:
    """A Route Monitoring that withdraws unicast prefixes."""
    return monitoring(bgp.withdrawal(prefixes, path_id), peer)


def monitoring(update: bytes, peer: bmp.Peer = PEER) -> bytes:
    """A Route Monitoring."""
    return bmp.route_monitoring(peer, update, 1_700_000_000.75)
