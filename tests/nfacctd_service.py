"""The service with nfacctd's records on loopback, as an operator runs it, and routers beside it."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from collector.simulation import bgp, bmp
from collector.simulation.ipfix import data_set, ipfix_message, template_set
from tests.lab.waiting import wait_for

_PROJECT = Path(__file__).parents[1]
_COLLECTOR = [sys.executable, "-m", "collector"]
FIELDS = [(8, 4), (12, 4), (1, 4), (2, 4)]
PEER = bmp.Peer("10.0.0.1", 64500, "10.0.0.1")
OPEN = bgp.open_message(64500, "10.0.0.1")
VIA = bgp.Route([64500, 64501], "10.9.9.9", communities=[(64500, 7)])


class NfacctdService:
    """One service with two workers; it listens on 127.0.0.1.

    Args:
        directory: of its files: "conf", "log", "pid".
        conf: lines beside addresses, logfile and pidfile.
        arguments: of its command line, beside ``-f`` and ``--workers``.
        native: run by the TOML that ``--explain`` prints with these arguments and by this, which
            is added to it: file "toml".
    """

    def __init__(
        self, directory: Path, conf: str, *arguments: str, native: str | None = None
    ) -> None:
        self.directory = directory
        self.log = directory / "log"
        self.flow_port, self.bmp_port = _free_port(socket.SOCK_DGRAM), _free_port()
        self._arguments = arguments
        self._native = native
        (directory / "conf").write_text(
            f"nfacctd_ip: 127.0.0.1\nnfacctd_port: {self.flow_port}\n"
            f"bmp_daemon: true\nbmp_daemon_ip: 127.0.0.1\nbmp_daemon_port: {self.bmp_port}\n"
            f"logfile: {self.log}\npidfile: {directory}/pid\n{conf}"
        )

    def __enter__(self) -> Self:
        command = [*_COLLECTOR, "nfacctd", "-f", f"{self.directory}/conf", "--workers", "2"]
        command += self._arguments
        if self._native is not None:
            path = self.directory / "toml"
            explained = subprocess.check_output([*command, "--explain"], cwd=_PROJECT, text=True)
            path.write_text(explained + self._native)
            command = [*_COLLECTOR, "run", "--config", str(path)]
        self._process = subprocess.Popen(
            command,
            cwd=_PROJECT,
            env=os.environ | {"XDG_RUNTIME_DIR": str(self.directory)},
        )
        try:
            self.wait_for_log("ready: ")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._end()

    def wait_for_log(self, words: str, times: int = 1) -> None:
        """Wait until the log has words so many times."""
        wait_for(
            lambda: self.log.exists() and self.log.read_text().count(words) >= times,
            f"{words!r} in the log",
            watch=self._watch,
            tell=lambda: self.log.exists() and self.log.read_text()[-3000:],
        )

    def signal(self, number: signal.Signals) -> None:
        """Signal it as scripts do: by its pidfile."""
        os.kill(int((self.directory / "pid").read_text()), number)

    def stop(self) -> tuple[int, float]:
        """Stop it by SIGINT; give its exit status and the seconds that it took."""
        began_s = time.monotonic()
        self.signal(signal.SIGINT)
        status = self._process.wait(30)
        return status, time.monotonic() - began_s

    def send_flows(self, source: str, count: int, *, first: int = 0) -> None:
        """Send flows of one record each from a loopback address."""
        with socket.socket(type=socket.SOCK_DGRAM) as router:
            router.bind((source, 0))
            for number in range(first, first + count):
                record = struct.pack("!4s4sII", b"\n\1\1\1", _destination(number), 100, 1)
                sets = [template_set(256, FIELDS), data_set(256, record)]
                octets = ipfix_message(sets, export_time_s=int(time.time()), sequence=number)
                router.sendto(octets, ("127.0.0.1", self.flow_port))

    def connect(self, source: str, *prefixes: str) -> socket.socket:
        """Open a BMP session from a loopback address, with one peer and its routes."""
        router = socket.create_connection(
            ("127.0.0.1", self.bmp_port), timeout=10, source_address=(source, 0)
        )
        router.sendall(bmp.initiation("router") + bmp.peer_up(PEER, "10.0.0.2", OPEN, OPEN))
        for update in bgp.announcements(prefixes, VIA):
            router.sendall(bmp.route_monitoring(PEER, update))
        return router

    def records(self, name: str) -> list[dict[str, Any]]:
        """Read whole lines of a file of records."""
        path = self.directory / name
        octets = path.read_bytes() if path.exists() else b""
        return [json.loads(line) for line in octets.split(b"\n")[:-1]]

    def _watch(self) -> None:
        if self._process.poll() is not None:
            raise RuntimeError(f"the service ended with {self._process.returncode}")

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _destination(number: int) -> bytes:
    return bytes([203, 0, 113 + (number >> 8), number & 255])


def _free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(type=kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
