"""The IPFIX side of a simulated router: flows between its customers and the internet."""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from collector.simulation.bgp import Network
from collector.simulation.ipfix import Field, data_set, ipfix_message, template_set
from collector.simulation.network import RouterPlan

FLOWS_PER_DATAGRAM = 18
OBSERVATION_DOMAIN_ID = 1

_TEMPLATE_IDS = {4: 256, 6: 257}
_ADDRESS_ELEMENTS = {4: (8, 12), 6: (27, 28)}  # source and destination
_ADDRESS_OCTETS = {4: 4, 6: 16}
# Ports, protocol, class of service, TCP flags, interfaces, octets, packets, start, end.
_OTHER_FIELDS: tuple[Field, ...] = (
    *(
        (7, 2),
        (11, 2),
        (4, 1),
        (5, 1),
        (6, 2),
        (10, 4),
        (14, 4),
        (1, 8),
        (2, 8),
        (152, 8),
        (153, 8),
    ),
)
_OTHERS = struct.Struct("!HHBBHIIQQQQ")
_TCP, _UDP = 6, 17
_SERVICES = ((_TCP, 443), (_TCP, 443), (_UDP, 443), (_TCP, 80), (_UDP, 53), (_TCP, 22), (_TCP, 25))
_IPV6_SHARE, _INBOUND_SHARE = 0.3, 0.6
_CUSTOMER_PORT, _TRANSIT_PORT = 11, 1


@dataclass(slots=True)
class Sent:
    """What an exporter has sent; ``octets`` and ``packets`` are those of its flows."""

    datagrams: int = 0
    flows: int = 0
    octets: int = 0
    packets: int = 0


class FlowExporter:
    """Makes one router's IPFIX datagrams; sending them is left to its owner."""

    def __init__(self, plan: RouterPlan) -> None:
        self.sent = Sent()
        self._plan = plan
        self._rng = random.Random(f"ipfix {plan.seed}")
        self._sequence = 0
        self._customers = {prefix.version: prefix for prefix in plan.customers}
        self._destinations: dict[int, list[Network]] = {
            version: [prefix for prefix in plan.destinations if prefix.version == version]
            for version in self._customers
        }

    def templates(self, now_s: float) -> bytes:
        """A datagram with both templates; the first one, and again from time to time."""
        sets = [
            template_set(_TEMPLATE_IDS[version], template_fields(version)) for version in (4, 6)
        ]
        return self._message(sets, now_s)

    def flows(self, count: int, now_s: float) -> Iterator[bytes]:
        """Datagrams with ``count`` new flows, which ended just now."""
        versions = [6 if self._rng.random() < _IPV6_SHARE else 4 for _ in range(count)]
        for first in range(0, count, FLOWS_PER_DATAGRAM):
            here = versions[first : first + FLOWS_PER_DATAGRAM]
            sets = []
            for version in self._rng.sample((4, 6), 2):
                if version not in here:
                    continue
                records = [self._record(version, now_s) for _ in range(here.count(version))]
                sets.append(data_set(_TEMPLATE_IDS[version], b"".join(records)))
            yield self._message(sets, now_s)
            self._sequence += len(here)

    def _message(self, sets: list[bytes], now_s: float) -> bytes:
        self.sent.datagrams += 1
        return ipfix_message(
            sets,
            export_time_s=int(now_s),
            sequence=self._sequence,
            domain=OBSERVATION_DOMAIN_ID,
        )

    def _record(self, version: int, now_s: float) -> bytes:
        rng = self._rng
        customer = _host(self._customers[version], rng)
        remote = _host(rng.choice(self._destinations[version]), rng)
        protocol, service = rng.choice(_SERVICES)
        port = rng.randrange(32_768, 61_000)
        packets = max(1, int(rng.lognormvariate(2.0, 1.2)))
        octets = sum(rng.choice((40, 52, 576, 1500)) for _ in range(min(packets, 16)))
        octets = octets * packets // min(packets, 16)
        end_ms = int(now_s * 1000)
        start_ms = end_ms - rng.randrange(1, 15_000)
        if rng.random() < _INBOUND_SHARE:
            addresses, ports = (remote, customer), (service, port)
            interfaces = (_TRANSIT_PORT, _CUSTOMER_PORT)
        else:
            addresses, ports = (customer, remote), (port, service)
            interfaces = (_CUSTOMER_PORT, _TRANSIT_PORT)
        flags = 0x1B if protocol == _TCP else 0
        self.sent.flows += 1
        self.sent.octets += octets
        self.sent.packets += packets
        return b"".join(address.packed for address in addresses) + _OTHERS.pack(
            *ports, protocol, 0, flags, *interfaces, octets, packets, start_ms, end_ms
        )


def template_fields(version: int) -> list[Field]:
    """Fields of the template for IPv4 or IPv6 flows, in the order of its records."""
    addresses = [(element, _ADDRESS_OCTETS[version]) for element in _ADDRESS_ELEMENTS[version]]
    return [*addresses, *_OTHER_FIELDS]


def _host(prefix: Network, rng: random.Random) -> IPv4Address | IPv6Address:
    if prefix.version == 4:
        return prefix[rng.randrange(1, prefix.num_addresses - 1)]
    # Some subnet, and a host number that people can read.
    subnet = rng.randrange(1 << 64 - prefix.prefixlen)
    return prefix[(subnet << 64) + rng.randrange(1, 0x10000)]
