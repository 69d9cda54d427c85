"""The ratios that were recorded, and whether a run's ratios are still near them.

Ratios, not times: machines differ, what one collector costs of the other in the same run hardly.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.bench.report import ratio_to_base, ratio_to_nfacctd
from tests.bench.result import Result
from tests.bench.rows import ROWS

RATIOS = Path(__file__).with_name("ratios.toml")
_TIMES = 2.0  # dearer than recorded by this much is a fault
_HEAD = """\
# What a row costs of nfacctd's in the same run, and of our own base row: recorded by
# `python -m tests.bench --record`, or with `--small` for the table that CI watches.
"""

Recorded = dict[str, dict[str, dict[str, float]]]
"""Table ("full", "small"), row, "nfacctd" or "base": ratio of the row's first figure."""


def ratios_of(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    """The ratios of a run, as they are recorded."""
    ratios = {}
    for name in dict.fromkeys(result.row for result in results):
        row = ROWS[name]
        found = {
            "nfacctd": ratio_to_nfacctd(results, row, row.figures[0]),
            "base": ratio_to_base(results, row, row.figures[0]),
        }
        ratios[name] = {to: round(value, 3) for to, value in found.items() if value is not None}
    return {name: found for name, found in ratios.items() if found}


def too_dear(
    found: dict[str, dict[str, float]], recorded: dict[str, dict[str, float]]
) -> list[str]:
    """Name each recorded ratio that a run has more than doubled, or does not have."""
    told = []
    for row, ratios in recorded.items():
        for to, ratio in ratios.items():
            now = found.get(row, {}).get(to)
            if now is None:
                told.append(f"{row}: no ratio to {to}, recorded is {ratio:.2f}")
            elif now > _TIMES * ratio:
                told.append(f"{row}: {now:.2f} of {to}, recorded is {ratio:.2f}")
    return told


def read_ratios(path: Path = RATIOS) -> Recorded:
    """Read what was recorded; nothing where there is no file."""
    return tomllib.loads(path.read_text()) if path.exists() else {}


def record(table: str, found: dict[str, dict[str, float]], path: Path = RATIOS) -> None:
    """Record the ratios of a run; other rows and tables stay."""
    recorded = read_ratios(path)
    recorded[table] = recorded.get(table, {}) | found
    lines = [_HEAD]
    for name, rows in sorted(recorded.items()):
        lines.append(f"[{name}]")
        for row, ratios in rows.items():
            values = ", ".join(f"{to} = {ratio}" for to, ratio in ratios.items())
            lines.append(f"{row} = {{ {values} }}")
        lines.append("")
    path.write_text("\n".join(lines))
