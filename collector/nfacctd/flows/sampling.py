"""What samples a record's packets, as the record says it (reference 2.4)."""

from collections.abc import Iterator

import numpy as np

from collector.nfacctd.flows.fields import Fields, Reading, Step, mark, number_step
from collector.nfacctd.flows.raw_columns import Seen

_SAMPLER = ((48, (1, 2, 4)), (302, (2, 4, 8)))
_INTERVALS = (34, 50)  # the second wins
_V5 = 5


def plan_sampling(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of ``sampler`` and ``record_rate``: what a rate is looked up by, or is."""
    if "sampler" not in needs:
        return
    if fields.version == _V5:
        yield _header_rate
        return
    if fields.has(48, 302):
        index = fields.readable(*_SAMPLER)
        if index is not None:
            yield number_step("sampler", index, "uint32")
        yield _mark_sampler
        return
    if fields.has(*_INTERVALS):  # in a length that is not read it is 0
        intervals = [fields.readable((element, (2, 4))) for element in _INTERVALS]
        yield _rate_step(intervals[1] if intervals[1] is not None else intervals[0])


def _header_rate(reading: Reading) -> None:
    rate = reading.of_set(reading.sets.header_sampling)
    reading.columns["record_rate"] = rate.astype(np.uint32)
    mark(reading, rate != 0, Seen.RECORD_RATE)


def _mark_sampler(reading: Reading) -> None:
    mark(reading, np.ones(reading.rows, bool), Seen.SAMPLER)


def _rate_step(index: int | None) -> Step:
    def step(reading: Reading) -> None:
        if index is not None:
            reading.columns["record_rate"] = reading.number(index).astype(np.uint32)
        mark(reading, np.ones(reading.rows, bool), Seen.RECORD_RATE)

    return step
