"""Routes that change all the time, and a marker among them that shows how old an answer is."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.streams import PLACEHOLDER, marker
from tests.bench.traffic import one_flow, record_of

MARKER_OCTETS = 1_000  # of each marker flow
MARKER_DESTINATION = "101.0.0.9"  # in the marker's prefix
_TURN_S = 0.002
_MARKER_EVERY_S, _MARKER_FLOW_EVERY_S = 0.02, 0.005
_BEHIND_S = 0.5


class Churn:
    """Sends updates on a BMP session, from a thread while it is entered as a context manager.

    Every 20 ms the marker route is announced again, its MED counted through from 1. It goes on
    where it was left: no route may be announced twice with the same attributes.

    Args:
        updates: file of messages, with their bounds beside.
        address: of the peer.
    """

    def __init__(self, session: socket.socket, updates: Path, address: int) -> None:
        self._session = session
        self._placed = PLACEHOLDER.packed, address.to_bytes(4)
        self._octets = memoryview(updates.read_bytes().replace(*self._placed))
        self._bounds = np.load(updates.with_name(f"{updates.name}-bounds.npy"))
        self._per_second = 0.0
        self._first = self._sent = 0
        self._announced_s: list[float] = []
        self._took_s = 0.0
        self._fault: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def at_rate(self, per_second: float) -> "Churn":
        """Say how many updates the next time takes."""
        self._per_second = per_second
        return self

    def __enter__(self) -> "Churn":
        self._first += self._sent
        self._sent, self._fault = 0, None
        self._ended.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def report(self, flows_sent_s: list[float]) -> dict[str, Any]:
        """What was sent the last time, and when each marker was announced since the beginning."""
        return {
            "updates": self._sent,
            "seconds": self._took_s,
            "announced_s": self._announced_s,
            "flows_sent_s": flows_sent_s,
            "fault": self._fault,
        }

    def _run(self) -> None:
        began, available = time.monotonic(), len(self._bounds) - 1 - self._first
        next_marker = began
        while not self._ended.is_set():
            now = time.monotonic()
            if now >= next_marker:
                next_marker += _MARKER_EVERY_S
                # Before it is sent: what waits in a socket's buffer is late as well.
                self._announced_s.append(time.time())
                self._session.sendall(marker(len(self._announced_s)).replace(*self._placed))
            due = int((now - began) * self._per_second)
            if due > available:
                self._fault = "more updates were needed than were made"
                break
            if due - self._sent > _BEHIND_S * self._per_second:
                self._fault = "the session did not take updates at the rate asked for"
            start, stop = (self._bounds[self._first + at] for at in (self._sent, due))
            self._session.sendall(self._octets[start:stop])
            self._sent = due
            time.sleep(_TURN_S)
        self._took_s = time.monotonic() - began


class MarkerFlows:
    """One flow every 5 ms to the marker's destination, numbered by its destination port."""

    def __init__(self, sock: socket.socket) -> None:
        self.sent_s: list[float] = []
        self._sock = sock
        destination = int.from_bytes(socket.inet_aton(MARKER_DESTINATION))
        self._datagram = one_flow(destination, MARKER_OCTETS)
        self._due = time.monotonic()

    def turn(self) -> None:
        """Send the next one if it is time."""
        if time.monotonic() < self._due:
            return
        self._due += _MARKER_FLOW_EVERY_S
        record_of(self._datagram)["destination_port"] = len(self.sent_s)
        self.sent_s.append(time.time())
        self._sock.send(self._datagram)
