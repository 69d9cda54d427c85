"""BMP sessions of random content, and of real routers, beside nfacctd: the same records.

Debian has nfacctd 1.7.7, the mode follows 1.8.1; `_of_1_7_7` has what differs between the two.
"""

import contextlib
import json
import shutil
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.protocols.bmp import framing
from collector.protocols.bmp.framing import BmpFramer
from tests.lab import random_bmp
from tests.lab.bgp_routes import Route
from tests.lab.daemons import Daemon
from tests.lab.java import free_ports
from tests.lab.namespaces import Network
from tests.lab.routers import FrrRouter, GobgpRouter, RouteSource, Speaker, Station
from tests.lab.waiting import wait_for
from tests.nfacctd.bmp.lab import Lab

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(shutil.which("nfacctd") is None, reason="needs nfacctd"),
]

Record = dict[str, Any]

_SEEDS, _MESSAGES = range(15), 60
_STATION_PORT, _TYPE_AT = 1790, 5
_ROUTES = [
    *(
        Route(f"198.18.{n}.0/24", (4_200_000_000 + n % 5, 64999), "10.1.2.2", (f"65000:{n % 3}",))
        for n in range(40)
    ),
    *(
        Route(f"2001:db8:{n:x}::/48", (7, 64999), "fd00:1:2::2", ("65000:1", "65000:2"))
        for n in range(20)
    ),
    *(
        Route(f"172.20.{n}.0/24", (64998, n + 1), "10.1.2.2", ("65000:9",), "65000:1")
        for n in range(10)
    ),
]
_CONF = """\
daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: {flow_port}
timestamps_since_epoch: true
bmp_daemon: true
bmp_daemon_ip: 127.0.0.1
bmp_daemon_port: {bmp_port}
bmp_daemon_max_peers: 100
bmp_daemon_msglog_output: json
bmp_daemon_msglog_file: {directory}/log.json
plugins: print[flows]
print_output_file[flows]: {directory}/flows
aggregate[flows]: src_host
"""
_NEWER = {
    "route_monitor": {"peer_asn", "bgp_id"},
    "internal": {"peer_asn", "bgp_id"},
    "stats": {"bgp_id"},
    "peer_up": {"local_as"},
    "peer_down": {"bgp_id", "is_in", "is_post", "is_loc", "is_out"},
}
_OF_THE_CONNECTION = {"seq", "timestamp_arrival", "bmp_router", "bmp_router_port"}
_IPV4 = 1  # AFI


class _Theirs:
    """nfacctd, and what it writes."""

    def __init__(self, directory: Path) -> None:
        flow_port, self._port = free_ports(2)
        conf = directory / "conf"
        conf.write_text(_CONF.format(flow_port=flow_port, bmp_port=self._port, directory=directory))
        self._records = directory / "log.json"
        self.daemon = Daemon("nfacctd", ["nfacctd", "-f", str(conf)], directory / "log")
        self.daemon.start()
        wait_for(lambda: "waiting for BMP" in self.daemon.text(), "nfacctd", deadline_s=60)

    def records(self, address: str, octets: bytes) -> list[Record]:
        """What it says of a session of a router, from its begin to its end."""
        begin = self._records.stat().st_size if self._records.exists() else 0
        with socket.create_connection(
            ("127.0.0.1", self._port), timeout=10, source_address=(address, 0)
        ) as router:
            router.sendall(octets)
        return wait_for(lambda: self._whole(begin), "log_close", watch=self.daemon.watch)

    def _whole(self, begin: int) -> list[Record] | None:
        octets = self._records.read_bytes()[begin:] if self._records.exists() else b""
        lines = octets.split(b"\n")[:-1]
        if not lines or b"log_close" not in lines[-1]:
            return None
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Theirs]:
    made = _Theirs(tmp_path_factory.mktemp("nfacctd"))
    yield made
    made.daemon.stop(signal.SIGINT, 30)


@pytest.mark.parametrize("rough", [False, True])
def test_sessions_of_random_content(theirs: _Theirs, rough: bool) -> None:
    lab = Lab()
    told = 0
    for seed in _SEEDS:
        messages = random_bmp.Session(seed, rough=rough).messages(_MESSAGES)
        address = f"127.1.{int(rough)}.{seed + 1}"
        told += _assert_same(theirs, lab, address, messages, f"seed {seed}")
    assert told > 80 * len(_SEEDS)


@pytest.mark.parametrize("kind", [FrrRouter, GobgpRouter])
def test_sessions_of_real_routers(
    theirs: _Theirs, network: Network, tmp_path: Path, kind: type[FrrRouter] | type[GobgpRouter]
) -> None:
    here, upstream = (network.namespace(f"{role}-{kind.__name__}") for role in ("here", "up"))
    network.link(here, "uplink", upstream, "eth")
    here.add_addresses("uplink", "10.1.2.1/24", "fd00:1:2::1/64")
    upstream.add_addresses("eth", "10.1.2.2/24", "fd00:1:2::2/64")
    neighbour = 65001 if kind is FrrRouter else 65101
    source = RouteSource(
        network, upstream, tmp_path / "source", Speaker("10.1.2.2", neighbour, "10.1.2.1", 65001)
    )
    router = kind(
        network,
        here,
        tmp_path / "router",
        Speaker("10.1.2.1", 65001, "10.1.2.2", neighbour),
        Station("10.1.2.1", _STATION_PORT, "router"),
    )
    with here.inside(lambda: socket.create_server(("10.1.2.1", _STATION_PORT))) as station:
        source.start()
        router.start()
        station.settimeout(60)
        session, _ = station.accept()
        framer = BmpFramer()
        with session:
            messages = _read(session, framer, framing.PEER_UP, 1)
            source.announce(*_ROUTES)
            messages += _read(session, framer, framing.ROUTE_MONITORING, len(_ROUTES))
            source.withdraw(*_ROUTES[::2])
            messages += _read(session, framer, framing.ROUTE_MONITORING, len(_ROUTES) // 2)
    address = f"127.2.0.{1 + (kind is FrrRouter)}"
    assert _assert_same(theirs, Lab(), address, messages, kind.__name__) > len(_ROUTES)


def _read(session: socket.socket, framer: BmpFramer, kind: int, count: int) -> list[bytes]:
    """Read until so many messages of a kind have come, and a second more."""
    session.settimeout(0.2)
    messages: list[bytes] = []
    end = None
    while end is None or time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            messages += framer.feed(session.recv(1 << 16))
        if end is None and sum(message[_TYPE_AT] == kind for message in messages) >= count:
            end = time.monotonic() + 1
    return messages


def _assert_same(theirs: _Theirs, lab: Lab, address: str, messages: list[bytes], what: str) -> int:
    """Compare what both say of a session; give the number of records."""
    before = len(lab.log_records)
    connection = lab.open(address)
    lab.send(connection, *messages)
    lab.close(connection)
    ours = [_of_1_7_7(record.fields) for record in lab.log_records[before:]]
    expected = [_comparable(record) for record in theirs.records(address, b"".join(messages))]
    assert _ordered(filter(None, ours)) == _ordered(expected), what
    return len(expected)


def _of_1_7_7(record: Record) -> Record | None:
    """A record as the older version has it; None: it has none."""
    if record.get("log_type") == "end-of-rib":
        return None
    old = _comparable(record)
    kind = record.get("bmp_msg_type", "")
    newer = {"bmp_rib_type"} | _NEWER.get(kind, set())
    if kind == "peer_down" or "is_loc" not in record:
        newer.add("is_filtered")
    for key in newer:
        old.pop(key, None)
    if "mpls_label" in old:
        old["label"] = old.pop("mpls_label")
    name = old.pop("bmp_peer_up_info_vrf_table_name", None)
    if name is not None:
        old["bmp_peer_up_info_3"] = name.encode().hex("-").upper()
    return old


def _comparable(record: Record) -> Record:
    """A record without what tells of its connection, and of the time."""
    ignored = set(_OF_THE_CONNECTION)
    if record.get("log_type") == "delete" or "bmp_msg_type" not in record:
        ignored.add("timestamp")
    kept = {key: value for key, value in record.items() if key not in ignored}
    if kept.get("afi") == _IPV4 and ":" in kept.get("bgp_nexthop", ""):
        kept["bgp_nexthop"] = ""  # the older one knows no such next hop
    return kept


def _ordered(records: Iterable[Record]) -> list[str]:
    """Records as text; deletes that follow each other sorted: nfacctd walks its table."""
    lines: list[str] = []
    deleted: list[str] = []
    for record in records:
        line = json.dumps(record, sort_keys=True)
        if record.get("log_type") == "delete":
            deleted.append(line)
            continue
        lines += [*sorted(deleted), line]
        deleted.clear()
    return lines + sorted(deleted)
