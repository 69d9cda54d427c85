"""Each primitive: the fields it is taken from, in which lengths, and how it is written."""

from typing import Any

import pytest

from collector.nfacctd.settings import Plugin
from collector.simulation.ipfix import (
    data_set,
    ipfix_message,
    template_set,
    variable_length,
)
from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import Value, address, ipfix, netflow_v9

_SOURCE: Value = (8, address("10.0.0.1"))
_MAC = bytes.fromhex("aabbccddee01")


def told(name: str, key: str, *values: Value, **settings: Any) -> Any:
    (record,) = records_of([ipfix(values)], name, **settings)
    return record[key]


@pytest.mark.parametrize(
    ("name", "key", "values", "expected"),
    [
        ("src_mac", "mac_src", [(56, _MAC)], "aa:bb:cc:dd:ee:01"),
        ("src_mac", "mac_src", [(365, _MAC)], "aa:bb:cc:dd:ee:01"),
        ("src_mac", "mac_src", [(81, b"\1" * 6), (56, _MAC)], "aa:bb:cc:dd:ee:01"),
        ("src_mac", "mac_src", [_SOURCE], "00:00:00:00:00:00"),
        ("dst_mac", "mac_dst", [(57, _MAC)], "aa:bb:cc:dd:ee:01"),
        ("vlan", "vlan", [_SOURCE, (61, b"\0"), (243, b"\0\5"), (59, b"\0\7")], 5),
        ("vlan", "vlan", [_SOURCE, (61, b"\1"), (243, b"\0\5"), (59, b"\0\7")], 7),
        ("vlan", "vlan", [_SOURCE, (61, b"\2"), (243, b"\0\5"), (59, b"\0\7")], 0),
        ("vlan", "vlan", [_SOURCE, (243, b"\0\5"), (59, b"\0\7")], 7),
        ("in_vlan", "vlan_in", [_SOURCE, (243, b"\0\5")], 5),
        ("out_vlan", "vlan_out", [_SOURCE, (254, b"\0\6")], 6),
        ("in_cvlan", "cvlan_in", [_SOURCE, (245, b"\0\7")], 7),
        ("out_cvlan", "cvlan_out", [_SOURCE, (255, b"\0\x08")], 8),
        ("cos", "cos", [_SOURCE, (244, b"\3")], 3),
        ("etype", "etype", [_SOURCE, (256, b"\x88\x47")], "8847"),
        ("etype", "etype", [_SOURCE], "800"),
        ("etype", "etype", [(27, address("2001:db8::1"))], "86dd"),
        ("src_as", "as_src", [_SOURCE, (16, b"\xfd\xe8")], 65000),
        ("src_as", "as_src", [_SOURCE, (16, b"\0\1\0\0")], 65536),
        ("src_as", "as_src", [_SOURCE, (16, b"\0\1\0")], 0),
        ("dst_as", "as_dst", [_SOURCE, (17, b"\xfd\xe8")], 65000),
        ("peer_src_as", "peer_as_src", [_SOURCE, (129, b"\xfd\xe8")], 65000),
        ("peer_dst_as", "peer_as_dst", [_SOURCE, (128, b"\xfd\xe8")], 65000),
        ("in_iface", "iface_in", [_SOURCE, (10, b"\0\5")], 5),
        ("in_iface", "iface_in", [_SOURCE, (10, b"\0\0\5"), (252, b"\0\0\0\6")], 6),
        ("out_iface", "iface_out", [_SOURCE, (253, b"\0\0\0\6")], 6),
        ("mpls_pw_id", "mpls_pw_id", [_SOURCE, (249, b"\0\0\0\6")], 6),
        ("src_mask", "mask_src", [_SOURCE, (9, b"\x18"), (29, b"\x40")], 24),
        ("dst_mask", "mask_dst", [(27, address("::1")), (13, b"\x18"), (30, b"\x40")], 64),
        ("src_port", "port_src", [_SOURCE, (7, b"\0\x50")], 80),
        ("src_port", "port_src", [_SOURCE, (182, b"\0\x50")], 80),
        ("dst_port", "port_dst", [_SOURCE, (181, b"\0\x50"), (183, b"\0\x51")], 80),
        ("tcpflags", "tcp_flags", [_SOURCE, (6, b"\x12")], 18),
        ("tcpflags", "tcp_flags", [_SOURCE, (6, b"\1\x12")], 18),
        ("fwd_status", "fwd_status", [_SOURCE, (89, b"\x40")], "64"),
        ("fwd_status", "fwd_status", [_SOURCE, (89, b"\0\0\0\x40")], "64"),
        ("fwd_status", "fwd_status", [_SOURCE, (89, b"\1\0\0\0")], "0"),
        ("proto", "ip_proto", [_SOURCE, (4, b"\x3a")], "ipv6-icmp"),
        ("proto", "ip_proto", [_SOURCE, (4, b"\xfd")], "253"),
        ("tos", "tos", [_SOURCE, (5, b"\xb8")], 184),
        ("flow_label", "flow_label", [_SOURCE, (31, b"\0\1\2\3")], 66051),
        ("sampling_direction", "sampling_direction", [_SOURCE, (61, b"\0")], "i"),
        ("sampling_direction", "sampling_direction", [_SOURCE, (61, b"\1")], "e"),
        ("sampling_direction", "sampling_direction", [_SOURCE, (61, b"\2")], "u"),
        ("sampling_direction", "sampling_direction", [_SOURCE], "u"),
        ("post_nat_src_host", "post_nat_ip_src", [_SOURCE, (225, address("1.2.3.4"))], "1.2.3.4"),
        ("post_nat_src_host", "post_nat_ip_src", [_SOURCE], ""),
        ("post_nat_dst_port", "post_nat_port_dst", [_SOURCE, (228, b"\0\x50")], 80),
        ("nat_event", "nat_event", [_SOURCE, (230, b"\4")], 4),
        ("fw_event", "fw_event", [_SOURCE, (233, b"\2")], 2),
        ("vxlan", "vxlan", [_SOURCE, (351, b"\1\0\0\0\0\0\1\2")], 258),
        ("nvgre", "nvgre", [_SOURCE, (351, b"\1\0\0\0\0\0\1\2")], 0),
        ("path_delay_min_usec", "path_delay_min_usec", [_SOURCE, (601, b"\0\0\0\5")], 5),
        ("path_delay_max_usec", "path_delay_max_usec", [_SOURCE, (525, b"\0\0\0\6", 2011)], 6),
        ("export_proto_version", "export_proto_version", [_SOURCE], 10),
        ("export_proto_seqno", "export_proto_seqno", [_SOURCE], 7),
        ("tag", "tag", [_SOURCE, (1, b"\0\0\0\0\0\0\0\5", 43874)], 5),
        ("label", "label", [_SOURCE, (3, b"abc\0", 43874)], "abc"),
        ("class", "class", [_SOURCE], "unknown"),
        ("peer_src_ip", "peer_ip_src", [_SOURCE], "192.0.2.1"),
        ("peer_src_ip", "peer_ip_src", [_SOURCE, (130, address("10.9.9.9"))], "10.9.9.9"),
        (
            "peer_src_ip",
            "peer_ip_src",
            [_SOURCE, (130, bytes(4)), (131, address("2001:db8::9"))],
            "2001:db8::9",
        ),
        ("tunnel_src_mac", "tunnel_mac_src", [_SOURCE], "00:00:00:00:00:00"),
        ("tunnel_tcpflags", "tunnel_tcp_flags", [_SOURCE], "0"),
        ("tunnel_proto", "tunnel_ip_proto", [_SOURCE], "0"),
        ("src_host_country", "country_ip_src", [_SOURCE], ""),
        ("src_host_coords", "lat_ip_src", [_SOURCE], 0.0),
    ],
)
def test_a_primitive_is_taken_from_its_fields(
    name: str, key: str, values: list[Value], expected: object
) -> None:
    assert told(name, key, *values) == expected


@pytest.mark.parametrize(
    ("values", "octets", "packets"),
    [
        ([(1, b"\0\0\0\5"), (2, b"\0\0\0\6")], 5, 6),
        ([(1, bytes(7) + b"\5"), (86, bytes(7) + b"\6")], 5, 6),
        ([(1, b"\0\0\5"), (2, b"\0\6")], 0, 0),  # reduced sizes are not read
        ([(1, b"\0\0\5"), (85, b"\0\0\0\7"), (24, b"\0\0\0\x08")], 7, 8),
        ([(352, bytes(7) + b"\5"), (2, b"\0\0\0\6")], 5, 6),
        ([(231, b"\0\0\0\5"), (232, b"\0\0\0\6")], 0, 0),
    ],
)
def test_counters(values: list[Value], octets: int, packets: int) -> None:
    (record,) = records_of([ipfix([_SOURCE, *values], counted=False)], "src_host")
    assert (record["bytes"], record["packets"]) == (octets, packets)


def test_counters_of_firewalls_count_where_the_conf_says_so() -> None:
    message = ipfix([_SOURCE, (231, b"\0\0\0\5"), (232, bytes(7) + b"\6")], counted=False)
    (record,) = records_of([message], "src_host", asa_bi_flow=True)
    assert (record["bytes"], record["packets"]) == (5, 6)


@pytest.mark.parametrize(
    ("octets", "flows"), [(b"\0\0\0\5", 5), (b"\0\0\0\0", 1), (bytes(7) + b"\2", 2), (b"\5", 1)]
)
def test_flows_are_at_least_one_a_record(octets: bytes, flows: int) -> None:
    (record,) = records_of([ipfix([_SOURCE, (3, octets)])], "flows", "src_host")
    assert record["flows"] == flows


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([(18, address("9.9.9.9")), (47, address("8.8.8.8"))], "9.9.9.9"),
        ([(47, address("8.8.8.8")), (63, address("fe80::1"))], "8.8.8.8"),
        ([(18, bytes(4))], "0.0.0.0"),
        ([(15, address("7.7.7.7")), (63, address("fe80::1"))], ""),
        ([(63, address("fe80::1"))], ""),  # an IPv4 flow has no IPv6 next hop
        ([], ""),
    ],
)
def test_next_hops_are_a_chain(values: list[Value], expected: str) -> None:
    assert told("peer_dst_ip", "peer_ip_dst", _SOURCE, *values) == expected


def test_the_ip_next_hop_counts_where_the_conf_says_so() -> None:
    values = _SOURCE, (15, address("7.7.7.7"))
    assert told("peer_dst_ip", "peer_ip_dst", *values, use_ip_next_hop=True) == "7.7.7.7"


def test_an_ipv6_flow_writes_an_ipv4_next_hop_as_mapped() -> None:
    values = (27, address("2001:db8::1")), (18, address("9.9.9.9"))
    assert told("peer_dst_ip", "peer_ip_dst", *values) == "::ffff:9.9.9.9"


def test_names_of_protocols_may_be_left_out() -> None:
    plugin = Plugin(name="p", type="kafka", num_protos=True)
    assert told("proto", "ip_proto", _SOURCE, (4, b"\6"), plugin=plugin) == "6"


def test_the_mean_delay_of_a_sum_needs_the_mean_too() -> None:
    total: Value = (603, (30).to_bytes(8))
    name = "path_delay_avg_usec"
    assert told(name, name, _SOURCE, (600, b"\0\0\0\7"), total) == 10  # of 3 packets
    assert told(name, name, _SOURCE, total) == 0


@pytest.mark.parametrize("address_of_none", ["", "0.0.0.0"])
def test_an_unknown_host_is_no_host_of_zeros(address_of_none: str) -> None:
    values = [(12, address("10.0.0.2"))] + ([(8, bytes(4))] if address_of_none else [])
    (record,) = records_of([ipfix(values)], "src_host", "src_net", "dst_host")
    assert (record["ip_src"], record["net_src"]) == (address_of_none, address_of_none)
    assert record["ip_dst"] == "10.0.0.2"


def test_an_address_of_ipv6_that_is_all_zeros() -> None:
    (record,) = records_of([ipfix([(27, bytes(16))])], "src_host", "src_net", "dst_host")
    assert record["ip_src"] == "::"
    assert record["net_src"] == "::"
    assert record["ip_dst"] == ""


def test_prefixes_are_chosen_where_there_is_no_address() -> None:
    assert told("src_host", "ip_src", (44, address("10.1.0.0"))) == "10.1.0.0"
    assert told("dst_host", "ip_dst", (169, address("2001:db8::"))) == "2001:db8::"


def test_netflow_v9_reads_the_same_fields() -> None:
    octets = netflow_v9([_SOURCE, (7, b"\0\x50"), (31, b"\0\1\2")], domain=5)
    (record,) = records_of([octets], "src_host", "src_port", "flow_label", "export_proto_sysid")
    assert record["port_src"] == 80
    assert record["flow_label"] == 258
    assert record["export_proto_sysid"] == 5


def test_firewalls_of_netflow_v9_have_their_own_elements_for_translation() -> None:
    octets = netflow_v9([_SOURCE, (40002, address("1.2.3.4")), (40004, b"\0\x50")])
    (record,) = records_of([octets], "post_nat_dst_host", "post_nat_dst_port")
    assert (record["post_nat_ip_dst"], record["post_nat_port_dst"]) == ("1.2.3.4", 80)


def test_segment_lists_are_arrays() -> None:
    segments = address("2001:db8::1") + address("2001:db8::2")
    name = "srv6_seg_ipv6_list"
    assert told(name, name, _SOURCE, (497, segments)) == ["0-2001:db8::1", "1-2001:db8::2"]
    assert told(name, name, _SOURCE, (505, segments, 2011)) == ["0-2001:db8::1", "1-2001:db8::2"]
    assert told(name, name, _SOURCE, (497, segments[:-1])) == []
    assert told(name, name, _SOURCE) == []


def test_segment_lists_of_variable_length() -> None:
    lists = [b"", address("2001:db8::1")]
    octets = b"".join(
        address("10.0.0.1") + variable_length(one) + b"\0\0\0\1\0\0\0\1" for one in lists
    )
    fields = [(8, 4), (497, 65535), (1, 4), (2, 4)]
    sets = [template_set(256, fields), data_set(256, octets, padded=False)]
    message = ipfix_message(sets, export_time_s=0, sequence=0)
    records = records_of([message], "srv6_seg_ipv6_list")
    found = sorted(record["srv6_seg_ipv6_list"] for record in records)
    assert found == [[], ["0-2001:db8::1"]]


def test_of_elements_beyond_383_the_first_field_counts() -> None:
    values: list[Value] = [(8, bytes(4)), *((40002, address(f"10.0.0.{n}")) for n in (1, 2))]
    (record,) = records_of([netflow_v9(values)], "post_nat_dst_host")
    assert record["post_nat_ip_dst"] == "10.0.0.1"


def test_numbers_of_64_bits_have_a_sign() -> None:
    values: list[Value] = [(8, bytes(4)), (1, b"\xff" * 7 + b"\xfe", 43874)]
    (record,) = records_of([ipfix(values)], "tag")
    assert record["tag"] == -2
