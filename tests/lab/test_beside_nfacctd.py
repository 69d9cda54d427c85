"""The nfacctd mode beside nfacctd itself: the same octets to both, the same records from both."""

import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from collector.simulation import bmp
from collector.simulation.bgp import Route, announcements, end_of_rib, open_message, withdrawal
from collector.simulation.flow_exporter import FlowExporter
from collector.simulation.netflow import (
    V5Record,
    v5_packet,
    v9_data_flowset,
    v9_packet,
    v9_template_flowset,
)
from collector.simulation.network import RouterPlan, simulated_network
from tests.lab.daemons import Daemon
from tests.lab.namespaces import Namespace, Network
from tests.lab.waiting import wait_for

pytestmark = pytest.mark.lab

_PROJECT = Path(__file__).parents[2]
_DEVICES = ("10.9.0.1", "10.9.0.2", "10.9.0.3")
_FLOW_PORT, _BMP_PORT, _ROUTER_PORT = 9991, 1790, 30_001
_NOW_S = int(time.time())

_CONF = """\
daemonize: false
nfacctd_ip: {address}
nfacctd_port: 9991
nfacctd_time_new: true
nfacctd_net: {source}
nfacctd_as: {source}
timestamps_since_epoch: true
bmp_daemon: true
bmp_daemon_ip: {address}
bmp_daemon_port: 1790
bmp_daemon_msglog_output: json
bmp_daemon_msglog_file: {directory}/bmp
bgp_peer_src_as_type: {source}
bgp_src_std_comm_type: bgp
bgp_src_as_path_type: bgp
bgp_src_local_pref_type: bgp
bgp_src_med_type: bgp
plugins: print[keys], print[flows]
print_output: json
print_output_file_append: true
print_refresh_time: 2
print_output_file[keys]: {directory}/keys
print_output_file[flows]: {directory}/flows
aggregate[keys]: peer_src_ip, proto, in_iface, dst_as, etype, dst_net, dst_mask
aggregate[flows]: src_host, dst_host, src_net, dst_net, src_mask, dst_mask, src_port, dst_port, \
proto, tos, tcpflags, in_iface, out_iface, src_as, dst_as, peer_src_as, peer_dst_as, peer_src_ip, \
peer_dst_ip, as_path, std_comm, local_pref, med, src_as_path, src_std_comm, src_local_pref, \
src_med, etype, vlan, src_mac, dst_mac, sampling_rate, sampling_direction, \
timestamp_start, timestamp_end, timestamp_export, export_proto_seqno, export_proto_version, \
export_proto_sysid, flows, mpls_label_top, mpls_vpn_rd
"""


@dataclass
class _Side:
    """One of the two: its address, its process, its files."""

    name: str
    address: str
    directory: Path
    command: list[str]
    ready: tuple[str, ...]
    daemon: Daemon = field(init=False)

    def start(self, network: Network, namespace: Namespace, source: str) -> None:
        self.directory.mkdir()
        conf = self.directory / "nfacctd.conf"
        conf.write_text(
            _CONF.format(address=self.address, directory=self.directory, source=source)
        )
        command = ["env", "-C", str(_PROJECT), *self.command, "-f", str(conf)]
        log = self.directory / "log"
        self.daemon = network.daemon(namespace, self.name, log, *command)
        wait_for(
            lambda: all(words in self.daemon.text() for words in self.ready),
            f"{self.name} to listen",
            deadline_s=60,
            watch=self.daemon.watch,
            tell=self.daemon.tail,
        )

    def records(self, output: str) -> list[dict[str, Any]]:
        path = self.directory / output
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for(self, output: str, count: int, counted: str | None = None) -> None:
        def done() -> bool:
            records = self.records(output)
            there = sum(r.get(counted, 0) for r in records) if counted else len(records)
            return there >= count

        wait_for(
            done,
            f"{count} of {output} from {self.name}",
            watch=self.daemon.watch,
            tell=lambda: self.records(output)[-3:],
        )


@dataclass(frozen=True)
class _Both:
    """What both made of the same input."""

    theirs: dict[str, list[dict[str, Any]]]
    ours: dict[str, list[dict[str, Any]]]


def _bmp_messages(plan: RouterPlan) -> Iterator[bytes]:
    """A session that loads a table, takes some back, and tells statistics."""
    table = plan.tables[0]
    peer = table.peer
    opens = [open_message(number, peer.bgp_id) for number in (64512, peer.as_number)]
    yield bmp.initiation(plan.name)
    yield bmp.peer_up(peer, "172.16.1.254", *opens, _NOW_S)
    routes = sorted(table.routes.items(), key=lambda one: (one[0].version, one[1]))
    for number, ((version, path), same) in enumerate(
        groupby(routes, key=lambda one: (one[0].version, one[1]))
    ):
        prefixes = [prefix for prefix, _ in same]
        communities = [(64512, 100 + n) for n in range(number % 3)]
        med = number if number % 2 else None
        route = Route(path, table.next_hop(prefixes[0]), 100 + version, med, communities)
        for update in announcements(prefixes, route):
            yield bmp.route_monitoring(peer, update, _NOW_S + number / 4)
    yield bmp.route_monitoring(peer, withdrawal([routes[0][0], routes[5][0]]), _NOW_S)
    yield bmp.statistics(peer, [(0, struct.pack("!I", 7)), (7, struct.pack("!Q", 99))], _NOW_S)


def _ipfix(plan: RouterPlan) -> list[bytes]:
    exporter = FlowExporter(plan)
    return [exporter.templates(_NOW_S), *exporter.flows(120, _NOW_S)]


def _v9(plan: RouterPlan) -> list[bytes]:
    """Flows to and from a router's destinations, with VLAN, MAC addresses, masks and ASes."""
    fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (5, 1), (6, 1), (10, 4), (14, 4)]
    fields += [(1, 4), (2, 4), (22, 4), (21, 4), (9, 1), (13, 1), (16, 4), (17, 4), (15, 4)]
    fields += [(56, 6), (80, 6), (58, 2), (61, 1), (70, 3)]
    prefixes = [prefix for prefix in plan.destinations if prefix.version == 4]
    records = []
    for number in range(60):
        source, destination = prefixes[number % 7], prefixes[-1 - number % 11]
        records.append(
            source[number + 1].packed
            + destination[2 * number + 1].packed
            + struct.pack("!HHBBB", 1000 + number, 443, (6, 17, 1)[number % 3], 4 * number, 18)
            + struct.pack("!IIII", number % 4, 9, 1500 * number + 40, number + 1)
            + struct.pack("!II", 300_000 + number * 10, 301_000 + number * 11)
            + struct.pack("!BBII", 24, 20, 64500 + number, 64700)
            + ip_address("172.16.9.9").packed
            + bytes((2, 0, 0, 0, 0, number, 2, 0, 0, 0, 1, number))
            + struct.pack("!HB", 300 + number, number % 2)
            + (24_000 + number << 4 | 1).to_bytes(3)
        )
    clock = {"uptime_ms": 360_000, "export_time_s": _NOW_S, "source_id": 5}
    return [
        v9_packet([v9_template_flowset(300, fields)], sequence=1, **clock),
        *(
            v9_packet(
                [v9_data_flowset(300, b"".join(records[at : at + 12]))],
                sequence=2 + at // 12,
                **clock,
            )
            for at in range(0, len(records), 12)
        ),
    ]


def _v5() -> list[bytes]:
    records = [
        V5Record(
            f"192.0.2.{number + 1}",
            "198.18.1.9",
            next_hop="172.16.3.1",
            ingress_interface=number,
            egress_interface=4,
            packets=number + 1,
            octets=100 * number + 64,
            first_ms=50_000,
            last_ms=51_000 + number,
            source_port=2000 + number,
            destination_port=53,
            tcp_flags=number,
            protocol=(6, 17)[number % 2],
            tos=number,
            source_as=64_501,
            destination_as=64_502,
            source_mask=24,
            destination_mask=16,
        )
        for number in range(20)
    ]
    return [v5_packet(records, uptime_ms=60_000, export_time_s=_NOW_S, sequence=0, engine=(1, 2))]
_FLOWS = 120 + 60 + 20


def _connect(router: str, side: _Side) -> socket.socket:
    bound = socket.socket()
    # The router's port is a key of the events: one for both connections.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((router, _ROUTER_PORT))
    bound.connect((side.address, _BMP_PORT))
    return bound


def _send(device: str, datagrams: Iterable[bytes], sides: Iterable[_Side]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((device, 40_000))
        for datagram in datagrams:
            for side in sides:
                sender.sendto(datagram, (side.address, _FLOW_PORT))


@pytest.fixture(scope="module", params=["netflow", "bmp"])
def both(
    request: pytest.FixtureRequest, network: Network, tmp_path_factory: pytest.TempPathFactory
) -> _Both:
    if shutil.which("nfacctd") is None:
        pytest.skip("needs nfacctd")
    namespace = network.namespace(f"beside-{request.param}")
    sides = (
        ("10.0.0.1", "nfacctd", ["nfacctd"], ("NetFlow data on", "BMP data on")),
        (
            "10.0.0.2",
            "collector",
            [sys.executable, "-m", "collector", "nfacctd", "--workers", "2"],
            ("ready: ",),
        ),
    )
    namespace.add_addresses("lo", *(f"{a}/32" for a in ("10.0.0.1", "10.0.0.2", *_DEVICES)))
    directory = tmp_path_factory.mktemp("beside")
    made = [_Side(name, a, directory / name, command, ready) for a, name, command, ready in sides]
    for side in made:
        side.start(network, namespace, request.param)
    plans = simulated_network(3, addresses=_DEVICES)
    table = list(_bmp_messages(plans[0]))
    with ExitStack() as stack:
        connections = []
        for side in made:
            connect = namespace.inside(lambda side=side: _connect(_DEVICES[0], side))
            connections.append(stack.enter_context(connect))
            connections[-1].sendall(b"".join(table))
        time.sleep(5)
        for device, datagrams in zip(_DEVICES, (_ipfix(plans[0]), _v9(plans[1]), _v5()), strict=True):
            namespace.inside(lambda d=device, o=datagrams: _send(d, o, made))
        for side in made:
            side.wait_for("flows", _FLOWS, "flows")
        peer = plans[0].tables[0].peer
        for connection in connections:
            connection.sendall(bmp.peer_down(peer, 4, _NOW_S))
        time.sleep(3)
        for side in made:
            side.daemon.stop(signal.SIGINT, 20)
    outputs = ("flows", "keys", "bmp")
    subprocess.run(["cp", "-r", str(directory), f"/tmp/n177/{request.param}"])
    told = [{output: side.records(output) for output in outputs} for side in made]
    return _Both(*told)


def test_bmp(both: _Both) -> None:
    assert both.ours["bmp"] == both.theirs["bmp"]
