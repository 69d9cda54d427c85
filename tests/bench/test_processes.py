"""CPU, memory and sockets of processes, as the kernel tells them."""

import os
import socket
import subprocess
import sys
import time

import pytest

from tests.bench.processes import ProcessTree, free_ports, is_bound, tcp_waiting, udp_state

_SPIN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_SPIN!r}])\n"
_WAIT = "print(flush=True)\ninput()"


@pytest.mark.parametrize("program", [_SPIN, _CHILD], ids=["itself", "a-child-that-ended"])
def test_cpu_of_a_tree_counts_all_of_it(program) -> None:
    command = [sys.executable, "-c", program + _WAIT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        tree = ProcessTree(process.pid)
        used_s, own_s = tree.cpu_s(), tree.own_cpu_s()
        process.communicate(b"\n")
    assert 0.3 <= used_s < 2
    assert (own_s >= 0.3) == (program is _SPIN)


def test_cpu_is_finer_than_a_tick() -> None:
    tree = ProcessTree(os.getpid())
    before_s, end_s = tree.cpu_s(), time.process_time() + 0.004
    while time.process_time() < end_s:
        pass
    assert 0.003 < tree.cpu_s() - before_s < 1


def test_memory_counts_children() -> None:
    command = [sys.executable, "-c", _WAIT]
    tree = ProcessTree(os.getpid())
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        whole, own = tree.pss_octets(), tree.own_pss_octets()
        process.communicate(b"\n")
    assert whole > own > 1 << 20


def test_what_waits_in_sockets_is_seen() -> None:
    udp_port, tcp_port = free_ports(2)
    with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.create_server(("", tcp_port)):
        assert not is_bound(udp_port, "udp")
        udp.bind(("127.0.0.1", udp_port))
        assert is_bound(udp_port, "udp")
        assert is_bound(tcp_port, "tcp")
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            for _ in range(100):
                sender.sendto(bytes(1_000), ("127.0.0.1", udp_port))
        state = udp_state(udp_port)
        assert state.waiting
        assert state.drops
        with socket.create_connection(("127.0.0.1", tcp_port)) as session:
            session.sendall(bytes(1_000))
            assert tcp_waiting(tcp_port) == 1_000
