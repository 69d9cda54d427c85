"""NetFlow v5: what its fixed record gives, and what not."""

from dataclasses import replace

import pytest

from collector.nfacctd.settings import History, Plugin, Timestamps
from collector.simulation.netflow import V5Record, v5_packet
from tests.nfacctd.flows.pipeline import records_of
from tests.nfacctd.flows.wire import EXPORT_S

_FLOW = V5Record(
    source="10.0.0.1",
    destination="10.0.1.2",
    next_hop="10.9.9.9",
    ingress_interface=3,
    egress_interface=4,
    packets=5,
    octets=600,
    source_port=1234,
    destination_port=80,
    tcp_flags=18,
    protocol=6,
    tos=8,
    source_as=64500,
    destination_as=64501,
    source_mask=24,
    destination_mask=23,
)


def packet(*records: V5Record, sampling: int = 0) -> bytes:
    octets = bytearray(v5_packet(records, uptime_ms=1000, export_time_s=EXPORT_S, sequence=9))
    octets[20:24] = bytes((1, 2)) + sampling.to_bytes(2)  # engine type and id, sampling
    return bytes(octets)


def test_the_record() -> None:
    (record,) = records_of(
        [packet(_FLOW)],
        *("src_host", "dst_net", "src_mask", "dst_mask", "src_port", "dst_port", "proto", "tos"),
        *("tcpflags", "in_iface", "out_iface", "src_as", "dst_as", "flows", "etype"),
        *("export_proto_sysid", "export_proto_version", "export_proto_seqno", "peer_dst_ip"),
    )
    assert record == {
        "etype": "800",
        "as_src": 64500,
        "as_dst": 64501,
        "peer_ip_dst": "",
        "iface_in": 3,
        "iface_out": 4,
        "ip_src": "10.0.0.1",
        "net_dst": "10.0.0.0",
        "mask_src": 24,
        "mask_dst": 23,
        "port_src": 1234,
        "port_dst": 80,
        "tcp_flags": 18,
        "ip_proto": "tcp",
        "tos": 8,
        "export_proto_seqno": 9,
        "export_proto_version": 5,
        "export_proto_sysid": 2,
        "flows": 1,
        "packets": 5,
        "bytes": 600,
    }


@pytest.mark.parametrize(
    ("protocol", "source_port", "destination_port", "flags"),
    [(6, 1234, 80, 18), (17, 1234, 80, 0), (1, 0, 80, 0), (47, 0, 0, 0)],
)
def test_ports_and_flags_are_those_of_protocols_that_have_them(
    protocol: int, source_port: int, destination_port: int, flags: int
) -> None:
    octets = packet(replace(_FLOW, protocol=protocol))
    (record,) = records_of([octets], "src_port", "dst_port", "tcpflags")
    assert record["port_src"] == source_port
    assert record["port_dst"] == destination_port
    assert record["tcp_flags"] == flags


def test_the_next_hop_is_never_written() -> None:
    (record,) = records_of([packet(_FLOW)], "peer_dst_ip", use_ip_next_hop=True)
    assert record["peer_ip_dst"] == ""


@pytest.mark.parametrize(("renormalize", "packets", "rate"), [(False, 5, 100), (True, 500, 1)])
def test_the_header_tells_the_sampling_interval(renormalize: bool, packets: int, rate: int) -> None:
    octets = packet(_FLOW, sampling=0x4000 | 100)
    (record,) = records_of([octets], "sampling_rate", renormalize=renormalize)
    assert (record["packets"], record["sampling_rate"]) == (packets, rate)


def test_times_in_seconds_put_flows_into_other_bins() -> None:
    plugin = Plugin(
        name="p",
        type="kafka",
        history=History(count=1, unit="m", roundoff="m"),
        timestamps=Timestamps(since_epoch=True),
    )
    octets = packet(replace(_FLOW, first_ms=400, last_ms=1000))
    (in_ms,) = records_of([octets], "src_host", plugin=plugin)
    (in_s,) = records_of([octets], "src_host", plugin=plugin, time_secs=True)
    assert int(in_ms["stamp_inserted"]) - int(in_s["stamp_inserted"]) == 600
