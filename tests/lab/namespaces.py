"""Network namespaces for one test run: veth links, a bridge, addresses, and nothing left behind.

    with Network() as network:
        router, host = network.namespace("router"), network.namespace("host")
        network.link(router, "lan", host, "eth")
        router.add_addresses("lan", "10.0.0.1/24")
        router.run("ip", "address")

Links are made inside the namespaces, so the host's own network never changes.
"""

import contextlib
import ctypes
import os
import secrets
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from tests.lab.daemons import Daemon

_PREFIX = "collector-lab"
_NETNS = Path("/run/netns")
_NETWORK = 0x40000000  # CLONE_NEWNET of linux/sched.h

_libc = ctypes.CDLL(None, use_errno=True)
T = TypeVar("T")

# Addresses work at once (no duplicate address detection), and nothing configures itself.
_SYSCTLS = (
    *("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"),
    *("net.ipv6.conf.all.accept_ra=0", "net.ipv6.conf.default.accept_ra=0"),
    *("net.ipv6.conf.all.router_solicitations=0", "net.ipv6.conf.default.router_solicitations=0"),
)


class Namespace:
    """One network namespace; `Network.namespace` makes it, and the network's end removes it."""

    def __init__(self, name: str, label: str) -> None:
        self.name, self.label = name, label

    def command(self, *command: str) -> list[str]:
        """Words that run ``command`` inside; it dies with the thread that started it."""
        return ["ip", "netns", "exec", self.name, "setpriv", "--pdeathsig", "KILL", "--", *command]

    def run(self, *command: str, timeout_s: float = 30.0, stdin: str = "") -> str:
        """Run a command to its end and return what it printed.

        Raises:
            RuntimeError: it failed; with both of its outputs.
        """
        ended = subprocess.run(
            self.command(*command),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if ended.returncode:
            said = f"{ended.stdout}{ended.stderr}".strip()
            raise RuntimeError(f"{self.label}: {' '.join(command)}: {ended.returncode}: {said}")
        return ended.stdout

    def inside(self, function: Callable[[], T]) -> T:
        """Call a function in a thread that is inside: the sockets it opens stay there."""
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._enter).result()
            return thread.submit(function).result()

    def _enter(self) -> None:
        with (_NETNS / self.name).open() as namespace:
            if _libc.setns(namespace.fileno(), _NETWORK) != 0:
                raise OSError(ctypes.get_errno(), "setns", self.name)

    def add_addresses(self, interface: str, *addresses: str) -> None:
        """Give an interface many addresses with prefix lengths, usable at once, and set it up."""
        lines = [f"address add {a} dev {interface}{' nodad' * (':' in a)}" for a in addresses]
        self.run("ip", "-batch", "-", stdin="\n".join([*lines, f"link set {interface} up\n"]))

    def add_route(self, prefix: str, *how: str) -> None:
        """Add a route: ``add_route("10.0.0.0/8", "via", "10.1.0.1")`` or ``(..., "blackhole")``."""
        family = "-6" if ":" in prefix else "-4"
        kind, words = (how[0], how[1:]) if how[0] == "blackhole" else ("unicast", how)
        _ip("-n", self.name, family, "route", "add", kind, prefix, *words)

    def forward(self) -> None:
        """Make it a router for IPv4 and IPv6."""
        self.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")

    def pids(self) -> list[int]:
        """Every process inside."""
        return [int(pid) for pid in _ip("netns", "pids", self.name).split()]


class Network:
    """The namespaces, links and daemons of one test; a context manager that takes all down."""

    running: list["Network"] = []  # for the failure report of tests/lab/conftest.py

    def __init__(self) -> None:
        self._tag = f"{_PREFIX}-{os.getpid()}-{secrets.token_hex(2)}"
        self._namespaces: list[Namespace] = []
        self.daemons: list[Daemon] = []

    def __enter__(self) -> Self:
        _sweep()
        self.running.append(self)
        return self

    def __exit__(self, *_error: object) -> None:
        self.running.remove(self)
        for daemon in self.daemons:
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.daemons:
            daemon.wait()
        for namespace in self._namespaces:
            _remove(namespace)

    def namespace(self, label: str) -> Namespace:
        """Make a namespace with lo up; ``label`` names it in messages."""
        namespace = Namespace(f"{self._tag}-{label}", label)
        _ip("netns", "add", namespace.name)
        self._namespaces.append(namespace)
        namespace.run("sysctl", "-qw", *_SYSCTLS)
        _ip("-n", namespace.name, "link", "set", "lo", "up")
        return namespace

    def link(self, a: Namespace, a_interface: str, b: Namespace, b_interface: str) -> None:
        """Join two namespaces by a veth pair, both ends up."""
        ends = [a_interface, "netns", a.name, "type", "veth", "peer", b_interface, "netns", b.name]
        _ip("link", "add", *ends)
        _ip("-n", a.name, "link", "set", a_interface, "up")
        _ip("-n", b.name, "link", "set", b_interface, "up")

    def bridge(self, label: str) -> Namespace:
        """Make a namespace that is an Ethernet switch; `plug` joins others to it."""
        switch = self.namespace(label)
        _ip("-n", switch.name, "link", "add", "bridge", "type", "bridge", "forward_delay", "0")
        _ip("-n", switch.name, "link", "set", "bridge", "up")
        return switch

    def plug(self, namespace: Namespace, interface: str, switch: Namespace) -> None:
        """Join a namespace to a bridge by a veth pair; the port has the namespace's label."""
        port = namespace.label[-15:]  # the kernel's limit for names of interfaces
        self.link(namespace, interface, switch, port)
        _ip("-n", switch.name, "link", "set", port, "master", "bridge")

    def daemon(self, namespace: Namespace, label: str, log: Path, *command: str) -> Daemon:
        """Start a long-running command inside; it is stopped with the network."""
        daemon = Daemon(f"{namespace.label} {label}", namespace.command(*command), log)
        self.daemons.append(daemon)
        daemon.start()
        return daemon

    def watch(self) -> None:
        """Raise if a daemon has ended by itself: for `wait_for`."""
        for daemon in self.daemons:
            daemon.watch()


def missing_rights() -> str | None:
    """Why this process cannot make network namespaces, or None."""
    if os.geteuid() != 0:
        return "needs root"
    name = f"{_PREFIX}-{os.getpid()}-try"
    try:
        _ip("netns", "add", name)
    except (RuntimeError, FileNotFoundError) as error:
        return f"needs network namespaces ({error})"
    _ip("netns", "delete", name)
    return None


def _sweep() -> None:
    """Remove what a killed run has left: our names, of processes that are no more."""
    for path in sorted(_NETNS.glob(f"{_PREFIX}-*")):
        owner = path.name.removeprefix(f"{_PREFIX}-").partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            _remove(Namespace(path.name, path.name))


def _remove(namespace: Namespace) -> None:
    # What a daemon has forked is in the namespace too, and would keep it alive.
    for pid in namespace.pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _ip("netns", "delete", namespace.name)


def _ip(*words: str) -> str:
    ended = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {ended.stderr.strip()}")
    return ended.stdout
