"""The collector itself as the lab runs it: its command line, its configuration file, its log."""

import json
import signal
import sys
from pathlib import Path

from tests.lab.daemons import Daemon
from tests.lab.namespaces import Namespace, Network
from tests.lab.waiting import wait_for

_PROJECT = Path(__file__).parents[2]
_COLLECTOR = (sys.executable, "-m", "collector")


class Service:
    """``python -m collector run`` in a namespace, with a configuration file of its own."""

    def __init__(
        self, network: Network, namespace: Namespace, directory: Path, configuration: str
    ) -> None:
        directory.mkdir(parents=True)
        self._network, self._namespace = network, namespace
        self._socket = directory / "control"
        self._log = directory / "collector.log"
        self._file = directory / "collector.toml"
        self._file.write_text(configuration.replace("CONTROL_SOCKET", str(self._socket)))
        self.daemon: Daemon | None = None

    def start(self, deadline_s: float = 60.0) -> None:
        """Start it and wait until every worker reads its sockets."""
        run = [*_COLLECTOR, "run", "--config", str(self._file)]
        self.daemon = self._network.daemon(
            self._namespace, "collector", self._log, "env", "-C", str(_PROJECT), *run
        )
        wait_for(
            lambda: "ready: " in self.daemon.text(),
            "the collector to be ready",
            deadline_s=deadline_s,
            watch=self.daemon.watch,
        )

    def slot_of(self, device: str, workers: int) -> int:
        """Slot that ``collector steer`` names for a device."""
        return json.loads(self._run("steer", "--workers", str(workers), "--json", device))["slot"]

    def stop(self, deadline_s: float = 60.0) -> int | None:
        """Stop it in order and return its exit status."""
        return self.daemon.stop(signal.SIGTERM, deadline_s)

    def _run(self, *words: str) -> str:
        return self._namespace.run("env", "-C", str(_PROJECT), *_COLLECTOR, *words)
