"""The routers of a bench, one process: what they send was made before.

It answers JSON lines on its standard input, each with a line when the last octet is in the
kernel's hands. `Sender` is that process as the bench sees it.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.traffic import FIRST_DEVICE, Traffic


@dataclass(frozen=True, slots=True)
class Session:
    """A router's BMP session.

    Attributes:
        source: its IPv4 address.
        parts: (stream, address to stand where the stream has the placeholder), in order.
    """

    source: int
    parts: tuple[tuple[str, int], ...]


class Sender:
    """The sending process; also a context manager."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.sending", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def give(self, name: str, octets: bytes | Callable[[], bytes]) -> None:
        """Put a BMP stream where the process finds it; it is made if it is not there yet."""
        path = self._directory / name
        if not path.exists():
            path.write_bytes(octets if isinstance(octets, bytes) else octets())

    def give_traffic(self, name: str, traffic: Traffic) -> None:
        """Put datagrams where the process finds them."""
        np.save(self._directory / f"{name}-templates.npy", traffic.templates)
        np.save(self._directory / f"{name}-datagrams.npy", traffic.datagrams)
        sources = (FIRST_DEVICE + traffic.devices).astype(np.uint32)
        np.save(self._directory / f"{name}-sources.npy", sources)

    def give_messages(self, name: str, messages: list[bytes]) -> None:
        """Put BMP messages where the process finds them, with the bounds of each."""
        (self._directory / name).write_bytes(b"".join(messages))
        bounds = np.cumsum([0, *map(len, messages)])
        np.save(self._directory / f"{name}-bounds.npy", bounds)

    def session(self, port: int, session: Session) -> None:
        """Send a router's tables; its session stays open until `close`."""
        self.ask("session", port=port, **asdict(session))

    def close(self) -> None:
        """End all BMP sessions."""
        self.ask("close")

    def flows(self, port: int, load: str, flows_per_s: float, repeat: int = 1) -> None:
        """Send all datagrams of a load; return when the last one is sent."""
        self.ask("flows", port=port, load=load, flows_per_s=flows_per_s, repeat=repeat)

    def ask(self, what: str, **arguments: Any) -> Any:
        """Have something sent; give what the process says of it.

        Raises:
            RuntimeError: it could not.
        """
        self._process.stdin.write(json.dumps({"what": what} | arguments) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the sender ended")
        return json.loads(answer)
