"""This collector, as the bench configures and asks it."""

import signal
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from collector.workers import control_socket
from tests.bench.jobs import Job, Place
from tests.bench.processes import ProcessTree, wait_until
from tests.bench.subjects import Names, end, ended_on_error, output_of, spawn

PROJECT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "collector", "run", "--config")
_START_S, _COUNTERS_S = 60.0, 5.0

_KEYS = (
    *("device", "ingressInterface", "egressInterface", "sourceAddress", "destinationAddress"),
    *("sourcePort", "destinationPort", "protocol", "ipTos", "tcpFlags"),
)
_FROM_FLOW = (
    *("sourcePrefixLength", "destinationPrefixLength"),
    *("bgpSourceAsNumber", "bgpDestinationAsNumber"),
)
_FROM_ROUTE = (
    *("sourcePrefix", "destinationPrefix", "sourceOriginAs", "destinationOriginAs"),
    *("destinationAsPath", "destinationCommunities", "destinationLocalPref"),
    *("destinationMed", "destinationPeerAs", "destinationNextHop"),
)


class Ours:
    """This collector."""

    name: ClassVar[str] = "ours"
    keeps: ClassVar[bool] = False
    names: ClassVar[Names] = Names(
        octets="octets",
        packets="packets",
        as_path="destinationAsPath",
        source_origin="sourceOriginAs",
        next_hop="destinationNextHop",
        destination="destinationAddress",
        destination_port="destinationPort",
        med="destinationMed",
    )

    def __init__(self, job: Job, place: Place) -> None:
        directory = Path(place.directory)
        self._socket = f"{directory}/control"
        log, file = directory / "ours.log", directory / "ours.toml"
        file.write_text(configuration(job, place, self._socket))
        self._process = spawn([*COMMAND, str(file)], log, PROJECT)
        self.tree = ProcessTree(self._process.pid)
        with ended_on_error(self._process):
            wait_until(lambda: " ready: " in log.read_text(), "ours to be ready", _START_S)

    def decoded(self, expected: int) -> int:
        """Ask its control socket; workers tell their counters every second."""
        count, deadline_s = 0, time.monotonic() + _COUNTERS_S
        while count != expected and time.monotonic() < deadline_s:
            count = self.status()["counters"].get("flow_records", 0)
            time.sleep(0.1)
        return count

    def status(self) -> dict[str, Any]:
        """What `collector status` shows."""
        return control_socket.ask(self._socket, {"ask": "status"})

    def stop(self) -> None:
        """End it in order."""
        end(self._process, signal.SIGTERM)


def configuration(job: Job, place: Place, control: str) -> str:
    """A configuration file for a job."""
    keys = [*_KEYS, *(_FROM_ROUTE if job.joined else _FROM_FLOW)]
    lines = [
        f"[collector]\nworkers = {job.workers}\ncontrol_socket = {control!r}",
        f"[[listen]]\nkind = 'flow'\nport = {place.flow_port}",
        f"[[listen]]\nkind = 'bmp'\nport = {place.bmp_port}",
    ]
    if job.records == "none":
        # Something must be published; there are no BMP sessions in such a row.
        lines.append(f"[[output]]\nname = 'out'\ntype = 'file'\npath = '{place.directory}/events'")
        return "\n".join([*lines, "[[publish]]\nrecords = 'bmp'\noutput = 'out'\n"])
    lines.append("[[output]]\nname = 'out'")
    if job.output == "kafka":
        lines.append(f"type = 'kafka'\nbrokers = ['{place.bootstrap}']")
    else:
        lines.append(f"type = 'file'\npath = '{output_of(job, place)}'")
    if job.records == "sums":
        lines.append(
            f"[[aggregate]]\nname = 'sums'\nkeys = {keys}\nwindow_s = {place.window_s}\n"
            "time = 'arrival'\nlateness_s = 1\n[[publish]]\nrecords = 'sums'"
        )
    elif job.records == "events":
        lines.append("[[publish]]\nrecords = 'bmp'")
    elif job.every_column:
        lines.append("[[publish]]\nrecords = 'flow'")
    else:
        columns = [*keys, "timeStart", "timeEnd", "octets", "packets"]
        lines.append(f"[[publish]]\nrecords = 'flow'\ncolumns = {columns}")
    if job.arrow:
        lines.append("format = 'arrow'")
    lines.append(f"output = 'out'\ntopic = '{place.topic}'\n")
    return "\n".join(lines)
