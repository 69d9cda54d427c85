"""A real daemon under a test: started, watched, stopped, its log at hand when something fails."""

import re
import signal
import subprocess
from pathlib import Path

_STOP_S = 10.0


class Daemon:
    """One long-running process in the foreground, both outputs in one log file.

    Args:
        label: names it in messages and failure reports.
        command: words that run it, and that end when it ends.
        log: appended to, so that a restart keeps the earlier life.
        environment: replaces the environment; None inherits it.
    """

    def __init__(
        self,
        label: str,
        command: list[str],
        log: Path,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.label, self.command, self.log = label, command, log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running daemon."""
        assert self._process, f"{self.label} is not running"
        return self._process.pid

    def children(self) -> list[int]:
        """Process ids of what it has started; none if it is not running."""
        if not self._process:
            return []
        told = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in told.split()]

    def start(self) -> None:
        """Start it; whether it came up is for the caller to wait for."""
        assert self._process is None, f"{self.label} is running already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    def watch(self) -> None:
        """Raise RuntimeError with the end of the log if it has ended by itself."""
        if self._process and self._process.poll() is not None:
            status, self._process = self._process.returncode, None
            raise RuntimeError(f"{self.label} ended with {status}:\n{self.tail()}")

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is running."""
        if self._process:
            self._process.send_signal(number)

    def wait(self, deadline_s: float = _STOP_S) -> int | None:
        """Wait for its end, kill it at the deadline; its exit status, None if not running."""
        if not self._process:
            return None
        process, self._process = self._process, None
        try:
            return process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def stop(self, how: signal.Signals = signal.SIGTERM, deadline_s: float = _STOP_S) -> int | None:
        """Signal it and wait for its end, as `wait` does."""
        self.send_signal(how)
        return self.wait(deadline_s)

    def text(self) -> str:
        """All of its log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines: int = 40) -> str:
        """The end of its log; of lines that differ in their numbers only, one for all."""
        shapes: dict[str, list[str]] = {}
        for line in self.text().splitlines():
            # A shape moves to the end when it comes again.
            shape = re.sub(r"\d+", "0", line)
            shapes[shape] = [*shapes.pop(shape, []), line]
        told = [same[-1] + (f" ({len(same)} times)" * (len(same) > 1)) for same in shapes.values()]
        return "\n".join(told[-lines:])
