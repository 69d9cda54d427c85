"""Flow records beside nfacctd itself, for random templates: every field in every length and order.

Both read the same datagrams, nfacctd out of a capture. Debian has 1.7.7, the mode follows 1.8.1:
what they are known to read differently is left out by `random_flows`.
"""

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from collector.nfacctd.flows.primitives import PRIMITIVES
from collector.nfacctd.read_settings import read_text
from tests.capture_writer import ethernet, frames, pcap, udp_packet
from tests.lab import random_flows
from tests.lab.random_flows import Sent
from tests.nfacctd.flows.pipeline import Pipeline

pytestmark = pytest.mark.lab

_EXPORTERS = 150
# Names that 1.7.7 lacks; what no field fills; and fw_event, which it does not take beside others.
_NOT_IN_1_7_7 = {
    *("in_vlan", "out_vlan", "in_cvlan", "out_cvlan", "fwd_status", "mpls_label_stack", "nvgre"),
    *("srv6_seg_ipv6_list", "path_delay_avg_usec", "path_delay_min_usec", "path_delay_max_usec"),
    *("flow_label", "tunnel_flow_label", "tunnel_tcpflags", "tunnel_tos", "vxlan", "fw_event"),
    *("vrf_name", "ingress_vrf_name", "egress_vrf_name", "in_iface_name", "out_iface_name"),
    *("timestamp_arrival", "class"),
}
_NAMES = [
    name
    for name in PRIMITIVES
    if name not in _NOT_IN_1_7_7 and not name.endswith(("country", "pocode", "coords"))
]
_CONF = f"""\
daemonize: false
plugins: print[a]
print_output: json
print_output_file_append: true
print_refresh_time: 3600
plugin_pipe_size: 10240000
plugin_buffer_size: 102400
timestamps_since_epoch: true
timestamps_utc: true
aggregate[a]: {", ".join(_NAMES)}
"""

Records = dict[int, dict[str, Any]]
"""Records by the sequence number of their message; each has one."""


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("switches", ["", "nfacctd_renormalize: true\nuse_ip_next_hop: true\n"])
def test_the_same_records(seed: int, switches: str, tmp_path: Path) -> None:
    if shutil.which("nfacctd") is None:
        pytest.skip("needs nfacctd")
    sent = list(random_flows.exporters(Random(seed), _EXPORTERS))
    theirs, ours = _theirs(sent, switches, tmp_path), _ours(sent, switches)
    flows = [one for one in sent if one.fields]
    assert len(theirs) == len(ours) == len(flows)
    for number, one in enumerate(flows, 1):
        different = {
            key: (value, ours[number].get(key))
            for key, value in theirs[number].items()
            if value != ours[number].get(key)
        }
        assert not different, one


def _theirs(sent: list[Sent], switches: str, directory: Path) -> Records:
    capture, out, conf = (directory / name for name in ("a.pcap", "out.json", "nfacctd.conf"))
    packets = [ethernet(udp_packet(one.octets, 9991, one.source)) for one in sent]
    capture.write_bytes(pcap(frames(*packets)))
    conf.write_text(f"{_CONF}{switches}print_output_file: {out}\npcap_savefile: {capture}\n")
    subprocess.run(["nfacctd", "-f", conf], check=True, timeout=60, capture_output=True)
    return _by_number([json.loads(line) for line in out.read_text().splitlines()])


def _ours(sent: list[Sent], switches: str) -> Records:
    settings = read_text(f"{_CONF}{switches}", "nfacctd.conf").settings
    pipeline = Pipeline(settings)
    for one in sent:
        pipeline.datagram(one.octets, one.source)
    records = pipeline.purge()
    for record in records:
        record["tcp_flags"] = str(record["tcp_flags"])  # a text before 1.8.1
    return _by_number(records)


def _by_number(records: list[dict[str, Any]]) -> Records:
    return {record["export_proto_seqno"]: record for record in records}
