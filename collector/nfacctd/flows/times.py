"""When a flow began and ended, from the fields that nfacctd reads (reference 2.5); µs, UTC.

The first field of a chain that the template has decides, even where its value or its length is of
no use: IPFIX with flowStartSysUpTime but without systemInitTimeMilliseconds has no start at all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.nfacctd.flows.fields import Fields, Plan, Reading, Step

_V9, _IPFIX = 9, 10
_V5 = 5
_SECOND_US, _MILLISECOND_US = 1_000_000, 1000
_INIT_TIME = 160
_TWO_WORDS = 16  # octets: seconds and microseconds, eight each

_Times = NDArray[np.int64]
_Read = Callable[[Reading], _Times]


@dataclass(frozen=True, slots=True)
class _Chain:
    """Elements that tell one time, by what they hold."""

    uptime: int
    milliseconds: tuple[int, ...]
    seconds: int
    delta: int
    microseconds: int
    microseconds_first: bool = False  # before the second of ``milliseconds``


_START = _Chain(uptime=22, milliseconds=(152, 323), seconds=150, delta=158, microseconds=154)
# The start that bins are made of is not quite the one that is printed.
_BIN_START = _Chain(22, (152, 323), 150, 158, 154, microseconds_first=True)
_END = _Chain(uptime=21, milliseconds=(153,), seconds=151, delta=159, microseconds=155)


def plan_times(time_secs: bool) -> Plan:
    """Make the plan of ``timestamp_start`` and ``timestamp_end``, ``bin_start`` and ``bin_end``.

    Args:
        time_secs: `nfacctd_time_secs`: uptimes are seconds, in what bins are made of.
    """

    def plan(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
        if "timestamp_start" in needs:
            yield _step("timestamp_start", _with_fallback(_reader(fields, _START)))
        if "timestamp_end" in needs and (read := _reader(fields, _END)):
            yield _step("timestamp_end", read)
        if "bin_start" in needs:
            yield _step("bin_start", _with_fallback(_reader(fields, _BIN_START, time_secs, True)))
        if "bin_end" in needs and (read := _reader(fields, _END, time_secs, True)):
            yield _step("bin_end", read)

    return plan


def _step(column: str, read: _Read) -> Step:
    def step(reading: Reading) -> None:
        reading.columns[column] = read(reading)

    return step


def _export_s(reading: Reading) -> _Times:
    return reading.of_set(reading.sets.export_time_us // _SECOND_US)


def _with_fallback(read: _Read | None) -> _Read:
    """Put the export time in place of starts whose seconds are zero."""

    def with_fallback(reading: Reading) -> _Times:
        export_us = _export_s(reading) * _SECOND_US
        if read is None:
            return export_us
        times = read(reading)
        micros = times % _SECOND_US
        return np.where(times - micros == 0, export_us + micros, times)

    return with_fallback


def _reader(
    fields: Fields, chain: _Chain, time_secs: bool = False, of_bins: bool = False
) -> _Read | None:
    uptime = fields.last(chain.uptime)
    ticks = 1 if time_secs else 1000
    if uptime is not None and fields.version == _V5:
        return _from_v5_uptime(uptime, ticks, apart=of_bins)
    if uptime is not None and (fields.version == _V9 or time_secs):
        return _from_uptime(uptime, ticks)
    if uptime is not None and fields.version == _IPFIX:
        init = fields.last(_INIT_TIME)
        return _from_init(uptime, init) if fields.has_length(init, (8,)) else None
    micros = (chain.microseconds, _from_two_words)
    millis = [(element, _from_milliseconds) for element in chain.milliseconds]
    order = [millis[0], micros, *millis[1:]] if chain.microseconds_first else [*millis, micros]
    for element, reader in order:
        index = fields.last(element)
        if index is not None:
            return reader(fields, index)
    seconds = fields.readable((chain.seconds, (4, 8)))
    if seconds is not None:
        return lambda reading: reading.number(seconds).astype(np.int64) * _SECOND_US
    delta = fields.last(chain.delta)
    return _from_delta(delta) if delta is not None and fields.version == _IPFIX else None


def _from_uptime(index: int, ticks_a_second: int) -> _Read:
    def read(reading: Reading) -> _Times:
        uptime = reading.of_set(reading.sets.uptime_ms)
        ticks = reading.number(index, 4).astype(np.int64)
        # Both count 32 bits; the difference is signed, and cut to whole seconds towards zero.
        age = ((uptime - ticks + (1 << 31)) & 0xFFFF_FFFF) - (1 << 31)
        age_s = np.sign(age) * (np.abs(age) // ticks_a_second)
        return (_export_s(reading) - age_s) * _SECOND_US

    return read


def _from_v5_uptime(index: int, ticks_a_second: int, *, apart: bool) -> _Read:
    """Read a time of NetFlow v5, where nothing has a sign: one ahead of the uptime is far off.

    Args:
        index: of the field.
        ticks_a_second: of uptimes.
        apart: both uptimes are cut to whole seconds before one is taken from the other.
    """

    def read(reading: Reading) -> _Times:
        uptime = reading.of_set(reading.sets.uptime_ms)
        ticks = reading.number(index, 4).astype(np.int64)
        if apart:
            age_s = uptime // ticks_a_second - ticks // ticks_a_second
        else:
            age_s = ((uptime - ticks) & 0xFFFF_FFFF) // ticks_a_second
        return ((_export_s(reading) - age_s) & 0xFFFF_FFFF) * _SECOND_US

    return read


def _from_init(index: int, init: int) -> _Read:
    def read(reading: Reading) -> _Times:
        start_s = reading.number(init).astype(np.int64) // 1000
        return (start_s + reading.number(index, 4).astype(np.int64) // 1000) * _SECOND_US

    return read


def _from_milliseconds(_: Fields, index: int) -> _Read:
    return lambda reading: reading.number(index, 8).astype(np.int64) * _MILLISECOND_US


def _from_two_words(fields: Fields, index: int) -> _Read | None:
    if fields.length(index) != _TWO_WORDS:
        return None  # the eight octets of NTP, which everybody else sends, are not read

    def read(reading: Reading) -> _Times:
        wire = reading.block.wire_field(index)
        seconds, micros = wire.words(">i8"), wire.words(">i8", 8)
        return seconds.astype(np.int64) * _SECOND_US + micros.astype(np.int64)

    return read


def _from_delta(index: int) -> _Read:
    def read(reading: Reading) -> _Times:
        export_us = _export_s(reading) * _SECOND_US
        return export_us - reading.number(index, 4).astype(np.int64)

    return read
