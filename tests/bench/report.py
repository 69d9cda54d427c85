"""Runs as Markdown tables: medians with their spread, and what one costs of the other."""

from collections.abc import Sequence
from statistics import median

from tests.bench.result import Result
from tests.bench.rows import ROWS, Row

OURS, THEIRS = "ours", "nfacctd"


def figures_table(results: Sequence[Result]) -> str:
    """Make the table of figures; a run with a fault counts for nothing and is named below it."""
    columns = list(dict.fromkeys(result.subject for result in results))
    columns.sort(key=lambda name: (name != OURS, name != THEIRS))
    lines = [
        f"| Row | Work | Unit | {' | '.join(columns)} |",
        "|---|---|---|" + "---|" * len(columns),
    ]
    for row in _rows(results):
        here = [result for result in results if result.row == row.name]
        wanted = dict.fromkeys((*row.figures, *row.beside, "MiB"))
        units = [unit for unit in wanted if any(unit in result.figures for result in here)]
        for unit in units:
            cells = [_cell(_values(here, row.name, column, unit)) for column in columns]
            lines.append(f"| {row.name} | {row.what} | {unit} | {' | '.join(cells)} |")
    told = [f"- invalid: {r.row}, {r.subject}: {fault}" for r in results for fault in r.faults]
    told += dict.fromkeys(f"- {r.row}, {r.subject}: {note}" for r in results for note in r.notes)
    return "\n".join([*lines, "", *told])


def ratios_table(results: Sequence[Result]) -> str:
    """Make the table of ratios: to nfacctd in the same run, to the base row of ours."""
    lines = ["| Row | Work | Figure | of nfacctd's | of our base row |", "|---|---|---|---|---|"]
    for row in _rows(results):
        for unit in row.figures:
            theirs, base = ratio_to_nfacctd(results, row, unit), ratio_to_base(results, row, unit)
            if theirs is None and base is None:
                continue
            cells = (
                f"{theirs:.2f}" if theirs else "-",
                f"{base:.2f} of {row.base}" if base else "-",
            )
            lines.append(f"| {row.name} | {row.what} | {unit} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ratio_to_nfacctd(results: Sequence[Result], row: Row, unit: str) -> float | None:
    """What ours costs of nfacctd's; None where one of them has no valid run."""
    return _ratio(_values(results, row.name, OURS, unit), _values(results, row.name, THEIRS, unit))


def ratio_to_base(results: Sequence[Result], row: Row, unit: str) -> float | None:
    """What a row costs of its base row; None where one of them has no valid run."""
    return _ratio(_values(results, row.name, OURS, unit), _values(results, row.base, OURS, unit))


def _rows(results: Sequence[Result]) -> list[Row]:
    return [ROWS[name] for name in dict.fromkeys(result.row for result in results)]


def _values(results: Sequence[Result], row: str, subject: str, unit: str) -> list[float]:
    return [
        result.figures[unit]
        for result in results
        if (result.row, result.subject) == (row, subject)
        and unit in result.figures
        and not result.faults
    ]


def _ratio(one: list[float], other: list[float]) -> float | None:
    if not one or not other or not median(other):
        return None
    return median(one) / median(other)


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    digits = 0 if min(values) >= 100 else 2
    middle, low, high = (
        f"{value:.{digits}f}" for value in (median(values), min(values), max(values))
    )
    return middle if len(values) == 1 else f"{middle} ({low}-{high})"
