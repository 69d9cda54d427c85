"""`python -m tests.bench [ROW ...]`: what flows and routes cost, beside nfacctd in the same run.

With ``--small`` a few rows with little load, which CI runs: they fail where a sum is wrong, or a
row costs more than twice its recorded ratio.
"""

import argparse
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tests.bench.guard import RATIOS, ratios_of, read_ratios, record, too_dear
from tests.bench.installed import installed
from tests.bench.loads import Load
from tests.bench.measure import LATE, Bench
from tests.bench.report import OURS, figures_table, ratios_table
from tests.bench.result import Result
from tests.bench.rows import LOADS, ROWS, Row
from tests.bench.sender import Sender
from tests.lab.kafka_broker import KafkaBroker

_OUT = Path(__file__).parents[2] / "build" / "bench"
_SMALL_ROWS = ("A", "B", "C", "D", "F", "H100", "I2")
_SMALL = {"rounds": 1, "flows": 90_000, "routes": 100_000, "window_s": 6}


def main() -> int:
    """Run the bench; 1 where a run was invalid or, of a small one, a row too dear."""
    options = _parser().parse_args()
    if options.small:
        vars(options).update(_SMALL)
    if options.read:
        return _again(options)
    rows = [ROWS[name] for name in options.rows or (_SMALL_ROWS if options.small else ROWS)]
    with ExitStack() as stack:
        bench = _bench(options, rows, stack)
        results: list[Result] = []
        # Interleaved: what the machine does beside hits all of them alike.
        for number in range(options.rounds):
            _round(bench, rows, number, options, results)
        told = _judge(results, rows) if options.small and not options.record else []
        if told and not _is_wrong(results):
            # A busy machine is no regression: such a row is measured once more.
            again = [row for row in rows if any(line.startswith(f"{row.name}:") for line in told)]
            _round(bench, again, options.rounds, options, results)
            told = _judge(results, rows)
    _write(results, options)
    print(*(f"too dear: {line}" for line in told), sep="\n")
    failed = bool(told) or (_is_wrong if options.small else _is_invalid)(results)
    if options.record and not failed:
        record("small" if options.small else "full", ratios_of(results))
        print(f"recorded in {RATIOS}")
    return int(failed)


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
    return Bench(directory, sender, bootstrap, options.window_s, options.minutes, loads.__getitem__)


def _again(options: argparse.Namespace) -> int:
    """Make the tables of earlier runs: all rows in one run take more than an hour."""
    results = [
        Result(**run) for path in options.read for run in json.loads(path.read_text())["runs"]
    ]
    _write(results, options)
    if options.record:
        record("full", ratios_of(results))
    return int(_is_invalid(results))


def _round(
    bench: Bench,
    rows: Iterable[Row],
    number: int,
    options: argparse.Namespace,
    results: list[Result],
) -> None:
    here = installed()
    for row in rows:
        for name in row.subjects:
            lacks = name != OURS and not all(map(shutil.which, row.needs))
            wanted = number < row.rounds and name in (options.only or name)
            if name not in here or lacks or not wanted:
                continue
            run, load = f"{row.name}-{name}-{number}", bench.load(row.load)
            try:
                result = row.measure(bench, row.name, row.job, load, here[name], run)
            except (TimeoutError, OSError) as error:  # the other rows are still worth something
                result = Result(row.name, name, {}, (repr(error),))
            results.append(result)
            print(json.dumps(result.document()), flush=True)
            _save(results, options)  # each time: it takes more than an hour


def _judge(results: list[Result], rows: list[Row]) -> list[str]:
    names = {row.name for row in rows}
    recorded = read_ratios().get("small", {})
    here = {name: ratios for name, ratios in recorded.items() if name in names}
    return too_dear(ratios_of(results), here)


def _is_invalid(results: list[Result]) -> bool:
    return any(result.faults for result in results)


def _is_wrong(results: list[Result]) -> bool:
    """Whether ours lost or falsified something; a machine may well be too busy for nfacctd."""
    return any(set(result.faults) - {LATE} for result in results if result.subject == OURS)


def _write(results: list[Result], options: argparse.Namespace) -> None:
    text = f"{figures_table(results)}\n\n{ratios_table(results)}\n"
    print(text)
    _save(results, options)
    (options.out / "bench.md").write_text(text)


def _save(results: list[Result], options: argparse.Namespace) -> None:
    machine = {"machine": platform.machine(), "system": platform.release()}
    asked = {"flows": options.flows, "routes": options.routes}
    document = machine | asked | {"runs": [result.document() for result in results]}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.json").write_text(json.dumps(document, indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], help="all where none is named")
    parser.add_argument("--small", action="store_true", help=f"rows {', '.join(_SMALL_ROWS)}")
    parser.add_argument("--record", action="store_true", help="write the ratios to ratios.toml")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flows", type=int, default=540_000)
    parser.add_argument("--routes", type=int, default=1_000_000)
    parser.add_argument("--window-s", type=int, default=15, help="divides 60; sending must fit in")
    parser.add_argument("--minutes", type=float, default=2.0, help="of the long run, row S")
    parser.add_argument("--only", help="one collector: ours, nfacctd or goflow2")
    parser.add_argument(
        "--read", nargs="+", type=Path, metavar="JSON", help="tables of earlier runs; none is made"
    )
    parser.add_argument("--out", type=Path, default=_OUT, help="for bench.json and bench.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
