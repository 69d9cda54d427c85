"""The collector itself as the lab runs it: its command line, its configuration file, its log."""

import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from collector.workers import control_socket
from tests.lab.daemons import Daemon
from tests.lab.namespaces import Namespace, Network
from tests.lab.waiting import wait_for

_PROJECT = Path(__file__).parents[2]
_COLLECTOR = (sys.executable, "-m", "collector")
_RELOADED = re.compile("configuration (not )?reloaded")


def missing_for_ebpf() -> list[str]:
    """Packages that the collector needs for eBPF steering and this machine lacks."""
    found = any(Path("/usr").glob("lib/python3*/*-packages/bcc"))
    return [] if found else ["python3-bpfcc"]


class Service:
    """``python -m collector run`` in a namespace; as a context manager it is stopped at the end.

    Args:
        directory: of its configuration, control socket, log and whatever relative paths in the
            configuration name.
        configuration: TOML with ``control_socket = "control"``.
    """

    def __init__(
        self, network: Network, namespace: Namespace, directory: Path, configuration: str
    ) -> None:
        directory.mkdir(parents=True)
        self._network, self._namespace = network, namespace
        self._directory = directory
        self._socket = str(directory / "control")
        self._file = directory / "collector.toml"
        self._file.write_text(configuration)
        self._published: dict[str, _JsonLines] = {}
        self.daemon: Daemon

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    def start(self, deadline_s: float = 60.0) -> None:
        """Start it and wait until every worker reads its sockets."""
        self.launch()
        self.wait_for_log("ready: ", deadline_s=deadline_s)

    def launch(self) -> None:
        """Start the process and return at once."""
        run = [*_COLLECTOR, "run", "--config", str(self._file)]
        log = self._directory / "collector.log"
        self.daemon = self._network.daemon(
            self._namespace, "collector", log, "env", "-C", str(_PROJECT), *run
        )

    def status(self) -> dict[str, Any]:
        """What `collector status --json` prints."""
        return control_socket.ask(self._socket, {"ask": "status"})

    def run(self, *words: str) -> str:
        """Run one of its subcommands in its namespace; gives what that printed."""
        return self._namespace.run("env", "-C", str(_PROJECT), *_COLLECTOR, *words)

    def status_by_command(self) -> dict[str, Any]:
        """The status as an operator asks for it."""
        return json.loads(self.run("status", "--json", "--config", str(self._file)))

    def slots_of(self, workers: int, *devices: str) -> dict[str, int]:
        """Slots that ``collector steer`` names for devices."""
        told = self.run("steer", "--workers", str(workers), "--json", *devices)
        return {line["device"]: line["slot"] for line in map(json.loads, told.splitlines())}

    def worker(self, slot: int) -> dict[str, Any]:
        """Status of the worker in a slot."""
        return self.status()["workers"][slot]

    @contextlib.contextmanager
    def killed_worker(self, slot: int) -> Iterator[None]:
        """Kill -9 the worker in a slot; it is not started again before the block's end."""
        pid = self.worker(slot)["pid"]
        self.daemon.send_signal(signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not _is_alive(pid), "the end of the worker")
        try:
            yield
        finally:
            self.daemon.send_signal(signal.SIGCONT)
        self.wait_for_log(f"(pid {pid}) ended with signal")

    def worker_pids(self) -> list[int]:
        """Processes of the workers, in slot order."""
        return [worker["pid"] for worker in self.status()["workers"]]

    def reload(self, configuration: str) -> str:
        """Change the configuration and send SIGHUP; gives what the log says of it."""
        before = len(self.daemon.text())
        self._file.write_text(configuration)
        self.daemon.send_signal(signal.SIGHUP)
        wait_for(
            lambda: _RELOADED.search(self.daemon.text()[before:]),
            "the reload",
            watch=self.daemon.watch,
        )
        return self.daemon.text()[before:]

    def wait_for_log(self, words: str, deadline_s: float = 20.0) -> None:
        """Wait until its log has these words."""
        wait_for(
            lambda: words in self.daemon.text(),
            f"{words!r} in the collector's log",
            deadline_s=deadline_s,
            watch=self.daemon.watch,
            tell=self.daemon.tail,
        )

    def records(self, topic: str) -> list[dict[str, Any]]:
        """All that was published so far to an output of type file with ``path = "{topic}"``."""
        published = self._published.get(topic)
        if published is None:
            published = self._published[topic] = _JsonLines(self._directory / topic)
        return published.read()

    def kill(self) -> None:
        """End it at once, if it is running; returns when its workers have ended by themselves."""
        workers = self.daemon.children()
        self.daemon.stop(signal.SIGKILL)
        wait_for(lambda: not any(map(_is_alive, workers)), "the end of the workers")

    def last_counters(self) -> dict[str, int]:
        """Counters that it logged last; it does at its end."""
        line = self.daemon.text().rpartition("counters: ")[2].partition("\n")[0]
        return {name: int(count) for name, count in (word.split("=") for word in line.split())}

    def stop(self, deadline_s: float = 60.0) -> int | None:
        """Stop it in order and return its exit status."""
        return self.daemon.stop(signal.SIGTERM, deadline_s)


def _is_alive(pid: int) -> bool:
    """Whether a process still has what it had open."""
    process = Path(f"/proc/{pid}")
    try:
        state = (process / "stat").read_text().rpartition(") ")[2][0]
        # The first thread of a killed process is a zombie before the last one has closed files.
        return state != "Z" or len(list((process / "task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


class _JsonLines:
    """A file of JSON lines that grows; what was read once is not read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._records: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """All whole lines there are."""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as lines:
            lines.seek(self._offset)
            whole = lines.read().rpartition(b"\n")[0]
            if whole:
                self._offset += len(whole) + 1
                self._records += map(json.loads, whole.split(b"\n"))
        return self._records
