"""What the bench asks of a collector that it measures."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from tests.bench.jobs import Job, Place
from tests.bench.processes import ProcessTree

STOP_S = 90.0


@dataclass(frozen=True, slots=True)
class Names:
    """How a collector's records call what is added up; empty where they do not have it."""

    octets: str
    packets: str
    as_path: str = ""
    source_origin: str = ""
    next_hop: str = ""
    destination: str = ""
    destination_port: str = ""
    med: str = ""


class Subject(Protocol):
    """One collector, running one job.

    Attributes:
        keeps: whether it holds back records of single flows until its window ends.
    """

    name: ClassVar[str]
    names: ClassVar[Names]
    keeps: ClassVar[bool]
    tree: ProcessTree

    def __init__(self, job: Job, place: Place) -> None: ...

    def decoded(self, expected: int) -> int:
        """Flows decoded so far, by its own count; ``expected`` where it does not say."""

    def stop(self) -> None:
        """End it in order."""


def output_of(job: Job, place: Place) -> str:
    """The topic or file that a collector writes to."""
    return place.topic if job.output == "kafka" else f"{place.directory}/{place.topic}"


def spawn(command: list[str], log: Path, cwd: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own; its output goes to ``log``."""
    with log.open("wb") as file:
        return subprocess.Popen(command, cwd=cwd, stdout=file, stderr=file, start_new_session=True)


@contextmanager
def ended_on_error(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave no process behind that did not start as it should."""
    try:
        yield
    except BaseException:
        end(process, signal.SIGKILL)
        raise


def end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Ask a process to end; by force where it does not, and what is left of its group anyway."""
    process.send_signal(number)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
