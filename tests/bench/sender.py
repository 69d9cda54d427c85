"""The router of a bench, a process of its own: what it sends was made before.

It answers lines on its standard input: ``bmp PORT`` connects and sends the whole table, ``flows
PORT FLOWS_PER_S`` sends all datagrams at that rate. Each is answered by a line when the last octet
is in the kernel's hands.
"""

import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tests.bench.traffic import FLOWS_PER_DATAGRAM, Traffic

_HOST = "127.0.0.1"
_TURN_S = 0.002
_BEHIND_S = 0.02  # a sender that was not scheduled must not make up for it in one burst


class Sender:
    """The sending process, as the bench sees it; also a context manager."""

    def __init__(self, directory: Path, traffic: Traffic, bmp: bytes) -> None:
        files = {
            "template": traffic.template,
            "datagrams": traffic.datagrams.tobytes(),
            "bmp": bmp,
        }
        for name, octets in files.items():
            (directory / name).write_bytes(octets)
        command = [sys.executable, "-m", "tests.bench.sender", str(directory)]
        command.append(str(traffic.datagrams.shape[1]))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def bmp(self, port: int) -> None:
        """Send the table to a new BMP session, which stays open until the next one."""
        self._ask(f"bmp {port}")

    def flows(self, port: int, flows_per_s: float) -> None:
        """Send all datagrams; return when the last one is sent."""
        self._ask(f"flows {port} {flows_per_s}")

    def _ask(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise RuntimeError("the sender ended")


def _send_flows(template: bytes, datagrams: np.ndarray, port: int, flows_per_s: float) -> None:
    per_second = flows_per_s / FLOWS_PER_DATAGRAM
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((_HOST, port))
        sock.send(template)
        time.sleep(0.05)
        began, done = time.monotonic(), 0
        while done < len(datagrams):
            due = (time.monotonic() - began) * per_second
            if due - done > _BEHIND_S * per_second:
                began += (due - done) / per_second - _BEHIND_S
                due = done + _BEHIND_S * per_second
            for datagram in datagrams[done : int(due)]:
                sock.send(datagram)
            done = min(int(due), len(datagrams))
            time.sleep(_TURN_S)


def _main() -> None:
    directory, octets = Path(sys.argv[1]), int(sys.argv[2])
    template, bmp = ((directory / name).read_bytes() for name in ("template", "bmp"))
    datagrams = np.fromfile(directory / "datagrams", np.uint8).reshape(-1, octets)
    session = None
    for line in sys.stdin:
        what, port, *rate = line.split()
        if what == "bmp":
            if session is not None:
                session.close()
            session = socket.create_connection((_HOST, int(port)))
            session.sendall(bmp)
        else:
            _send_flows(template, datagrams, int(port), float(rate[0]))
        print("sent", flush=True)


if __name__ == "__main__":
    _main()
