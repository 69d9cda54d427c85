"""`python -m tests.bench [ROW ...]`: what flows and routes cost, beside nfacctd in the same run."""

import argparse
import json
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.jobs import JOBS, Place
from tests.bench.measure import Run, measure, remove_files
from tests.bench.processes import free_ports
from tests.bench.report import markdown
from tests.bench.sender import Sender
from tests.bench.subjects import subjects
from tests.bench.table import make_table
from tests.bench.traffic import make_traffic
from tests.lab.kafka_broker import KafkaBroker

_OUT = Path(__file__).parents[2] / "build" / "bench"


def main() -> int:
    """Run the bench; 1 where a run was invalid."""
    options = _parser().parse_args()
    jobs = [JOBS[row] for row in options.rows or JOBS]
    kinds = [kind for kind in subjects() if kind.name in (options.only or kind.name)]
    table = make_table(options.routes)
    traffic = make_traffic(options.flows, table)
    print(
        f"{traffic.sums.flows} flows in {traffic.groups} groups, {len(table.networks)} routes",
        flush=True,
    )
    runs: list[Run] = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        bootstrap = ""
        if any(job.output == "kafka" for job in jobs):
            broker = KafkaBroker(directory / "kafka", heap="1g")
            bootstrap = stack.enter_context(broker).bootstrap
        sender = stack.enter_context(Sender(directory, traffic, table.bmp))
        # Interleaved: what the machine does beside hits all of them alike.
        for number in range(options.rounds):
            for job in jobs:
                for kind in kinds:
                    name = f"{job.row}-{kind.name}-{number}"
                    (directory / name).mkdir()
                    ports = free_ports(2)
                    place = Place(str(directory / name), *ports, bootstrap, name, options.window_s)
                    runs.append(measure(kind, job, place, sender, traffic, table))
                    remove_files(place)
                    print(json.dumps(runs[-1].document()), flush=True)
    text = markdown(runs)
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    machine = {"machine": platform.machine(), "system": platform.release()}
    document = machine | {"flows": traffic.sums.flows, "runs": [run.document() for run in runs]}
    (options.out / "bench.json").write_text(json.dumps(document, indent=1))
    (options.out / "bench.md").write_text(text + "\n")
    return 1 if any(run.faults for run in runs) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *JOBS], help="all where none is named")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flows", type=int, default=540_000)
    parser.add_argument("--routes", type=int, default=1_000_000)
    parser.add_argument("--window-s", type=int, default=15, help="divides 60; sending must fit in")
    parser.add_argument("--only", help="one collector: ours or nfacctd")
    parser.add_argument("--out", type=Path, default=_OUT, help="for bench.json and bench.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
