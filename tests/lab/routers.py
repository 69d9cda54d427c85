"""Real BGP speakers in namespaces: FRR and GoBGP that speak BMP, a GoBGP that feeds them routes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.lab.bgp_routes import Family, Route
from tests.lab.daemons import Daemon
from tests.lab.namespaces import Namespace, Network
from tests.lab.waiting import wait_for

_BGPD = "/usr/lib/frr/bgpd"
LOCAL_PREFERENCE = 200
"""What FRR's import policy sets: it tells post-policy from pre-policy."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who a BGP speaker is, and where its neighbour is."""

    address: str
    as_number: int
    neighbour_address: str
    neighbour_as_number: int

    @property
    def is_internal(self) -> bool:
        """Whether the session is iBGP, where nobody adds an AS to a path."""
        return self.as_number == self.neighbour_as_number


@dataclass(frozen=True, slots=True)
class Station:
    """The BMP collector that a router connects to, and how the router names itself there."""

    address: str
    port: int
    system_name: str


class Router(Protocol):
    """A router under test: it learns routes by BGP and tells them by BMP."""

    def start(self) -> None:
        """Start its daemon and wait until it takes commands."""

    def table(self, family: Family) -> dict[str, tuple[int, ...]]:
        """Best routes: prefix (``RD:prefix`` of a VPN) to AS path."""


class FrrRouter:
    """FRR's bgpd without zebra: what it learns stays in BGP and does not reach the kernel."""

    def __init__(
        self,
        network: Network,
        namespace: Namespace,
        directory: Path,
        speaker: Speaker,
        station: Station,
    ) -> None:
        self._network, self._namespace, self._directory = network, namespace, directory
        self._speaker, self._station = speaker, station
        self.daemon: Daemon | None = None

    def start(self) -> None:
        """Start bgpd and wait for its command socket."""
        self._directory.mkdir(parents=True)
        configuration = self._directory / "bgpd.conf"
        configuration.write_text(_frr_configuration(self._speaker, self._station))
        command = [_BGPD, "-M", "bmp", "--no_zebra", "--skip_runas", "--vty_port", "0"]
        command += ["-f", str(configuration), "-i", str(self._directory / "pid")]
        command += ["--vty_socket", str(self._directory), "--log", "stdout"]
        log = self._directory / "bgpd.log"
        self.daemon = self._network.daemon(self._namespace, "bgpd", log, *command)
        socket = self._directory / "bgpd.vty"
        wait_for(socket.exists, "bgpd's command socket", watch=self.daemon.watch)

    def show(self, what: str) -> dict:
        """Answer of ``show WHAT json``."""
        vtysh = ["vtysh", "--vty_socket", str(self._directory)]
        return json.loads(self._namespace.run(*vtysh, "-c", f"show {what} json"))

    def table(self, family: Family) -> dict[str, tuple[int, ...]]:
        """Best routes: prefix (``RD:prefix`` of a VPN) to AS path."""
        routes = self.show(f"bgp {family.frr}").get("routes", {})
        if family is Family.VPNV4:
            by_rd = routes.get("routeDistinguishers", {}).items()
            routes = {
                f"{rd}:{prefix}": paths for rd, table in by_rd for prefix, paths in table.items()
            }
        return {
            prefix: tuple(int(number) for number in path["path"].split())
            for prefix, paths in routes.items()
            for path in paths
            if path.get("bestpath")
        }


class GobgpRouter:
    """A gobgpd that tells its Adj-RIB-In, before and after policy, and its Loc-RIB by BMP."""

    def __init__(
        self,
        network: Network,
        namespace: Namespace,
        directory: Path,
        speaker: Speaker,
        station: Station,
    ) -> None:
        self._speaker, self._station = speaker, station
        self._gobgp = _Gobgp(network, namespace, directory)

    def start(self) -> None:
        """Start gobgpd; the BMP station should listen already: it tries again only after long."""
        self._gobgp.start(_gobgp_configuration(self._speaker, self._station))

    def table(self, family: Family) -> dict[str, tuple[int, ...]]:
        """Best routes: prefix (``RD:prefix`` of a VPN) to AS path."""
        return self._gobgp.table(family)


class RouteSource:
    """A gobgpd that announces and withdraws the routes a test wants, over a real BGP session."""

    def __init__(
        self, network: Network, namespace: Namespace, directory: Path, speaker: Speaker
    ) -> None:
        self._speaker = speaker
        self._gobgp = _Gobgp(network, namespace, directory)

    def start(self) -> None:
        """Start gobgpd and wait until it takes commands."""
        self._gobgp.start(_gobgp_configuration(self._speaker, None))

    def announce(self, *routes: Route) -> None:
        """Announce routes, or announce them again with another path."""
        # One shell for all: a few hundred commands of 10 ms, without as many processes of ours.
        self._gobgp.run_all([_rib_command("add", route) for route in routes])

    def withdraw(self, *routes: Route) -> None:
        """Withdraw routes announced before."""
        self._gobgp.run_all([_rib_command("del", route) for route in routes])

    def as_seen(self, route: Route) -> tuple[str, tuple[int, ...]]:
        """Table entry that the neighbour makes of a route: over eBGP this AS leads the path."""
        name = f"{route.rd}:{route.prefix}" if route.rd else route.prefix
        added = () if self._speaker.is_internal else (self._speaker.as_number,)
        return name, (*added, *route.as_path)


class _Gobgp:
    """One gobgpd and its command-line client, which meet on the namespace's own loopback."""

    def __init__(self, network: Network, namespace: Namespace, directory: Path) -> None:
        self._network, self._namespace, self._directory = network, namespace, directory

    def start(self, configuration: str) -> None:
        self._directory.mkdir(parents=True)
        path = self._directory / "gobgpd.toml"
        path.write_text(configuration)
        command = ["gobgpd", "-f", str(path), "--api-hosts", "127.0.0.1:50051"]
        log = self._directory / "gobgpd.log"
        daemon = self._network.daemon(self._namespace, "gobgpd", log, *command)
        wait_for(self._answers, "gobgpd's API", watch=daemon.watch)

    def _answers(self) -> bool:
        try:
            self._namespace.run("gobgp", "global")
        except RuntimeError:
            return False
        return True

    def run_all(self, commands: list[str]) -> None:
        self._namespace.run("sh", "-e", stdin="\n".join(commands), timeout_s=120)

    def table(self, family: Family) -> dict[str, tuple[int, ...]]:
        told = self._namespace.run("gobgp", "global", "rib", "-a", family.gobgp, "-j")
        return {
            prefix: _gobgp_as_path(path["attrs"])
            for prefix, paths in (json.loads(told) or {}).items()
            for path in paths
            if path.get("best")
        }


def _gobgp_as_path(attributes: list[dict]) -> tuple[int, ...]:
    return tuple(
        number
        for attribute in attributes
        if attribute["type"] == 2
        for segment in attribute["as_paths"]
        for number in segment["asns"]
    )


def _rib_command(verb: str, route: Route) -> str:
    words = ["gobgp global rib", verb, "-a", route.family.gobgp, route.prefix]
    if route.rd:
        words += ["label 100 rd", route.rd, "rt", route.rd]
    if verb == "add":
        words += ["origin igp nexthop", route.next_hop]
        words += ["aspath", f'"{" ".join(str(number) for number in route.as_path)}"']
    if verb == "add" and route.communities:
        words += ["community", ",".join(route.communities)]
    return " ".join(words)


def _frr_configuration(speaker: Speaker, station: Station) -> str:
    neighbour = f"neighbor {speaker.neighbour_address}"
    families = "\n".join(
        f" address-family {family.frr}\n  {neighbour} activate\n"
        f"  {neighbour} soft-reconfiguration inbound\n"
        f"  {neighbour} route-map POLICY in\n exit-address-family"
        for family in Family
    )
    monitors = "\n".join(
        f"  bmp monitor {family.frr} {policy}"
        for family in Family
        for policy in ("pre-policy", "post-policy")
    )
    return f"""\
hostname {station.system_name}
log timestamp precision 3
route-map POLICY permit 10
 set local-preference {LOCAL_PREFERENCE}
exit
router bgp {speaker.as_number}
 bgp router-id {speaker.address}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 {neighbour} remote-as {speaker.neighbour_as_number}
 {neighbour} timers 3 9
 {neighbour} timers connect 1
{families}
 bmp targets lab
  bmp connect {station.address} port {station.port} min-retry 100 max-retry 500
  bmp stats interval 1000
{monitors}
 exit
exit
"""


def _gobgp_configuration(speaker: Speaker, station: Station | None) -> str:
    families = "".join(
        f"""\
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "{family.gobgp_afi_safi}"
"""
        for family in Family
    )
    bmp = (
        station
        and f"""\
[[bmp-servers]]
  [bmp-servers.config]
    address = "{station.address}"
    port = {station.port}
    sys-name = "{station.system_name}"
    route-monitoring-policy = "all"
    statistics-timeout = 15
"""
    )
    return f"""\
[global.config]
  as = {speaker.as_number}
  router-id = "{speaker.address}"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{speaker.neighbour_address}"
    peer-as = {speaker.neighbour_as_number}
  [neighbors.timers.config]
    connect-retry = 1
    hold-time = 9
    idle-hold-time-after-reset = 1
{families}{bmp or ""}"""
