"""Simulated devices for the lab: each exports IPFIX and speaks BMP from an address of its own.

Their octets come from `collector.simulation`; real routers and exporters are in `routers.py` and
`exporters.py`.
"""

import contextlib
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_address

from collector.simulation.bgp import (
    Prefix,
    Route,
    announcements,
    end_of_rib,
    multiprotocol,
    open_message,
)
from collector.simulation.bmp import Peer, initiation, peer_up, route_monitoring
from collector.simulation.ipfix import (
    Field,
    data_set,
    ipfix_message,
    options_template_set,
    template_set,
    variable_length,
)
from tests.lab.namespaces import Namespace, Network

FLOW_PORT, BMP_PORT = 4739, 1790
COLLECTOR_IPV4, COLLECTOR_IPV6 = "10.0.0.1", "2001:db8::1"
DESTINATIONS = IPv4Network("198.51.100.0/24")
"""Where all flows go, and what every device announces with an AS path of its own."""

IPV4_DEVICES = tuple(f"10.1.{host // 10}.{host}" for host in range(1, 101))
IPV6_DEVICES = tuple(f"2001:db8:1:{host:x}::{host:x}" for host in range(1, 101))
DEVICE_PREFIXES = ("10.1.0.0/16", "2001:db8:1::/48")
STRANGERS = ("10.2.0.1", "2001:db8:2::1")

_SOURCE = ip_address("192.0.2.1").packed
_TEMPLATE, _OPTIONS_TEMPLATE, _LARGE_TEMPLATE = 256, 257, 258
# Source and destination, ports, protocol, octets, packets, end.
_FIELDS: tuple[Field, ...] = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (1, 8), (2, 8), (153, 8))
_FLOW = struct.Struct("!4s4sHHBQQQ")
_OBSERVATION_DOMAIN, _SAMPLING_INTERVAL = (149, 4), (34, 4)
_UNKNOWN_ELEMENT: Field = (1, 65535, 64999)  # of a PEN that nobody registered, variable length
_UDP = 17
_DOMAIN = 7
_NEXT_HOP = "192.0.2.254"
_SEND_S = 60
_TRANSIT_AS = 64_999
_FIRST_OWN_AS = 4_200_000_000


class Device:
    """One device. Its flows are told apart by a number, which is their source port.

    Args:
        namespace: has ``address``, and reaches the collector.
        number: makes its AS path.
        calls_itself: the address that its BMP gives as the router's own; ``address`` if None.
    """

    def __init__(
        self, namespace: Namespace, address: str, number: int, calls_itself: str | None = None
    ) -> None:
        self.address, self.as_path = address, f"{_FIRST_OWN_AS + number} {_TRANSIT_AS}"
        self._calls_itself = calls_itself or address
        self._namespace = namespace
        self._sequence = 0
        self._flows: socket.socket | None = None
        self.bmp: socket.socket | None = None

    def close(self) -> None:
        """Close its sockets."""
        for sock in (self._flows, self.bmp):
            if sock is not None:
                sock.close()

    def announce_templates(self, sampling_interval: int | None = None) -> None:
        """Send its template; with a sampling interval also options data that tell it."""
        sets = [template_set(_TEMPLATE, _FIELDS)]
        if sampling_interval is not None:
            sets += [
                options_template_set(
                    _OPTIONS_TEMPLATE, [_OBSERVATION_DOMAIN], [_SAMPLING_INTERVAL]
                ),
                data_set(_OPTIONS_TEMPLATE, struct.pack("!II", _DOMAIN, sampling_interval)),
            ]
        self._send(sets, records=int(sampling_interval is not None))

    def send_flows(self, *numbers: int, at_once: int = 20) -> None:
        """Send one flow for each number (1 to 65535), without a template."""
        for first in range(0, len(numbers), at_once):
            here = numbers[first : first + at_once]
            records = b"".join(map(self._flow, here))
            self._send([data_set(_TEMPLATE, records)], records=len(here))

    def send_large_record(self, octets: bytes) -> None:
        """Send one record with a value that is so long, with its template."""
        sets = [
            template_set(_LARGE_TEMPLATE, [_UNKNOWN_ELEMENT]),
            # Padding would be taken for an empty record, which is shorter.
            data_set(_LARGE_TEMPLATE, variable_length(octets), padded=False),
        ]
        self._send(sets, records=1)

    def connect_bmp(self) -> None:
        """Open a BMP session (the one before, if any, is closed) and announce `DESTINATIONS`."""
        self.begin_session()
        self.send_bmp(initiation(self.address), self._peer_up())
        self.announce([DESTINATIONS])
        self.send_bmp(route_monitoring(self._peer, end_of_rib()))

    def begin_session(self) -> None:
        """Connect for BMP, and say nothing yet."""
        session = self._new_session()
        session.settimeout(_SEND_S)
        session.connect(self._collector(BMP_PORT))

    def knock(self) -> socket.socket:
        """Begin a BMP session and do not wait: for who may get no answer."""
        knocking = self._new_session()
        knocking.setblocking(False)
        knocking.connect_ex(self._collector(BMP_PORT))
        return knocking

    def announce(self, prefixes: Iterable[Prefix]) -> None:
        """Announce prefixes of one family by BMP."""
        self.send_bmp(*self._announcements(prefixes, self._route()))

    def send_bmp(self, *messages: bytes) -> None:
        """Send BMP messages."""
        assert self.bmp is not None
        self.bmp.sendall(b"".join(messages))

    def bmp_is_closed(self) -> bool:
        """Whether the collector has ended the session; it never says anything else."""
        assert self.bmp is not None
        if not select.select([self.bmp], [], [], 0)[0]:
            return False
        with contextlib.suppress(ConnectionError):
            assert self.bmp.recv(1) == b""
        return True

    @property
    def _peer(self) -> Peer:
        # The family of the peer's address is that of ours in the Peer Up, RFC 7854 section 4.10.
        address = "2001:db8:ffff::fe" if ":" in self._calls_itself else _NEXT_HOP
        return Peer(address, _TRANSIT_AS, _NEXT_HOP)

    def _peer_up(self) -> bytes:
        unicast = multiprotocol(1, 1)
        sent = open_message(64_512, "192.0.2.1", unicast)
        received = open_message(_TRANSIT_AS, _NEXT_HOP, unicast)
        return peer_up(self._peer, self._calls_itself, sent, received)

    def _route(self) -> Route:
        return Route([int(number) for number in self.as_path.split()], _NEXT_HOP)

    def _announcements(self, prefixes: Iterable[Prefix], route: Route) -> Iterator[bytes]:
        for update in announcements(prefixes, route):
            yield route_monitoring(self._peer, update)

    def _flow(self, number: int) -> bytes:
        destination = DESTINATIONS[1 + number % 250].packed
        return _FLOW.pack(
            _SOURCE, destination, number, 443, _UDP, 1_000, 10, int(time.time() * 1000)
        )

    def _send(self, sets: list[bytes], records: int) -> None:
        if self._flows is None:
            self._flows = self._socket(socket.SOCK_DGRAM)
            self._flows.connect(self._collector(FLOW_PORT))
        self._flows.send(
            ipfix_message(
                sets, export_time_s=int(time.time()), sequence=self._sequence, domain=_DOMAIN
            )
        )
        self._sequence += records

    def _new_session(self) -> socket.socket:
        if self.bmp is not None:
            self.bmp.close()
        self.bmp = self._socket(socket.SOCK_STREAM)
        return self.bmp

    def _socket(self, kind: socket.SocketKind) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        made = self._namespace.inside(lambda: socket.socket(family, kind))
        made.bind((self.address, 0))
        return made

    def _collector(self, port: int) -> tuple[str, int]:
        return (COLLECTOR_IPV6 if ":" in self.address else COLLECTOR_IPV4), port


class Lan:
    """A namespace for the collector, one for all devices, and an Ethernet between them.

    Every device has an address of `IPV4_DEVICES` or `IPV6_DEVICES`; `STRANGERS` are addresses
    outside those prefixes.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.collector = network.namespace("collector")
        self._devices = network.namespace("devices")
        network.link(self.collector, "lan", self._devices, "lan")
        self.collector.add_addresses("lan", f"{COLLECTOR_IPV4}/8", f"{COLLECTOR_IPV6}/32")
        addresses = [*IPV4_DEVICES, *IPV6_DEVICES, *STRANGERS]
        self._devices.add_addresses("lan", *(f"{a}/{32 if ':' in a else 8}" for a in addresses))
        self._made: dict[str, Device] = {}

    def device(self, address: str, calls_itself: str | None = None) -> Device:
        """The device with this address; each has an AS path that no other one has."""
        if address not in self._made:
            self._made[address] = Device(self._devices, address, len(self._made), calls_itself)
        return self._made[address]

    def close(self) -> None:
        """Close the sockets of all devices."""
        for device in self._made.values():
            device.close()
