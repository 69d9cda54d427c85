"""What a process and its descendants use: CPU of all threads, memory; what their sockets hold."""

import contextlib
import os
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of stat behind the name: ppid; utime, stime; cutime, cstime of children that ended.
_PARENT, _OWN, _CHILDREN = 1, slice(11, 13), slice(13, 15)
_ESTABLISHED, _LISTENING = "01", {"udp": "07", "tcp": "0A"}
_QUIET_S = 0.5
_QUIET_SHARE = 0.06  # of one CPU; both collectors have timers


@dataclass(frozen=True, slots=True)
class SocketState:
    """Octets that wait in the receive buffers of a UDP port, and datagrams dropped there."""

    waiting: int
    drops: int


class ProcessTree:
    """A process and all its descendants.

    CPU of a child that ended counts once its parent waited for it: both collectors do.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def cpu_s(self) -> float:
        """CPU seconds so far, user and system, of all threads."""
        stats = self._stats()
        children_s = sum(sum(map(int, fields[_CHILDREN])) for fields in stats.values()) / _TICKS
        return children_s + sum(_own_cpu_s(pid, fields) for pid, fields in stats.items())

    def pss_octets(self) -> int:
        """Memory, pages that several processes share counted once in all."""
        return sum(map(_pss_octets, self._stats()))

    def own_cpu_s(self) -> float:
        """CPU seconds of the first process alone."""
        return _own_cpu_s(self.pid, self._stats()[self.pid])

    def own_pss_octets(self) -> int:
        """Memory of the first process alone."""
        return _pss_octets(self.pid)

    def wait_quiet(self, port: int, deadline_s: float, bmp_port: int | None = None) -> None:
        """Return when nothing waits in its sockets and it has been idle for a moment."""

        def is_quiet() -> bool:
            before = self.cpu_s()
            time.sleep(_QUIET_S)
            used = self.cpu_s() - before
            waiting = udp_state(port).waiting + (tcp_waiting(bmp_port) if bmp_port else 0)
            return not waiting and used <= _QUIET_SHARE * _QUIET_S

        wait_until(is_quiet, "the collector to be idle", deadline_s)

    def _stats(self) -> dict[int, list[str]]:
        stats = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    text = (entry / "stat").read_text()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                # The name in parentheses may hold blanks.
                stats[int(entry.name)] = text[text.rindex(")") + 2 :].split()
        tree = {self.pid}
        # A child may have a lower number than its parent: until nothing is added.
        while True:
            found = {pid for pid, fields in stats.items() if int(fields[_PARENT]) in tree} - tree
            if not found:
                return {pid: stats[pid] for pid in tree if pid in stats}
            tree |= found


def _own_cpu_s(pid: int, fields: list[str]) -> float:
    """What its stat says, which is whole ticks but knows threads that ended, or its threads'."""
    threads_ns = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it just ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            threads_ns += int((thread / "schedstat").read_text().split()[0])
    return max(sum(map(int, fields[_OWN])) / _TICKS, threads_ns / 1e9)


def _pss_octets(pid: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it just ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def udp_state(port: int) -> SocketState:
    """Look at all UDP sockets that are bound to a port."""
    rows = [fields for fields in _sockets("udp", "udp6") if _port(fields[1]) == port]
    waiting = sum(int(fields[4].partition(":")[2], 16) for fields in rows)
    return SocketState(waiting, sum(int(fields[-1]) for fields in rows))


def tcp_waiting(port: int) -> int:
    """Octets on their way to a TCP port of this machine: unsent, unacknowledged or unread.

    Of open connections only: one that nobody will ever accept keeps our listeners' group shut.
    """
    total = 0
    for fields in _sockets("tcp", "tcp6"):
        unsent, _, unread = fields[4].partition(":")
        if fields[3] == _ESTABLISHED and _port(fields[1]) == port:
            total += int(unread, 16)
        elif fields[3] == _ESTABLISHED and _port(fields[2]) == port:
            total += int(unsent, 16)
    return total


def is_bound(port: int, protocol: str) -> bool:
    """Tell whether some process listens on a port."""
    return any(
        _port(fields[1]) == port and fields[3] == _LISTENING[protocol]
        for fields in _sockets(protocol, f"{protocol}6")
    )


def free_ports(count: int) -> list[int]:
    """Ports that nothing uses, below those the kernel gives to clients."""
    ports: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(ports) < count:
            held = [socket.socket(type=kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
            port = random.randrange(20_000, 32_000)
            for sock in map(stack.enter_context, held):
                with contextlib.suppress(OSError):
                    sock.bind(("", port))
            if all(sock.getsockname()[1] == port for sock in held):
                ports.append(port)
    return ports


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float) -> None:
    """Poll a condition.

    Raises:
        TimeoutError: it did not come true.
    """
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"gave up waiting for {what} after {deadline_s} s")
        time.sleep(0.05)


def _sockets(*tables: str) -> list[list[str]]:
    return [
        line.split()
        for table in tables
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
