"""What kind of traffic a record is about (reference 2.8): decides which fields mean what."""

from collections.abc import Callable, Iterator
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from collector.nfacctd.flows.fields import FRAME_SECTIONS, Fields, Reading, Step
from collector.nfacctd.flows.quirks import has_vlan_layer

_V5 = 5
_COUNTERS = (1, 23, 85, 231, 232, *FRAME_SECTIONS, 352)  # without any of them it is an event
_NAT_EVENT, _IP_VERSION, _PROTOCOL = 230, 60, 4
_VLANS = (58, 59)
_TOP_LABEL = 70
_MACS = (56, 80, 57, 81, 365)

_IPV4_SOURCES, _IPV6_SOURCES = (8, 44, 366), (27, 170)
_IPV4 = frozenset({*_IPV4_SOURCES, 12, 45})
_IPV6 = frozenset({*_IPV6_SOURCES, 28, 169})
_IPV4_IN_IP, _IPV6_IN_IP, _ETHERNET = 4, 41, 143  # protocol numbers; 143: RFC 8986 section 9.1

VLAN, MPLS = 0x10, 0x20
"""Flags beside a flow type: layers between link and IP."""
LAYERS = VLAN | MPLS


class FlowType(IntEnum):
    """Kinds of records."""

    NONE = 0
    EVENT = 1
    NAT_EVENT = 2
    OPTION = 3
    LINK = 4
    IPV4 = 5
    IPV6 = 6
    SRV6 = 7  # carries Ethernet frames
    SRV6_IPV4 = 8
    SRV6_IPV6 = 9
    NETFLOW_V5 = 10  # IPv4, but nfacctd tells them apart


WITHOUT_COUNTERS = (FlowType.EVENT, FlowType.NAT_EVENT, FlowType.OPTION)
TUNNELS = (FlowType.SRV6, FlowType.SRV6_IPV4, FlowType.SRV6_IPV6)

Types = NDArray[np.uint8]


def plan_flow_type(fields: Fields, _: frozenset[str]) -> Iterator[Step]:
    """Make the step that adds ``flow_type``, which all others may ask for."""
    constant = _constant(fields)
    layers = 0 if constant is not None else MPLS * fields.has(_TOP_LABEL)
    vlans = [] if constant is not None else [fields.last(element) for element in _VLANS]
    vlans = [index for index in vlans if index is not None]
    of_records = _of_records(fields)

    def step(reading: Reading) -> None:
        if constant is not None:
            types = np.full(reading.rows, constant, np.uint8)
        else:
            types = of_records(reading)
            if layers:
                types |= np.uint8(layers)
            for index in vlans:
                vlan = has_vlan_layer(reading.number(index, 2))
                types |= np.where(vlan, np.uint8(VLAN), np.uint8(0))
        reading.columns["flow_type"] = types

    yield step


def types_of(reading: Reading) -> Types:
    """Give the flow types of a block, without the flags of layers."""
    return reading.columns["flow_type"] & np.uint8(0x0F)


def is_one_of(types: Types, *wanted: FlowType) -> NDArray[np.bool_]:
    """Tell which records are of one of some types."""
    found = types == wanted[0]
    for other in wanted[1:]:
        found |= types == other
    return found


def is_ipv4(types: Types) -> NDArray[np.bool_]:
    """Tell which records nfacctd takes for IPv4 by their outermost header, events among them."""
    return is_one_of(types, FlowType.IPV4, FlowType.NETFLOW_V5, *WITHOUT_COUNTERS)


def is_ipv6(types: Types) -> NDArray[np.bool_]:
    """Tell which records nfacctd takes for IPv6 by their outermost header."""
    return is_one_of(types, FlowType.IPV6, *TUNNELS)


def _constant(fields: Fields) -> FlowType | None:
    if fields.version == _V5:
        return FlowType.NETFLOW_V5
    if fields.is_options:
        return FlowType.OPTION
    if fields.has(_NAT_EVENT):
        return FlowType.NAT_EVENT
    return None if fields.has(*_COUNTERS) else FlowType.EVENT


def _of_records(fields: Fields) -> Callable[[Reading], Types]:
    told = fields.last(_IP_VERSION)
    tunnel = _tunnel(fields)
    by_address = _by_address(fields)

    def types(reading: Reading) -> Types:
        found = by_address(reading)
        if told is not None:
            version = reading.number(told, 1)
            found = np.where(version == 4, np.uint8(FlowType.IPV4), found)
            found = np.where(version == 6, np.uint8(FlowType.IPV6), found)
        if tunnel is not None:
            index, kinds = tunnel
            protocol = reading.number(index, 1)
            for number, kind in kinds:
                found = np.where(protocol == number, np.uint8(kind), found)
        return found.astype(np.uint8, copy=False)

    return types


def _by_address(fields: Fields) -> Callable[[Reading], Types]:
    ipv4 = any((0, element) in fields.order for element in _IPV4)
    ipv6 = any((0, element) in fields.order for element in _IPV6)
    if ipv4 and ipv6:
        return _of_both(fields)
    if ipv4 or ipv6:
        kind = FlowType.IPV4 if ipv4 else FlowType.IPV6
    elif fields.has(*_MACS):
        kind = FlowType.LINK
    else:
        kind = FlowType.NONE
    if kind in (FlowType.LINK, FlowType.NONE) and fields.has(*FRAME_SECTIONS):
        return _of_frames
    return lambda reading: np.full(reading.rows, kind, np.uint8)


def _of_frames(reading: Reading) -> Types:
    version = reading.frames.columns["version"]
    found = np.full(reading.rows, FlowType.LINK, np.uint8)
    found[version == 4] = FlowType.IPV4
    found[version == 6] = FlowType.IPV6
    return found


def _of_both(fields: Fields) -> Callable[[Reading], Types]:
    first = next(element for pen, element in fields.order if pen == 0 and element in _IPV4 | _IPV6)
    ipv4, ipv6 = fields.present(*_IPV4_SOURCES), fields.present(*_IPV6_SOURCES)

    def types(reading: Reading) -> Types:
        found = np.zeros(reading.rows, bool)
        if ipv4 is not None:
            found = reading.number(ipv4, 1) != 0
        # The first field decides where it begins with something; else the IPv4 one, if that does.
        if ipv6 is not None and first in _IPV6:
            found &= (reading.halves(ipv6)[0] >> np.uint64(56)) == 0
        return np.where(found, np.uint8(FlowType.IPV4), np.uint8(FlowType.IPV6))

    return types


def _tunnel(fields: Fields) -> tuple[int, tuple[tuple[int, FlowType], ...]] | None:
    """Find the field of the outer protocol, and which of its values make a record a tunnel's."""
    addresses = [element for pen, element in fields.order if pen == 0 and element in _IPV4 | _IPV6]
    protocol = fields.first(_PROTOCOL)
    if protocol is None or not addresses or addresses[0] not in _IPV6:
        return None
    if any(element in _IPV4 for element in addresses):
        return protocol, ((_IPV4_IN_IP, FlowType.SRV6_IPV4),)
    if max(addresses.count(element) for element in addresses) > 1:
        return protocol, ((_IPV6_IN_IP, FlowType.SRV6_IPV6),)
    return protocol, ((_ETHERNET, FlowType.SRV6),)
