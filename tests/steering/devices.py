"""Simulated devices: one datagram or connection from a source address, and the slots it reached."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from collector.steering.allow_list import AllowList
from collector.steering.attach import Mode, Steering, attach
from collector.steering.slots import SlotTable
from collector.steering.sockets import Group, open_group

_SOON_S = 5.0
_SYN_SENT = 2  # linux/tcp_states.h
_BUFFER_OCTETS = 1 << 16


@contextmanager
def steered(
    table: SlotTable, allow: AllowList | None, mode: Mode, address: str = "::"
) -> Iterator[tuple[Steering, list[Group]]]:
    """Open a UDP and a TCP group and steer them."""
    with ExitStack() as stack:
        groups: list[Group] = []
        for protocol in ("udp", "tcp"):
            groups.append(open_group(protocol, address, 0, table.slots, _BUFFER_OCTETS))
            stack.callback(groups[-1].close)
        steering = attach(groups, table, allow, mode)
        stack.callback(steering.close)
        yield steering, groups


def knock(group: Group, source: str) -> socket.socket:
    """Send a datagram, or begin a connection, from the source address."""
    family, here = (socket.AF_INET6, "::1") if ":" in source else (socket.AF_INET, "127.0.0.1")
    kind = socket.SOCK_DGRAM if group.protocol == "udp" else socket.SOCK_STREAM
    knocking = socket.socket(family, kind)
    knocking.setblocking(False)
    knocking.bind((source, 0))
    if group.protocol == "udp":
        knocking.sendto(source.encode(), (here, group.port))
    else:
        knocking.connect_ex((here, group.port))
    return knocking


def reached(group: Group, source: str) -> list[int]:
    """Knock and wait; return the slots where something arrived."""
    with knock(group, source):
        return arrivals(group)


def arrivals(group: Group, within_s: float = _SOON_S) -> list[int]:
    """Wait for something to arrive, and take it all; return the slots, one for each arrival."""
    slot_of = {sock.fileno(): slot for slot, sock in enumerate(group.sockets)}
    slots = []
    with select.epoll() as ready:
        for descriptor in slot_of:
            if descriptor >= 0:  # -1: a test has closed it
                ready.register(descriptor, select.EPOLLIN)
        while found := ready.poll(0 if slots else within_s, 512):
            for descriptor, _ in found:
                _take(group, slot_of[descriptor])
                slots.append(slot_of[descriptor])
    return sorted(slots)


def is_unanswered(knocking: socket.socket) -> bool:
    """Tell whether a connection still waits for the answer to its SYN: neither open nor refused."""
    state = knocking.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0]
    return state == _SYN_SENT and knocking.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def _take(group: Group, slot: int) -> None:
    if group.protocol == "udp":
        group.sockets[slot].recv(64)
    else:
        group.sockets[slot].accept()[0].close()
