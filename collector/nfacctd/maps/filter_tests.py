"""What filter expressions test: addresses, ports, protocols, links (pcap-filter(7))."""

from collections.abc import Callable
from socket import getservbyname

from collector.nfacctd.maps import values
from collector.nfacctd.maps.columns import Flow, LeadingBits
from collector.nfacctd.maps.ip_protocols import PROTOCOLS

FlowTest = Callable[[Flow], bool]

_ETHERTYPES = {"ip": 4, "ip6": 6, "0x0800": 4, "0x800": 4, "0x86dd": 6, "2048": 4, "34525": 6}
_PORT_PROTOCOLS = frozenset(PROTOCOLS[name] for name in ("tcp", "udp", "sctp"))
_ICMP, _ICMP6 = PROTOCOLS["icmp"], PROTOCOLS["icmp6"]


def on_wire(layers: tuple[str, ...]) -> FlowTest:
    """Make a test: between link and IP, the flow has these layers and no others."""
    wanted = "-".join(layers)
    return lambda flow: (flow.get("encapsulation") or "") == wanted


def layer(before: tuple[str, ...], name: str, key: str, value: int | None) -> FlowTest:
    """Make a test: behind the layers ``before`` comes another one, with this value of a key."""
    start = (*before, name)

    def holds(flow: Flow) -> bool:
        layers = tuple((flow.get("encapsulation") or "").split("-"))
        return layers[: len(start)] == start and (value is None or flow.get(key) == value)

    return holds


def is_version(*versions: int) -> FlowTest:
    """Make a test of the IP version."""
    return lambda flow: flow.get("ip_version") in versions


def is_protocol(*protocols: int) -> FlowTest:
    """Make a test of the IP protocol, of either version."""
    wanted = frozenset(protocols)
    return lambda flow: flow.get("ip_version") in (4, 6) and flow.get("ip_proto") in wanted


def protocol_word(word: str) -> FlowTest:
    """Make the test of a protocol's bare name. ``icmp`` is of IPv4 only, ``icmp6`` of IPv6."""
    number = PROTOCOLS[word]
    if number in (_ICMP, _ICMP6):
        return both((is_version(4 if number == _ICMP else 6), is_protocol(number)))
    return is_protocol(number)


def ethertype(text: str) -> FlowTest:
    """Make the test of ``ether proto``.

    Raises:
        ValueError: flows are never of that type.
    """
    version = _ETHERTYPES.get(text.lower())
    if version is None:
        raise ValueError(f"no flow is of ether proto {text!r}")
    return is_version(version)


def in_prefix(prefix: values.Prefix) -> Callable[[str], FlowTest]:
    """Make a test of one end's address, for `ends`."""
    version = is_version(prefix.version)

    def of_end(key: str) -> FlowTest:
        column = LeadingBits(key, prefix.version, prefix.length)
        return lambda flow: version(flow) and column.read(flow) == prefix.bits

    return of_end


def has_port(low: int, high: int, protocols: frozenset[int]) -> Callable[[str], FlowTest]:
    """Make a test of one end's port, for `ends`; without protocols those that have ports."""
    protocol = is_protocol(*(protocols or _PORT_PROTOCOLS))

    def of_end(key: str) -> FlowTest:
        def holds(flow: Flow) -> bool:
            port = flow.get(key)
            return port is not None and low <= port <= high and protocol(flow)

        return holds

    return of_end


def has_mac(text: str) -> Callable[[str], FlowTest]:
    """Make a test of one end's MAC address, for `ends`.

    Raises:
        ValueError: it is none.
    """
    mac = values.mac(text)
    return lambda key: lambda flow: flow.get(key) == mac


def is_multicast_mac(flow: Flow) -> bool:
    """Tell whether the destination's MAC address is a group's."""
    return values.is_group_mac(flow.get("dst_mac"))


def chain(first: FlowTest, rest: tuple[tuple[bool, FlowTest], ...]) -> FlowTest:
    """Make a test of many, joined from left to right by ``and`` (True) and ``or`` (False)."""

    def holds(flow: Flow) -> bool:
        held = first(flow)
        for is_and, test in rest:
            if held == is_and:  # else the test changes nothing
                held = test(flow)
        return held

    return holds


def both(tests: tuple[FlowTest, ...]) -> FlowTest:
    """Make a test that holds where all do."""
    return lambda flow: all(test(flow) for test in tests)


def either(tests: tuple[FlowTest, ...]) -> FlowTest:
    """Make a test that holds where one does."""
    return lambda flow: any(test(flow) for test in tests)


def ends(direction: str, keys: tuple[str, str], of_end: Callable[[str], FlowTest]) -> FlowTest:
    """Make a test of source, destination, one of them or both.

    Args:
        direction: "src", "dst", "or", "and".
        keys: the properties of source and destination.
    """
    if direction in ("src", "dst"):
        return of_end(keys[direction == "dst"])
    tests = tuple(of_end(key) for key in keys)
    return both(tests) if direction == "and" else either(tests)


def port_number(text: str) -> int:
    """Read a port, by number or by the service's name in the system's table.

    Raises:
        ValueError: it is none.
    """
    if text.isdigit():
        return values.number(text, 0xFFFF)
    try:
        return getservbyname(text)
    except OSError as error:
        raise ValueError(f"{text!r} is no port") from error
