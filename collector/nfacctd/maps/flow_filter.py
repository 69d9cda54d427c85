"""Filter expressions of maps and of aggregate_filter: pcap-filter(7), on properties of a flow.

What is there: host, net, port, portrange with src and dst; ip, ip6, tcp, udp, icmp and the other
names of `ip_protocols`; proto, ip proto, ip6 proto, ether proto; ether host, src, dst; multicast;
vlan, mpls; octets (`filter_octets`); and, or, not, parentheses. Properties beside those of
`match_keys`:

    ip_version      4 or 6; None: the flow has no addresses
    encapsulation   what nfacctd puts between link and IP: "", "vlan", "mpls", "vlan-mpls"
    tos             int
    mpls_label_top  int
"""

from collections.abc import Callable

from collector.nfacctd.maps import filter_tests as tests
from collector.nfacctd.maps import values
from collector.nfacctd.maps.columns import Flow
from collector.nfacctd.maps.filter_octets import parse_relation
from collector.nfacctd.maps.filter_tests import FlowTest
from collector.nfacctd.maps.filter_tokens import Tokens
from collector.nfacctd.maps.ip_protocols import PROTOCOLS, protocol_number

_LINKS = {"vlan": (4095, "vlan"), "mpls": (0xF_FFFF, "mpls_label_top")}
_NETWORKS = {"ip": (4,), "ip6": (6,)}
_TYPES = ("host", "net", "port", "portrange", "proto", "multicast")
_ENDS = {"src": "dst", "dst": "src"}
_ADDRESSES = ("src_net", "dst_net")
_PORTS = ("src_port", "dst_port")
_MACS = ("src_mac", "dst_mac")
_IDENTIFIERS = ("mac", "ipv6", "dotted", "number")
_MULTICAST = {4: values.Prefix(4, 4, 0xE), 6: values.Prefix(6, 8, 0xFF)}
_MAX_DEPTH = 30  # of parentheses and negations


class FlowFilter:
    """One expression.

    Raises:
        ValueError: it is none, or has what flows cannot answer.
    """

    __slots__ = ("_holds", "keys", "text")

    def __init__(self, text: str) -> None:
        parser = _Parser(text)
        self.text = text
        self._holds = parser.whole()
        self.keys = frozenset(parser.keys)

    def holds(self, flow: Flow) -> bool:
        """Tell whether a flow matches."""
        return self._holds(flow)


class _Qualifiers:
    """What stands before an identifier; identifiers without any take those of the last one."""

    __slots__ = ("direction", "kind", "protocol")

    def __init__(self, protocol: str | None, direction: str | None, kind: str | None) -> None:
        self.protocol, self.direction, self.kind = protocol, direction, kind


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = Tokens(text)
        self._layers: tuple[str, ...] = ()
        self._last = _Qualifiers(None, None, None)
        self.keys: set[str] = set()

    def whole(self) -> FlowTest:
        holds = self._alternatives(_MAX_DEPTH)
        rest = self._tokens.peek()
        if rest.kind != "end":
            raise ValueError(f"{rest.text!r} is one word too many")
        return holds

    def _alternatives(self, depth: int) -> FlowTest:
        """Read terms joined by ``and`` and ``or``, which bind alike, from left to right."""
        first = self._term(depth)
        rest = []
        while word := self._tokens.take_if("and", "or"):
            rest.append((word == "and", self._term(depth)))
        return tests.chain(first, tuple(rest)) if rest else first

    def _term(self, depth: int) -> FlowTest:
        if not depth:
            raise ValueError(f"more than {_MAX_DEPTH} levels")
        if self._tokens.take_if("not"):
            inner = self._term(depth - 1)
            return lambda flow: not inner(flow)
        relation = parse_relation(self._tokens, tests.on_wire(self._layers), self.keys)
        if relation is not None:
            return relation
        if self._tokens.take_if("("):
            inner = self._alternatives(depth - 1)
            self._tokens.expect(")")
            return inner
        return self._primitive()

    def _primitive(self) -> FlowTest:
        link = self._tokens.take_if(*_LINKS)
        if link:
            return self._link(link)
        protocol = self._tokens.take_if("ether", *_NETWORKS, *PROTOCOLS)
        direction = self._direction()
        kind = self._tokens.take_if(*_TYPES)
        if protocol and not direction and not kind and self._ends_here():
            return self._protocol(protocol)
        if protocol or direction or kind:
            self._last = _Qualifiers(protocol, direction, kind)
        elif self._tokens.peek().kind not in _IDENTIFIERS:
            raise ValueError(f"{self._tokens.peek().text!r} is not understood")
        return self._qualified(self._last)

    def _ends_here(self) -> bool:
        token = self._tokens.peek()
        return token.kind == "end" or token.text in ("and", "or", ")")

    def _direction(self) -> str | None:
        first = self._tokens.take_if(*_ENDS)
        if not first:
            return None
        joined, other = self._tokens.peek(), self._tokens.peek(1)
        if joined.text in ("and", "or") and other.text == _ENDS[first]:
            self._tokens.take()
            self._tokens.take()
            return joined.text
        return first

    def _link(self, name: str) -> FlowTest:
        """Read ``vlan [id]`` or ``mpls [label]``.

        All that follows in the expression, whatever the parentheses, is about what is behind it.
        """
        highest, key = _LINKS[name]
        value = None
        if self._tokens.peek().kind == "number":
            value = values.number(self._tokens.take().text, highest)
            self.keys.add(key)
        self.keys.add("encapsulation")
        holds = tests.layer(self._layers, name, key, value)
        self._layers = (*self._layers, name)
        return holds

    def _protocol(self, word: str) -> FlowTest:
        if word == "ether":
            raise ValueError("'ether' alone says nothing")
        if word in _NETWORKS:
            return self._behind_layers(tests.is_version(*_NETWORKS[word]))
        return self._behind_layers(tests.protocol_word(word), "ip_proto")

    def _behind_layers(self, holds: FlowTest, *keys: str) -> FlowTest:
        self.keys |= {"ip_version", "encapsulation", *keys}
        return tests.both((tests.on_wire(self._layers), holds))

    def _qualified(self, by: _Qualifiers) -> FlowTest:
        if by.kind == "multicast":
            return self._multicast(by.protocol)
        if by.protocol == "ether":
            return self._ether(by)
        if by.kind in ("port", "portrange"):
            return self._port(by)
        if by.protocol not in (None, *_NETWORKS):
            raise ValueError(f"{by.protocol!r} has no {by.kind or 'host'}")
        if by.kind == "proto":
            protocol = protocol_number(self._identifier("number", "word"))
            version = tests.is_version(*_NETWORKS.get(by.protocol, (4, 6)))
            pair = (version, tests.is_protocol(protocol))
            return self._behind_layers(tests.both(pair), "ip_proto")
        return self._address(by)

    def _identifier(self, *kinds: str) -> str:
        token = self._tokens.take()
        if token.kind not in kinds:
            raise ValueError(f"{token.text!r} stands where {' or '.join(kinds)} should")
        return token.text

    def _ends(
        self, by: _Qualifiers, keys: tuple[str, str], of_end: Callable[[str], FlowTest]
    ) -> FlowTest:
        direction = by.direction or "or"
        self.keys |= {keys[direction == "dst"]} if direction in _ENDS else set(keys)
        return tests.ends(direction, keys, of_end)

    def _address(self, by: _Qualifiers) -> FlowTest:
        prefix = self._prefix(by.kind)
        if prefix.version not in _NETWORKS.get(by.protocol, (4, 6)):
            raise ValueError(f"an address that is not of {by.protocol!r}")
        return self._behind_layers(self._ends(by, _ADDRESSES, tests.in_prefix(prefix)))

    def _prefix(self, kind: str | None) -> values.Prefix:
        text = self._identifier("ipv6", "dotted", "number")
        octets = text.count(".") + 1
        if ":" in text or octets == 4:
            whole = values.prefix(text)
        elif kind == "net":  # "net 10.1" is 10.1.0.0/16
            short = values.prefix(text + ".0" * (4 - octets) + f"/{8 * octets}")
            whole = short._replace(bits=short.bits << (32 - short.length), length=32)
        else:
            raise ValueError(f"{text!r} is no IP address")
        length = short.length if ":" not in text and octets < 4 else whole.length
        if kind != "host" and self._tokens.take_if("/"):
            length = values.number(self._identifier("number"), whole.length)
        elif kind == "net" and self._tokens.take_if("mask"):
            length = _mask_length(self._identifier("dotted"))
        spare = whole.length - length
        if whole.bits & ((1 << spare) - 1):
            raise ValueError(f"{text}/{length} has bits set past its length")
        return values.Prefix(whole.version, length, whole.bits >> spare)

    def _port(self, by: _Qualifiers) -> FlowTest:
        if by.protocol in (None, *_NETWORKS):
            protocols = frozenset()
        elif by.protocol in ("tcp", "udp", "sctp"):
            protocols = frozenset((PROTOCOLS[by.protocol],))
        else:
            raise ValueError(f"{by.protocol!r} has no ports")
        low = high = tests.port_number(self._identifier("number", "word"))
        if by.kind == "portrange" and self._tokens.take_if("-"):
            high = tests.port_number(self._identifier("number", "word"))
        of_end = tests.has_port(min(low, high), max(low, high), protocols)
        version = tests.is_version(*_NETWORKS.get(by.protocol, (4, 6)))
        pair = (version, self._ends(by, _PORTS, of_end))
        return self._behind_layers(tests.both(pair), "ip_proto")

    def _ether(self, by: _Qualifiers) -> FlowTest:
        if by.kind == "proto":
            return self._behind_layers(tests.ethertype(self._identifier("number", "word")))
        if by.kind not in (None, "host"):
            raise ValueError(f"'ether' has no {by.kind}")
        return self._ends(by, _MACS, tests.has_mac(self._identifier("mac")))

    def _multicast(self, protocol: str | None) -> FlowTest:
        if protocol in (None, "ether"):
            self.keys.add("dst_mac")
            return tests.is_multicast_mac
        if protocol not in _NETWORKS:
            raise ValueError(f"{protocol!r} has no multicast")
        (version,) = _NETWORKS[protocol]
        self.keys.add("dst_net")
        return self._behind_layers(tests.in_prefix(_MULTICAST[version])("dst_net"))


def _mask_length(text: str) -> int:
    _, mask = values.address_number(text)
    length = mask.bit_count()
    if mask != (0xFFFF_FFFF << (32 - length)) & 0xFFFF_FFFF:
        raise ValueError(f"{text} is no network mask")
    return length
