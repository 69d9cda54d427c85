"""Filter expressions on flows: what they match, what they look at, what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.maps.flow_filter import FlowFilter

_WEB = {
    "ip_version": 4,
    "encapsulation": "",
    "src_net": "192.0.2.1",
    "dst_net": "198.51.100.7",
    "ip_proto": 6,
    "src_port": 40000,
    "dst_port": 443,
    "src_mac": "00:00:5e:00:53:01",
    "dst_mac": "01:00:5e:00:00:05",
    "tos": 0xB8,
    "tcp_flags": 0x12,
}
_DNS = {
    "ip_version": 6,
    "src_net": "2001:db8::1",
    "dst_net": "ff02::fb",
    "ip_proto": 17,
    "src_port": 5353,
    "dst_port": 53,
}
_TAGGED = {**_WEB, "encapsulation": "vlan", "vlan": 100}
_LABELLED = {**_WEB, "encapsulation": "mpls", "mpls_label_top": 24001}
_NOTHING: dict[str, object] = {}
_FLOWS = {"web": _WEB, "dns": _DNS, "tagged": _TAGGED, "labelled": _LABELLED, "nothing": _NOTHING}


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("ip", "web"),
        ("ip6", "dns"),
        ("ip or ip6", "web dns"),
        ("not ip", "dns tagged labelled nothing"),
        ("tcp", "web"),
        ("udp", "dns"),
        ("icmp or icmp6 or igmp", ""),
        ("ip proto 6", "web"),
        ("ip proto \\tcp", "web"),
        ("ip6 proto 6", ""),
        ("proto 17", "dns"),
        ("ether proto 0x86dd or ether proto ip", "web dns"),
        ("host 192.0.2.1", "web"),
        ("192.0.2.1", "web"),
        ("src host 192.0.2.1", "web"),
        ("dst host 192.0.2.1", ""),
        ("src 2001:db8::1", "dns"),
        ("ip6 src host 2001:db8::1", "dns"),
        ("net 192.0.2.0/24", "web"),
        ("net 192.0.2.0 mask 255.255.255.0", "web"),
        ("src net 192", "web"),
        ("dst net 198.51", "web"),
        ("net 198.51.100", "web"),
        ("dst net ff00::/8", "dns"),
        ("src 192.0.2.0/25", "web"),
        ("src or dst net 198.51.100.0/24", "web"),
        ("src and dst net 198.51.100.0/24", ""),
        ("port 443", "web"),
        ("port https", "web"),
        ("tcp port 443 or 53", "web"),
        ("udp dst port 53", "dns"),
        ("ip6 port 53", "dns"),
        ("ip port 53", ""),
        ("src port 443", ""),
        ("portrange 50-500", "web dns"),
        ("tcp src portrange 40000-50000", "web"),
        ("ether src 00:00:5E:0:53:1", "web tagged labelled"),
        ("ether host 00:00:5e:00:53:02", ""),
        ("ether multicast", "web tagged labelled"),
        ("ip6 multicast", "dns"),
        ("ip multicast", ""),
        ("vlan", "tagged"),
        ("vlan 100", "tagged"),
        ("vlan 101", ""),
        ("vlan and tcp", "tagged"),
        ("mpls and host 192.0.2.1", "labelled"),
        ("mpls 24001", "labelled"),
        ("ip or (vlan and ip)", "web tagged"),
        ("(vlan and ip) or ip", "tagged"),  # as in libpcap, vlan counts for all that follows
        ("not vlan and ip", ""),
        ("tcp and host 192.0.2.1 and not port 80", "web"),
        ("udp or tcp and port 80", ""),  # and, or bind alike, from the left
        ("udp or (tcp and port 80)", "dns"),
        ("not (tcp or udp)", "tagged labelled nothing"),
        ("not host 192.0.2.1 and 198.51.100.7", ""),
        ("tcp && !(port 80) || udp", "web dns"),
        ("ip[12:4] >= 0xC0000200 and ip[12:4] <= 0xC00002FF", "web"),
        ("((ip[12:4] >= 0xC0000200) and (ip[12:4] <= 0xC00002FF)) or udp", "web dns"),
        ("ip[9] = 6", "web"),
        ("ip[1] & 0xfc >> 2 == 46", ""),
        ("(ip[1] >> 2) = 46", "web"),
        ("ip[0] & 0xf != 5", ""),
        ("tcp[tcpflags] & (tcp-syn|tcp-ack) = 18", "web"),
        ("tcp[13] = 0x12 and tcp[2:2] = 443", "web"),
        ("ip6[6] = 17", "dns"),
        ("udp[2:2] = 53", ""),  # libpcap does not look past the headers of IPv6
        ("ip[100] = 0", ""),
        ("ip[12] / 0 = 0", ""),
        ("1 + 2 * 3 = 7", "web dns tagged labelled nothing"),
        ("vlan and ip[9] = 6", "tagged"),
        ("ether[0] & 1 = 1", "web tagged labelled"),
        ("ether[12:2] = 0x8100", "tagged"),
    ],
)
def test_expression(text: str, matching: str) -> None:
    expression = FlowFilter(text)
    assert [name for name, flow in _FLOWS.items() if expression.holds(flow)] == matching.split()
    for flow in _FLOWS.values():
        seen = {key: value for key, value in flow.items() if key in expression.keys}
        assert expression.holds(seen) == expression.holds(flow)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'its end' is not understood"),
        ("host", "'its end' stands where"),
        ("host router", "'router' stands where"),
        ("host 192.0.2.0/24", "'/' is one word too many"),
        ("net 192.0.2.1/24", "has bits set past its length"),
        ("net 192.0.2.0/33", "33 is not from 0 to 32"),
        ("net 10.0.0.0 mask 255.0.255.0", "255.0.255.0 is no network mask"),
        ("host 10.1", "'10.1' is no IP address"),
        ("ip6 host 192.0.2.1", "not of 'ip6'"),
        ("tcp host 192.0.2.1", "'tcp' has no host"),
        ("icmp port 7", "'icmp' has no ports"),
        ("port 65536", "65536 is not from 0 to 65535"),
        ("port nosuchservice", "'nosuchservice' is no port"),
        ("ether host 192.0.2.1", "'192.0.2.1' stands where"),
        ("ether", "'ether' alone says nothing"),
        ("ether proto arp", "no flow is of ether proto 'arp'"),
        ("tcp multicast", "'tcp' has no multicast"),
        ("vlan 4096", "4096 is not from 0 to 4095"),
        ("greater 100", "'greater' is not understood"),
        ("len > 100", "'len' is not understood"),
        ("(tcp", "')' is missing before 'its end'"),
        ("tcp)", "')' is one word too many"),
        ("tcp udp", "'tcp' has no host"),
        ("tcp and", "'its end' is not understood"),
        ("ip[1:3] = 0", "'[' stands where"),
        ("ip[1] = ", "'[' stands where"),
        ("tcp ; port 80", "cannot read '; port 80'"),
        ("(" * 40 + "tcp" + ")" * 40, "more than 30 levels"),
        ("not " * 2100 + "tcp", "more than 2000 words"),
    ],
)
def test_malformed_expression(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as told:
        FlowFilter(text)
    assert reason in str(told.value)


def test_keys_are_what_the_expression_looks_at() -> None:
    assert FlowFilter("ip").keys == {"ip_version", "encapsulation"}
    assert FlowFilter("src net 10").keys == {"ip_version", "encapsulation", "src_net"}
    assert FlowFilter("ether dst 0:0:0:0:0:1").keys == {"dst_mac"}


_WORDS = (
    *("ip", "ip6", "tcp", "udp", "icmp", "host", "net", "port", "portrange", "src", "dst", "proto"),
    *(
        "and",
        "or",
        "not",
        "(",
        ")",
        "vlan",
        "mpls",
        "ether",
        "multicast",
        "mask",
        "/",
        "-",
        "[",
        "]",
    ),
    *(
        "=",
        ">",
        "&",
        "+",
        ":",
        "10.0.0.0",
        "2001:db8::",
        "80",
        "0x10",
        "00:00:5e:00:53:01",
        "\\tcp",
    ),
)


@given(st.lists(st.sampled_from(_WORDS), max_size=25).map(" ".join) | st.text(max_size=30))
def test_any_text_is_an_expression_or_told(text: str) -> None:
    try:
        expression = FlowFilter(text)
    except ValueError:
        return
    for flow in _FLOWS.values():
        assert expression.holds(flow) in (True, False)


@pytest.mark.parametrize("join", [" and ", " or "])
def test_long_expression_is_no_deep_one(join: str) -> None:
    expression = FlowFilter(join.join(["tcp", "port 443"] * 300))
    assert expression.holds(_WEB)
    assert FlowFilter("+".join(["1"] * 900) + "=900").holds(_NOTHING)
