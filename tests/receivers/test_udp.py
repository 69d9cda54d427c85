"""Datagrams from a real socket: none overwritten before its batch is closed, none twice."""

import socket
from collections.abc import Iterator

import pytest

from collector.metrics import Counters
from collector.protocols.flow_burst import Burst
from collector.receivers.bmp_tcp import canonical_address
from collector.receivers.udp import UdpReader


class Batch:
    """Views of datagrams until the batch is closed, as the flow path has them."""

    def __init__(self, sock: socket.socket, rooms: int) -> None:
        self.counters = Counters()
        self.open: list[memoryview] = []
        self.closed: list[bytes] = []
        self.batches = 0
        self.fails_at: int | None = None
        self.sources: set[str] = set()
        self.reader = UdpReader(sock, self.handle, self.close, self.counters, rooms)

    def handle(self, burst: Burst) -> None:
        for index in range(len(burst)):
            self.sources.add(canonical_address(burst.source(index)))
            self.open.append(burst.datagram(index))
        if self.fails_at is not None and len(self.open) >= self.fails_at:
            raise ArithmeticError

    def close(self) -> None:
        self.batches += 1
        self.closed += map(bytes, self.open)
        self.open.clear()
        self.reader.reset()


@pytest.fixture(name="sockets")
def _sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.socket(type=socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        with socket.socket(type=socket.SOCK_DGRAM) as theirs:
            theirs.connect(ours.getsockname())
            yield ours, theirs


def numbered(count: int, size: int = 1000) -> list[bytes]:
    return [number.to_bytes(4, "big") * (size // 4) for number in range(count)]


def test_the_batch_is_closed_before_its_datagrams_are_overwritten(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = sockets
    batch = Batch(ours, 6)
    sent = numbered(40)
    for first in range(0, 40, 20):
        for octets in sent[first : first + 20]:
            theirs.send(octets)
        assert batch.reader.drain()
    batch.close()
    assert batch.closed == sent
    assert batch.batches == 7  # six datagrams have room
    assert batch.sources == {"127.0.0.1"}
    assert batch.counters == {"udp_datagrams": 40, "udp_octets": 40_000}


def test_a_wake_up_reads_so_many_and_no_more(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = sockets
    batch = Batch(ours, 100)
    for octets in numbered(25, 40):
        theirs.send(octets)
    read = []
    while batch.reader.drain(10):
        read.append(batch.counters["udp_datagrams"])
    assert read == [10, 20, 25]
    assert list(map(bytes, batch.open)) == numbered(25, 40)


def test_a_handler_that_fails_spoils_no_other_datagram(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = sockets
    batch = Batch(ours, 100)
    batch.fails_at = 3
    for octets in numbered(6):
        theirs.send(octets)
    with pytest.raises(ArithmeticError):
        batch.reader.drain(3)
    batch.fails_at = None
    assert batch.reader.drain()
    batch.close()
    assert batch.closed == numbered(6)
    assert batch.counters["udp_datagrams"] == 6


def test_the_buffer_is_used_anew_after_a_reset(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = sockets
    batch = Batch(ours, 4)
    for _ in range(20):
        for octets in numbered(3):
            theirs.send(octets)
        batch.reader.drain()
        batch.close()
    assert batch.batches == 20  # never for want of room
    assert batch.closed == numbered(3) * 20


@pytest.mark.parametrize("size", [0, 1, 65_507])
def test_datagrams_of_every_size(sockets: tuple[socket.socket, socket.socket], size: int) -> None:
    ours, theirs = sockets
    batch = Batch(ours, 200)
    sent = [bytes((number,)) * size for number in range(3)]
    # So many that memory of large ones is given back in between.
    for _ in range(70):
        for octets in sent:
            theirs.send(octets)
        assert batch.reader.drain()
        batch.close()
    assert batch.closed == sent * 70


@pytest.mark.parametrize(
    ("family", "address", "told"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::ffff:127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "::1"),
    ],
)
def test_the_source_is_told_in_either_family(family: int, address: str, told: str) -> None:
    with (
        socket.socket(family, socket.SOCK_DGRAM) as ours,
        socket.socket(family, socket.SOCK_DGRAM) as theirs,
    ):
        if family == socket.AF_INET6:
            ours.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            theirs.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        ours.bind((address, 0))
        ours.setblocking(False)
        theirs.sendto(b"x", ours.getsockname())
        batch = Batch(ours, 10)
        assert batch.reader.drain()
        assert batch.sources == {told}


def test_an_error_of_the_socket_is_counted_and_reading_goes_on() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        with socket.socket(type=socket.SOCK_DGRAM) as theirs:
            theirs.bind(("127.0.0.1", 0))
            ours.connect(theirs.getsockname())
            theirs.connect(ours.getsockname())
            batch = Batch(ours, 10)
            theirs.send(b"before")
        ours.send(b"to nobody: ICMP answers")
        assert batch.reader.drain()
        assert list(map(bytes, batch.open)) == [b"before"]
        assert batch.counters == {"udp_datagrams": 1, "udp_octets": 6, "udp_errors": 1}
