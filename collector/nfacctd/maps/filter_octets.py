"""Relations over header octets in filters: ``ip[12:4] >= 0xC0A80001`` (pcap-filter(7)).

A flow has no packet: octets that follow from its properties are put where the header has them, the
others are 0, as in the packet that nfacctd makes up. An offset past the header makes the relation
false, as do the octets of a protocol that the flow is not of.
"""

import operator
import struct
from collections.abc import Callable
from socket import AF_INET, AF_INET6, inet_pton

from collector.nfacctd.maps.columns import Flow
from collector.nfacctd.maps.filter_tokens import Tokens

Term = Callable[[Flow], int | None]  # None: there is no such octet
OnWire = Callable[[Flow], bool]

_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHH")
_ETHER = struct.Struct("!6s6sH")
_ETHERTYPES: dict[object, int] = {4: 0x0800, 6: 0x86DD, "vlan": 0x8100, "mpls": 0x8847}
_TCP_PROTOCOL, _UDP_PROTOCOL = 6, 17
_U32 = 0xFFFF_FFFF
_MAX_DEPTH = 30  # of parentheses

_NAMES = {
    "tcpflags": 13,
    "tcp-fin": 1,
    "tcp-syn": 2,
    "tcp-rst": 4,
    "tcp-push": 8,
    "tcp-ack": 16,
    "tcp-urg": 32,
    "tcp-ece": 64,
    "tcp-cwr": 128,
}
_RELATIONS: dict[str, Callable[[int, int], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
# What binds less comes first.
_LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"|": operator.or_, "&": operator.and_, "^": operator.xor},
    {
        "<<": lambda left, by: left << by if by < 32 else 0,
        ">>": lambda left, by: left >> by if by < 32 else 0,
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.floordiv, "%": operator.mod},
)

_IP_KEYS = {"ip_version", "encapsulation", "ip_proto", "src_net", "dst_net", "tos"}
_PORT_KEYS = {"ip_version", "encapsulation", "ip_proto", "src_port", "dst_port"}


def parse_relation(
    tokens: Tokens, on_wire: OnWire, keys: set[str]
) -> Callable[[Flow], bool] | None:
    """Read ``term relation term`` if there is one at this place; else take nothing.

    Args:
        on_wire: tells whether a flow's encapsulation is what the expression has named so far.
        keys: the properties that are looked at are added.
    """
    place = tokens.place
    looked_at: set[str] = set()
    try:
        left = _parse_term(tokens, on_wire, looked_at, 0, _MAX_DEPTH)
        relation = _RELATIONS[tokens.take().text]
        right = _parse_term(tokens, on_wire, looked_at, 0, _MAX_DEPTH)
    except (ValueError, KeyError):
        tokens.place = place
        return None
    keys |= looked_at

    def holds(flow: Flow) -> bool:
        first, second = left(flow), right(flow)
        return first is not None and second is not None and relation(first, second)

    return holds


def _parse_term(tokens: Tokens, on_wire: OnWire, keys: set[str], level: int, depth: int) -> Term:
    if level == len(_LEVELS):
        return _parse_atom(tokens, on_wire, keys, depth)
    first = _parse_term(tokens, on_wire, keys, level + 1, depth)
    rest = []
    while sign := tokens.take_if(*_LEVELS[level]):
        right = _parse_term(tokens, on_wire, keys, level + 1, depth)
        rest.append((_LEVELS[level][sign], right))
    return _combine(first, rest) if rest else first


def _combine(first: Term, rest: list[tuple[Callable[[int, int], int], Term]]) -> Term:
    def value(flow: Flow) -> int | None:
        left = first(flow)
        for operation, term in rest:
            right = term(flow)
            if left is None or right is None:
                return None
            try:
                left = operation(left, right) & _U32
            except ZeroDivisionError:
                return None
        return left

    return value


def _parse_atom(tokens: Tokens, on_wire: OnWire, keys: set[str], depth: int) -> Term:
    token = tokens.take()
    if token.text == "(" and depth:
        inner = _parse_term(tokens, on_wire, keys, 0, depth - 1)
        tokens.expect(")")
        return inner
    if token.kind == "number":
        number = int(token.text, 0) & _U32 if token.text[:2] in ("0x", "0X") else int(token.text)
        return lambda _flow: number
    if token.text in _NAMES:
        number = _NAMES[token.text]
        return lambda _flow: number
    if token.text in _HEADERS and tokens.take_if("["):
        header, looked_at = _HEADERS[token.text]
        keys |= looked_at
        start = _parse_term(tokens, on_wire, keys, 0, depth - 1)
        size = int(tokens.take().text) if tokens.take_if(":") else 1
        if size not in (1, 2, 4):
            raise ValueError("1, 2 or 4 octets can be compared")
        tokens.expect("]")
        # The link's header is where it is, whatever comes behind it.
        return _octets(header, on_wire if header is not _ether else _always, start, size)
    raise ValueError(f"{token.text!r} is no number")


def _octets(
    header: Callable[[Flow], bytes | None], on_wire: OnWire, start: Term, size: int
) -> Term:
    def value(flow: Flow) -> int | None:
        octets = header(flow) if on_wire(flow) else None
        first = start(flow)
        if octets is None or first is None or first + size > len(octets):
            return None
        return int.from_bytes(octets[first : first + size], "big")

    return value


def _always(_flow: Flow) -> bool:
    return True


def _number(flow: Flow, key: str, mask: int) -> int:
    return int(flow.get(key) or 0) & mask


def _address(flow: Flow, key: str, family: int, size: int) -> bytes:
    text = flow.get(key)
    try:
        return inet_pton(family, str(text)) if text else bytes(size)
    except OSError:
        return bytes(size)


def _ipv4(flow: Flow) -> bytes | None:
    if flow.get("ip_version") != 4:
        return None
    tos, protocol = _number(flow, "tos", 0xFF), _number(flow, "ip_proto", 0xFF)
    ends = (_address(flow, key, AF_INET, 4) for key in ("src_net", "dst_net"))
    return _IPV4.pack(0x45, tos, 0, 0, 0, 0, protocol, 0, *ends)


def _ipv6(flow: Flow) -> bytes | None:
    if flow.get("ip_version") != 6:
        return None
    first = 6 << 28 | _number(flow, "tos", 0xFF) << 20
    ends = (_address(flow, key, AF_INET6, 16) for key in ("src_net", "dst_net"))
    return _IPV6.pack(first, 0, _number(flow, "ip_proto", 0xFF), 0, *ends)


def _ports(flow: Flow, protocol: int) -> tuple[int, int] | None:
    # IPv4 only, as libpcap: it does not look past the extension headers of IPv6.
    if flow.get("ip_version") != 4 or flow.get("ip_proto") != protocol:
        return None
    return _number(flow, "src_port", 0xFFFF), _number(flow, "dst_port", 0xFFFF)


def _tcp(flow: Flow) -> bytes | None:
    ports = _ports(flow, _TCP_PROTOCOL)
    flags = _number(flow, "tcp_flags", 0xFF)
    return None if ports is None else _TCP.pack(*ports, 0, 0, 0x50, flags, 0, 0, 0)


def _udp(flow: Flow) -> bytes | None:
    ports = _ports(flow, _UDP_PROTOCOL)
    return None if ports is None else _UDP.pack(*ports, 0, 0)


def _ether(flow: Flow) -> bytes | None:
    ends = (
        bytes.fromhex(str(flow.get(key) or "00:00:00:00:00:00").replace(":", ""))
        for key in ("dst_mac", "src_mac")
    )
    layer = str(flow.get("encapsulation") or "").partition("-")[0]
    return _ETHER.pack(*ends, _ETHERTYPES.get(layer or flow.get("ip_version"), 0))


_HEADERS: dict[str, tuple[Callable[[Flow], bytes | None], set[str]]] = {
    "ip": (_ipv4, _IP_KEYS),
    "ip6": (_ipv6, _IP_KEYS),
    "tcp": (_tcp, _PORT_KEYS | {"tcp_flags"}),
    "udp": (_udp, _PORT_KEYS),
    "ether": (_ether, {"ip_version", "encapsulation", "src_mac", "dst_mac"}),
}
