"""The socket options of Linux that Python has no names for (asm-generic/socket.h)."""

import contextlib
import ctypes
import errno
import socket
import struct
import sys

from collector.errors import SteeringError
from collector.steering.classic_bpf import Program

_ATTACH_FILTER, _DETACH_FILTER = 26, 27
_RECEIVE_BUFFER_FORCE = 33
_ATTACH_BPF = 50
_ATTACH_REUSEPORT_CBPF, _ATTACH_REUSEPORT_EBPF = 51, 52
_MEMORY_INFORMATION = 55
_COOKIE = 57

_SOCK_FILTER = struct.Struct("=HBBI")
_MEMINFO = struct.Struct("=9I")
_DROPS = 8  # SK_MEMINFO_DROPS of linux/sock_diag.h


def attach_filter(sock: socket.socket, program: Program) -> None:
    """Put a classic socket filter in place of the one that is there.

    Raises:
        SteeringError: the kernel does not take the program.
    """
    _attach_classic(sock, _ATTACH_FILTER, program)


def attach_loaded_filter(sock: socket.socket, program_fd: int) -> None:
    """Put a loaded eBPF socket filter in place of the one that is there.

    Raises:
        SteeringError: the kernel does not take the program.
    """
    _attach_loaded(sock, _ATTACH_BPF, program_fd)


def detach_filter(sock: socket.socket) -> None:
    """Take the socket's filter away; no matter if there is none."""
    with contextlib.suppress(FileNotFoundError):
        sock.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)


def attach_steering(sock: socket.socket, program: Program) -> None:
    """Give a classic program to the socket's whole reuseport group, in place of what it has.

    Raises:
        SteeringError: the kernel does not take the program.
    """
    _attach_classic(sock, _ATTACH_REUSEPORT_CBPF, program)


def attach_loaded_steering(sock: socket.socket, program_fd: int) -> None:
    """Give a loaded eBPF program to the socket's whole reuseport group.

    Raises:
        SteeringError: the kernel does not take the program.
    """
    _attach_loaded(sock, _ATTACH_REUSEPORT_EBPF, program_fd)


def drops(sock: socket.socket) -> int:
    """Return how many packets the kernel dropped at this socket so far (32 bits, wraps).

    UDP: the receive buffer was full, the checksum wrong, or a socket filter said no. A listener:
    the queue of connections was full, or the filter said no.
    """
    octets = sock.getsockopt(socket.SOL_SOCKET, _MEMORY_INFORMATION, _MEMINFO.size)
    return _MEMINFO.unpack(octets)[_DROPS]


def cookie(sock: socket.socket) -> int:
    """Return the number by which a program knows the socket: unique since boot, 64 bits."""
    return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, _COOKIE, 8), sys.byteorder)


def set_receive_buffer(sock: socket.socket, octets: int) -> None:
    """Ask for a receive buffer, past net.core.rmem_max where CAP_NET_ADMIN allows."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _RECEIVE_BUFFER_FORCE, octets)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)


def receive_buffer(sock: socket.socket) -> int:
    """Return the receive buffer in octets as it was asked for: the kernel keeps and tells twice."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def _attach_classic(sock: socket.socket, option: int, program: Program) -> None:
    code = ctypes.create_string_buffer(b"".join(_SOCK_FILTER.pack(*step) for step in program))
    sock_fprog = struct.pack("@HP", len(program), ctypes.addressof(code))
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, sock_fprog)
    except OSError as error:
        limit = "; net.core.optmem_max is the limit" if error.errno == errno.ENOMEM else ""
        raise SteeringError(
            f"classic BPF of {len(program)} instructions refused: {error.strerror}{limit}"
        ) from error


def _attach_loaded(sock: socket.socket, option: int, program_fd: int) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, program_fd)
    except OSError as error:
        raise SteeringError(f"eBPF program not attached: {error.strerror}") from error
