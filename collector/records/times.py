"""When a flow began and ended, in microseconds UTC, from any of the elements that say it."""

import numpy as np
from numpy.typing import NDArray

_SECOND_US = 1_000_000
_NO_UPTIME = -1


def flow_time_us(
    element: str,
    values: NDArray[np.integer],
    export_time_us: NDArray[np.int64],
    uptime_ms: NDArray[np.int64],
    init_ms: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """Turn one time field into microseconds UTC.

    Args:
        element: IANA's name of the field, one of `projection.START_TIMES` or `END_TIMES`.
        values: shape (n,), the field; microseconds UTC where the element is a date already.
        export_time_us: shape (n,), export time of each record's message.
        uptime_ms: shape (n,), the header's system uptime (NetFlow v5, v9), -1: it has none.
        init_ms: shape (n,), when the exporter started, ms UTC; 0: not known.
    Returns:
        Shape (n,), and which of them are known (None: all).
    """
    if element.endswith("SysUpTime"):
        return _from_uptime(values.astype(np.int64), export_time_us, uptime_ms, init_ms)
    if element.endswith("DeltaMicroseconds"):
        return export_time_us - values.astype(np.int64), None
    return values.astype(np.int64, copy=False), None


def _from_uptime(
    ticks_ms: NDArray[np.int64],
    export_time_us: NDArray[np.int64],
    uptime_ms: NDArray[np.int64],
    init_ms: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    has_uptime = uptime_ms != _NO_UPTIME
    # Without an uptime in the header the start of the system tells it; both count 32 bits of
    # milliseconds that wrap every 50 days, so the difference is taken modulo 2**32, signed.
    now_ms = np.where(has_uptime, uptime_ms, export_time_us // 1000 - init_ms)
    age_ms = ((now_ms - ticks_ms + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
    known = has_uptime | (init_ms != 0)
    times = export_time_us - age_ms * 1000
    return times, None if known.all() else known


def export_time_us(export_time_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """Header export times, seconds, in microseconds."""
    return export_time_s * _SECOND_US
