"""An independent witness: what reaches an interface, captured by dumpcap and decoded by tshark."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tests.lab.namespaces import Namespace, Network
from tests.lab.waiting import wait_for


class ToldFlow(NamedTuple):
    """What one flow record says, as tshark reads it."""

    device: str
    destination: str
    packets: int
    octets: int


class Witness:
    """One capture, from `start` to `stop`; read before the stop, it may lack the last packets."""

    def __init__(
        self, network: Network, namespace: Namespace, interface: str, directory: Path
    ) -> None:
        self._network, self._namespace, self._interface = network, namespace, interface
        self._capture, self._log = directory / "witness.pcapng", directory / "witness.log"

    def start(self, ports: tuple[int, ...]) -> None:
        """Capture what goes to or comes from these ports."""
        ours = " or ".join(f"port {port}" for port in ports)
        command = ["dumpcap", "-q", "-i", self._interface, "-w", str(self._capture), "-f", ours]
        self._daemon = self._network.daemon(self._namespace, "dumpcap", self._log, *command)
        wait_for(
            # The section and interface blocks are written once the capture is open.
            lambda: self._capture.exists() and self._capture.stat().st_size > 0,
            "dumpcap to capture",
            watch=self._daemon.watch,
        )

    def stop(self) -> None:
        """End the capture; what it holds is all on disk then."""
        self._daemon.stop(signal.SIGINT)

    def bmp_types(self, port: int) -> dict[str, Counter[int]]:
        """Number of BMP messages by type, for each device."""
        counts: dict[str, Counter[int]] = {}
        columns = [word for name in ("ip.src", "ipv6.src", "bmp.type") for word in ("-e", name)]
        told = self._tshark("bmp", f"tcp.port=={port},bmp", "-T", "fields", *columns)
        for line in told.splitlines():
            ipv4, ipv6, types = line.split("\t")
            counts.setdefault(ipv4 or ipv6, Counter()).update(int(t) for t in types.split(","))
        return counts

    def flows(self, port: int) -> Iterator[ToldFlow]:
        """Every flow record sent to a port, in the order of the capture."""
        told = self._tshark("cflow", f"udp.port=={port},cflow", "-T", "pdml")
        for packet in ElementTree.fromstring(told or "<pdml/>").iterfind("packet"):
            device = _source(packet)
            for record in packet.iterfind(".//field"):
                values = {
                    field.get("name"): field.get("show", "") for field in record.iterfind("field")
                }
                if "cflow.octets" in values:
                    yield ToldFlow(
                        device,
                        values.get("cflow.dstaddr") or values.get("cflow.dstaddrv6", ""),
                        int(values["cflow.packets"]),
                        int(values["cflow.octets"]),
                    )

    def _tshark(self, wanted: str, decode_as: str, *form: str) -> str:
        command = ["tshark", "-n", "-r", str(self._capture), "-d", decode_as, "-Y", wanted]
        try:
            return self._namespace.run(*command, *form, timeout_s=120)
        except RuntimeError as error:
            if "cut short" in str(error):  # dumpcap is writing: there is more to wait for
                return ""
            raise


def _source(packet: ElementTree.Element) -> str:
    (address,) = (
        field.get("show", "")
        for name in ("ip.src", "ipv6.src")
        for field in packet.iterfind(f"./proto/field[@name='{name}']")
    )
    return address
