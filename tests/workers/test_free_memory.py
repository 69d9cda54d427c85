"""What is free between things that stay leaves the process."""

import gc
import os
from pathlib import Path

import pytest

from collector.workers.free_memory import give_back

_PAGE = os.sysconf("SC_PAGE_SIZE")
_OCTETS, _COUNT, _KEPT_EACH = 1_000, 60_000, 100


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


@pytest.mark.skipif(os.confstr("CS_GNU_LIBC_VERSION") is None, reason="not the GNU C library")
def test_holes_in_the_heap_go_back_to_the_kernel() -> None:
    # Too long for Python's own pools: each of them is the C library's.
    everything = [bytes(_OCTETS) for _ in range(_COUNT)]
    kept = everything[::_KEPT_EACH]
    del everything
    gc.collect()
    before = resident()
    assert give_back()
    assert before - resident() > _OCTETS * _COUNT / 2
    assert len(kept) == _COUNT // _KEPT_EACH
