"""IPFIX datagrams of some exporters, made before the clock starts, and the sums they add up to."""

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from collector.simulation.ipfix import data_set, ipfix_message, template_set
from tests.bench.table import BenchTable

FLOWS_PER_DATAGRAM = 18
FLOWS_A_GROUP = 7.5  # distinct combinations of the 14 keys: one for so many flows
FIRST_DEVICE = 0x7F000001  # 127.0.0.1; all of 127.0.0.0/8 are addresses of this machine
_FIRST_TEMPLATE_ID, _DOMAIN = 256, 1
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

NextHops = Callable[
    [NDArray[np.int64], NDArray[np.int64], np.random.Generator],
    tuple[NDArray[np.uint32], NDArray[np.uint32]],
]
"""(device, attribute set) of some flows: the next hop they say, and that of the right route."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What the records of a run add up to, at either end.

    The last three are sums of octets times a number, modulo 2**64: the origin AS of destination
    and source, the destination's next hop. A flow that was joined with a wrong route, or with
    none, changes them.
    """

    flows: int
    octets: int
    packets: int
    origins: int = 0
    source_origins: int = 0
    next_hops: int = 0

    def times(self, count: int) -> Self:
        """Give the sums of so many repetitions."""
        return type(self)(*(value * count % (1 << 64) for value in astuple(self)))

    def plus(self, other: Self) -> Self:
        """Add two up."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return type(self)(*((one + two) % (1 << 64) for one, two in pairs))

    def without_routes(self) -> Self:
        """Give the sums of the same flows where nothing is joined."""
        return type(self)(self.flows, self.octets, self.packets)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What exporters send.

    Attributes:
        templates: shape (devices, octets), each device's first datagram.
        datagrams: shape (n, octets).
        devices: shape (n,), which device sends a datagram.
        groups: distinct combinations of keys.
    """

    templates: NDArray[np.uint8]
    datagrams: NDArray[np.uint8]
    devices: NDArray[np.int64]
    sums: Sums
    groups: int


def make_traffic(
    flows: int, table: BenchTable, next_hops: NextHops, *, devices: int = 1, flood: bool = False
) -> Traffic:
    """Make flows between addresses that the table has routes for, in a random order.

    Args:
        flows: about so many: each device has whole datagrams, and all have equally many.
        devices: each with groups and a template id of its own.
        flood: every source address is another one, at random.
    """
    rng = np.random.default_rng(7)
    datagrams_each = max(1, flows // FLOWS_PER_DATAGRAM // devices)
    flows_each = datagrams_each * FLOWS_PER_DATAGRAM
    groups_each = max(1, int(flows_each / FLOWS_A_GROUP))
    device_of_group = np.repeat(np.arange(devices), groups_each)
    groups, expected = _groups(device_of_group, table, next_hops, rng)
    # Row by row: the flows of one device, each of its groups about equally often.
    turns = np.tile(np.arange(flows_each) % groups_each, (devices, 1))
    chosen = (rng.permuted(turns, axis=1) + groups_each * np.arange(devices)[:, None]).ravel()
    records, count = groups[chosen], len(chosen)
    if flood:
        records["source"] = rng.integers(1 << 24, 100 << 24, count, np.uint32)
    records["packets"] = rng.integers(1, 100, count)
    records["octets"] = records["packets"] * rng.integers(40, 1500, count).astype(">u8")
    now_ms = int(time.time() * 1000)
    # Distinct, so that a collector which keeps every flow cannot fold two into one.
    records["start_ms"] = now_ms - 600_000 + np.arange(count)
    records["end_ms"] = records["start_ms"] + rng.integers(1, 1000, count).astype(np.uint64)
    sources = table.origin_as(table.routes_of(records["source"].astype(np.uint32)))
    sums = _sums(records, table, chosen, groups, expected, sources)
    datagrams = _datagrams(records, devices, datagrams_each, now_ms)
    device_of_datagram = np.repeat(np.arange(devices), datagrams_each)
    # Devices take turns; each one's datagrams stay in order, as their sequence numbers are.
    order = np.argsort(np.tile(np.arange(datagrams_each), devices), kind="stable")
    templates = np.stack([_template(device, now_ms) for device in range(devices)])
    group_count = count if flood else len(groups)
    return Traffic(templates, datagrams[order], device_of_datagram[order], sums, group_count)


def one_flow(destination: int, octets: int) -> NDArray[np.uint8]:
    """Make a datagram of device 0 with a single flow of one packet; its ports are still to fill."""
    record = np.zeros(1, RECORD)
    record["source"] = record["destination"] = destination
    record["octets"], record["packets"], record["protocol"] = octets, 1, 6
    now_ms = int(time.time() * 1000)
    record["start_ms"] = record["end_ms"] = now_ms
    message = ipfix_message(
        [data_set(_FIRST_TEMPLATE_ID, record.tobytes(), padded=False)],
        export_time_s=now_ms // 1000,
        sequence=0,
        domain=_DOMAIN,
    )
    return np.frombuffer(message, np.uint8).copy()


def record_of(datagram: NDArray[np.uint8]) -> NDArray:
    """The flow records of a datagram, as a view that can be written to."""
    return datagram[_HEADER_OCTETS:].view(RECORD)


def _sums(
    records: NDArray,
    table: BenchTable,
    chosen: NDArray[np.int64],
    groups: NDArray,
    next_hops: NDArray[np.uint32],
    source_origins: NDArray[np.uint64],
) -> Sums:
    destinations = table.routes_of(groups["destination"].astype(np.uint32))
    octets = records["octets"].astype(np.uint64)
    origins = table.origin_as(destinations)[chosen]
    return Sums(
        len(records),
        int(octets.sum()),
        int(records["packets"].sum()),
        int((octets * origins).sum()),
        int((octets * source_origins).sum()),
        int((octets * next_hops.astype(np.uint64)[chosen]).sum()),
    )


def _groups(
    devices: NDArray[np.int64], table: BenchTable, next_hops: NextHops, rng: np.random.Generator
) -> tuple[NDArray, NDArray[np.uint32]]:
    count = len(devices)
    groups = np.zeros(count, RECORD)
    addresses = min(_ADDRESSES, count)
    routes = rng.integers(len(table), size=addresses)
    hosts = rng.integers(1, 1 << 8, addresses).astype(np.uint32)
    known = table.networks[routes] | hosts
    groups["source"] = rng.choice(known[: addresses // 4 or 1], count)
    groups["destination"] = rng.choice(known[addresses // 4 :], count)
    found = table.routes_of(groups["destination"].astype(np.uint32))
    groups["next_hop"], expected = next_hops(devices, table.sets[found], rng)
    groups["ingress"], groups["egress"] = rng.integers(1, 64, (2, count))
    groups["source_port"] = rng.choice([53, 80, 443, 22], count)
    # Counted through, so that no two groups agree in everything.
    groups["destination_port"] = 1024 + np.arange(count) % 60_000
    groups["tcp_flags"], groups["protocol"] = 0x18, 6
    groups["tos"] = rng.choice([0, 0, 0, 184], count)
    groups["source_as"] = rng.integers(1_000, 60_000, count)
    groups["destination_as"] = rng.integers(1_000, 60_000, count)
    groups["source_mask"] = groups["destination_mask"] = 24
    return groups, expected


def _template(device: int, now_ms: int) -> NDArray[np.uint8]:
    fields = [(element, np.dtype(kind).itemsize) for element, kind in _FIELDS.values()]
    message = ipfix_message(
        [template_set(_FIRST_TEMPLATE_ID + device, fields)],
        export_time_s=now_ms // 1000,
        sequence=0,
        domain=_DOMAIN,
    )
    return np.frombuffer(message, np.uint8)


def _datagrams(records: NDArray, devices: int, each: int, now_ms: int) -> NDArray[np.uint8]:
    count = len(records) // FLOWS_PER_DATAGRAM
    body_octets = FLOWS_PER_DATAGRAM * RECORD.itemsize
    model = ipfix_message(
        [data_set(_FIRST_TEMPLATE_ID, bytes(body_octets), padded=False)],
        export_time_s=now_ms // 1000,
        sequence=0,
        domain=_DOMAIN,
    )
    datagrams = np.tile(np.frombuffer(model, np.uint8), (count, 1))
    sequences = np.tile(np.arange(each) * FLOWS_PER_DATAGRAM, devices).astype(">u4")
    datagrams[:, 8:12] = sequences.view(np.uint8).reshape(count, 4)
    template_ids = np.repeat(_FIRST_TEMPLATE_ID + np.arange(devices), each).astype(">u2")
    datagrams[:, 16:18] = template_ids.view(np.uint8).reshape(count, 2)
    datagrams[:, _HEADER_OCTETS:] = records.view(np.uint8).reshape(count, body_octets)
    return datagrams
