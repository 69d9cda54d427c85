"""What the lab replays into two collectors side by side: a BMP table, flows of every version."""

import struct
import time
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import groupby

from collector.simulation import bmp
from collector.simulation.bgp import Route, announcements, open_message, withdrawal
from collector.simulation.flow_exporter import FlowExporter
from collector.simulation.netflow import (
    V5Record,
    v5_packet,
    v9_data_flowset,
    v9_packet,
    v9_template_flowset,
)
from collector.simulation.network import RouterPlan

NOW_S = int(time.time())
"""The devices' clock."""

_IPFIX_FLOWS, _V9_FLOWS, _V5_FLOWS = 120, 60, 20
FLOWS = _IPFIX_FLOWS + _V9_FLOWS + _V5_FLOWS


def peer_down(plan: RouterPlan) -> bytes:
    """The end of the peering of `table_messages`."""
    return bmp.peer_down(plan.tables[0].peer, 4, NOW_S)


def table_messages(plan: RouterPlan) -> Iterator[bytes]:
    """A session that loads a table, takes some back, and tells statistics."""
    table = plan.tables[0]
    peer = table.peer
    opens = [open_message(number, peer.bgp_id) for number in (64512, peer.as_number)]
    yield bmp.initiation(plan.name)
    yield bmp.peer_up(peer, "172.16.1.254", *opens, NOW_S)
    routes = sorted(table.routes.items(), key=lambda one: (one[0].version, one[1]))
    for number, ((version, path), same) in enumerate(
        groupby(routes, key=lambda one: (one[0].version, one[1]))
    ):
        prefixes = [prefix for prefix, _ in same]
        communities = [(64512, 100 + n) for n in range(number % 3)]
        med = number if number % 2 else None
        route = Route(path, table.next_hop(prefixes[0]), 100 + version, med, communities)
        for update in announcements(prefixes, route):
            yield bmp.route_monitoring(peer, update, NOW_S + number / 4)
    yield bmp.route_monitoring(peer, withdrawal([routes[0][0], routes[5][0]]), NOW_S)
    yield bmp.statistics(peer, [(0, struct.pack("!I", 7)), (7, struct.pack("!Q", 99))], NOW_S)


def ipfix(plan: RouterPlan) -> list[bytes]:
    """Flows of both families between a router's customers and destinations."""
    exporter = FlowExporter(plan)
    return [exporter.templates(NOW_S), *exporter.flows(_IPFIX_FLOWS, NOW_S)]


def v9(plan: RouterPlan) -> list[bytes]:
    """Flows to and from a router's destinations, with VLAN, MAC addresses, masks and ASes."""
    fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (5, 1), (6, 1), (10, 4), (14, 4)]
    fields += [(1, 4), (2, 4), (22, 4), (21, 4), (9, 1), (13, 1), (16, 4), (17, 4), (15, 4)]
    fields += [(56, 6), (80, 6), (58, 2), (61, 1), (70, 3)]
    prefixes = [prefix for prefix in plan.destinations if prefix.version == 4]
    records = []
    for number in range(_V9_FLOWS):
        source, destination = prefixes[number % 7], prefixes[-1 - number % 11]
        records.append(
            source[number + 1].packed
            + destination[2 * number + 1].packed
            + struct.pack("!HHBBB", 1000 + number, 443, (6, 17, 1)[number % 3], 4 * number, 18)
            + struct.pack("!IIII", number % 4, 9, 1500 * number + 40, number + 1)
            + struct.pack("!II", 300_000 + number * 10, 301_000 + number * 11)
            + struct.pack("!BBII", 24, 20, 64500 + number, 64700)
            + ip_address("172.16.9.9").packed
            + bytes((2, 0, 0, 0, 0, number, 2, 0, 0, 0, 1, number))
            + struct.pack("!HB", 300 + number, number % 2)
            + (24_000 + number << 4 | 1).to_bytes(3)
        )
    clock = {"uptime_ms": 360_000, "export_time_s": NOW_S, "source_id": 5}
    return [
        v9_packet([v9_template_flowset(300, fields)], sequence=1, **clock),
        *(
            v9_packet(
                [v9_data_flowset(300, b"".join(records[at : at + 12]))],
                sequence=2 + at // 12,
                **clock,
            )
            for at in range(0, len(records), 12)
        ),
    ]


def v5() -> list[bytes]:
    """One packet of NetFlow v5."""
    records = [
        V5Record(
            f"192.0.2.{number + 1}",
            "198.18.1.9",
            next_hop="172.16.3.1",
            ingress_interface=number,
            egress_interface=4,
            packets=number + 1,
            octets=100 * number + 64,
            first_ms=50_000,
            last_ms=51_000 + number,
            source_port=2000 + number,
            destination_port=53,
            tcp_flags=number,
            protocol=(6, 17)[number % 2],
            tos=number,
            source_as=64_501,
            destination_as=64_502,
            source_mask=24,
            destination_mask=16,
        )
        for number in range(_V5_FLOWS)
    ]
    return [v5_packet(records, uptime_ms=60_000, export_time_s=NOW_S, sequence=0, engine=(1, 2))]
