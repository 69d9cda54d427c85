"""The nfacctd mode beside nfacctd itself: the same octets to both, the same records from both.

Debian has nfacctd 1.7.7, the mode follows 1.8.1. `_flow_of_1_7_7` and `_event_of_1_7_7` have every
difference between the two; nothing else may differ, but for the time when something came.
"""

import json
import shutil
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from collector.simulation.network import simulated_network
from tests.lab import replayed
from tests.lab.daemons import Daemon
from tests.lab.namespaces import Namespace, Network
from tests.lab.waiting import wait_for

pytestmark = pytest.mark.lab

Record = dict[str, Any]

_PROJECT = Path(__file__).parents[2]
_THEIRS, _OURS = "10.0.0.1", "10.0.0.2"
_DEVICES = ("10.9.0.1", "10.9.0.2", "10.9.0.3")
_FLOW_PORT, _BMP_PORT, _ROUTER_PORT = 9991, 1790, 30_001

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
bgp_peer_src_as_type: bgp
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
src_med, etype, vlan, src_mac, dst_mac, sampling_rate, sampling_direction, timestamp_start, \
timestamp_end, timestamp_export, export_proto_seqno, export_proto_version, export_proto_sysid, \
flows, mpls_label_top, mpls_vpn_rd
"""

# Besides an update and a delete for each route: connection, initiation, peer up, two statistics,
# peer down, connection closed; two routes end by a withdraw.
_OTHER_EVENTS = 7
_COUNTED = ("packets", "bytes", "flows")


@dataclass
class _Side:
    """One of the two: its address, its process, its files."""

    address: str
    directory: Path
    command: list[str]
    ready: tuple[str, ...]
    daemon: Daemon = field(init=False)

    def start(self, network: Network, namespace: Namespace, source: str) -> None:
        """Start it and wait until it listens."""
        self.directory.mkdir()
        conf = self.directory / "nfacctd.conf"
        conf.write_text(_CONF.format(address=self.address, directory=self.directory, source=source))
        command = ["env", "-C", str(_PROJECT), *self.command, "-f", str(conf)]
        name = self.directory.name
        self.daemon = network.daemon(namespace, name, self.directory / "log", *command)
        wait_for(
            lambda: all(words in self.daemon.text() for words in self.ready),
            f"{name} to listen",
            deadline_s=60,
            watch=self.daemon.watch,
            tell=self.daemon.tail,
        )

    def records(self, output: str) -> list[Record]:
        """All whole lines of one of its files."""
        path = self.directory / output
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for_records(self, output: str, count: int) -> None:
        """Wait for so many records, each counted with the flows it stands for."""
        wait_for(
            lambda: sum(record.get("flows", 1) for record in self.records(output)) >= count,
            f"{count} {output} of {self.directory.name}",
            watch=self.daemon.watch,
            tell=lambda: self.records(output)[-3:],
        )

    def wait_for_keys(self) -> None:
        """Wait until the aggregate has the packets of all flows."""
        packets = _total(self.records("flows"), "packets")
        wait_for(
            lambda: _total(self.records("keys"), "packets") >= packets,
            f"the aggregate of {self.directory.name}",
            watch=self.daemon.watch,
        )


@pytest.fixture(scope="module", params=["netflow", "bmp"])
def sides(
    request: pytest.FixtureRequest, network: Network, tmp_path_factory: pytest.TempPathFactory
) -> tuple[_Side, _Side]:
    """nfacctd and the collector, at their end after the replay; prefixes from flows or routes."""
    if shutil.which("nfacctd") is None:
        pytest.skip("needs nfacctd")
    namespace = network.namespace(f"beside-{request.param}")
    namespace.add_addresses("lo", *(f"{address}/32" for address in (_THEIRS, _OURS, *_DEVICES)))
    directory = tmp_path_factory.mktemp(request.param)
    ready = ("waiting for NetFlow", "waiting for BMP")
    collector = [sys.executable, "-m", "collector", "nfacctd", "--workers", "2"]
    both = (
        _Side(_THEIRS, directory / "nfacctd", ["nfacctd"], ready),
        _Side(_OURS, directory / "collector", collector, ("ready: ",)),
    )
    for side in both:
        side.start(network, namespace, request.param)
    _replay(namespace, both)
    for side in both:
        side.daemon.stop(signal.SIGINT, 30)
    return both


def test_single_flows(sides: tuple[_Side, _Side]) -> None:
    theirs, ours = (side.records("flows") for side in sides)
    assert _total(ours, "flows") == replayed.FLOWS
    assert _summed(map(_flow_of_1_7_7, ours)) == _summed(theirs)


def test_aggregate(sides: tuple[_Side, _Side]) -> None:
    theirs, ours = (_summed(side.records("keys")) for side in sides)
    assert len(ours) < replayed.FLOWS
    assert ours == theirs


def test_bmp_events(sides: tuple[_Side, _Side]) -> None:
    theirs, ours = ([_timeless(r) for r in side.records("bmp")] for side in sides)
    ours = [_event_of_1_7_7(record) for record in ours]
    # It walks its table when a peer goes down; ours gives the routes in the order they came.
    for deleted in (True, False):
        assert _lines(ours, deleted=deleted) == _lines(theirs, deleted=deleted)
    assert [r for r in ours if not _is_delete(r)] == [r for r in theirs if not _is_delete(r)]


def _flow_of_1_7_7(record: Record) -> Record:
    old = dict(record)
    del old["mpls_vpn_rd_origin"]  # new in 1.8
    # A text before 1.8.1, and of a field of two octets only the first one was read.
    is_ipfix = record["export_proto_version"] == 10
    old["tcp_flags"] = "0" if is_ipfix else str(record["tcp_flags"])
    return old


def _event_of_1_7_7(record: Record) -> Record:
    old = dict(record)
    # New in 1.8.
    newer = {"bmp_rib_type", "is_filtered"}
    match record.get("bmp_msg_type"):
        case "route_monitor" | "internal":
            newer |= {"peer_asn", "bgp_id"}
        case "stats":
            newer |= {"bgp_id"}
        case "peer_up":
            newer |= {"local_as"}
        case "peer_down":
            newer |= {"bgp_id", "is_in", "is_post"}
    for key in newer:
        old.pop(key, None)
    return old


def _timeless(record: Record) -> Record:
    """A record without the time when something came; of a device's clock the times stay."""
    ignored = {"timestamp_arrival"}
    if _is_delete(record) or record["event_type"] in ("log_init", "log_close"):
        ignored.add("timestamp")
    if _is_delete(record):
        ignored.add("seq")  # it goes with the order
    return {key: value for key, value in record.items() if key not in ignored}


def _is_delete(record: Record) -> bool:
    return record.get("log_type") == "delete"


def _lines(records: Iterable[Record], *, deleted: bool) -> Counter[str]:
    return Counter(json.dumps(r, sort_keys=True) for r in records if _is_delete(r) == deleted)


def _summed(records: Iterable[Record]) -> Counter[tuple[str, str]]:
    """Counters by everything else a record says: a purge may have come between two flows."""
    sums: Counter[tuple[str, str]] = Counter()
    for record in records:
        keys = {key: value for key, value in record.items() if key not in _COUNTED}
        for counter in _COUNTED:
            if counter in record:
                sums[json.dumps(keys, sort_keys=True), counter] += record[counter]
    return sums


def _total(records: Iterable[Record], counter: str) -> int:
    return sum(record[counter] for record in records)


def _replay(namespace: Namespace, sides: tuple[_Side, ...]) -> None:
    """A table first, then flows, then the end of the peer; each when the one before is through."""
    plans = simulated_network(len(_DEVICES), addresses=_DEVICES)
    router = plans[0]
    table = b"".join(replayed.table_messages(router))
    routes = len(router.tables[0].routes)
    with ExitStack() as stack:
        connections = []
        for side in sides:
            connection = namespace.inside(lambda side=side: _connect(side))
            connections.append(stack.enter_context(connection))
            connection.sendall(table)
        for side in sides:
            side.wait_for_records("bmp", routes)
        flows = (replayed.ipfix(router), replayed.v9(plans[1]), replayed.v5())
        for device, datagrams in zip(_DEVICES, flows, strict=True):
            namespace.inside(lambda d=device, o=datagrams: _send(d, o, sides))
        for side in sides:
            side.wait_for_records("flows", replayed.FLOWS)
            side.wait_for_keys()
        for connection in connections:
            connection.sendall(replayed.peer_down(router))
        for side in sides:
            side.wait_for_records("bmp", 2 * routes + _OTHER_EVENTS - 1)
    for side in sides:
        side.wait_for_records("bmp", 2 * routes + _OTHER_EVENTS)


def _connect(side: _Side) -> socket.socket:
    router = socket.socket()
    # Its port is in the events: the same one towards both.
    router.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    router.bind((_DEVICES[0], _ROUTER_PORT))
    router.connect((side.address, _BMP_PORT))
    return router


def _send(device: str, datagrams: Iterable[bytes], sides: Iterable[_Side]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((device, 40_000))
        for datagram in datagrams:
            for side in sides:
                sender.sendto(datagram, (side.address, _FLOW_PORT))
