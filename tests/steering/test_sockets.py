import socket

import pytest

from collector.errors import SteeringError
from collector.steering import socket_options
from collector.steering.slots import SlotTable
from collector.steering.sockets import open_group
from tests.steering.devices import is_unanswered, knock, reached, steered
from tests.steering.threads import without_privilege

_PROTOCOLS = ("udp", "tcp")


@pytest.mark.parametrize("protocol", _PROTOCOLS)
@pytest.mark.parametrize("address", ["::", "0.0.0.0", "127.0.0.1", "::1"])
def test_group_has_one_port_for_all_slots(protocol: str, address: str) -> None:
    group = open_group(protocol, address, 0, 5, 1 << 16)
    names = {sock.getsockname()[:2] for sock in [group.sink, *group.sockets]}
    blocking = {sock.getblocking() for sock in group.sockets}
    group.close()
    assert (names, blocking, len(group.sockets)) == ({(address, group.port)}, {False}, 5)


@pytest.mark.parametrize("protocol", _PROTOCOLS)
def test_second_collector_on_a_port_is_refused(protocol: str) -> None:
    group = open_group(protocol, "::", 0, 2, 1 << 16)
    with pytest.raises(SteeringError, match=f"{protocol} :: port {group.port}: Address already in"):
        open_group(protocol, "::", group.port, 2, 1 << 16)
    group.close()


def test_port_of_another_program_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(SteeringError, match="Address already in use"):
            open_group("udp", "::", other.getsockname()[1], 2, 1 << 16)


def test_address_of_another_machine_is_refused() -> None:
    with pytest.raises(SteeringError, match=r"udp 192\.0\.2\.1 port 4739: Cannot assign"):
        open_group("udp", "192.0.2.1", 4739, 2, 1 << 16)


@pytest.mark.parametrize("protocol", _PROTOCOLS)
def test_port_is_free_again_after_a_restart(protocol: str) -> None:
    table = SlotTable(2)
    with steered(table, None, "cbpf") as (_, groups):
        group = groups[_PROTOCOLS.index(protocol)]
        assert reached(group, "127.0.0.1") == [table.slot_of("127.0.0.1")]
    again = open_group(protocol, "::", group.port, 2, 1 << 16)
    again.close()
    assert again.port == group.port


def test_group_is_shut_until_steering_is_attached() -> None:
    def open_and_knock() -> None:
        for protocol in _PROTOCOLS:
            group = open_group(protocol, "::", 0, 3, 1 << 16)
            before = socket_options.drops(group.sink)
            knocking = [knock(group, f"127.0.0.{host}") for host in range(1, 21)]
            swallowed = socket_options.drops(group.sink) - before
            unanswered = [protocol == "udp" or is_unanswered(sock) for sock in knocking]
            for sock in (*knocking, group):
                sock.close()
            assert (swallowed, all(unanswered)) == (20, True)

    without_privilege(open_and_knock)


def test_receive_buffer_that_was_granted_is_told() -> None:
    def granted() -> int:
        group = open_group("udp", "::", 0, 2, 1 << 30)
        group.close()
        return group.receive_buffer_octets

    with open("/proc/sys/net/core/rmem_max") as limit:
        assert without_privilege(granted) == int(limit.read())
    small = open_group("udp", "::", 0, 2, 1 << 16)
    small.close()
    assert small.receive_buffer_octets == 1 << 16


def test_listener_keeps_the_buffers_of_the_kernel() -> None:
    group = open_group("tcp", "::", 0, 1, 1 << 16)
    group.close()
    assert group.receive_buffer_octets == 0


def test_full_buffer_counts_as_receive_drops() -> None:
    with steered(SlotTable(1), None, "cbpf") as (steering, (udp, _)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(200):
                sender.sendto(bytes(1400), ("127.0.0.1", udp.port))
        received = 0
        while True:
            try:
                udp.sockets[0].recv(1500)
            except BlockingIOError:
                break
            received += 1
        assert 0 < received < 200
        assert steering.receive_drops(udp.sockets[0]) == 200 - received
