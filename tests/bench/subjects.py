"""The collectors that are measured: how each is told its job, started, and its records read."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar, Protocol

from collector.workers import control_socket
from tests.bench.jobs import Job, Place
from tests.bench.processes import ProcessTree, is_bound, wait_until

# Of nfacctd: enough for a window, as each takes some 4 KB from the start.
_CACHE_ENTRIES = {"none": 16_411, "sums": 100_003, "flows": 400_009}
_START_S, _STOP_S, _COUNTERS_S = 60.0, 90.0, 3.0
_COMMAND = (sys.executable, "-m", "collector", "run", "--config")
_PROJECT = Path(__file__).parents[2]


class Subject(Protocol):
    """One collector, running one job."""

    name: ClassVar[str]
    # How its records call octets, and the path to the destination.
    octets: ClassVar[str]
    as_path: ClassVar[str]
    tree: ProcessTree

    def __init__(self, job: Job, place: Place) -> None: ...

    def decoded(self, expected: int) -> int:
        """Flows decoded so far, by its own count; ``expected`` where it does not say."""

    def output(self) -> str:
        """The topic or file that it writes to."""

    def stop(self) -> None:
        """End it in order."""


class Ours:
    """This collector, with one worker."""

    name = "ours"
    octets, as_path = "octets", "destinationAsPath"
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

    def __init__(self, job: Job, place: Place) -> None:
        self._job, self._place = job, place
        directory = Path(place.directory)
        self._socket = str(directory / "control")
        self._log = directory / "ours.log"
        (directory / "ours.toml").write_text(self._configuration())
        command = [*_COMMAND, str(directory / "ours.toml")]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=_PROJECT, stdout=log, stderr=log)
        self.tree = ProcessTree(self._process.pid)
        wait_until(lambda: " ready: " in self._log.read_text(), "ours to be ready", _START_S)

    def decoded(self, expected: int) -> int:
        """Ask its control socket; workers tell their counters every second."""
        count, deadline_s = 0, time.monotonic() + _COUNTERS_S
        while count != expected and time.monotonic() < deadline_s:
            status = control_socket.ask(self._socket, {"ask": "status"})
            count = status["counters"].get("flow_records", 0)
            time.sleep(0.1)
        return count

    def output(self) -> str:
        """The topic or file that it writes to."""
        topic = self._place.topic
        return topic if self._job.output == "kafka" else f"{self._place.directory}/{topic}"

    def stop(self) -> None:
        """End it in order."""
        _stop(self._process, signal.SIGTERM)

    def _configuration(self) -> str:
        job, place = self._job, self._place
        keys = [*self._KEYS, *(self._FROM_ROUTE if job.joined else self._FROM_FLOW)]
        lines = [
            f"[collector]\nworkers = 1\ncontrol_socket = {self._socket!r}",
            f"[[listen]]\nkind = 'flow'\nport = {place.flow_port}",
            f"[[listen]]\nkind = 'bmp'\nport = {place.bmp_port}",
            f"[[output]]\nname = 'events'\ntype = 'file'\npath = '{place.directory}/events'",
        ]
        if job.output == "none":
            # Something must be published; there are no BMP sessions in this row.
            return "\n".join([*lines, "[[publish]]\nrecords = 'bmp'\noutput = 'events'\n"])
        lines.append("[[output]]\nname = 'out'")
        if job.output == "kafka":
            lines.append(f"type = 'kafka'\nbrokers = ['{place.bootstrap}']")
        else:
            lines.append(f"type = 'file'\npath = '{self.output()}'")
        if job.records == "sums":
            lines.append(
                f"[[aggregate]]\nname = 'sums'\nkeys = {keys}\nwindow_s = {place.window_s}\n"
                "time = 'arrival'\nlateness_s = 1\n[[publish]]\nrecords = 'sums'"
            )
        else:
            columns = [*keys, "timeStart", "timeEnd", "octets", "packets"]
            lines.append(f"[[publish]]\nrecords = 'flow'\ncolumns = {columns}")
        lines.append(f"output = 'out'\ntopic = '{place.topic}'\n")
        return "\n".join(lines)


class Nfacctd:
    """pmacct's nfacctd, as Debian packages it."""

    name = "nfacctd"
    octets, as_path = "bytes", "as_path"
    _KEYS = (
        "peer_src_ip, in_iface, out_iface, src_host, dst_host, src_port, dst_port, proto, tos, "
        "tcpflags, src_mask, dst_mask, src_as, dst_as, flows"
    )
    _FROM_ROUTE = ", src_net, dst_net, as_path, std_comm, local_pref, med, peer_dst_as, peer_dst_ip"
    _KAFKA = (
        "topic, compression.codec, zstd\n"
        "global, queue.buffering.max.messages, 10000000\n"
        "global, queue.buffering.max.kbytes, 2000000\n"
    )

    def __init__(self, job: Job, place: Place) -> None:
        self._job, self._place = job, place
        directory = Path(place.directory)
        (directory / "kafka.conf").write_text(self._KAFKA)
        (directory / "nfacctd.conf").write_text(self._configuration())
        with (directory / "nfacctd.log").open("wb") as log:
            command = ["nfacctd", "-f", str(directory / "nfacctd.conf")]
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True
            )
        self.tree = ProcessTree(self._process.pid)
        # BMP first: it opens the UDP port some seconds after.
        wait_until(
            lambda: (
                (not job.joined or is_bound(place.bmp_port, "tcp"))
                and is_bound(place.flow_port, "udp")
            ),
            "nfacctd to listen",
            _START_S,
        )

    def decoded(self, expected: int) -> int:
        """It does not say; that nothing was dropped must do."""
        return expected

    def output(self) -> str:
        """The topic or file that it writes to."""
        topic = self._place.topic
        return topic if self._job.output == "kafka" else f"{self._place.directory}/{topic}"

    def stop(self) -> None:
        """End it in order; its plug-ins are processes of their own."""
        _stop(self._process, signal.SIGINT)  # on SIGTERM version 1.7.7 does not end
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _configuration(self) -> str:
        job, place = self._job, self._place
        plugin = "kafka" if job.output == "kafka" else "print"
        keys = self._KEYS + (self._FROM_ROUTE if job.joined else "")
        if job.records == "flows":
            keys += ", timestamp_start, timestamp_end"
        lines = [
            "daemonize: false",
            f"nfacctd_ip: 127.0.0.1\nnfacctd_port: {place.flow_port}",
            "nfacctd_pipe_size: 67108864",
            f"plugins: {plugin}[x]\naggregate[x]: {keys}",
            "plugin_pipe_size[x]: 268435456\nplugin_buffer_size[x]: 262144",
            f"{plugin}_refresh_time[x]: {place.window_s}\n{plugin}_output[x]: json",
            # Windows by arrival, at whole multiples of their length, as ours.
            f"{plugin}_history[x]: {place.window_s}s\n{plugin}_history_roundoff[x]: m",
            "nfacctd_time_new: true\ntimestamps_since_epoch: true",
            f"{plugin}_cache_entries[x]: {_CACHE_ENTRIES[job.records]}",
        ]
        if job.output == "kafka":
            host, _, port = place.bootstrap.rpartition(":")
            lines.append(f"kafka_topic[x]: {place.topic}\nkafka_broker_host[x]: {host}")
            lines.append(f"kafka_broker_port[x]: {port}")
            lines.append(f"kafka_config_file[x]: {place.directory}/kafka.conf")
        else:
            lines.append(f"print_output_file[x]: {self.output()}\nprint_output_file_append: true")
        if job.records == "none":
            lines.append("pre_tag_filter[x]: 1")  # no flow has a tag: decoded, then left
        if job.joined:
            lines.append("bmp_daemon: true\nbmp_daemon_ip: 127.0.0.1")
            lines.append(f"bmp_daemon_port: {place.bmp_port}\nnfacctd_as: bmp\nnfacctd_net: bmp")
        return "\n".join([*lines, ""])


def subjects() -> list[type[Subject]]:
    """The collectors that this machine has."""
    return [Ours, Nfacctd] if shutil.which("nfacctd") else [Ours]


def _stop(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
