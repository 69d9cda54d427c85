"""Flows go first: a device that loads a large table delays its neighbours only a little."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from collector.simulation.bmp import Peer
from collector.simulation.table_load import table_load, table_prefixes
from collector.steering.slots import SlotTable
from tests.lab.devices import IPV4_DEVICES, IPV6_DEVICES, Lan
from tests.lab.pool import FILE_OUTPUT, Pool
from tests.lab.service import Service
from tests.lab.waiting import wait_for

pytestmark = pytest.mark.lab

_WORKERS = 2
_ROUTES, _ATTRIBUTE_SETS = 500_000, 70_000
_FLOWS_AT_ONCE = 5
_STEPS_A_STATUS = 50
_LONGEST_DELAY_S = 3.0  # on a busy machine; it is some tenths of a second where there is room

_CONFIGURATION = f"""\
[collector]
workers = {_WORKERS}
control_socket = "control"

{FILE_OUTPUT}"""


@pytest.fixture
def pool(lan: Lan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    directory = tmp_path_factory.mktemp("table") / "collector"
    with Service(lan.network, lan.collector, directory, _CONFIGURATION) as service:
        yield Pool(lan, service)


def test_flows_keep_flowing_while_another_device_loads_a_large_table(
    pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    table = SlotTable(_WORKERS)
    exporter = pool.lan.device(IPV4_DEVICES[0])
    slot = table.slot_of(exporter.address)
    loader = pool.lan.device(next(a for a in IPV6_DEVICES if table.slot_of(a) == slot))
    peer = Peer("192.0.2.254", 64_999, "192.0.2.254")
    octets = b"".join(
        table_load(table_prefixes(_ROUTES), attribute_sets=_ATTRIBUTE_SETS, peer=peer)
    )

    exporter.announce_templates()
    loader.begin_session()
    steps = count(1)
    sent: dict[int, float] = {}
    arrived: dict[int, float] = {}

    def note_arrivals() -> bool:
        now_s = time.monotonic()
        for record in pool.service.records("flow")[len(arrived) :]:
            arrived[record["sourcePort"]] = now_s
        return len(arrived) == len(sent)

    def step() -> bool:
        number = next(steps)
        ours = range(number * _FLOWS_AT_ONCE, (number + 1) * _FLOWS_AT_ONCE)
        sent.update(dict.fromkeys(ours, time.monotonic()))
        exporter.send_flows(*ours)
        note_arrivals()
        return number % _STEPS_A_STATUS == 0 and _routes(pool, loader.address) == _ROUTES

    with ThreadPoolExecutor(1) as thread:
        began_s = time.monotonic()
        sending = thread.submit(loader.send_bmp, octets)
        wait_for(step, "the table", deadline_s=180, interval_s=0.01)
        loaded_s = time.monotonic() - began_s
        sending.result()
    wait_for(note_arrivals, "all flows", tell=lambda: len(sent) - len(arrived))

    flows = pool.service.records("flow")
    assert {(r["device"], r["slot"]) for r in flows} == {(exporter.address, slot)}
    assert len(flows) == len(sent), "nothing twice"
    assert pool.counters().get("socket_drops.udp", 0) == 0
    delays = sorted(arrived[number] - sent[number] for number in sent)
    with capsys.disabled():
        print(
            f"\n{_ROUTES} routes in {loaded_s:.1f} s; {len(sent)} flows meanwhile, delays: "
            f"half below {delays[len(delays) // 2]:.3f} s, worst {delays[-1]:.3f} s"
        )
    assert delays[-1] < _LONGEST_DELAY_S


def _routes(pool: Pool, device: str) -> int:
    known = {told["device"]: told["rib"] for told in pool.service.status()["devices"]}
    return (known.get(device) or {}).get("routes", 0)
