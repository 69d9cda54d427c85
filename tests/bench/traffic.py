"""IPFIX datagrams of one exporter, made before the clock starts, and the sums they add up to."""

import ipaddress
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.simulation.ipfix import data_set, ipfix_message, template_set
from tests.bench.table import NEXT_HOP, BenchTable

FLOWS_PER_DATAGRAM = 18
FLOWS_A_GROUP = 7.5  # distinct combinations of the 14 keys: one for so many flows
_TEMPLATE_ID, _DOMAIN = 256, 1
_ADDRESSES = 100_000  # distinct ones, sources and destinations together
_HEADER_OCTETS = 20  # of the Message and of its one Set

# Element, numpy type: a template's field list and a record's layout in one.
_FIELDS = {
    "source": (8, ">u4"),
    "destination": (12, ">u4"),
    "next_hop": (18, ">u4"),
    "ingress": (10, ">u4"),
    "egress": (14, ">u4"),
    "packets": (2, ">u8"),
    "octets": (1, ">u8"),
    "start_ms": (152, ">u8"),
    "end_ms": (153, ">u8"),
    "source_port": (7, ">u2"),
    "destination_port": (11, ">u2"),
    "tcp_flags": (6, "u1"),
    "protocol": (4, "u1"),
    "tos": (5, "u1"),
    "source_as": (16, ">u4"),
    "destination_as": (17, ">u4"),
    "source_mask": (9, "u1"),
    "destination_mask": (13, "u1"),
}
RECORD = np.dtype([(name, kind) for name, (_, kind) in _FIELDS.items()])


@dataclass(frozen=True, slots=True)
class Sums:
    """What the records of a run add up to, at either end.

    ``origins`` is the sum of octets times the destination's origin AS, modulo 2**64: a flow that
    was joined with a wrong route, or with none, changes it.
    """

    flows: int
    octets: int
    packets: int
    origins: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Datagrams, shape (n, octets), the template's in front, and their sums."""

    template: bytes
    datagrams: NDArray[np.uint8]
    sums: Sums
    groups: int


def make_traffic(flows: int, table: BenchTable) -> Traffic:
    """Make flows between addresses that the table has routes for, in a random order."""
    flows -= flows % FLOWS_PER_DATAGRAM
    rng = np.random.default_rng(7)
    groups = _groups(max(1, int(flows / FLOWS_A_GROUP)), table, rng)
    chosen = rng.permutation(np.arange(flows) % len(groups))
    records = groups[chosen]
    records["packets"] = rng.integers(1, 100, flows)
    records["octets"] = records["packets"] * rng.integers(40, 1500, flows).astype(">u8")
    now_ms = int(time.time() * 1000)
    # Distinct, so that a collector which keeps every flow cannot fold two into one.
    records["start_ms"] = now_ms - 600_000 + np.arange(flows)
    records["end_ms"] = records["start_ms"] + rng.integers(1, 1000, flows).astype(np.uint64)
    origins = table.origins_of(groups["destination"].astype(np.uint32)).astype(np.uint64)[chosen]
    octets = records["octets"].astype(np.uint64)
    sums = Sums(
        flows, int(octets.sum()), int(records["packets"].sum()), int((octets * origins).sum())
    )
    return Traffic(_template(now_ms), _datagrams(records, now_ms), sums, len(groups))


def _groups(count: int, table: BenchTable, rng: np.random.Generator) -> NDArray:
    groups = np.zeros(count, RECORD)
    addresses = min(_ADDRESSES, count)
    routes = rng.integers(len(table.networks), size=addresses)
    hosts = rng.integers(1, 1 << 8, addresses).astype(np.uint32)
    known = table.networks[routes] | hosts
    groups["source"] = rng.choice(known[: addresses // 4 or 1], count)
    groups["destination"] = rng.choice(known[addresses // 4 :], count)
    groups["next_hop"] = int(ipaddress.ip_address(NEXT_HOP))
    groups["ingress"], groups["egress"] = rng.integers(1, 64, (2, count))
    groups["source_port"] = rng.choice([53, 80, 443, 22], count)
    # Counted through, so that no two groups agree in everything.
    groups["destination_port"] = 1024 + np.arange(count) % 60_000
    groups["tcp_flags"], groups["protocol"] = 0x18, 6
    groups["tos"] = rng.choice([0, 0, 0, 184], count)
    groups["source_as"] = rng.integers(1_000, 60_000, count)
    groups["destination_as"] = rng.integers(1_000, 60_000, count)
    groups["source_mask"] = groups["destination_mask"] = 24
    return groups


def _template(now_ms: int) -> bytes:
    fields = [(element, np.dtype(kind).itemsize) for element, kind in _FIELDS.values()]
    return ipfix_message(
        [template_set(_TEMPLATE_ID, fields)],
        export_time_s=now_ms // 1000,
        sequence=0,
        domain=_DOMAIN,
    )


def _datagrams(records: NDArray, now_ms: int) -> NDArray[np.uint8]:
    count = len(records) // FLOWS_PER_DATAGRAM
    body_octets = FLOWS_PER_DATAGRAM * RECORD.itemsize
    model = ipfix_message(
        [data_set(_TEMPLATE_ID, bytes(body_octets), padded=False)],
        export_time_s=now_ms // 1000,
        sequence=0,
        domain=_DOMAIN,
    )
    datagrams = np.tile(np.frombuffer(model, np.uint8), (count, 1))
    sequence = (np.arange(count) * FLOWS_PER_DATAGRAM).astype(">u4")
    datagrams[:, 8:12] = sequence.view(np.uint8).reshape(count, 4)
    datagrams[:, _HEADER_OCTETS:] = records.view(np.uint8).reshape(count, body_octets)
    return datagrams
