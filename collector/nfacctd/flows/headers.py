"""What one field, or the first of a chain, gives as it is: headers, interfaces, AS numbers, ids."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from collector.nfacctd.flows.fields import FRAME_SECTIONS, Fields, Reading, Step, number_step
from collector.nfacctd.flows.flow_type import (
    FlowType,
    is_ipv4,
    is_ipv6,
    types_of,
)

_V5 = 5
_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_ETHERNET_IPV4, _ETHERNET_IPV6 = 0x0800, 0x86DD
_LARGEST_STATUS = 255


@dataclass(frozen=True, slots=True)
class _Present:
    """A chain of which the first element in the template counts, whatever its length.

    ``octets``: as many make the value; ``frame``: the header field that stands in for all of them.
    """

    chain: tuple[int, ...]
    octets: int
    dtype: str
    frame: str | None = None
    inner: bool = False  # a tunnel that carries Ethernet has none


_PRESENT = {
    "src_mac": _Present((56, 81, 365), 6, "uint64", "src_mac"),
    "dst_mac": _Present((80, 57), 6, "uint64", "dst_mac"),
    "in_vlan": _Present((58, 243), 2, "uint16", "vlan"),
    "out_vlan": _Present((59, 254), 2, "uint16"),
    "in_cvlan": _Present((245,), 2, "uint16", "cvlan"),
    "out_cvlan": _Present((255,), 2, "uint16"),
    "cos": _Present((244,), 1, "uint8", "cos"),
    "src_port": _Present((7, 180, 182), 2, "uint16", "src_port", inner=True),
    "dst_port": _Present((11, 181, 183), 2, "uint16", "dst_port", inner=True),
    "proto": _Present((4,), 1, "uint8", "proto", inner=True),
    "tos": _Present((5,), 1, "uint8", "tos"),
    "post_nat_src_port": _Present((227, 40003), 2, "uint16"),
    "post_nat_dst_port": _Present((228, 40004), 2, "uint16"),
    "nat_event": _Present((230, 40005), 1, "uint8"),
    "fw_event": _Present((233,), 1, "uint8"),
    "direction": _Present((61,), 1, "uint8"),
    "ingress_vrf_id": _Present((234,), 4, "uint32"),
    "egress_vrf_id": _Present((235,), 4, "uint32"),
}
# Elements that count in these lengths only; with another one the next of the chain is tried.
_READABLE = {
    "in_iface": ((10, (2, 4)), (252, (4,))),
    "out_iface": ((14, (2, 4)), (253, (4,))),
    "src_as": ((16, (2, 4)),),
    "dst_as": ((17, (2, 4)),),
    "peer_src_as": ((129, (2, 4)),),
    "peer_dst_as": ((128, (2, 4)),),
    "flow_label": ((31, (3, 4)),),
    "mpls_pw_id": ((249, (4,)),),
}
# By direction (IE 61): a flow that was seen coming in, or going out.
_VLANS = {0: (58, 243), 1: (59, 254)}
_ANY_VLAN = (58, 59, 243, 254)


def plan_headers(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of all columns that a chain of fields gives."""
    for column, present in _PRESENT.items():
        if column in needs:
            yield from _present_steps(column, present, fields)
    for column, chain in _READABLE.items():
        index = fields.readable(*chain)
        if column in needs and index is not None:
            yield number_step(column, index, "uint32")
        if f"has_{column}" in needs and index is not None:
            yield _presence_step(f"has_{column}")
    if "tcpflags" in needs:
        yield from _tcp_flags(fields)
    if fields.version == _V5:
        yield from _v5_ports(needs)


def plan_masks(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of ``src_mask``, ``dst_mask``, and of what `longest` compares with routes.

    That is the prefix length of IPv4 alone (reference 4.6).
    """
    for end, element4, element6 in (("src", 9, 29), ("dst", 13, 30)):
        ipv4, ipv6 = fields.last(element4), fields.last(element6)
        if f"flow_{end}_mask" in needs and ipv4 is not None:
            yield number_step(f"flow_{end}_mask", ipv4, "uint8", 1)
        if f"{end}_mask" in needs and (ipv4 is not None or ipv6 is not None):
            yield _mask_step(f"{end}_mask", ipv4, ipv6)


def plan_link(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of ``vlan``, ``etype``, ``fwd_status``, ``sampling_direction``, ``vxlan``."""
    if "vlan" in needs:
        yield from _vlan(fields)
    if "etype" in needs:
        yield _etype(fields)
    status = fields.readable((89, (1, 2, 4)))
    if "fwd_status" in needs and status is not None:
        yield _forwarding_status(status)
    direction = fields.readable((61, (1,)))
    if "sampling_direction" in needs and direction is not None:
        yield _sampling_direction(direction)
    segment = fields.readable((351, (8,)))
    for column, kind in (("vxlan", 1), ("nvgre", 2)):
        if column in needs and segment is not None:
            yield _segment_id(column, segment, kind)


def _present_steps(column: str, present: _Present, fields: Fields) -> Iterator[Step]:
    index = fields.present(*present.chain)
    if index is None:
        if present.frame is not None and fields.has(*FRAME_SECTIONS):
            yield _frame_step(column, present.frame, present.dtype)
        return
    if not present.inner:
        yield number_step(column, index, present.dtype, present.octets)
        return

    def step(reading: Reading) -> None:
        value = reading.number(index, present.octets).astype(present.dtype)
        carries_frames = types_of(reading) == FlowType.SRV6
        reading.columns[column] = np.where(carries_frames, value.dtype.type(0), value)

    yield step


def _presence_step(column: str) -> Step:
    def step(reading: Reading) -> None:
        reading.columns[column] = np.ones(reading.rows, np.uint8)

    return step


def _frame_step(column: str, name: str, dtype: str) -> Step:
    def step(reading: Reading) -> None:
        reading.columns[column] = reading.frames.columns[name].astype(dtype)

    return step


def _tcp_flags(fields: Fields) -> Iterator[Step]:
    index = fields.readable((6, (1, 2)))
    if index is None:
        if fields.has(*FRAME_SECTIONS):
            yield _frame_step("tcpflags", "tcpflags", "uint8")
        return
    protocol = fields.last(4) if fields.version == _V5 else None

    def step(reading: Reading) -> None:
        flags = (reading.number(index) & 0xFF).astype(np.uint8)  # the low octet of two
        none = types_of(reading) == FlowType.SRV6
        if protocol is not None:
            none |= reading.number(protocol) != _TCP
        reading.columns["tcpflags"] = np.where(none, np.uint8(0), flags)

    yield step


def _v5_ports(needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps that clear ports which NetFlow v5 fills with something else."""
    for column, protocols in (
        ("src_port", (_TCP, _UDP)),
        ("dst_port", (_TCP, _UDP, _ICMP, _ICMP6)),
    ):
        if column in needs:
            yield _port_step(column, protocols)


def _port_step(column: str, protocols: tuple[int, ...]) -> Step:
    def step(reading: Reading) -> None:
        protocol = reading.number(reading.fields.last(4))
        has_port = np.isin(protocol, protocols)
        reading.columns[column] = np.where(has_port, reading.columns[column], np.uint16(0))

    return step


def _mask_step(column: str, ipv4: int | None, ipv6: int | None) -> Step:
    def step(reading: Reading) -> None:
        types = types_of(reading)
        mask = np.zeros(reading.rows, np.uint8)
        for index, is_wanted in ((ipv4, is_ipv4), (ipv6, is_ipv6)):
            if index is not None:
                mask = np.where(is_wanted(types), reading.number(index, 1).astype(np.uint8), mask)
        reading.columns[column] = mask

    return step


def _vlan(fields: Fields) -> Iterator[Step]:
    direction = fields.last(61)
    if direction is None:
        index = fields.present(*_ANY_VLAN)
        if index is not None:
            yield number_step("vlan", index, "uint16", 2)
        elif fields.has(*FRAME_SECTIONS):
            yield _frame_step("vlan", "vlan", "uint16")
        return
    indices = {told: fields.present(*chain) for told, chain in _VLANS.items()}

    def step(reading: Reading) -> None:
        seen = reading.number(direction, 1)
        vlan = np.zeros(reading.rows, np.uint16)
        for told, index in indices.items():
            if index is not None:
                vlan = np.where(seen == told, reading.number(index, 2).astype(np.uint16), vlan)
        reading.columns["vlan"] = vlan

    yield step


def _etype(fields: Fields) -> Step:
    index = fields.readable((256, (2,)))
    if index is not None:
        return number_step("etype", index, "uint16")
    if fields.has(*FRAME_SECTIONS):
        return _frame_step("etype", "etype", "uint16")

    def step(reading: Reading) -> None:
        types = types_of(reading)
        etype = np.where(is_ipv4(types), np.uint16(_ETHERNET_IPV4), np.uint16(0))
        reading.columns["etype"] = np.where(is_ipv6(types), np.uint16(_ETHERNET_IPV6), etype)

    return step


def _forwarding_status(index: int) -> Step:
    def step(reading: Reading) -> None:
        status = reading.number(index)
        status = np.where(status > _LARGEST_STATUS, 0, status)
        reading.columns["fwd_status"] = status.astype(np.uint8)

    return step


def _sampling_direction(index: int) -> Step:
    def step(reading: Reading) -> None:
        direction = reading.number(index, 1).astype(np.uint8)
        known = direction <= 1
        reading.columns["sampling_direction"] = np.where(known, direction + np.uint8(1), 0).astype(
            np.uint8
        )

    return step


def _segment_id(column: str, index: int, kind: int) -> Step:
    def step(reading: Reading) -> None:
        segment = reading.number(index).astype(np.uint64)  # RFC 7637: type in the upper octet
        wanted = (segment >> np.uint64(56)) == kind
        network = (segment & np.uint64(0xFF_FFFF)).astype(np.uint32)
        reading.columns[column] = np.where(wanted, network, np.uint32(0))

    return step
