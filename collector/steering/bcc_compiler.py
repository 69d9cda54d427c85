"""Compile and load BPF programs with BCC: the short-lived child of `bcc_loader`, run as a file.

It imports little, as a service waits for it at its start. BCC is the distribution's package and
stands in no Python registry (the name there is another project), so it is imported by its location,
whatever Python runs.
"""

import glob
import importlib.util
import json
import os
import socket
import sys
from types import ModuleType
from typing import Any

# Debian and Ubuntu; Fedora and its kin.
_LOCATIONS = ("/usr/lib/python3/dist-packages/bcc", "/usr/lib/python3*/site-packages/bcc")
_NOT_INSTALLED = "BCC is not installed (Debian: python3-bpfcc, other distributions: python3-bcc)"
_LONGEST_REQUEST = 1 << 16


class _RefusedError(Exception):
    """A program was not loaded; the text is for the operator."""


def _import_bcc() -> ModuleType:
    for location in _LOCATIONS:
        for directory in sorted(glob.glob(location)):
            spec = importlib.util.spec_from_file_location(
                "bcc", f"{directory}/__init__.py", submodule_search_locations=[directory]
            )
            bcc = importlib.util.module_from_spec(spec)
            sys.modules["bcc"] = bcc
            spec.loader.exec_module(bcc)
            return bcc
    raise _RefusedError(_NOT_INSTALLED)


def _compile(bcc: ModuleType, directory: str, sources: list[dict[str, Any]]) -> Any:
    """Compile all files as one text: most of the time goes into headers that they share."""
    text = "".join(_text_of(source, directory) for source in sources)
    try:
        return bcc.BPF(text=text, cflags=[f"-I{directory}"])
    except Exception as error:  # BCC raises nothing more special
        raise _RefusedError(str(error)) from error


def _text_of(source: dict[str, Any], directory: str) -> str:
    with open(f"{directory}/{source['file']}") as file:
        text = file.read()
    defines = source["defines"]
    return "".join(
        [
            *(f"#define {name} {value}\n" for name, value in defines.items()),
            f'#line 1 "{source["file"]}"\n',
            text,
            *(f"#undef {name}\n" for name in defines),
        ]
    )


def _load(module: Any, source: dict[str, Any]) -> int:
    try:
        return module.load_func(source["function"], source["program_type"]).fd
    except Exception as error:
        raise _RefusedError(f"{source['file']}: {error}") from error


def _answer() -> None:
    """Take one request; give one answer with the programs' file descriptors, or a reason."""
    with socket.socket(fileno=0) as parent:
        request = json.loads(parent.recv(_LONGEST_REQUEST))
        directory, sources = request["directory"], request["sources"]
        # BCC asks for kernel headers; ours need none of the kernel's.
        os.environ["BCC_KERNEL_SOURCE"] = f"{directory}/kernel_stub"
        try:
            # A module closes its programs when it goes, so it stays until they are sent.
            module = _compile(_import_bcc(), directory, sources)
            programs = [_load(module, source) for source in sources]
        except _RefusedError as error:
            parent.sendall(str(error).encode())
        else:
            socket.send_fds(parent, [b"loaded"], programs)


if __name__ == "__main__":
    _answer()
