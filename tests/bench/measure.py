"""One run: a collector does one job, and what it cost is told only if its sums are right."""

import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.bench.far_end import read_sums
from tests.bench.jobs import Job, Place
from tests.bench.processes import udp_state
from tests.bench.sender import Sender
from tests.bench.subjects import Subject
from tests.bench.table import BenchTable
from tests.bench.traffic import Sums, Traffic

_QUIET_S = 120.0
_AFTER_WINDOW_S = 2.5  # lateness, and the tick of a second
_INTO_WINDOW_S = 2.5  # nfacctd purges up to 2 s after the end of a window


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed.

    Attributes:
        us_per_flow: CPU of all its processes from the first datagram to the last record out.
        us_per_route, octets_per_route: of the table load before, where there is one.
        pss_octets: memory of all its processes at the end.
        faults: why the run is invalid; empty where it is not.
    """

    row: str
    subject: str
    us_per_flow: float
    pss_octets: int
    records: int
    us_per_route: float | None = None
    octets_per_route: float | None = None
    faults: tuple[str, ...] = ()

    def document(self) -> dict:
        """As JSON-ready values."""
        return asdict(self)


def measure(
    kind: type[Subject],
    job: Job,
    place: Place,
    sender: Sender,
    traffic: Traffic,
    table: BenchTable,
) -> Run:
    """Start a collector, load its table where the job is a joined one, send, wait, add up."""
    subject = kind(job, place)
    try:
        tree = subject.tree
        tree.wait_quiet(place.flow_port, _QUIET_S)
        route_us = route_octets = None
        if job.joined:
            route_us, route_octets = _load(subject, place, sender, len(table.networks))
        end_s = _wait_for_window(place) if job.records == "sums" else time.time()
        before_s = tree.cpu_s()
        sender.flows(place.flow_port, job.flows_per_s)
        faults = []
        if job.records == "sums" and time.time() > end_s:
            faults.append("sending took longer than the window")
        _wait_past(end_s + _AFTER_WINDOW_S)
        if subject.name == "nfacctd" and job.records == "flows":
            _wait_past(_next_window(place) + _AFTER_WINDOW_S)
        tree.wait_quiet(place.flow_port, _QUIET_S)
        cpu_s = tree.cpu_s() - before_s
        pss = tree.pss_octets()
        drops = udp_state(place.flow_port).drops
        if drops:
            faults.append(f"{drops} datagrams dropped by the kernel")
        decoded = subject.decoded(traffic.sums.flows)
        if decoded != traffic.sums.flows:
            faults.append(f"decoded {decoded} of {traffic.sums.flows} flows")
    finally:
        subject.stop()
    # Only now: the last few flows stay in a buffer of nfacctd until it ends.
    told, records = _far_end(job, place, subject, traffic)
    faults += told
    return Run(
        job.row,
        subject.name,
        cpu_s / traffic.sums.flows * 1e6,
        pss,
        records,
        route_us,
        route_octets,
        tuple(faults),
    )


def _load(subject: Subject, place: Place, sender: Sender, routes: int) -> tuple[float, float]:
    tree = subject.tree
    before_s, before_octets = tree.cpu_s(), tree.pss_octets()
    sender.bmp(place.bmp_port)
    tree.wait_quiet(place.flow_port, _QUIET_S, place.bmp_port)
    cpu_s = tree.cpu_s() - before_s
    return cpu_s / routes * 1e6, (tree.pss_octets() - before_octets) / routes


def _far_end(job: Job, place: Place, subject: Subject, traffic: Traffic) -> tuple[list[str], int]:
    if job.records == "none":
        return [], 0
    expected = traffic.sums if job.joined else replace(traffic.sums, origins=0)
    found, records = read_sums(job, place, subject)
    return ([] if found == expected else [f"sums are {_difference(found, expected)}"]), records


def _difference(found: Sums, expected: Sums) -> str:
    wanted = asdict(expected)
    return ", ".join(
        f"{name} {value} in place of {wanted[name]}"
        for name, value in asdict(found).items()
        if value != wanted[name]
    )


def _next_window(place: Place) -> float:
    return math.floor(time.time() / place.window_s + 1) * place.window_s


def _wait_for_window(place: Place) -> float:
    """Wait for the beginning of a window; give its end."""
    start_s = _next_window(place)
    _wait_past(start_s + _INTO_WINDOW_S)
    return start_s + place.window_s


def _wait_past(time_s: float) -> None:
    time.sleep(max(0.0, time_s - time.time()))


def remove_files(place: Place) -> None:
    """Make room: a run may have written a gigabyte."""
    for path in Path(place.directory).iterdir():
        if path.is_file() and path.suffix not in {".log", ".toml", ".conf"}:
            path.unlink()
