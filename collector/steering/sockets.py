"""The sockets of one SO_REUSEPORT group: a sink that swallows packets, then one for each slot.

The supervisor keeps every one open for life: a worker has copies, so its end neither loses what the
kernel has queued nor changes the order of the group, by which classic BPF chooses.

The sink belongs to nobody and is the first of its group. Until steering is attached all packets go
to it: a listener must listen before a program can choose it, and what came in between would reach
anybody's worker. Afterwards classic BPF sends it what the allow-list refuses. What it swallows gets
no answer, neither ICMP nor RST, and stands in its drops. For TCP it is no socket filter but a full
queue: Linux 6.18 lets no user without CAP_NET_ADMIN put a filter on a TCP socket (measured).
"""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from collector.errors import SteeringError
from collector.steering import socket_options
from collector.steering.classic_bpf import FIRST_SLOT, SINK, always

Protocol = Literal["udp", "tcp"]

_BACKLOG = 1024
_REFUSE = 0  # what a socket filter answers to keep no octet of a packet
_LOOPBACK_S = 1.0


@dataclass(frozen=True, slots=True)
class Group:
    """All sockets on one protocol, address and port: one SO_REUSEPORT group of the kernel."""

    protocol: Protocol
    address: str
    port: int
    sink: socket.socket
    sockets: list[socket.socket]  # in slot order
    receive_buffer_octets: int = 0  # what the kernel granted each UDP socket

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.protocol} {host}:{self.port}"

    def close(self) -> None:
        """Close every socket."""
        self.sink.close()
        for sock in self.sockets:
            sock.close()


def open_group(
    protocol: Protocol, address: str, port: int, slots: int, receive_buffer_octets: int
) -> Group:
    """Open the sockets of one listening address: bound, listening if TCP, non-blocking, shut.

    Args:
        address: IPv4 or IPv6; ``::`` takes both families.
        port: 0 takes a free one, the same for all slots.
        receive_buffer_octets: wanted for each UDP socket, past net.core.rmem_max with
            CAP_NET_ADMIN only; compare with what `Group.receive_buffer_octets` says was granted.
            TCP keeps the kernel's own tuning.

    Raises:
        SteeringError: the address cannot be bound, or another program has the port.
    """
    opened: list[socket.socket] = []
    try:
        port = _claim(protocol, address, port)
        for _ in range(FIRST_SLOT + slots):
            opened.append(_new_socket(protocol, address))
            opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sink, *sockets = opened
        _open_sink(sink, protocol, address, port)
        for sock in sockets:
            if protocol == "udp":
                socket_options.set_receive_buffer(sock, receive_buffer_octets)
            sock.bind((address, port))
            if protocol == "tcp":
                sock.listen(_BACKLOG)
    except (OSError, SteeringError) as error:
        for sock in opened:
            sock.close()
        reason = getattr(error, "strerror", None) or error
        raise SteeringError(f"{protocol} {address} port {port}: {reason}") from error
    granted = min(map(socket_options.receive_buffer, sockets)) if protocol == "udp" else 0
    return Group(protocol, address, port, sink, sockets, granted)


def _new_socket(protocol: Protocol, address: str) -> socket.socket:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    sock = socket.socket(family, kind)
    sock.setblocking(False)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if protocol == "tcp":  # or a session's TIME_WAIT holds the port after a restart
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def _claim(protocol: Protocol, address: str, port: int) -> int:
    """Find out that nobody has the port, and which one it is.

    SO_REUSEPORT lets a second collector of the same user join the group of the first, and then each
    would silently get a part of the other's packets. A socket without the option is refused.
    """
    with _new_socket(protocol, address) as probe:
        probe.bind((address, port))
        return probe.getsockname()[1]


def _open_sink(sink: socket.socket, protocol: Protocol, address: str, port: int) -> None:
    """Found the group with a program that sends everything to the sink."""
    socket_options.attach_steering(sink, always(SINK))
    if protocol == "udp":
        socket_options.attach_filter(sink, always(_REFUSE))
        sink.bind((address, port))
        return
    sink.bind((address, port))
    sink.listen(0)
    # One connection that nobody accepts is more than a backlog of 0: from here on the kernel
    # drops every SYN, without an answer.
    loopback = "127.0.0.1" if ip_address(address).is_unspecified else address
    socket.create_connection((loopback, port), timeout=_LOOPBACK_S).close()
