"""The collector that the demo looks at: `collector run` as a child, its records on a pipe."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from collector.simulation.router import CollectorAddress
from collector.workers import control_socket

_READY_TIMEOUT_S = 30.0
_POLL_S = 0.05
_STATUS_TIMEOUT_S = 5.0
_STOP_TIMEOUT_S = 15.0
_MAX_LINE_OCTETS = 16 << 20
_LOG_LINES = 20
_MAX_SOCKET_PATH = 107  # octets, of Linux

_CONFIG = """\
[collector]
name = "demo"
workers = {workers}
control_socket = "{control_socket}"
stop_timeout_s = 5

[[output]]
name = "pipe"
type = "stdout"

[[publish]]
records = "flow"
output = "pipe"
format = "json"

[[publish]]
records = "bmp"
output = "pipe"
format = "json"
"""
_LISTEN = """
[[listen]]
kind = "{kind}"
address = "{address}"
port = {port}
"""


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How the collector ended."""

    status: int
    log: str  # its last lines


class DemoCollector:
    """One run of the real program.

    Args:
        directory: for its configuration, control socket and log; empty, and removed by the owner.
        addresses: where it listens for both protocols.
    Raises:
        DemoError: the directory's path is too long for a control socket.
    """

    def __init__(
        self, directory: Path, workers: int, addresses: Sequence[CollectorAddress]
    ) -> None:
        self._config_path = directory / "collector.toml"
        self._control_path = directory / "control.sock"
        self._log_path = directory / "collector.log"
        self._process: asyncio.subprocess.Process
        if len(os.fsencode(self._control_path)) > _MAX_SOCKET_PATH:
            raise DemoError(f"{directory} is too long for a socket in it: set TMPDIR")
        text = _CONFIG.format(workers=workers, control_socket=self._control_path)
        for address in addresses:
            for kind, port in (("flow", address.flow_port), ("bmp", address.bmp_port)):
                text += _LISTEN.format(kind=kind, address=address.host, port=port)
        self._config_path.write_text(text)

    async def start(self) -> dict[str, Any]:
        """Start it and wait until all workers are ready; gives its status.

        Raises:
            DemoError: it ended, or was not ready in time.
        """
        with self._log_path.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "collector", "run", "--config", str(self._config_path)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_MAX_LINE_OCTETS,
                # Ctrl-C is for the demo, which ends the collector once it has read everything.
                start_new_session=True,
            )
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + _READY_TIMEOUT_S
        while loop.time() < deadline_s and self._process.returncode is None:
            status = await self.status()
            if status is not None and all(worker["ready"] for worker in status["workers"]):
                return status
            await asyncio.sleep(_POLL_S)
        exit_ = await self.stop()
        raise DemoError(f"the collector did not become ready:\n{exit_.log}")

    async def records(self) -> AsyncIterator[dict[str, Any]]:
        """Give what it publishes, until it has ended."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            yield orjson.loads(line)

    async def status(self) -> dict[str, Any] | None:
        """Ask it for its status; None where it does not answer."""
        try:
            return await asyncio.to_thread(
                control_socket.ask, str(self._control_path), {"ask": "status"}, _STATUS_TIMEOUT_S
            )
        except (OSError, orjson.JSONDecodeError):
            return None

    async def stop(self) -> Exit:
        """End it in order; its last records can be read while it does."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        return Exit(await self._ended(), self._last_log_lines())

    async def _ended(self) -> int:
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()  # its workers end with it
            return await self._process.wait()

    def _last_log_lines(self) -> str:
        return "\n".join(self._log_path.read_text(errors="replace").splitlines()[-_LOG_LINES:])


def free_address(host: str) -> CollectorAddress:
    """Find two ports that nobody listens on now.

    Raises:
        OSError: the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as sock:
            sock.bind((host, 0))
            ports.append(sock.getsockname()[1])
    return CollectorAddress(host, *ports)


def default_workers() -> int:
    """A pool even on a small machine, and no more than the demo can fill."""
    return min(4, max(2, len(os.sched_getaffinity(0))))
