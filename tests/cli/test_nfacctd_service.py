"""The nfacctd service as a process: two workers, every signal, all records at the end."""

import signal
from pathlib import Path

import pytest

from tests.lab.waiting import wait_for
from tests.nfacctd_service import NfacctdService

ROUTERS = [f"127.0.0.{n}" for n in range(11, 17)]
FLOWS = 40
CONF = """\
plugins: kafka[flows]
aggregate[flows]: peer_src_ip, tag, src_host, dst_host, as_path
kafka_topic[flows]: flows
kafka_refresh_time[flows]: 300
nfacctd_as: bmp
nfacctd_net: bmp
pre_tag_map: {map}
bmp_daemon_msglog_kafka_topic: bmp
bmp_dump_kafka_topic: dump
bmp_dump_refresh_time: 60
"""


@pytest.mark.parametrize("native", [None, ""], ids=["conf", "toml"])
def test_a_service_from_its_start_to_its_end(tmp_path: Path, native: str | None) -> None:
    tags = tmp_path / "tags.map"
    tags.write_text("set_tag=1\n")
    outs = [f"--{name}-out={tmp_path}/{name}" for name in ("flow", "bmp", "dump")]
    with NfacctdService(tmp_path, CONF.format(map=tags), *outs, native=native) as service:
        service.wait_for_log(f"port={service.flow_port}/udp")
        sessions = [service.connect(router, "203.0.113.0/24") for router in ROUTERS]
        wait_for(lambda: _routes(service) == len(ROUTERS), "all routes")
        for router in ROUTERS:
            service.send_flows(router, FLOWS)

        wait_for(lambda: _packets(service) == len(ROUTERS) * FLOWS, "all flows read")
        tags.write_text("set_tag=2\n")
        service.signal(signal.SIGUSR2)
        service.wait_for_log("maps reloaded", times=2)
        for router in ROUTERS:
            service.send_flows(router, FLOWS)
        wait_for(lambda: _packets(service) == len(ROUTERS) * FLOWS * 2, "all flows read")

        tags.write_text("set_tag=3\nset_tag=x\n")
        service.signal(signal.SIGUSR2)
        service.wait_for_log(f"{tags}:2: ", times=2)

        service.log.rename(tmp_path / "log.1")
        service.signal(signal.SIGHUP)
        service.wait_for_log("opened again", times=3)

        for router in ROUTERS:
            service.send_flows(router, FLOWS)
        status, took_s = service.stop()
        assert status == 0
        assert took_s < 10
        for session in sessions:
            session.close()

    flows = service.records("flow")
    packets = {(router, tag): 0 for router in ROUTERS for tag in (1, 2)}
    for record in flows:
        packets[record["peer_ip_src"], record["tag"]] += record["packets"]
        assert record["as_path"] == "64500_64501"
    expected = {(router, tag): FLOWS * tag for router in ROUTERS for tag in (1, 2)}
    assert packets == expected
    assert len({record["writer_id"] for record in flows}) == 2
    told = service.records("bmp")
    assert {"log_init", "log"} <= {record["event_type"] for record in told}
    assert not [record for record in told if record.get("log_type") == "delete"]
    assert not (tmp_path / "pid").exists()
    assert "stopping" in service.log.read_text()


def _routes(service: NfacctdService) -> int:
    return sum(record.get("log_type") == "update" for record in service.records("bmp"))


def _packets(service: NfacctdService) -> int:
    """Datagrams that workers have read, as SIGUSR1 has them told."""
    service.signal(signal.SIGUSR1)
    lines = service.log.read_text().splitlines()
    latest = {}
    for line in lines:
        if " agent=" in line:
            agent = line.partition(" agent=")[2].split()[0]
            latest[agent] = int(line.partition(" packets=")[2].split()[0])
    return sum(latest.values())
