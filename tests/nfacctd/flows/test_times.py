"""timestamp_start, timestamp_end: which field tells, and what happens where none does."""

from collections.abc import Callable

import pytest

from collector.nfacctd.settings import Plugin, Timestamps
from collector.simulation.netflow import V5Record, v5_packet
from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import EXPORT_S, UPTIME_MS, Value, address, ipfix, netflow_v9

_SOURCE: Value = (8, address("10.0.0.1"))
_PLUGIN = Plugin(name="p", type="kafka", timestamps=Timestamps(since_epoch=True))
_MS = EXPORT_S * 1000


def times(octets: bytes) -> tuple[str, str]:
    (record,) = records_of([octets], "timestamp_start", "timestamp_end", plugin=_PLUGIN)
    return record["timestamp_start"], record["timestamp_end"]


def ms(value: int) -> bytes:
    return value.to_bytes(8)


@pytest.mark.parametrize(
    ("values", "start", "end"),
    [
        ([(152, ms(_MS - 1500)), (153, ms(_MS - 500))], "1699999998.500000", "1699999999.500000"),
        ([(323, ms(_MS - 1500))], "1699999998.500000", "0.000000"),
        ([(150, b"\x65\x53\xf0\xff"), (151, b"\x65\x53\xf1\0")], "1699999999.000000", "x"),
        ([(158, b"\0\0\0\1"), (159, b"\0\0\0\0")], "1699999999.999999", "1700000000.000000"),
        # The first field that the template has decides, even if it is of no use.
        (
            [(22, b"\0\0\0\0"), (21, b"\0\0\0\0"), (152, ms(_MS - 1500))],
            "1700000000.000000",
            "0.000000",
        ),
        ([(154, ms(1)), (155, ms(1)), (150, b"\0\0\0\1")], "1700000000.000000", "0.000000"),
        (
            [(22, b"\0\0\x0f\xa0"), (21, b"\0\0\x13\x88"), (160, ms(1_600_000_000_999))],
            "1600000004.000000",
            "1600000005.000000",
        ),
        ([(154, ms(1_600_000_000) + ms(5))], "1600000000.000005", "0.000000"),
        ([(152, ms(0))], "1700000000.000000", "0.000000"),
        ([], "1700000000.000000", "0.000000"),
    ],
)
def test_ipfix(values: list[Value], start: str, end: str) -> None:
    told = times(ipfix([_SOURCE, *values]))
    assert told[0] == start
    assert end in ("x", told[1])


def test_netflow_v9_counts_whole_seconds_of_uptime() -> None:
    values = [(22, (UPTIME_MS - 1999).to_bytes(4)), (21, (UPTIME_MS + 1999).to_bytes(4))]
    told = times(netflow_v9([_SOURCE, *values]))
    assert told == ("1699999999.000000", "1700000001.000000")


def test_netflow_v5() -> None:
    record = V5Record(
        *("10.0.0.1", "10.0.0.2", "10.0.0.3", 1, 2, 3, 256, UPTIME_MS - 2500, UPTIME_MS - 500),
        *(80, 81, 16, 6, 0, 64500, 64501, 24, 25),
    )
    octets = v5_packet([record], uptime_ms=UPTIME_MS, export_time_s=EXPORT_S, sequence=1)
    assert times(octets) == ("1699999998.000000", "1700000000.000000")


@pytest.mark.parametrize("version", [ipfix, netflow_v9])
def test_hostile_times_are_told_somehow(version: Callable[..., bytes]) -> None:
    for element, length in ((152, 8), (153, 8), (22, 4), (21, 4), (150, 8), (151, 8), (158, 4)):
        octets = version([_SOURCE, (element, b"\xff" * length)])
        for stamps in (Timestamps(), Timestamps(since_epoch=True), Timestamps(rfc9557=True)):
            plugin = Plugin(name="p", type="kafka", timestamps=stamps)
            assert records_of([octets], "timestamp_start", "timestamp_end", plugin=plugin)


@pytest.mark.parametrize(
    ("first_ms", "start"),
    [(59_001, EXPORT_S), (58_999, EXPORT_S - 1), (60_001, EXPORT_S - 4_294_967)],
)
def test_netflow_v5_has_no_negative_ages(first_ms: int, start: int) -> None:
    record = V5Record("192.0.2.1", "198.18.1.9", first_ms=first_ms, last_ms=60_000)
    octets = v5_packet([record], uptime_ms=60_000, export_time_s=EXPORT_S, sequence=0)
    assert times(octets) == (f"{start}.000000", f"{EXPORT_S}.000000")
