"""pmacct's nfacctd as Debian packages it, as the bench configures it."""

import signal
from pathlib import Path
from typing import ClassVar

from tests.bench.jobs import Job, Place
from tests.bench.processes import ProcessTree, is_bound, wait_until
from tests.bench.subjects import Names, end, ended_on_error, spawn

_START_S = 60.0
_FEWEST_ENTRIES = 16_411
_MAX_ROUTERS = 256
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


class Nfacctd:
    """One nfacctd."""

    name: ClassVar[str] = "nfacctd"
    keeps: ClassVar[bool] = True
    names: ClassVar[Names] = Names(
        octets="bytes",
        packets="packets",
        as_path="as_path",
        source_origin="as_src",
        next_hop="peer_ip_dst",
        destination="ip_dst",
        destination_port="port_dst",
        med="med",
    )

    def __init__(
        self, job: Job, place: Place, *, address: str = "127.0.0.1", more: str = ""
    ) -> None:
        directory = Path(place.directory)
        (directory / "kafka.conf").write_text(_KAFKA)
        file = directory / "nfacctd.conf"
        file.write_text(configuration(job, place, address) + more)
        self._process = spawn(["nfacctd", "-f", str(file)], directory / "nfacctd.log")
        self.tree = ProcessTree(self._process.pid)
        # BMP first: it opens the UDP port some seconds after.
        with ended_on_error(self._process):
            wait_until(
                lambda: (
                    (not job.listens_to_bmp or is_bound(place.bmp_port, "tcp"))
                    and is_bound(place.flow_port, "udp")
                ),
                "nfacctd to listen",
                _START_S,
            )

    def decoded(self, expected: int) -> int:
        """It does not say; that nothing was dropped must do."""
        return expected

    def stop(self) -> None:
        """End it in order; its plug-ins are processes of their own."""
        end(self._process, signal.SIGINT)  # on SIGTERM version 1.7.7 does not end


def configuration(job: Job, place: Place, address: str) -> str:
    """A configuration file for a job."""
    lines = [
        "daemonize: false",
        f"nfacctd_ip: {address}\nnfacctd_port: {place.flow_port}",
        "nfacctd_pipe_size: 67108864",
        *_plugin(job, place),
    ]
    if job.listens_to_bmp:
        lines.append(
            f"bmp_daemon: true\nbmp_daemon_ip: {address}\nbmp_daemon_port: {place.bmp_port}"
        )
        lines.append(f"bmp_daemon_max_peers: {_MAX_ROUTERS}")
    if job.joined:
        lines.append("nfacctd_as: bmp\nnfacctd_net: bmp")
    if job.records == "events":
        lines += _kafka("bmp_daemon_msglog_kafka_", "", place)
        lines.append("bmp_daemon_msglog_output: json")
    return "\n".join([*lines, ""])


def _plugin(job: Job, place: Place) -> list[str]:
    plugin = "kafka" if job.output == "kafka" and job.records != "events" else "print"
    keys = _KEYS + (_FROM_ROUTE if job.joined else "")
    if job.records == "flows":
        keys += ", timestamp_start, timestamp_end"
    # Each entry takes some 4 KB from the start; a table that is too small purges early.
    groups = 0 if job.records in {"none", "events"} else place.groups
    entries = max(_FEWEST_ENTRIES, int(groups * 1.2) | 1)
    lines = [
        f"plugins: {plugin}[x]\naggregate[x]: {keys}",
        "plugin_pipe_size[x]: 268435456\nplugin_buffer_size[x]: 262144",
        f"{plugin}_refresh_time[x]: {place.window_s}\n{plugin}_output[x]: json",
        # Windows by arrival, at whole multiples of their length, as ours.
        f"{plugin}_history[x]: {place.window_s}s\n{plugin}_history_roundoff[x]: m",
        "nfacctd_time_new: true\ntimestamps_since_epoch: true",
        f"{plugin}_cache_entries[x]: {entries}",
    ]
    if plugin == "kafka":
        lines += _kafka("kafka_", "[x]", place)
    else:
        lines.append(f"print_output_file[x]: {place.directory}/{place.topic}")
        lines.append("print_output_file_append: true")
    if job.records in {"none", "events"}:
        lines.append("pre_tag_filter[x]: 1")  # no flow has a tag: decoded, then left
    return lines


def _kafka(prefix: str, plugin: str, place: Place) -> list[str]:
    host, _, port = place.bootstrap.rpartition(":")
    settings = {
        "topic": place.topic,
        "broker_host": host,
        "broker_port": port,
        "config_file": f"{place.directory}/kafka.conf",
    }
    return [f"{prefix}{key}{plugin}: {value}" for key, value in settings.items()]
