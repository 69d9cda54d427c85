"""Frames inside of records: their headers, as far as the exporter sent them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.flows.frame_section import read_frames
from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import Value, address, ipfix

_MACS = bytes.fromhex("aabbccddee02aabbccddee01")
_TCP = struct.pack("!HHIIBB", 1234, 80, 0, 0, 0x50, 0x12) + bytes(6)
_IPV4 = (
    struct.pack("!BBHHHBBH", 0x45, 0xB8, 60, 0, 0, 64, 6, 0)
    + address("10.0.0.1")
    + address("10.0.0.2")
)
_IPV6 = (
    struct.pack("!IHBB", 0x6B80_0000, 20, 6, 64) + address("2001:db8::1") + address("2001:db8::2")
)
_NAMES = (
    *("src_mac", "dst_mac", "vlan", "in_vlan", "in_cvlan", "cos", "etype", "src_host", "dst_host"),
    *("src_port", "dst_port", "proto", "tos", "tcpflags", "mpls_label_stack"),
)


def frame(*parts: bytes) -> list[Value]:
    return [(315, _MACS + b"".join(parts))]


def told(values: list[Value]) -> dict[str, object]:
    (record,) = records_of([ipfix(values, counted=False)], *_NAMES)
    return record


def test_ipv4_behind_tags_and_labels() -> None:
    tags = struct.pack("!HHHH", 0x8100, 0x6005, 0x8100, 0x0007)
    labels = struct.pack("!HII", 0x8847, 16 << 12, 17 << 12 | 0x100)
    assert told(frame(tags, labels, _IPV4, _TCP)) == {
        "mac_src": "aa:bb:cc:dd:ee:01",
        "mac_dst": "aa:bb:cc:dd:ee:02",
        "vlan": 5,
        "vlan_in": 5,
        "cvlan_in": 7,
        "cos": 3,
        "etype": "800",
        "ip_src": "10.0.0.1",
        "ip_dst": "10.0.0.2",
        "port_src": 1234,
        "port_dst": 80,
        "tcp_flags": 18,
        "mpls_label_stack": "16_17",
        "ip_proto": "tcp",
        "tos": 184,
        "packets": 1,
        "bytes": 60,
    }


def test_ipv6() -> None:
    record = told(frame(b"\x86\xdd", _IPV6, _TCP))
    assert (record["ip_src"], record["ip_dst"]) == ("2001:db8::1", "2001:db8::2")
    assert (record["ip_proto"], record["tos"], record["bytes"]) == ("tcp", 184, 60)
    assert (record["etype"], record["port_dst"]) == ("86dd", 80)


def test_other_frames_tell_their_addresses() -> None:
    record = told(frame(b"\x08\x06", bytes(28)))
    assert (record["mac_src"], record["etype"], record["ip_src"]) == (
        "aa:bb:cc:dd:ee:01",
        "806",
        "",
    )


def test_fields_come_before_frames() -> None:
    values = [(7, b"\0\1"), (2, b"\0\0\0\x09"), (1, b"\0\0\0\x08"), *frame(b"\x08\0", _IPV4, _TCP)]
    record = told(values)
    assert (record["port_src"], record["port_dst"]) == (1, 80)
    assert (record["packets"], record["bytes"]) == (9, 8)


def test_later_fragments_have_no_ports() -> None:
    fragment = _IPV4[:6] + b"\0\1" + _IPV4[8:]
    record = told(frame(b"\x08\0", fragment, _TCP))
    assert (record["ip_src"], record["port_src"]) == ("10.0.0.1", 0)


def test_frames_that_are_not_ethernet_are_not_read() -> None:
    record = told([*frame(b"\x08\0", _IPV4, _TCP), (408, b"\0\2")])
    assert record["ip_src"] == ""


@pytest.mark.parametrize("length", range(0, 60, 3))
def test_a_cut_frame_tells_what_it_has(length: int) -> None:
    octets = (_MACS + b"\x08\0" + _IPV4 + _TCP)[:length]
    headers = read_frames([octets]).columns
    assert headers["version"].tolist() == [4 if length >= 34 else 0]
    assert headers["src_port"].tolist() == [1234 if length >= 38 else 0]


@given(
    st.binary(max_size=80), st.sampled_from([b"", b"\x81\0", b"\x88\x47", b"\x08\0", b"\x86\xdd"])
)
def test_any_octets_are_some_frame(octets: bytes, etype: bytes) -> None:
    assert len(read_frames([_MACS + etype + octets, octets]).labels) == 2


def test_labels_of_frames_stand_in_for_missing_fields() -> None:
    labels = struct.pack("!HII", 0x8847, 16 << 12, 17 << 12 | 0x100)
    names = ("mpls_label_top", "mpls_label_bottom", "mpls_label_stack")
    for fields, shown in (
        ([], (16, 17, "16_17")),
        ([(70, b"\0\0\0")], (0, 17, "16_17")),
        ([(71, b"\0\1\x20"), (72, b"\0\1\x31")], (16, 19, "18_19")),
    ):
        (record,) = records_of([ipfix([*frame(labels, _IPV4, _TCP), *fields])], *names)
        assert tuple(record[name] for name in names) == shown
