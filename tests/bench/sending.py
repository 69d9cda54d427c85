"""The sending process, told line by line: `python -m tests.bench.sending DIRECTORY`."""

import json
import socket
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.churn import Churn, MarkerFlows
from tests.bench.streams import PLACEHOLDER
from tests.bench.traffic import FIRST_DEVICE, FLOWS_PER_DATAGRAM, record_of
from tests.bench.wire import Burst

_HOST = "127.0.0.1"
_TURN_S = 0.002
_BEHIND_S = 0.02  # a sender that was not scheduled must not make up for it in one burst
_AFTER_TEMPLATES_S = 0.05


class _Sending:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._sessions: list[socket.socket] = []
        self._churn: Churn | None = None

    def session(self, port: int, source: int, parts: list[tuple[str, int]]) -> None:
        sock = socket.create_connection((_HOST, port), source_address=(str(IPv4Address(source)), 0))
        self._sessions.append(sock)
        for name, address in parts:
            octets = (self._directory / name).read_bytes()
            sock.sendall(octets.replace(PLACEHOLDER.packed, IPv4Address(address).packed))

    def close(self) -> None:
        for sock in self._sessions:
            sock.close()
        self._sessions.clear()
        self._churn = None

    def flows(self, port: int, load: str, flows_per_s: float, repeat: int) -> None:
        with self._connected(port) as sock:
            datagrams = self._burst(sock, load)
            for _ in range(repeat):
                _paced(sock, datagrams, flows_per_s / FLOWS_PER_DATAGRAM)

    def stamped(self, port: int, load: str, datagrams_per_s: float, count: int) -> None:
        """Send datagrams whose flows have the time of sending, microseconds, as their octets."""
        with self._connected(port) as sock:
            self._burst(sock, load)
            datagrams = np.load(self._directory / f"{load}-datagrams.npy")[:count]
            for datagram in datagrams:
                time.sleep(1 / datagrams_per_s)
                record_of(datagram)["octets"] = time.time_ns() // 1000
                sock.send(datagram)

    def churn(
        self,
        updates: str,
        updates_per_s: float,
        address: int,
        alone_s: float = 0.0,
        **flows: Any,
    ) -> dict[str, Any]:
        """Send updates on the open session: for a while alone, or as long as flows take."""
        if self._churn is None:
            self._churn = Churn(self._sessions[-1], self._directory / updates, address)
        churn = self._churn.at_rate(updates_per_s)
        if not flows:
            with churn:
                time.sleep(alone_s)
            return churn.report([])
        with self._connected(flows["port"]) as sock:
            datagrams, markers = self._burst(sock, flows["load"]), MarkerFlows(sock)
            with churn:
                _paced(sock, datagrams, flows["flows_per_s"] / FLOWS_PER_DATAGRAM, markers.turn)
        return churn.report(markers.sent_s)

    def _connected(self, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((_HOST, port))
        return sock

    def _burst(self, sock: socket.socket, load: str) -> Burst:
        """Send the templates; give the datagrams, ready to be sent."""
        read = {
            name: np.load(self._directory / f"{load}-{name}.npy")
            for name in ("templates", "datagrams", "sources")
        }
        count = len(read["templates"])
        templates = Burst(read["templates"], FIRST_DEVICE + np.arange(count, dtype=np.uint32))
        templates.send(sock, 0, count)
        time.sleep(_AFTER_TEMPLATES_S)
        return Burst(read["datagrams"], read["sources"])


def _paced(
    sock: socket.socket, datagrams: Burst, per_second: float, turn: Callable[[], None] | None = None
) -> None:
    began, done = time.monotonic(), 0
    while done < len(datagrams):
        due = (time.monotonic() - began) * per_second
        if due - done > _BEHIND_S * per_second:
            began += (due - done) / per_second - _BEHIND_S
            due = done + _BEHIND_S * per_second
        stop = min(int(due), len(datagrams))
        datagrams.send(sock, done, stop)
        done = stop
        if turn is not None:
            turn()
        time.sleep(_TURN_S)


def _main() -> None:
    sending = _Sending(Path(sys.argv[1]))
    for line in sys.stdin:
        arguments = json.loads(line)
        answer = getattr(sending, arguments.pop("what"))(**arguments)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
