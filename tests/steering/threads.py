"""Run a function without privilege or in its own network namespace: both belong to a thread.

Sockets stay what they were made as, so they outlive the thread that opened them.
"""

import ctypes
import os
import struct
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of linux/sched.h
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

_libc = ctypes.CDLL(None, use_errno=True)
_Result = TypeVar("_Result")


def without_privilege(function: Callable[[], _Result]) -> _Result:
    """Run the function without any capability, as an ordinary user is."""
    with ThreadPoolExecutor(1, initializer=_drop_capabilities) as thread:
        return thread.submit(function).result()


def in_network_namespace(function: Callable[[], _Result]) -> _Result:
    """Run the function in a new network namespace, which lasts as long as its sockets."""
    with ThreadPoolExecutor(1) as thread:
        refused = thread.submit(_enter_namespace).result()
        if refused:
            pytest.skip(refused)
        return thread.submit(function).result()


def give_loopback_addresses(prefixes: list[str]) -> None:
    """Add addresses to the loopback of this thread's namespace."""
    lines = [f"address add {prefix} dev lo{' nodad' * (':' in prefix)}" for prefix in prefixes]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


def _drop_capabilities() -> None:
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if _libc.capset(header, bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _enter_namespace() -> str:
    """Return why it cannot be done, or nothing."""
    if _libc.unshare(_NEW_NETWORK) != 0:
        return f"network namespaces are not possible here: {os.strerror(ctypes.get_errno())}"
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    except FileNotFoundError:
        return "ip is not installed (Debian: iproute2)"
    return ""
