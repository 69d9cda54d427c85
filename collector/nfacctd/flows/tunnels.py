"""Outer headers of tunnels: the first instance of fields that come twice (reference 2.9)."""

from collections.abc import Iterator

import numpy as np

from collector.nfacctd.flows.fields import Fields, Reading, Step, mark
from collector.nfacctd.flows.flow_type import TUNNELS, is_one_of, types_of
from collector.nfacctd.flows.raw_columns import Seen

_V5 = 5
_TOS, _FLOW_LABEL = 5, 31
_HOSTS = {
    "tunnel_src_host": (27, Seen.TUNNEL_SRC_HOST),
    "tunnel_dst_host": (28, Seen.TUNNEL_DST_HOST),
}
# Column: element, octets (None: all), type.
_NUMBERS = {
    "tunnel_proto": (4, 1, "uint8"),
    "tunnel_src_port": (7, 2, "uint16"),
    "tunnel_dst_port": (11, 2, "uint16"),
    "tunnel_tcpflags": (6, None, "uint8"),
}


def plan_tunnels(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of all columns whose names begin with ``tunnel_``."""
    if fields.version == _V5:
        return
    for column, (element, seen) in _HOSTS.items():
        index = fields.first(element)
        if column in needs and index is not None:
            yield _host_step(column, index, seen)
    for column, (element, octets, dtype) in _NUMBERS.items():
        index = fields.first(element)
        if column in needs and index is not None:
            yield _number_step(column, index, octets, dtype)
    if "tunnel_flow_label" in needs and fields.count(_FLOW_LABEL) > 1:
        yield _number_step("tunnel_flow_label", fields.first(_FLOW_LABEL), None, "uint32")
    # A TOS that comes twice is a tunnel's, whatever the flow type, unlike all else of a tunnel.
    if "tunnel_tos" in needs and fields.count(_TOS) > 1:
        yield _plain_step("tunnel_tos", fields.first(_TOS))


def _host_step(column: str, index: int, seen: Seen) -> Step:
    def step(reading: Reading) -> None:
        tunnelled = is_one_of(types_of(reading), *TUNNELS)
        high, low = reading.halves(index)
        none = np.uint64(0)
        halves = np.where(tunnelled, high, none), np.where(tunnelled, low, none)
        reading.put_address(column, halves)
        mark(reading, tunnelled, seen)

    return step


def _number_step(column: str, index: int, octets: int | None, dtype: str) -> Step:
    def step(reading: Reading) -> None:
        tunnelled = is_one_of(types_of(reading), *TUNNELS)
        value = reading.number(index, octets).astype(dtype)  # of flags in two octets the low one
        reading.columns[column] = np.where(tunnelled, value, value.dtype.type(0))

    return step


def _plain_step(column: str, index: int) -> Step:
    def step(reading: Reading) -> None:
        reading.columns[column] = reading.number(index, 1).astype(np.uint8)

    return step
