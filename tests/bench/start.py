"""How long a service takes from its start to the first datagram, and what it takes when idle."""

import compileall
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.bench.jobs import Job, Place
from tests.bench.loads import Load
from tests.bench.measure import QUIET_S, Bench, running
from tests.bench.ours import PROJECT
from tests.bench.processes import wait_until
from tests.bench.result import Result
from tests.bench.subjects import Subject, output_of
from tests.bench.traffic import Traffic, record_of

_EVERY_S = 0.005
_FIRST_RECORD_S = 60.0
_WORKERS = 4


def measure_start(
    bench: Bench, row: str, job: Job, load: Load, kind: type[Subject], name: str
) -> Result:
    """Start one worker while datagrams come in already; then several, for the memory of each."""
    # As an installed package is, and a checkout where its environment lets Python write.
    compileall.compile_dir(PROJECT / "collector", quiet=2)
    octets = record_of(load.traffic.datagrams[0])["octets"].tolist()
    with bench.place(name) as place, _exporting(load.traffic, place):
        began_s = time.time()
        with running(kind(job, place)) as subject:
            first = _first_record(job, place)
    one, several = (
        _idle_octets(bench, replace(job, workers=workers), kind, f"{name}-{workers}")
        for workers in (1, _WORKERS)
    )
    figures = {
        "s to first datagram": first["timeReceived"] / 1e6 - began_s,
        "MiB with one worker": one / 2**20,
        "MiB each further worker": (several - one) / (_WORKERS - 1) / 2**20,
    }
    faults = (
        [] if first["octets"] in octets else [f"the first record is none of those sent: {first}"]
    )
    return Result(row, subject.name, figures, tuple(faults))


def _first_record(job: Job, place: Place) -> dict:
    path = Path(output_of(job, place))
    wait_until(lambda: path.exists() and b"\n" in path.read_bytes(), "a record", _FIRST_RECORD_S)
    with path.open() as lines:
        return json.loads(lines.readline())


def _idle_octets(bench: Bench, job: Job, kind: type[Subject], name: str) -> int:
    with bench.place(name) as place, running(kind(job, place)) as subject:
        subject.tree.wait_quiet(place.flow_port, QUIET_S)
        return subject.tree.pss_octets()


@contextmanager
def _exporting(traffic: Traffic, place: Place) -> Iterator[None]:
    """Send the template and a datagram over and over, whether somebody listens or not."""
    ended = threading.Event()

    def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not ended.wait(_EVERY_S):
                for octets in (traffic.templates[0], traffic.datagrams[0]):
                    with contextlib.suppress(OSError):
                        sock.sendto(octets, ("127.0.0.1", place.flow_port))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
