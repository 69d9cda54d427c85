"""Fields that come twice: the first is the tunnel's, the last the flow's."""

from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import Value, address, ipfix, netflow_v9

_OUTER: list[Value] = [
    (27, address("2001:db8::1")),
    (28, address("2001:db8::2")),
    (5, b"\x10"),
    (31, b"\0\0\0\7"),
    (7, b"\0\1"),
    (11, b"\0\2"),
    (6, b"\0\2"),
]
_TUNNEL = (
    *("tunnel_src_host", "tunnel_dst_host", "tunnel_proto", "tunnel_tos", "tunnel_flow_label"),
    *("tunnel_src_port", "tunnel_dst_port", "tunnel_tcpflags"),
)
_FLOW = ("src_host", "dst_host", "proto", "tos", "src_port", "dst_port", "tcpflags", "etype")


def test_ipv4_in_srv6() -> None:
    inner: list[Value] = [
        (8, address("10.0.0.1")),
        (12, address("10.0.0.2")),
        (4, b"\6"),
        (5, b"\x20"),
        (7, b"\0\x50"),
        (11, b"\0\x51"),
        (6, b"\0\x10"),
        (31, b"\0\0\0\0"),
    ]
    (record,) = records_of([ipfix([*_OUTER, (4, b"\4"), *inner])], *_FLOW, *_TUNNEL)
    assert record == {
        "etype": "86dd",
        "ip_src": "10.0.0.1",
        "ip_dst": "10.0.0.2",
        "port_src": 80,
        "port_dst": 81,
        "tcp_flags": 16,
        "ip_proto": "tcp",
        "tos": 32,
        "tunnel_ip_src": "2001:db8::1",
        "tunnel_ip_dst": "2001:db8::2",
        "tunnel_ip_proto": "ipencap",
        "tunnel_tos": 16,
        "tunnel_flow_label": 7,
        "tunnel_port_src": 1,
        "tunnel_port_dst": 2,
        "tunnel_tcp_flags": "2",
        "packets": 3,
        "bytes": 256,
    }


def test_ipv6_in_srv6() -> None:
    inner: list[Value] = [(27, address("fd00::1")), (28, address("fd00::2")), (4, b"\x11")]
    octets = netflow_v9([*_OUTER, (4, b"\x29"), *inner])
    (record,) = records_of([octets], "src_host", "dst_host", "proto", *_TUNNEL)
    assert (record["ip_src"], record["ip_dst"], record["ip_proto"]) == ("fd00::1", "fd00::2", "udp")
    assert record["tunnel_ip_src"] == "2001:db8::1"
    assert record["tunnel_ip_proto"] == "ipv6"
    assert record["tunnel_flow_label"] == 0  # comes once
    assert record["tunnel_tos"] == 0


def test_ethernet_in_srv6_has_no_flow_inside() -> None:
    (record,) = records_of([ipfix([*_OUTER, (4, b"\x8f")])], *_FLOW, *_TUNNEL)
    assert (record["ip_src"], record["ip_dst"], record["ip_proto"]) == ("", "", "0")
    assert (record["port_src"], record["tcp_flags"]) == (0, 0)
    assert (record["tunnel_ip_src"], record["tunnel_port_src"]) == ("2001:db8::1", 1)
    assert record["tunnel_ip_proto"] == "143"


def test_plain_flows_have_no_tunnel_but_a_tos_that_comes_twice() -> None:
    values: list[Value] = [(8, address("10.0.0.1")), (5, b"\x10"), (5, b"\x20")]
    (record,) = records_of([ipfix(values)], "tos", *_TUNNEL)
    assert (record["tos"], record["tunnel_tos"]) == (32, 16)
    assert record["tunnel_ip_src"] == ""
    assert record["tunnel_ip_proto"] == "0"
    assert record["tunnel_tcp_flags"] == "0"
