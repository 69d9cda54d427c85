"""The sending side: sources, pacing, churn on a session."""

import socket
from ipaddress import IPv4Address

import numpy as np

from collector.protocols.bmp.framing import BmpFramer
from tests.bench import streams
from tests.bench.churn import Churn, MarkerFlows
from tests.bench.sender import Sender, Session
from tests.bench.table import make_table
from tests.bench.traffic import FIRST_DEVICE, FLOWS_PER_DATAGRAM, make_traffic
from tests.bench.wire import Burst


def test_each_datagram_comes_from_its_own_address() -> None:
    datagrams = np.arange(12, dtype=np.uint8).reshape(4, 3)
    sources = FIRST_DEVICE + np.array([0, 7, 0, 2_000], np.uint32)
    with _receiver() as receiver, socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(receiver.getsockname())
        Burst(datagrams, sources).send(sock, 1, 4)
        came = [receiver.recvfrom(10) for _ in range(3)]
    assert [octets for octets, _ in came] == [bytes(row) for row in datagrams[1:]]
    assert [address for _, (address, _) in came] == [
        str(IPv4Address(int(source))) for source in sources[1:]
    ]


def test_the_process_sends_templates_and_every_datagram_so_often(tmp_path) -> None:
    table = make_table(100)
    traffic = make_traffic(
        20 * FLOWS_PER_DATAGRAM,
        table,
        lambda devices, sets, rng: (np.zeros(len(sets), np.uint32),) * 2,
        devices=2,
    )
    with _receiver() as receiver, Sender(tmp_path / "sender") as sender:
        sender.give_traffic("x", traffic)
        sender.flows(receiver.getsockname()[1], "x", 1e5, 2)
        came = [receiver.recvfrom(2_000) for _ in range(2 + 2 * 20)]
    octets = [octets for octets, _ in came]
    datagrams = list(map(bytes, traffic.datagrams))
    assert octets == [*map(bytes, traffic.templates), *datagrams, *datagrams]
    assert len({address for _, address in came}) == 2


def test_a_session_has_its_address_in_place_of_the_placeholder(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Sender(tmp_path / "sender") as sender:
        sender.give("peer", streams.peer_start)
        address = int(IPv4Address("10.1.2.3"))
        sender.session(server.getsockname()[1], Session(FIRST_DEVICE + 5, (("peer", address),)))
        accepted, (source, _) = server.accept()
        sender.close()
        with accepted, accepted.makefile("rb") as stream:
            octets = stream.read()
    assert source == "127.0.0.6"
    assert octets == streams.peer_start().replace(
        streams.PLACEHOLDER.packed, IPv4Address(address).packed
    )


def test_churn_goes_on_where_it_was_left(tmp_path) -> None:
    messages = streams.churn_stream(make_table(500), np.arange(400), 0)
    with Sender(tmp_path / "sender") as sender:
        sender.give_messages("updates", messages)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        churn = Churn(ours, tmp_path / "sender" / "updates", int(streams.PLACEHOLDER))
        came, reports = b"", []
        for _ in range(2):
            with churn.at_rate(2_000):
                came += theirs.recv(1 << 20)
            reports.append(churn.report([]))
        ours.shutdown(socket.SHUT_WR)
        while octets := theirs.recv(1 << 20):
            came += octets
    markers = [streams.marker(med + 1) for med in range(len(reports[1]["announced_s"]))]
    got = BmpFramer().feed(came)
    sent = sum(report["updates"] for report in reports)
    assert [octets for octets in got if octets not in markers] == messages[:sent]
    assert [octets for octets in got if octets in markers] == markers
    assert len(markers) >= 2
    assert all(report["fault"] is None for report in reports)


def test_updates_that_run_out_are_a_fault(tmp_path) -> None:
    with Sender(tmp_path / "sender") as sender:
        sender.give_messages("updates", streams.churn_stream(make_table(50), np.arange(5), 0))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        churn = Churn(ours, tmp_path / "sender" / "updates", int(streams.PLACEHOLDER))
        with churn.at_rate(1e6):
            churn._thread.join(5)
    assert "more updates" in churn.report([])["fault"]


def test_marker_flows_are_numbered() -> None:
    with _receiver() as receiver, socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.connect(receiver.getsockname())
        markers = MarkerFlows(sock)
        while len(markers.sent_s) < 3:
            markers.turn()
        came = [receiver.recv(2_000) for _ in range(3)]
    assert len(set(came)) == 3
    assert markers.sent_s == sorted(markers.sent_s)


def _receiver() -> socket.socket:
    receiver = socket.socket(type=socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(5)
    return receiver
