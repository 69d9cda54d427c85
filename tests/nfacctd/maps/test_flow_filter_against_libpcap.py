"""Filter expressions mean what libpcap means by them: the same, on packets made of the flows."""

import ctypes
import ctypes.util
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from collector.nfacctd.maps.flow_filter import FlowFilter

_ETHERNET = 1
_IPV4, _IPV6, _VLAN, _MPLS = 0x0800, 0x86DD, 0x8100, 0x8847
_ADDRESSES = {4: ("10.0.0.1", "10.1.2.3", "224.0.0.5"), 6: ("2001:db8::1", "ff02::5")}
_MACS = ("00:00:5e:00:53:01", "01:00:5e:00:00:05")

_primitives = st.sampled_from(
    [
        *("ip", "ip6", "tcp", "udp", "icmp", "icmp6", "proto 6", "ip proto 17", "ip6 proto 6"),
        *("host 10.0.0.1", "src host 10.1.2.3", "dst 2001:db8::1", "net 10.0.0.0/15", "src net 10"),
        *("net 10.1", "dst net 2001:db8::/32", "src and dst net 10.0.0.0/8", "port 80"),
        *("src port 53", "tcp dst port 80", "udp portrange 50-60", "portrange 79-81"),
        *("ether src 00:00:5e:00:53:01", "ether multicast", "ip multicast", "ip6 multicast"),
        *("ether proto 0x800", "vlan", "vlan 7", "mpls", "mpls 24001", "ip[9] = 6"),
        *("ip[12:4] >= 0x0a000002", "tcp[tcpflags] & (tcp-syn|tcp-ack) != 0", "ip[1] >> 2 = 46"),
        *("udp[0:2] + 1 = 54", "ip6[6] = 17", "ether[0] & 1 = 1", "tcp[13] & 2 | 1 = 3"),
        *("port 80 or 53", "src host 10.0.0.1 or 10.1.2.3"),
    ]
)
_expressions = st.recursive(
    _primitives,
    lambda inner: (
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join)
        | inner.map("not ({})".format)
        | inner.map("({})".format)
    ),
    max_leaves=6,
)


@st.composite
def _flows(draw: st.DrawFn) -> dict[str, object]:
    version = draw(st.sampled_from([4, 6]))
    address = st.sampled_from(_ADDRESSES[version])
    port = st.sampled_from([53, 80, 443])
    return {
        "ip_version": version,
        "encapsulation": draw(st.sampled_from(["", "", "vlan", "mpls", "vlan-mpls"])),
        "src_net": draw(address),
        "dst_net": draw(address),
        "ip_proto": draw(st.sampled_from([6, 17, 1 if version == 4 else 58])),
        "src_port": draw(port),
        "dst_port": draw(port),
        "vlan": draw(st.sampled_from([7, 8])),
        "mpls_label_top": draw(st.sampled_from([24001, 24002])),
        "src_mac": draw(st.sampled_from(_MACS)),
        "dst_mac": draw(st.sampled_from(_MACS)),
        "tos": draw(st.sampled_from([0, 0xB8])),
        "tcp_flags": draw(st.sampled_from([0, 2, 18])),
    }


def _packet(flow: dict[str, object]) -> bytes:
    layers = [layer for layer in str(flow["encapsulation"]).split("-") if layer]
    ip_type = _IPV4 if flow["ip_version"] == 4 else _IPV6
    types = [_VLAN if layer == "vlan" else _MPLS for layer in layers] + [ip_type]
    macs = [bytes.fromhex(str(flow[key]).replace(":", "")) for key in ("dst_mac", "src_mac")]
    octets = b"".join(macs) + struct.pack("!H", types[0])
    for place, layer in enumerate(layers, 1):
        if layer == "vlan":
            octets += struct.pack("!HH", flow["vlan"], types[place])
        else:
            octets += struct.pack("!I", flow["mpls_label_top"] << 12 | 1 << 8)
    return octets + _ip(flow) + _transport(flow)


def _ip(flow: dict[str, object]) -> bytes:
    family = socket.AF_INET if flow["ip_version"] == 4 else socket.AF_INET6
    ends = b"".join(socket.inet_pton(family, str(flow[key])) for key in ("src_net", "dst_net"))
    if flow["ip_version"] == 4:
        start = (0x45, flow["tos"], 40, 0, 0, 64, flow["ip_proto"], 0)
        return struct.pack("!BBHHHBBH", *start) + ends
    return struct.pack("!IHBB", 6 << 28 | flow["tos"] << 20, 20, flow["ip_proto"], 64) + ends


def _transport(flow: dict[str, object]) -> bytes:
    ports = (flow["src_port"], flow["dst_port"])
    if flow["ip_proto"] == 6:
        return struct.pack("!HHIIBBHHH", *ports, 0, 0, 0x50, flow["tcp_flags"], 0, 0, 0)
    return struct.pack("!HHHH", *ports, 20, 0).ljust(20, b"\0")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint), ("instructions", ctypes.c_void_p)]


class _Header(ctypes.Structure):
    _fields_ = [
        *(("seconds", ctypes.c_long), ("microseconds", ctypes.c_long)),
        *(("captured", ctypes.c_uint), ("length", ctypes.c_uint)),
    ]


class _Libpcap:
    """The few calls of libpcap that filter packets, without a device or a file."""

    def __init__(self, library: ctypes.CDLL) -> None:
        library.pcap_open_dead.restype = ctypes.c_void_p
        library.pcap_geterr.restype = ctypes.c_char_p
        library.pcap_geterr.argtypes = [ctypes.c_void_p]
        library.pcap_compile.argtypes = [
            *(ctypes.c_void_p, ctypes.POINTER(_Program), ctypes.c_char_p, ctypes.c_int),
            ctypes.c_uint,
        ]
        self._library = library
        self._handle = library.pcap_open_dead(_ETHERNET, 65535)

    def holds(self, expression: str, packet: bytes) -> bool | None:
        """Filter one packet; None: libpcap does not take the expression."""
        program = _Program()
        text = expression.encode()
        if self._library.pcap_compile(self._handle, ctypes.byref(program), text, 0, 0):
            return None
        header = _Header(0, 0, len(packet), len(packet))
        kept = self._library.pcap_offline_filter(
            ctypes.byref(program), ctypes.byref(header), packet
        )
        self._library.pcap_freecode(ctypes.byref(program))
        return kept != 0


@pytest.fixture(scope="module")
def libpcap() -> Iterator[_Libpcap]:
    name = ctypes.util.find_library("pcap")
    if name is None:
        pytest.skip("no libpcap to compare with")
    yield _Libpcap(ctypes.CDLL(name))


@settings(max_examples=1500)
@given(expression=_expressions, flow=_flows())
def test_means_the_same(libpcap: _Libpcap, expression: str, flow: dict[str, object]) -> None:
    assume(expression.count("mpls") < 2)  # for a second one libpcap reads past the label stack
    expected = libpcap.holds(expression, _packet(flow))
    if expected is not None:  # it refuses some that cannot hold, as "vlan and ether proto 0x800"
        assert FlowFilter(expression).holds(flow) == expected
