"""Runs as a Markdown table: medians with their spread, and what one costs of the other."""

from collections.abc import Sequence
from statistics import median

from tests.bench.jobs import JOBS
from tests.bench.measure import Run

_OURS, _THEIRS = "ours", "nfacctd"
_HEAD = "| Row | Work | ours | nfacctd | ratio | PSS, MiB |\n|---|---|---|---|---|---|"


def markdown(runs: Sequence[Run]) -> str:
    """Make the table; a run with a fault counts for nothing and is named below it."""
    lines = [_HEAD]
    for row in dict.fromkeys(run.row for run in runs):
        here = [run for run in runs if run.row == row]
        memory = " / ".join(
            f"{median([run.pss_octets for run in of]) / 2**20:.0f}"
            for of in (_valid(here, _OURS), _valid(here, _THEIRS))
            if of
        )
        cells = _cells(here, "us_per_flow", "us/flow")
        lines.append(f"| {row} | {JOBS[row].what} | {cells} | {memory} |")
    loads = [run for run in runs if run.us_per_route is not None]
    if loads:
        for attribute, unit in (("us_per_route", "us/route"), ("octets_per_route", "octets/route")):
            lines.append(f"| F | table load | {_cells(loads, attribute, unit)} | |")
    faults = [
        f"- invalid: {run.row}, {run.subject}: {fault}" for run in runs for fault in run.faults
    ]
    return "\n".join([*lines, "", *faults])


def _cells(runs: list[Run], attribute: str, unit: str) -> str:
    medians, cells = [], []
    for subject in (_OURS, _THEIRS):
        values = [getattr(run, attribute) for run in _valid(runs, subject)]
        if not values:
            cells.append("-")
            continue
        medians.append(median(values))
        cells.append(f"{median(values):.2f} ({min(values):.2f}-{max(values):.2f}) {unit}")
    ratio = f"{medians[0] / medians[1]:.2f}" if len(medians) == 2 and medians[1] else "-"
    return " | ".join([*cells, ratio])


def _valid(runs: list[Run], subject: str) -> list[Run]:
    return [run for run in runs if run.subject == subject and not run.faults]
