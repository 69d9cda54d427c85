"""The way in: steered workers, and the proxied set-up that they replace, side by side.

Theirs is HAProxy for BMP, with the PROXY protocol, and nfacctd's tee plug-in for IPFIX, both
before two nfacctd. What is measured is what stands before the collectors proper: HAProxy and the
tee daemon; of ours the supervisor, and the time that the kernel spends in steering programs.
"""

import signal
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import polars as pl

from tests.bench.bpf_time import BpfTime, bpf_statistics
from tests.bench.far_end import add_up, read_frame
from tests.bench.jobs import Job, Place
from tests.bench.loads import Load
from tests.bench.measure import QUIET_S, Bench, differences, dropped
from tests.bench.nfacctd import Nfacctd
from tests.bench.ours import Ours
from tests.bench.processes import ProcessTree, free_ports, is_bound, wait_until
from tests.bench.result import Result
from tests.bench.slots import misplaced
from tests.bench.subjects import Names, Subject, end, spawn

WORKERS = 2
_START_S = 30.0
_HAPROXY = """\
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen bmp
  bind 127.0.0.1:{port}
  balance source
{servers}
"""
_TEE = """\
daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: {port}
nfacctd_pipe_size: 67108864
plugins: tee[t]
tee_receivers[t]: {receivers}
tee_transparent: true
plugin_pipe_size[t]: 33554432
plugin_buffer_size[t]: 262144
"""


class WayIn(Protocol):
    """Two collectors, and what stands before them.

    Attributes:
        places: where the collectors write.
    """

    names: Names
    places: list[Place]

    def usage(self) -> tuple[float, int]:
        """CPU seconds and memory, octets, of what stands before the collectors."""

    def wait_quiet(self) -> None:
        """Return when all that was sent has been worked on."""

    def faults(self, load: Load) -> list[str]:
        """What is wrong while all of it still runs."""

    def stop(self) -> None:
        """End all of it in order."""


class Steered:
    """Ours: the supervisor before its workers, and its BPF programs, which run in others' time."""

    names = Ours.names

    def __init__(self, job: Job, place: Place) -> None:
        self.places = [place]
        self._stack = ExitStack()
        with ExitStack() as undo:
            undo.enter_context(self._stack)
            self._stack.enter_context(bpf_statistics())
            self._programs = BpfTime()
            self._collector = Ours(replace(job, workers=WORKERS), place)
            self._stack.callback(self._collector.stop)
            undo.pop_all()

    def usage(self) -> tuple[float, int]:
        """Of the supervisor and the kernel's programs."""
        tree = self._collector.tree
        return tree.own_cpu_s() + self._programs.seconds(), tree.own_pss_octets()

    def wait_quiet(self) -> None:
        """Return when its workers are idle."""
        place = self.places[0]
        self._collector.tree.wait_quiet(place.flow_port, QUIET_S, place.bmp_port)

    def faults(self, load: Load) -> list[str]:
        """Loss, and flows at a wrong worker."""
        told = dropped(self.places[0]) + misplaced(self._collector, WORKERS, load.traffic)
        return told if self._programs.seconds() else [*told, "no BPF program ran"]

    def stop(self) -> None:
        """End it, and the kernel's statistics."""
        self._stack.close()


class Proxied:
    """HAProxy and a tee daemon before two nfacctd."""

    names = Nfacctd.names

    def __init__(self, job: Job, place: Place) -> None:
        self._place = place
        self.places = [_behind(place, number) for number in range(WORKERS)]
        directory = Path(place.directory)
        (directory / "haproxy.conf").write_text(_haproxy(place, self.places))
        (directory / "tee.conf").write_text(_tee(place, self.places))
        self._stack = ExitStack()
        with ExitStack() as undo:
            undo.enter_context(self._stack)
            proxied = "bmp_daemon_parse_proxy_header: true\n"
            self._behind = [Nfacctd(job, behind, more=proxied) for behind in self.places]
            for collector in self._behind:
                self._stack.callback(collector.stop)
            self._before = [
                self._spawn(["haproxy", "-db", "-f"], "haproxy", signal.SIGTERM),
                self._spawn(["nfacctd", "-f"], "tee", signal.SIGINT),
            ]
            wait_until(
                lambda: is_bound(place.flow_port, "udp") and is_bound(place.bmp_port, "tcp"),
                "the way in to listen",
                _START_S,
            )
            undo.pop_all()

    def usage(self) -> tuple[float, int]:
        """Of HAProxy and the tee daemon."""
        cpu_s = sum(tree.cpu_s() for tree in self._before)
        return cpu_s, sum(tree.pss_octets() for tree in self._before)

    def wait_quiet(self) -> None:
        """Return when nothing waits before, and then behind."""
        for tree in self._before:
            tree.wait_quiet(self._place.flow_port, QUIET_S, self._place.bmp_port)
        for collector, place in zip(self._behind, self.places, strict=True):
            collector.tree.wait_quiet(place.flow_port, QUIET_S, place.bmp_port)

    def faults(self, _load: Load) -> list[str]:
        """Loss on the way in and behind it."""
        return [fault for place in (self._place, *self.places) for fault in dropped(place)]

    def stop(self) -> None:
        """End all of it in order."""
        self._stack.close()

    def _spawn(self, command: list[str], name: str, number: signal.Signals) -> ProcessTree:
        directory = Path(self._place.directory)
        command = [*command, str(directory / f"{name}.conf")]
        process = spawn(command, directory / f"{name}.log", directory)
        self._stack.callback(end, process, number)
        return ProcessTree(process.pid)


def measure_way_in(
    bench: Bench, row: str, job: Job, load: Load, kind: type[Subject], name: str
) -> Result:
    """Tables, then flows of many devices through the way in; sums of all that came out."""
    load.traffic, load.sessions  # noqa: B018 - made before the clock starts
    with bench.place(name, load.traffic.groups) as place:
        way_in: WayIn = (Steered if kind is Ours else Proxied)(job, place)
        try:
            way_in.wait_quiet()
            before_s, _ = way_in.usage()
            for session in load.sessions:
                bench.sender.session(place.bmp_port, session)
            way_in.wait_quiet()
            bench.sender.flows(place.flow_port, load.name, job.flows_per_s)
            way_in.wait_quiet()
            after_s, octets = way_in.usage()
            faults = way_in.faults(load)
        finally:
            way_in.stop()
        records = pl.concat([read_frame(job, behind, way_in.names) for behind in way_in.places])
    sums, found = load.traffic.sums, add_up(records, joined=True)
    joined = records.filter(pl.col("as_path").str.len_bytes() > 0)["octets"].sum()
    # HAProxy and tee choose by hashes of their own: theirs does not join every flow.
    of_flows = (found.without_routes(), sums.without_routes())
    faults += differences(found, sums) if kind is Ours else differences(*of_flows)
    figures = {
        "CPU s": after_s - before_s,
        "MiB": octets / 2**20,
        "% of octets joined": 100 * joined / sums.octets,
    }
    return Result(row, kind.name, figures, tuple(faults))


def _behind(place: Place, number: int) -> Place:
    directory = Path(place.directory) / str(number)
    directory.mkdir()
    flow_port, bmp_port = free_ports(2)
    return replace(place, directory=str(directory), flow_port=flow_port, bmp_port=bmp_port)


def _haproxy(place: Place, behind: Iterable[Place]) -> str:
    servers = "\n".join(
        f"  server nfacctd{number} 127.0.0.1:{one.bmp_port} send-proxy"
        for number, one in enumerate(behind)
    )
    return _HAPROXY.format(port=place.bmp_port, servers=servers)


def _tee(place: Place, behind: Iterable[Place]) -> str:
    receivers = Path(place.directory) / "receivers.conf"
    addresses = ",".join(f"127.0.0.1:{one.flow_port}" for one in behind)
    # hash-agent of 1.7.7 finds no receiver; this one goes by the exporter's address as well.
    receivers.write_text(f"id=1 ip={addresses} balance-alg=hash-crc32\n")
    return _TEE.format(port=place.flow_port, receivers=receivers)
