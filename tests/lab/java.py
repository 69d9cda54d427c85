"""Java programs of the lab: fetched by Maven once, ended at the latest with the tests."""

import contextlib
import fcntl
import hashlib
import random
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

JAVA = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Options for programs that live for seconds."""

_ATTEMPTS, _ATTEMPT_S, _PAUSE_S = 3, 240, 5

_CACHE = Path(__file__).parents[2] / "build" / "lab"

# Linux sends the parent-death signal when the *thread* ends that started the process; this one
# ends with the interpreter.
_STARTER = ThreadPoolExecutor(1, "java")


def fetched(pom: Path, *goal: str) -> Path:
    """Directory with what a POM names, got by Maven once per version of the POM.

    Args:
        goal: what has Maven copy files; archives among them are unpacked.
    """
    name = pom.parent.name
    library = _CACHE / f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(_CACHE / f"{name}.lock"):
        if not library.exists():
            fresh = library.with_suffix(".fresh")
            shutil.rmtree(fresh, ignore_errors=True)
            command = ["mvn", "-q", "-B", "-f", str(pom), *goal, f"-DoutputDirectory={fresh}"]
            _run_with_patience(command)
            for archive in fresh.glob("*.tar.gz"):
                with tarfile.open(archive) as files:
                    files.extractall(fresh, filter="data")
                archive.unlink()
            fresh.rename(library)
    return library


def _run_with_patience(command: list[str]) -> None:
    """Run a command that downloads; what came before a failure is not fetched again."""
    for attempt in range(_ATTEMPTS):
        try:
            subprocess.run(command, check=True, timeout=_ATTEMPT_S)
            return
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_S)


def start_java(
    arguments: Sequence[str], log: Path, *, inside: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Start a program and return at once; its output is appended to ``log``.

    Args:
        inside: words before the command, that of a network namespace.
    """
    # A program whose tests were killed must not stay behind.
    command = [*inside, "setpriv", "--pdeathsig", "KILL", "java", *JAVA, *arguments]
    return _STARTER.submit(_spawn, command, log).result()


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on."""
    # Below the kernel's ephemeral ports: any client's connection may take one of those between
    # our look and the program's start. In another namespace they are most probably free too.
    ports: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(ports) < count:
            listener = stack.enter_context(socket.socket())
            port = random.randrange(20_000, 32_000)
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", port))
                ports.append(port)
    return ports


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )


@contextlib.contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
