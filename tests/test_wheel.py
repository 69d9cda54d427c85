"""The wheel holds what a checkout has: every module, the element registry, the BPF programs."""

import subprocess
import sys
import zipfile
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def test_wheel_holds_modules_and_data(tmp_path: Path) -> None:
    # A copy, because the build leaves its work beside the sources.
    source = tmp_path / "source"
    source.mkdir()
    for name in ("bpf", "collector", "pyproject.toml", "README.md", "LICENSE"):
        subprocess.run(["cp", "-a", str(_ROOT / name), str(source)], check=True)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    build += ["--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*build, str(source)], check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("collector-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(_ROOT)) for path in (_ROOT / "collector").rglob("*.py")}
    wanted |= {str(path.relative_to(_ROOT)) for path in (_ROOT / "collector").rglob("*.csv")}
    programs = _ROOT / "bpf"
    wanted |= {
        f"collector/_bpf/{path.relative_to(programs)}"
        for path in programs.rglob("*")
        if path.is_file()
    }
    assert wanted <= held, sorted(wanted - held)
