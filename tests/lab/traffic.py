"""UDP datagrams from a namespace: so many, so long, to such addresses."""

import json
from dataclasses import dataclass

from tests.lab.namespaces import Namespace

_IPV4_HEADERS, _IPV6_HEADERS = 20 + 8, 40 + 8  # IP and UDP

# Runs inside the namespace, with any Python.
_SENDER = """
import json, socket, sys
for destination, port, count, payload in json.load(sys.stdin):
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.bind(("", port))
        sender.connect((destination, port))
        for _ in range(count):
            sender.send(bytes(payload))
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """``count`` datagrams to one destination, each with ``payload`` octets of UDP payload."""

    destination: str
    count: int = 20
    payload: int = 500
    port: int = 40000

    @property
    def octets(self) -> int:
        """Octets of all its IP packets, as exporters count them."""
        headers = _IPV6_HEADERS if ":" in self.destination else _IPV4_HEADERS
        return self.count * (headers + self.payload)


def send(namespace: Namespace, *streams: Stream) -> None:
    """Send streams one after the other and return when the last datagram is out."""
    told = json.dumps([(s.destination, s.port, s.count, s.payload) for s in streams])
    namespace.run("python3", "-c", _SENDER, stdin=told)
