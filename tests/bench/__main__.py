"""`python -m tests.bench [ROW ...]`: what flows and routes cost, beside nfacctd in the same run."""

import argparse
import json
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.loads import Load
from tests.bench.measure import Bench
from tests.bench.report import figures_table, ratios_table
from tests.bench.result import Result
from tests.bench.rows import LOADS, ROWS, Row
from tests.bench.sender import Sender
from tests.bench.subjects import subjects
from tests.lab.kafka_broker import KafkaBroker

_OUT = Path(__file__).parents[2] / "build" / "bench"


def main() -> int:
    """Run the bench; 1 where a run was invalid."""
    options = _parser().parse_args()
    rows = [ROWS[name] for name in options.rows or ROWS]
    with ExitStack() as stack:
        bench = _bench(options, rows, stack)
        results = _run(bench, rows, options)
    _write(results, options)
    return 1 if any(result.faults for result in results) else 0


def _bench(options: argparse.Namespace, rows: list[Row], stack: ExitStack) -> Bench:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    bootstrap = ""
    if any(row.needs_kafka for row in rows):
        broker = KafkaBroker(directory / "kafka", heap="1g")
        bootstrap = stack.enter_context(broker).bootstrap
    sender = stack.enter_context(Sender(directory / "sender"))
    loads = {
        name: Load(name, spec, options.flows, options.routes, sender)
        for name, spec in LOADS.items()
    }
    return Bench(
        directory, sender, bootstrap, options.window_s, options.minutes, loads.__getitem__
    )


def _run(bench: Bench, rows: list[Row], options: argparse.Namespace) -> list[Result]:
    here, results = subjects(), []
    # Interleaved: what the machine does beside hits all of them alike.
    for number in range(options.rounds):
        for row in rows:
            for name in row.subjects:
                if number < row.rounds and name in here and name in (options.only or name):
                    run = f"{row.name}-{name}-{number}"
                    results.append(row.measure(bench, row, here[name], run))
                    print(json.dumps(results[-1].document()), flush=True)
    return results


def _write(results: list[Result], options: argparse.Namespace) -> None:
    machine = {"machine": platform.machine(), "system": platform.release()}
    asked = {"flows": options.flows, "routes": options.routes}
    document = machine | asked | {"runs": [result.document() for result in results]}
    text = f"{figures_table(results)}\n\n{ratios_table(results)}\n"
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.json").write_text(json.dumps(document, indent=1))
    (options.out / "bench.md").write_text(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], help="all where none is named")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flows", type=int, default=540_000)
    parser.add_argument("--routes", type=int, default=1_000_000)
    parser.add_argument("--window-s", type=int, default=15, help="divides 60; sending must fit in")
    parser.add_argument("--minutes", type=float, default=2.0, help="of the long run")
    parser.add_argument("--only", help="one collector: ours, nfacctd or goflow2")
    parser.add_argument("--out", type=Path, default=_OUT, help="for bench.json and bench.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
