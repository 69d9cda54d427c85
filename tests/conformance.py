"""`make conformance`: real routers' captures through the nfacctd mode, against nfacctd's records.

The instrument and the captures are no part of the project: they are in ``../shared``, beside the
checkout. Each scenario runs in a network namespace of its own, so that several run at once. A case
itself runs by its nfacctd.conf, its further scenarios by the TOML that `--explain` prints.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROJECT = Path(__file__).resolve().parents[1]
_SHARED = _PROJECT.parent / "shared"
_INSTRUMENT = _SHARED / "conformance" / "run.py"
_CAPTURES = _SHARED / "captures"
_DEADLINE_S = 600
# Dumps come with the minute; the cases' own deadlines count on events that come late as well.
_WAIT_S = 130
# They wait most of the time: for a second of the clock, or for the end of a time bin.
_AT_ONCE = 3

_BY_CONF = (
    f"{sys.executable} -m collector nfacctd -f {{conf}}"
    " --flow-out {flow_out} --bmp-out {bmp_out} --dump-out {dump_out}"
)
_BY_TOML = (
    f"sh -c '{_BY_CONF} --explain > {{dir}}/native.toml"
    f" && exec {sys.executable} -m collector run --config {{dir}}/native.toml'"
)
_FILES = [f"--{name}-out={{dir}}/{name}.json" for name in ("flow", "bmp", "dump")]

_TITLES = ("case", "scenario", "stream", "expected", "matched", "missing", "unexpected", "ok")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to run a case; number 0 is the case itself."""

    case: str
    number: int

    @property
    def collector(self) -> str:
        """The command that runs it."""
        return _BY_TOML if self.number else _BY_CONF


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the instrument said of a scenario.

    Attributes:
        rows: of the table, one for each comparison.
        ok: everything was as expected, and the collector ended in order.
        text: all that the instrument printed.
    """

    rows: list[tuple[str, ...]]
    ok: bool
    text: str


def scenarios() -> Iterator[Scenario]:
    """All scenarios of all cases: directories ``NNN-NAME``, within them ``scenario-NN``."""
    for case in sorted(_CAPTURES.glob("[0-9][0-9][0-9]-*")):
        yield Scenario(case.name, 0)
        for scenario in sorted(case.glob("scenario-[0-9][0-9]")):
            yield Scenario(case.name, int(scenario.name[-2:]))


def run(scenario: Scenario) -> Outcome:
    """Run one scenario to its end."""
    command = [sys.executable, str(_INSTRUMENT), scenario.case[:3], "--repair"]
    command += ["--scenario", str(scenario.number), "--suite", str(_CAPTURES)]
    command += ["--wait", str(_WAIT_S)]
    try:
        ended = subprocess.run(
            [*command, "--collector-cmd", scenario.collector, *_FILES],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
            # The instrument starts the collector in a directory of its own.
            env=os.environ | {"PYTHONPATH": str(_PROJECT)},
        )
    except subprocess.TimeoutExpired:
        return _failed(scenario, f"no end within {_DEADLINE_S} s")
    last = ended.stdout.rstrip().rpartition("\n")[2]
    if not last.startswith("{"):
        return _failed(scenario, ended.stdout)
    told = json.loads(last)
    rows = [_row(scenario, step) for step in told["steps"]]
    ok = ended.returncode == 0 and told["ok"]
    if not ok and all(row[-1] == "yes" for row in rows):
        why = f"the collector ended with {told['collector_exit']}"
        rows.append((scenario.case, str(scenario.number), why, "", "", "", "", "NO"))
    return Outcome(rows, ok, ended.stdout)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under their titles, numbers to the right."""
    every = [_TITLES, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(_TITLES))]
    lines = []
    for row in every:
        cells = [
            text.ljust(width) if column in (0, 2) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def main() -> int:
    """Run everything, print the table, and of what failed the instrument's words."""
    if not (_INSTRUMENT.is_file() and _CAPTURES.is_dir()):
        print("conformance: skipped (../shared is not there)")
        return 0
    if os.geteuid() != 0 or shutil.which("ip") is None:
        print("conformance: needs root and iproute2", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(_AT_ONCE) as at_once:
        outcomes = list(at_once.map(run, scenarios()))
    for outcome in outcomes:
        if not outcome.ok:
            print(outcome.text, end="\n\n")
    print(table([row for outcome in outcomes for row in outcome.rows]))
    failed = sum(not outcome.ok for outcome in outcomes)
    print(f"conformance: {len(outcomes) - failed} of {len(outcomes)} scenarios are as expected")
    return 1 if failed or not outcomes else 0


def _row(scenario: Scenario, step: dict[str, Any]) -> tuple[str, ...]:
    counts = [str(step[name]) for name in ("expected", "matched", "missing", "unexpected")]
    stream = f"{step['stream']} {step['reference']}"
    ok = "yes" if step["ok"] else "NO"
    return (scenario.case, str(scenario.number), stream, *counts, ok)


def _failed(scenario: Scenario, text: str) -> Outcome:
    row = (scenario.case, str(scenario.number), "no result", "", "", "", "", "NO")
    return Outcome([row], False, text)


if __name__ == "__main__":
    sys.exit(main())
