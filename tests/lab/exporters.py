"""Real flow exporters that watch an interface of a router: softflowd and pmacct's nfprobe."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.lab.daemons import Daemon
from tests.lab.namespaces import Namespace, Network
from tests.lab.waiting import wait_for

NETFLOW_V9, IPFIX = 9, 10


@dataclass(frozen=True, slots=True)
class Probe:
    """What an exporter watches, and where it sends what it saw.

    The kernel picks the source address, so the route to the collector has to give the device's.
    """

    interface: str
    collector: str  # "ADDRESS:PORT", an IPv6 address in brackets
    version: int


class FlowExporter(Protocol):
    """A flow exporter under test."""

    def start(self) -> None:
        """Start it and wait until it captures."""

    def flush(self, push: Callable[[], None]) -> None:
        """Have all that it was sent so far exported; ``push`` sends packets that do not count."""

    def stop(self) -> None:
        """End it; it exports what it has."""


class Softflowd:
    """softflowd; nothing leaves it before `flush`.

    Debian's build reads its capture ring a full block (128 KiB) at a time, so that the last packets
    wait for more to come: `flush` pushes packets until what came before is through.
    """

    def __init__(
        self, network: Network, namespace: Namespace, directory: Path, probe: Probe
    ) -> None:
        self._network, self._namespace, self._directory = network, namespace, directory
        self._probe = probe
        self.daemon: Daemon | None = None

    def start(self) -> None:
        """Start it and wait for its control socket."""
        self._directory.mkdir(parents=True)
        command = ["softflowd", "-d", "-6", "-i", self._probe.interface]
        command += ["-n", self._probe.collector, "-v", str(self._probe.version)]
        command += ["-p", str(self._directory / "pid"), "-c", str(self._control)]
        # Flows end when `flush` says so, not by time.
        command += ["-t", "udp=600", "-t", "maxlife=600", "-t", "expint=1"]
        log = self._directory / "softflowd.log"
        self.daemon = self._network.daemon(self._namespace, "softflowd", log, *command)
        wait_for(self._control.exists, "softflowd's control socket", watch=self.daemon.watch)

    def flush(self, push: Callable[[], None]) -> None:
        """Push until the capture ring gave what it holds now, then have all flows exported."""
        held = self._statistic("Packets received by libpcap")

        def through() -> bool:
            push()
            return self._statistic("Packets processed") >= held

        wait_for(through, f"softflowd to read {held} packets")
        self._control_command("expire-all")
        wait_for(
            lambda: self._statistic("Number of active flows") == 0,
            "softflowd to export its flows",
        )

    def stop(self) -> None:
        """End it; it exports what it has."""
        self.daemon.stop()

    def _statistic(self, name: str) -> int:
        return int(re.search(rf"{name}: (\d+)", self._control_command("statistics"))[1])

    def _control_command(self, command: str) -> str:
        return self._namespace.run("softflowctl", "-c", str(self._control), command)

    @property
    def _control(self) -> Path:
        return self._directory / "control"


class Nfprobe:
    """pmacctd with the nfprobe plug-in: exports flows idle for a second, by itself."""

    def __init__(
        self, network: Network, namespace: Namespace, directory: Path, probe: Probe
    ) -> None:
        self._network, self._namespace, self._directory = network, namespace, directory
        self._probe = probe
        self.daemon: Daemon | None = None

    def start(self) -> None:
        """Start it and wait until the plug-in has opened its export socket."""
        self._directory.mkdir(parents=True)
        configuration = self._directory / "pmacctd.conf"
        configuration.write_text(
            f"""\
daemonize: false
pcap_interface: {self._probe.interface}
plugins: nfprobe[probe]
aggregate[probe]: src_host, dst_host, src_port, dst_port, proto, tos
nfprobe_receiver[probe]: {self._probe.collector}
nfprobe_version[probe]: {self._probe.version}
nfprobe_timeouts[probe]: udp=1:general=1:maxlife=600:expint=1
"""
        )
        log = self._directory / "pmacctd.log"
        command = ["pmacctd", "-f", str(configuration)]
        self.daemon = self._network.daemon(self._namespace, "pmacctd", log, *command)
        wait_for(
            lambda: (
                "link type is" in self.daemon.text() and "Exporting flows" in self.daemon.text()
            ),
            "pmacctd to capture",
            watch=self.daemon.watch,
        )

    def flush(self, push: Callable[[], None]) -> None:
        """Nothing to do: idle flows are exported within two seconds."""

    def stop(self) -> None:
        """End it; it exports what it has."""
        self.daemon.stop()
