"""Imports point down only: the table of layers, checked against every import in collector/."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

_ROOT = Path(__file__).parents[1]
_PACKAGE = _ROOT / "collector"

# A module belongs to the longest name here that it starts with. The number is its layer: what is
# lower it may import, of its own layer only itself and its `_PEERS`.
_LAYER = {
    "collector": 0,  # the package's own __init__, which imports nothing
    "collector.errors": 0,
    "collector.logs": 0,
    "collector.metrics": 0,
    "collector.protocols.flow_values": 1,
    "collector.protocols.bgp": 1,
    "collector.protocols.bmp": 1,
    "collector.protocols.ipfix": 1,
    "collector.protocols.netflow": 1,
    "collector.protocols": 1.5,  # modules over several protocols, as flow_decoder
    "collector.rib": 1,
    "collector.records": 2,
    "collector.pipeline": 3,
    "collector.receivers": 4,
    "collector.processors": 4,
    "collector.exporters": 4,
    "collector.steering": 4,
    "collector.simulation": 4,
    "collector.config": 5,
    "collector.nfacctd": 5.1,
    "collector.workers": 5.2,
    "collector.cli": 6,
    "collector.__main__": 7,
}

_PEERS = {
    # BMP carries BGP PDUs.
    "collector.protocols.bmp": {"collector.protocols.bgp"},
    # NetFlow and IPFIX decode to the same values, whose layouts are IPFIX's.
    "collector.protocols.flow_values": {"collector.protocols.ipfix"},
    "collector.protocols.ipfix": {"collector.protocols.flow_values"},
    "collector.protocols.netflow": {"collector.protocols.flow_values", "collector.protocols.ipfix"},
}

_THIRD_PARTY = {
    "collector.protocols": {"numpy"},
    "collector.rib": {"numpy"},
    "collector.records": {"numpy", "polars", "orjson", "msgpack"},  # its encoders
    "collector.pipeline": {"numpy", "polars"},
}

# Sockets, loops, clocks, files, processes: what a decoder or a table has no business with.
_IO_AND_CLOCKS = {
    *("asyncio", "concurrent", "fcntl", "mmap", "multiprocessing", "os", "pathlib"),
    *("queue", "select", "selectors", "shutil", "signal", "socket", "socketserver", "sched"),
    *("ssl", "subprocess", "tempfile", "threading", "time"),
}
_ADDRESS_TEXT = {"AF_INET", "AF_INET6", "inet_ntop", "inet_pton"}  # of socket, and no I/O
_PURE = ("collector.protocols", "collector.rib", "collector.records")
_FILE_CALLS = {"open", "input", "print"}  # built-in functions
_CLOCK_CALLS = {"now", "utcnow", "today"}  # methods of datetime

_COMMAND_LINE = {"argparse", "getopt", "optparse"}


class Import(NamedTuple):
    """One imported module, absolute, and where it is imported."""

    importer: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def _module_name(path: Path) -> str:
    parts = path.relative_to(_ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> Iterator[Import]:
    importer = _module_name(path)
    package = importer if path.name == "__init__.py" else importer.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*above, node.module or ""] if node.level else [node.module or ""])
            for alias in node.names:
                # `from collector.rib import index` names a module, `from x import Y` rarely.
                yield Import(importer, node.lineno, _deepest(module.rstrip("."), alias.name))
        elif isinstance(node, ast.Call) and _is_import_call(node):
            yield Import(importer, node.lineno, node.args[0].value)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_import_call(node: ast.Call) -> bool:
    return (
        _called(node) in {"import_module", "__import__", "spec_from_file_location"}
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
    )


def _deepest(module: str, name: str) -> str:
    inner = _ROOT.joinpath(*module.split("."), name)
    return f"{module}.{name}" if inner.with_suffix(".py").is_file() or inner.is_dir() else module


def _unit(module: str) -> str | None:
    """Longest name of the table that a module starts with; bare `collector` only for itself."""
    name = module
    while "." in name and name not in _LAYER:
        name = name.rpartition(".")[0]
    return name if name != "collector" or module == "collector" else None


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def _top(module: str) -> str:
    return module.partition(".")[0]


def _excused(path: Path) -> set[str]:
    """Tell whether a module uses of socket no more than what turns addresses into text."""
    used = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "socket"
    }
    return {"socket"} if used and used <= _ADDRESS_TEXT else set()


_FILES = sorted(_PACKAGE.rglob("*.py"))
_PATHS = {_module_name(path): path for path in _FILES}
_IMPORTS = [imported for path in _FILES for imported in _imports(path)]


@pytest.mark.parametrize("path", _FILES, ids=_module_name)
def test_every_module_has_a_layer(path: Path) -> None:
    assert _unit(_module_name(path)), f"{path} is in no row of the table of layers"


def test_imports_point_down() -> None:
    breaches = []
    for found in _IMPORTS:
        if _top(found.target) != "collector":
            continue
        importer, target = _unit(found.importer), _unit(found.target)
        assert importer and target, f"{found}: not in the table of layers"
        below = _LAYER[target] < _LAYER[importer]
        peer = target == importer or target in _PEERS.get(importer, ())
        if not (below or peer):
            breaches.append(str(found))
    assert not breaches, "\n".join(breaches)


def test_lower_layers_use_only_their_libraries() -> None:
    breaches = []
    for found in _IMPORTS:
        top = _top(found.target)
        allowed = next(
            (names for p, names in _THIRD_PARTY.items() if _within(found.importer, p)), None
        )
        if _LAYER.get(_unit(found.importer)) == 0:
            allowed = set()
        if allowed is None or top == "collector" or top in sys.stdlib_module_names:
            continue
        if top not in allowed:
            breaches.append(str(found))
    assert not breaches, "\n".join(breaches)


def test_protocols_tables_and_records_know_no_io_and_no_clock() -> None:
    breaches = [
        str(found)
        for found in _IMPORTS
        if any(_within(found.importer, package) for package in _PURE)
        and _top(found.target) in _IO_AND_CLOCKS
        and _top(found.target) not in _excused(_PATHS[found.importer])
    ]
    assert not breaches, "\n".join(breaches)


def test_protocols_tables_and_records_call_no_io_and_no_clock() -> None:
    breaches = [
        f"{path}:{node.lineno} calls {_called(node)}()"
        for path in _FILES
        if any(_within(_module_name(path), package) for package in _PURE)
        for node in ast.walk(ast.parse(path.read_text(), str(path)))
        if isinstance(node, ast.Call)
        and _called(node) in (_FILE_CALLS if isinstance(node.func, ast.Name) else _CLOCK_CALLS)
    ]
    assert not breaches, "\n".join(breaches)


def test_only_the_command_line_knows_the_command_line() -> None:
    breaches = [
        str(found)
        for found in _IMPORTS
        if _top(found.target) in _COMMAND_LINE
        and _unit(found.importer) not in {"collector.cli", "collector.__main__"}
    ]
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize("library", ["aiokafka", "bcc"])
def test_one_file_imports(library: str) -> None:
    importers = {found.importer for found in _IMPORTS if _top(found.target) == library}
    assert len(importers) == 1, sorted(importers)
