"""Compile and load BPF programs with BCC, in a process of its own: BCC and LLVM take 110 MB.

`load` runs this file as a short-lived child, which hands back the file descriptors of the loaded
programs over its standard input, a Unix socket; they outlive it. The maps are the caller's: the
child inherits their file descriptors and compiles the numbers in.

BCC is the distribution's package and stands in no Python registry (the name there is another
project), so the child imports it by its location, whatever Python runs.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

BPF_DIRECTORY = Path(__file__).parent.parent / "_bpf"

# Debian and Ubuntu; Fedora and its kin.
_LOCATIONS = ("lib/python3/dist-packages/bcc", "lib/python3*/site-packages/bcc")
_NOT_INSTALLED = "BCC is not installed (Debian: python3-bpfcc, other distributions: python3-bcc)"
_DEADLINE_S = 60
_LONGEST_ANSWER = 1 << 16

SK_REUSEPORT, SOCKET_FILTER = 21, 1  # program types of linux/bpf.h


class LoaderError(Exception):
    """A program was not loaded; the text is for the operator."""


@dataclass(frozen=True, slots=True)
class Source:
    """One program to be loaded: a function of a file in bpf/, and what to compile into it.

    No two may have the same function; a file may stand in several, with other ``defines``.
    """

    file: str
    function: str
    program_type: int
    defines: Mapping[str, int | str]


def load(sources: Sequence[Source], map_fds: Sequence[int]) -> list[int]:
    """Load programs through a child process.

    Args:
        map_fds: file descriptors of the maps that the sources' ``defines`` name.

    Returns:
        the file descriptor of each program, in the order of the sources; the caller closes them.

    Raises:
        LoaderError: BCC is missing, or a program was not compiled or not taken by the kernel.
    """
    request = json.dumps([asdict(source) for source in sources]).encode()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, tempfile.TemporaryFile() as said:
        ours.settimeout(_DEADLINE_S)
        with subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=theirs,
            stdout=said,
            stderr=said,
            pass_fds=map_fds,
        ) as child:
            theirs.close()
            answer, fds = b"", []
            try:
                ours.sendall(request)
                answer, fds, _, _ = socket.recv_fds(
                    ours, _LONGEST_ANSWER, len(sources), socket.MSG_CMSG_CLOEXEC
                )
            except TimeoutError as error:
                child.kill()
                raise LoaderError(f"BCC gave no answer in {_DEADLINE_S} s") from error
            except ConnectionError:
                pass  # it has ended; what it said tells why
        if len(fds) == len(sources):
            return fds
        for fd in fds:
            os.close(fd)
        said.seek(0)
        reason = answer.decode() or f"BCC's process ended with {child.returncode}"
        raise LoaderError(_with_details(reason, said.read().decode(errors="replace")))


def _with_details(reason: str, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    faults = [line for line in lines if "error:" in line] or lines[-3:]
    return ": ".join([reason, *faults[:3]])


def _import_bcc() -> ModuleType:
    for location in _LOCATIONS:
        for directory in sorted(Path("/usr").glob(location)):
            spec = importlib.util.spec_from_file_location(
                "bcc", directory / "__init__.py", submodule_search_locations=[str(directory)]
            )
            bcc = importlib.util.module_from_spec(spec)
            sys.modules["bcc"] = bcc
            spec.loader.exec_module(bcc)
            return bcc
    raise LoaderError(_NOT_INSTALLED)


def _compile(bcc: ModuleType, sources: list[dict[str, Any]]) -> object:
    """Compile all files as one text: most of the time goes into headers that they share."""
    text = "".join(map(_text_of, sources))
    try:
        return bcc.BPF(text=text, cflags=[f"-I{BPF_DIRECTORY}"])
    except Exception as error:  # BCC raises nothing more special
        raise LoaderError(str(error)) from error


def _text_of(source: dict[str, Any]) -> str:
    defines = source["defines"]
    return "".join(
        [
            *(f"#define {name} {value}\n" for name, value in defines.items()),
            f'#line 1 "{source["file"]}"\n',
            (BPF_DIRECTORY / source["file"]).read_text(),
            *(f"#undef {name}\n" for name in defines),
        ]
    )


def _load(module: Any, source: dict[str, Any]) -> int:
    try:
        return module.load_func(source["function"], source["program_type"]).fd
    except Exception as error:
        raise LoaderError(f"{source['file']}: {error}") from error


def _answer() -> None:
    """Be the child: one request, one answer with the programs' file descriptors or a reason."""
    with socket.socket(fileno=0) as parent:
        sources = json.loads(parent.recv(_LONGEST_ANSWER))
        # BCC asks for kernel headers; ours need none of the kernel's.
        os.environ["BCC_KERNEL_SOURCE"] = str(BPF_DIRECTORY / "kernel_stub")
        try:
            # A module closes its programs when it goes, so it stays until they are sent.
            module = _compile(_import_bcc(), sources)
            programs = [_load(module, source) for source in sources]
        except LoaderError as error:
            parent.sendall(str(error).encode())
        else:
            socket.send_fds(parent, [b"loaded"], programs)


if __name__ == "__main__":
    _answer()
