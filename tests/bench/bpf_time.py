"""What the kernel's steering programs cost: they run in the time of whoever sends."""

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATISTICS = Path("/proc/sys/kernel/bpf_stats_enabled")
_BPF = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine, -1)  # number of the system call
_NEXT_ID, _FD_BY_ID = 11, 13  # commands on programs
_KINDS = {"1", "21"}  # socket filters; programs that choose of a reuseport group
_FIELDS = re.compile(r"^(prog_type|run_time_ns):\s*(\d+)$", re.MULTILINE)

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("start_id", "next_id", "open_flags")]


class BpfTime:
    """Programs that were loaded since it was made; needs root."""

    def __init__(self) -> None:
        self._old = set(_program_ids())

    def seconds(self) -> float:
        """How long they have run."""
        return sum(map(_seconds, set(_program_ids()) - self._old))


@contextmanager
def bpf_statistics() -> Iterator[None]:
    """Have the kernel note how long BPF programs run."""
    before = _STATISTICS.read_text()
    _STATISTICS.write_text("1")
    try:
        yield
    finally:
        _STATISTICS.write_text(before)


def _program_ids() -> Iterator[int]:
    attributes = _Attributes()
    while _call(_NEXT_ID, attributes) == 0:
        yield attributes.next_id
        attributes.start_id = attributes.next_id


def _seconds(program_id: int) -> float:
    fd = _call(_FD_BY_ID, _Attributes(program_id))
    if fd < 0:
        return 0.0  # it just went
    try:
        told = dict(_FIELDS.findall(Path(f"/proc/self/fdinfo/{fd}").read_text()))
    finally:
        os.close(fd)
    return int(told["run_time_ns"]) / 1e9 if told.get("prog_type") in _KINDS else 0.0


def _call(command: int, attributes: _Attributes) -> int:
    size = ctypes.sizeof(attributes)
    return _libc.syscall(_BPF, command, ctypes.byref(attributes), size)
