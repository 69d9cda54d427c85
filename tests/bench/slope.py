"""A long run at constant load: whether memory grows."""

import threading
import time

import numpy as np

from tests.bench.jobs import Job
from tests.bench.loads import Load
from tests.bench.measure import (
    QUIET_S,
    Bench,
    dropped,
    far_end,
    load_tables,
    running,
    undecoded,
)
from tests.bench.processes import ProcessTree
from tests.bench.result import Result
from tests.bench.subjects import Subject

_EVERY_S = 2.0
_WARM_S = 60.0
_LATE_S = 3.0  # the last window is published so long after its end


def measure_slope(
    bench: Bench, row: str, job: Job, load: Load, kind: type[Subject], name: str
) -> Result:
    """Send the same flows over and over; fit a line to the memory after the first minute."""
    pass_s = load.traffic.sums.flows / job.flows_per_s
    repeat = max(1, round(bench.minutes * 60 / pass_s))
    sums = load.traffic.sums.times(repeat)
    with bench.place(name, load.traffic.groups) as place:
        with running(kind(job, place)) as subject:
            tree = subject.tree
            tree.wait_quiet(place.flow_port, QUIET_S)
            load_tables(bench, tree, place, load)
            before_s = tree.cpu_s()
            sending = threading.Thread(
                target=bench.sender.flows,
                args=(place.flow_port, load.name, job.flows_per_s, repeat),
            )
            sending.start()
            samples = _sampled(tree, sending)
            time.sleep(place.window_s + _LATE_S)
            tree.wait_quiet(place.flow_port, QUIET_S)
            figures = {
                "MiB/minute": growth(samples, place.window_s),
                "us/flow": (tree.cpu_s() - before_s) / sums.flows * 1e6,
                "MiB": samples[-1][1] / 2**20,
            }
            faults = dropped(place) + undecoded(subject, sums.flows)
        told, _ = far_end(job, place, subject, sums)
    note = f"{bench.minutes:g} minutes"
    return Result(row, subject.name, figures, tuple(faults + told), (note,))


def growth(samples: list[tuple[float, int]], window_s: float) -> float:
    """Slope of (seconds, octets) after the first minute, in MiB a minute; NaN: it took no more.

    Of each window only the peak counts: memory rises until a window is published.
    """
    peaks: dict[int, int] = {}
    for at_s, octets in samples:
        window = int(at_s // window_s)
        peaks[window] = max(octets, peaks.get(window, 0))
    # The last window is not whole.
    late = [
        (window, peak) for window, peak in list(peaks.items())[:-1] if window * window_s >= _WARM_S
    ]
    if len(late) < 2:
        return float("nan")
    windows, octets = np.array(late).T
    return float(np.polyfit(windows * window_s / 60, octets / 2**20, 1)[0])


def _sampled(tree: ProcessTree, sending: threading.Thread) -> list[tuple[float, int]]:
    began, samples = time.monotonic(), []
    while sending.is_alive():
        samples.append((time.monotonic() - began, tree.pss_octets()))
        sending.join(_EVERY_S)
    return samples
