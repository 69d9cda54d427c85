"""Load BPF programs through BCC, in a process of its own: BCC and LLVM take 110 MB.

`load` runs `bcc_compiler.py` as a short-lived child, which hands back the file descriptors of the
loaded programs over its standard input, a Unix socket; they outlive it. The maps are the caller's:
the child inherits their file descriptors and compiles the numbers in.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

BPF_DIRECTORY = Path(__file__).parent.parent / "_bpf"

_CHILD = Path(__file__).with_name("bcc_compiler.py")
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
    request = {
        "directory": str(BPF_DIRECTORY),
        "sources": [asdict(source) for source in sources],
    }
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, tempfile.TemporaryFile() as said:
        ours.settimeout(_DEADLINE_S)
        with subprocess.Popen(
            [sys.executable, "-I", str(_CHILD)],
            stdin=theirs,
            stdout=said,
            stderr=said,
            pass_fds=map_fds,
        ) as child:
            theirs.close()
            answer, fds = b"", []
            try:
                ours.sendall(json.dumps(request).encode())
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
