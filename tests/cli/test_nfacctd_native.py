"""The TOML that `--explain` prints runs to the records that its nfacctd.conf runs to."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from collector.steering.placement import place
from collector.steering.slots import SlotTable
from tests.lab.waiting import wait_for
from tests.nfacctd_service import NfacctdService

_ROUTERS = [f"127.0.0.{n}" for n in range(21, 24)]
_PREFIXES = ["203.0.113.0/24", "203.0.113.64/26"]
_CONF = """\
core_proc_name: core
writer_id_string: $proc_name
plugins: kafka[sums], kafka[tagged], print[table]
aggregate_primitives: {dir}/own.map
pre_tag_map: {dir}/tags.map
bmp_daemon_tag_map: {dir}/labels.map
flow_to_rd_map: {dir}/rd.map
sampling_map: {dir}/sampling.map
nfacctd_renormalize: true
nfacctd_as: bmp
nfacctd_net: bmp
bgp_src_as_path_type: bgp
as_path_encode_as_array: true
pre_tag_label_encode_as_map: true
timestamps_since_epoch: true
aggregate[sums]: peer_src_ip, label, dst_net, as_path, std_comm, mpls_vpn_rd, sampling_rate
kafka_topic[sums]: sums
kafka_output[sums]: avro
kafka_history[sums]: 1h
kafka_history_roundoff[sums]: d
kafka_refresh_time: 300
print_refresh_time: 300
aggregate[tagged]: tag, src_host, dst_host, own_octets
pre_tag_filter[tagged]: 22-23
kafka_topic[tagged]: tagged
kafka_markers[tagged]: true
aggregate[table]: peer_src_ip, dst_as
print_output[table]: csv
print_output_file[table]: {dir}/table.csv
print_output_separator[table]: ;
bmp_daemon_msglog_kafka_topic: bmp
bmp_daemon_msglog_output: avro
"""
_MAPS = {
    "own": "name=own_octets field_type=1 len=4 semantics=u_int\n",
    "tags": f"set_label=at%first ip={_ROUTERS[0]}\nset_tag=22 ip={_ROUTERS[1]}\nset_tag=23\n",
    "labels": "set_label=at%any ip=0.0.0.0/0\n",
    "rd": "".join(f"id=0:65000:{router[-1]} ip={router}\n" for router in _ROUTERS[1:]),
    "sampling": f"id=10 ip={_ROUTERS[0]}\n",
}
# What differs between two runs: clocks, processes, ports of routers. That the key is there counts.
_OF_A_RUN = {
    *("seq", "timestamp", "timestamp_arrival", "bmp_router_port", "duration", "writer_id"),
    *("stamp_updated", "stamp_inserted"),
}


def test_both_syntaxes_make_the_same_records(tmp_path: Path) -> None:
    with ExitStack() as stack:
        conf, toml = (
            stack.enter_context(_service(tmp_path / name, native="" if name == "toml" else None))
            for name in ("conf", "toml")
        )
        for service in (conf, toml):
            for router in _ROUTERS:
                stack.enter_context(service.connect(router, *_PREFIXES))
        wait_for(lambda: _routes(conf) == _routes(toml) == len(_ROUTERS) * 2, "all routes")
        for service in (conf, toml):
            for router in _ROUTERS:
                service.send_flows(router, 100)
        assert [service.stop()[0] for service in (conf, toml)] == [0, 0]

    for name in ("flow", "bmp"):
        found = Counter(_comparable(conf, name))
        assert found == Counter(_comparable(toml, name))
        assert found.total() >= len(_ROUTERS)
    tables = [service.directory / "table.csv" for service in (conf, toml)]
    assert Counter(_lines(tables[0])) == Counter(_lines(tables[1]))
    assert len(_lines(tables[0])) > len(_ROUTERS)
    flows = conf.records("flow")
    assert {record.get("tag") for record in flows} >= {22, 23}
    assert any(record.get("as_path") for record in flows)
    assert any(record.get("sampling_rate") for record in flows)


@pytest.mark.parametrize(
    ("row", "native"),
    [
        ("bmp_ip=127.0.0.33 ip=127.0.0.31", None),
        ("bmp_ip=127.0.0.33 ip=127.0.0.31", ""),
        (
            "bmp_ip=127.0.0.33 ip=127.0.0.30/31",
            '[[device]]\naddresses = ["127.0.0.31"]\nrib_of = "127.0.0.33"\n',
        ),
    ],
    ids=["conf", "toml", "device"],
)
def test_a_router_of_two_addresses_meets_its_routes(
    tmp_path: Path, row: str, native: str | None
) -> None:
    bmp, flows = "127.0.0.33", "127.0.0.31"
    slots = {placed.slot for placed in place([bmp, flows], SlotTable(2, {}, {}))}
    assert len(slots) == 2
    agents = tmp_path / "agents.map"
    agents.write_text(f"{row}\n")
    conf = (
        f"plugins: kafka[x]\naggregate: peer_src_ip, as_path\nbmp_agent_map: {agents}\n"
        "nfacctd_as: bmp\nbmp_daemon_msglog_kafka_topic: y\nkafka_refresh_time: 300\n"
    )
    outs = [f"--{name}-out={tmp_path}/{name}" for name in ("flow", "bmp")]
    with (
        NfacctdService(tmp_path, conf, *outs, native=native) as service,
        service.connect(bmp, "203.0.113.0/24"),
    ):
        wait_for(lambda: _routes(service) == 1, "the route")
        service.send_flows(flows, 10)
        assert service.stop()[0] == 0
    (record,) = service.records("flow")
    assert (record["peer_ip_src"], record["as_path"]) == (flows, "64500_64501")


def _service(directory: Path, *, native: str | None) -> NfacctdService:
    directory.mkdir()
    for name, rows in _MAPS.items():
        (directory / f"{name}.map").write_text(rows)
    outs = [f"--{name}-out={directory}/{name}" for name in ("flow", "bmp")]
    return NfacctdService(directory, _CONF.format(dir=directory), *outs, native=native)


def _routes(service: NfacctdService) -> int:
    return sum(record.get("log_type") == "update" for record in service.records("bmp"))


def _comparable(service: NfacctdService, name: str) -> Iterator[str]:
    for record in service.records(name):
        yield repr(sorted((key, _value(key, value)) for key, value in record.items()))


def _value(key: str, value: Any) -> Any:
    return "..." if key in _OF_A_RUN else repr(value)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
