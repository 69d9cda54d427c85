"""Give the kernel back what is free inside the C library's heap; a worker does it once a minute.

Records and batches come and go between what stays, so the heap gets holes: at a constant load it
grew by some MiB a minute, with no more than before in use (measured; see also `slot.py`). What is
needed again comes as page faults, some milliseconds' worth.
"""

import ctypes

EVERY_S = 60.0

_LIBRARY = ctypes.CDLL(None)


def give_back() -> bool:
    """Release whole free pages; False: there were none, or the C library has no such function."""
    trim = getattr(_LIBRARY, "malloc_trim", None)  # glibc's own: musl returns pages by itself
    return trim is not None and bool(trim(0))
