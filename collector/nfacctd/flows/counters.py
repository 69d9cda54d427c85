"""Counters of a record: packets, octets, flows, and path delays (reference 1.2, rows 31, 48, 51).

Only the lengths named here are read; a counter in any other gives zero, as in nfacctd.
"""

from collections.abc import Iterator

import numpy as np

from collector.nfacctd.flows.fields import FRAME_SECTIONS, Fields, Plan, Reading, Step, number_step
from collector.nfacctd.flows.quirks import mean_delay_us

_WORDS = (4, 8)
_PACKETS = ((2, _WORDS), (86, _WORDS), (24, _WORDS))
_OCTETS = ((1, _WORDS), (85, _WORDS), (23, _WORDS), (352, (8,)))
_ASA_PACKETS, _ASA_OCTETS = (232, _WORDS), (231, _WORDS)
_FLOWS = (3, _WORDS)
_HUAWEI = 2011
# Column: IANA's element and Huawei's of the same meaning.
_DELAYS = {
    "path_delay_avg_usec": (600, 521),
    "path_delay_min_usec": (601, 523),
    "path_delay_max_usec": (602, 525),
}
_DELAY_SUM = (603, 527)


def plan_counters(asa_bi_flow: bool) -> Plan:
    """Make the plan of ``packets``, ``bytes``, ``flows``.

    Args:
        asa_bi_flow: whether initiator's and responder's octets count (hidden key of nfacctd).
    """
    packets = (*_PACKETS, _ASA_PACKETS) if asa_bi_flow else _PACKETS
    octets = (*_OCTETS, _ASA_OCTETS) if asa_bi_flow else _OCTETS

    def plan(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
        indices = {"packets": fields.readable(*packets), "bytes": fields.readable(*octets)}
        for column, index in indices.items():
            if index is not None:
                yield number_step(column, index, "uint64")
        if fields.has(*FRAME_SECTIONS):
            yield _frames_where_nothing_counted
        yield _flows_step(fields.readable(_FLOWS))
        yield from _delays(fields, needs)

    return plan


def _frames_where_nothing_counted(reading: Reading) -> None:
    zeros = np.zeros(reading.rows, np.uint64)
    packets, octets = (reading.columns.get(name, zeros) for name in ("packets", "bytes"))
    lengths = reading.frames.columns["octets"]
    counted = (packets != 0) | (octets != 0) | (lengths == 0)
    reading.columns["packets"] = np.where(counted, packets, np.uint64(1))
    reading.columns["bytes"] = np.where(counted, octets, lengths)


def _flows_step(index: int | None) -> Step:
    def step(reading: Reading) -> None:
        if index is None:
            reading.columns["flows"] = np.ones(reading.rows, np.uint64)
        else:
            flows = reading.number(index).astype(np.uint64)
            reading.columns["flows"] = np.maximum(flows, np.uint64(1))

    return step


def _delays(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    for column, elements in _DELAYS.items():
        index = _either(fields, elements)
        if column not in needs or index is None:
            continue
        total = _either(fields, _DELAY_SUM) if column == "path_delay_avg_usec" else None
        packets = fields.readable((2, _WORDS))
        if total is None or packets is None:
            yield number_step(column, index, "uint32", 4)
        else:
            yield _mean_step(column, index, total, packets)


def _either(fields: Fields, elements: tuple[int, int]) -> int | None:
    index = fields.first(elements[0])
    return fields.first(elements[1], _HUAWEI) if index is None else index


def _mean_step(column: str, mean: int, total: int, packets: int) -> Step:
    def step(reading: Reading) -> None:
        delays = mean_delay_us(
            reading.number(mean, 4).astype(np.uint64),
            reading.number(total, 8).astype(np.uint64),
            reading.number(packets).astype(np.uint64),
        )
        reading.columns[column] = delays.astype(np.uint32)

    return step
