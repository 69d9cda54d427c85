"""Flow times from uptimes, deltas and dates."""

import numpy as np
import pytest

from collector.records.times import flow_time_us

EXPORT_US = 1_700_000_000_000_000
UPTIME_MS = 5_000_000


@pytest.mark.parametrize(
    ("element", "value", "uptime_ms", "init_ms", "time_us"),
    [
        pytest.param("flowStartMilliseconds", 1234, -1, 0, 1234, id="a-date-is-microseconds"),
        pytest.param("flowStartDeltaMicroseconds", 250, -1, 0, EXPORT_US - 250, id="delta"),
        pytest.param(
            "flowStartSysUpTime", UPTIME_MS - 7, UPTIME_MS, 0, EXPORT_US - 7000, id="v9-uptime"
        ),
        pytest.param(
            "flowStartSysUpTime", 2**32 - 5, 10, 0, EXPORT_US - 15_000, id="uptime-wrapped"
        ),
        pytest.param(
            "flowEndSysUpTime", 20, 10, 0, EXPORT_US + 10_000, id="flow-ends-after-the-header"
        ),
        pytest.param(
            "flowEndSysUpTime", 3000, -1, 1_699_999_990_000, 1_699_999_993_000_000, id="init-time"
        ),
        pytest.param("flowEndSysUpTime", 3000, -1, 0, None, id="nothing-to-relate-it-to"),
    ],
)
def test_flow_time(
    element: str, value: int, uptime_ms: int, init_ms: int, time_us: int | None
) -> None:
    times, known = flow_time_us(
        element,
        np.array([value], np.int64),
        np.array([EXPORT_US]),
        np.array([uptime_ms]),
        np.array([init_ms]),
    )
    if time_us is None:
        assert known is not None and not known[0]
    else:
        assert times[0] == time_us
        assert known is None or known[0]
