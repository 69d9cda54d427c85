"""Addresses of a record: hosts, what the lookup of routes takes, next hops, NAT, the exporter."""

from collections.abc import Iterator

import numpy as np

from collector.nfacctd.flows.fields import Fields, Halves, Plan, Reading, Step, mark
from collector.nfacctd.flows.flow_type import (
    TUNNELS,
    WITHOUT_COUNTERS,
    FlowType,
    is_ipv4,
    is_one_of,
    types_of,
)
from collector.nfacctd.flows.raw_columns import Seen

_V5 = 5
# By end: IANA's elements of each family, best first (reference 1.2, row 23).
_HOSTS = {
    "src": ((8, 44, 366), (27, 170), Seen.SRC_HOST),
    "dst": ((12, 45), (28, 169), Seen.DST_HOST),
}
_NEXT_HOPS = (18, 47, 15, 63, 140, 62)  # row 17
_IP_NEXT_HOPS = (15, 62)
_MAP_NEXT_HOPS = (18, 63, 47, 140)
_EXPORTERS = (130, 131)
_POST_NAT = {
    "post_nat_src_host": (225, 40001),
    "post_nat_dst_host": (226, 40002),
}


def plan_hosts(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of ``src_host``, ``dst_host`` and of ``join_src``, ``join_dst``.

    Hosts are the last fields, those that are joined with routes the first ones; a tunnel has its
    payload's in both (reference 2.9, 4.5).
    """
    for end, (ipv4, ipv6, seen) in _HOSTS.items():
        last = fields.present(*ipv4), fields.present(*ipv6)
        if f"{end}_host" in needs:
            yield _host_step(f"{end}_host", end, last, seen)
        if f"join_{end}" in needs:
            first = _first(fields, last[0]), _first(fields, last[1])
            yield _join_step(f"join_{end}", end, last, first)


def plan_next_hops(use_ip_next_hop: bool) -> Plan:
    """Make the plan of ``peer_dst_ip``, and of the next hops that maps ask for."""

    def plan(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
        index = fields.present(*_NEXT_HOPS)
        if "peer_dst_ip" in needs and index is not None:
            told = fields.order[index][1] not in _IP_NEXT_HOPS or use_ip_next_hop
            if told:
                yield _seen_address_step("peer_dst_ip", index, Seen.PEER_DST_IP)
        for column, chain in (("next_hop", (15,)), ("bgp_next_hop", _MAP_NEXT_HOPS)):
            index = fields.present(*chain)
            if column in needs and index is not None:
                yield _address_step(column, index)

    return plan


def plan_exporter(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the step of ``record_exporter``: what a record calls its exporter, zeros: nothing.

    An IPv4 address counts even where it is 0.0.0.0, unless there is an IPv6 one beside it.
    """
    ipv4, ipv6 = (fields.last(element) for element in _EXPORTERS)
    if "record_exporter" not in needs or (ipv4 is None and ipv6 is None):
        return

    def step(reading: Reading) -> None:
        halves = reading.halves(ipv4 if ipv6 is None else ipv6)
        if ipv4 is not None and ipv6 is not None:
            high, low = reading.halves(ipv4)
            told = (low & np.uint64(0xFFFF_FFFF)) != 0
            halves = np.where(told, high, halves[0]), np.where(told, low, halves[1])
        reading.put_address("record_exporter", halves)

    yield step


def plan_nat(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of ``post_nat_src_host`` and ``post_nat_dst_host``: IPv4 only."""
    if fields.version == _V5:
        return
    for column, chain in _POST_NAT.items():
        index = fields.present(*chain)
        if column in needs and index is not None:
            yield _nat_step(column, index)


def _first(fields: Fields, last: int | None) -> int | None:
    return None if last is None else fields.first(fields.order[last][1])


def _host_step(column: str, end: str, indices: tuple[int | None, int | None], seen: Seen) -> Step:
    def step(reading: Reading) -> None:
        halves, is_told = _by_type(reading, indices, end)
        reading.put_address(column, halves)
        mark(reading, is_told, seen)

    return step


def _join_step(
    column: str,
    end: str,
    last: tuple[int | None, int | None],
    first: tuple[int | None, int | None],
) -> Step:
    def step(reading: Reading) -> None:
        halves, _ = _by_type(reading, first, end)
        types = types_of(reading)
        tunnelled = is_one_of(types, *TUNNELS)
        if first != last and tunnelled.any():
            inner, _ = _by_type(reading, last, end)
            halves = tuple(np.where(tunnelled, i, o) for i, o in zip(inner, halves, strict=True))
        reading.put_address(column, halves)

    return step


def _by_type(
    reading: Reading, indices: tuple[int | None, int | None], end: str
) -> tuple[Halves, np.ndarray]:
    """Choose the address of the family that each record's type says; tell which have one."""
    types = types_of(reading)
    ipv4, ipv6 = indices
    high, low = _nothing(reading)
    told = np.zeros(reading.rows, bool)
    if ipv4 is not None:
        wanted = is_ipv4(types) | (types == FlowType.SRV6_IPV4)
        _, mapped = reading.halves(ipv4)
        low = np.where(wanted, mapped, low)
        told |= wanted
    if ipv6 is not None:
        # Events may have both, as those of NAT64; then the IPv6 address stands.
        wanted = is_one_of(types, FlowType.IPV6, FlowType.SRV6_IPV6, *WITHOUT_COUNTERS)
        upper, lower = reading.halves(ipv6)
        high, low = np.where(wanted, upper, high), np.where(wanted, lower, low)
        told |= wanted
    if ipv4 is None and ipv6 is None and reading.frames is not None:
        found = reading.frames.columns
        high, low = found[f"{end}_hi"], found[f"{end}_lo"]
        told = found["version"] != 0
    return (high, low), told


def _nothing(reading: Reading) -> Halves:
    return np.zeros(reading.rows, np.uint64), np.zeros(reading.rows, np.uint64)


def _address_step(column: str, index: int) -> Step:
    return lambda reading: reading.put_address(column, reading.halves(index))


def _seen_address_step(column: str, index: int, seen: Seen) -> Step:
    def step(reading: Reading) -> None:
        reading.put_address(column, reading.halves(index))
        mark(reading, np.ones(reading.rows, bool), seen)

    return step


def _nat_step(column: str, index: int) -> Step:
    def step(reading: Reading) -> None:
        wanted = is_ipv4(types_of(reading))
        high, low = reading.halves(index)
        reading.put_address(column, (high, np.where(wanted, low, np.uint64(0))))

    return step
