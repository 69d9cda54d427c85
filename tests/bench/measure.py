"""A run with flows: what one job cost a collector, told only if its sums are right."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.far_end import BadRecordsError, add_up, read_frame
from tests.bench.jobs import Job, Place
from tests.bench.loads import Load
from tests.bench.processes import ProcessTree, free_ports, udp_state
from tests.bench.result import Result
from tests.bench.sender import Sender
from tests.bench.slots import misplaced
from tests.bench.subjects import Subject
from tests.bench.traffic import Sums

QUIET_S = 120.0
LATE = "sending took longer than the window"
_AFTER_WINDOW_S = 2.5  # lateness, and the tick of a second
_INTO_WINDOW_S = 2.5  # nfacctd purges up to 2 s after the end of a window
_KEPT_FILES = {".log", ".toml", ".conf"}


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs share.

    Attributes:
        directory: each run has one of its own in it.
        window_s: length of the windows of aggregates; divides 60.
        minutes: how long a long run takes.
    """

    directory: Path
    sender: Sender
    bootstrap: str
    window_s: int
    minutes: float
    load: Callable[[str], Load]

    @contextmanager
    def place(self, name: str, groups: int = 0) -> Iterator[Place]:
        """Give a place for one run; BMP sessions are closed and big files removed after it."""
        directory = self.directory / name
        directory.mkdir()
        ports = free_ports(2)
        try:
            yield Place(str(directory), *ports, self.bootstrap, name, self.window_s, groups)
        finally:
            self.sender.close()
            for path in directory.iterdir():
                if path.is_file() and path.suffix not in _KEPT_FILES:
                    path.unlink()


Loading = Callable[[Bench, ProcessTree, Place, Load], dict[str, float]]
"""Sends the tables of a load; gives figures."""


@contextmanager
def running(subject: Subject) -> Iterator[Subject]:
    """End a collector whatever happens."""
    try:
        yield subject
    finally:
        subject.stop()


def load_tables(bench: Bench, tree: ProcessTree, place: Place, load: Load) -> dict[str, float]:
    """Send all BMP sessions of a load; give what its routes cost."""
    sessions, routes = load.sessions, load.routes_sent
    before_s, before_octets = tree.cpu_s(), tree.pss_octets()
    for session in sessions:
        bench.sender.session(place.bmp_port, session)
    tree.wait_quiet(place.flow_port, QUIET_S, place.bmp_port)
    return {
        "us/route": (tree.cpu_s() - before_s) / routes * 1e6,
        "octets/route": (tree.pss_octets() - before_octets) / routes,
    }


def measure_flows(
    bench: Bench,
    row: str,
    job: Job,
    load: Load,
    kind: type[Subject],
    name: str,
    loading: Loading = load_tables,
) -> Result:
    """Start a collector, load its tables where the job is a joined one, send, wait, add up."""
    traffic = load.traffic
    sums = traffic.sums.times(job.repeat)
    figures: dict[str, float] = {}
    with bench.place(name, traffic.groups) as place:
        with running(kind(job, place)) as subject:
            subject.tree.wait_quiet(place.flow_port, QUIET_S)
            if job.joined:
                figures |= loading(bench, subject.tree, place, load)
            cpu_s, faults = send_measured(
                subject,
                job,
                place,
                lambda: bench.sender.flows(place.flow_port, load.name, job.flows_per_s, job.repeat),
            )
            figures["us/flow"] = cpu_s / sums.flows * 1e6
            figures["MiB"] = subject.tree.pss_octets() / 2**20
            faults += dropped(place)
            faults += undecoded(subject, sums.flows)
            if job.workers > 1:
                faults += misplaced(subject, job.workers, traffic)
        # Only now: the last few flows stay in a buffer of nfacctd until it ends.
        told, records = far_end(job, place, subject, sums)
        figures["records"] = records
    return Result(row, subject.name, figures, tuple(faults + told))


def send_measured(
    subject: Subject, job: Job, place: Place, send: Callable[[], None]
) -> tuple[float, list[str]]:
    """CPU seconds from the first datagram to the last record out; a window holds all flows."""
    tree, faults = subject.tree, []
    end_s = _wait_for_window(place) if job.records == "sums" else time.time()
    before_s = tree.cpu_s()
    send()
    if job.records == "sums" and time.time() > end_s:
        faults.append(LATE)
    _wait_past(end_s + _AFTER_WINDOW_S)
    if subject.keeps and job.records == "flows":
        _wait_past(_next_window(place) + _AFTER_WINDOW_S)
    tree.wait_quiet(place.flow_port, QUIET_S)
    return tree.cpu_s() - before_s, faults


def dropped(place: Place) -> list[str]:
    """Loss by the kernel's counters; to be asked while the sockets are there."""
    drops = udp_state(place.flow_port).drops
    return [f"{drops} datagrams dropped by the kernel"] if drops else []


def undecoded(subject: Subject, expected: int) -> list[str]:
    """Loss by the collector's own count."""
    decoded = subject.decoded(expected)
    return [] if decoded == expected else [f"decoded {decoded} of {expected} flows"]


def far_end(job: Job, place: Place, subject: Subject, sums: Sums) -> tuple[list[str], int]:
    """Compare what a consumer adds up with what was sent; also gives the number of records."""
    if job.records == "none":
        return [], 0
    try:
        records = read_frame(job, place, subject.names)
    except BadRecordsError as error:
        return [f"bad records: {error}"], 0
    expected = sums if job.joined else sums.without_routes()
    return differences(add_up(records, joined=job.joined), expected), len(records)


def differences(found: Sums, expected: Sums) -> list[str]:
    """Say which sums are wrong."""
    wanted = asdict(expected)
    wrong = [
        f"{name} {value} in place of {wanted[name]}"
        for name, value in asdict(found).items()
        if value != wanted[name]
    ]
    return [f"sums are {', '.join(wrong)}"] if wrong else []


def _next_window(place: Place) -> float:
    return math.floor(time.time() / place.window_s + 1) * place.window_s


def _wait_for_window(place: Place) -> float:
    """Wait for the beginning of a window; give its end."""
    start_s = _next_window(place)
    _wait_past(start_s + _INTO_WINDOW_S)
    return start_s + place.window_s


def _wait_past(time_s: float) -> None:
    time.sleep(max(0.0, time_s - time.time()))
