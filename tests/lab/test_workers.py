"""The pool of workers: each device on its worker, whatever becomes of the others.

A hundred IPv4 and a hundred IPv6 devices, which all send at once, and a collector of three workers,
with both rungs of steering.
"""

from collections import defaultdict
from collections.abc import Iterator

import pytest

from collector.steering.slots import SlotTable
from tests.lab.devices import (
    DESTINATIONS,
    DEVICE_PREFIXES,
    IPV4_DEVICES,
    IPV6_DEVICES,
    STRANGERS,
    Lan,
)
from tests.lab.pool import FILE_OUTPUT, Pool
from tests.lab.service import Service
from tests.steering.devices import is_unanswered

pytestmark = pytest.mark.lab

_WORKERS = 3
_JOINED = (IPV4_DEVICES[95], IPV6_DEVICES[95])  # one router
_CLIENT, _REFLECTOR = IPV4_DEVICES[98], IPV6_DEVICES[98]
_UNNAMED_FLOWS, _UNNAMED_BMP = IPV4_DEVICES[99], IPV4_DEVICES[96]
_APART = {*_JOINED, _CLIENT, _REFLECTOR, _UNNAMED_FLOWS, _UNNAMED_BMP}
_PLAIN = [address for address in (*IPV4_DEVICES, *IPV6_DEVICES) if address not in _APART]
_TABLE = SlotTable(_WORKERS, aliases={_JOINED[1]: _JOINED[0], _CLIENT: _REFLECTOR})

_CONFIGURATION = f"""\
[collector]
name = "lab"
workers = {_WORKERS}
control_socket = "control"

[steering]
mode = "RUNG"
allow = {list(DEVICE_PREFIXES)}

[[device]]
addresses = {list(_JOINED)}

[[device]]
addresses = ["{_CLIENT}"]
rib_of = "{_REFLECTOR}"

{FILE_OUTPUT}"""


@pytest.fixture(scope="module")
def pool(rung: str, lan: Lan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    directory = tmp_path_factory.mktemp("workers") / rung
    configuration = _CONFIGURATION.replace("RUNG", rung)
    with Service(lan.network, lan.collector, directory, configuration) as service:
        yield Pool(lan, service)
        assert service.stop() == 0


def test_flows_and_bmp_of_each_device_meet_on_the_worker_that_python_names(pool: Pool) -> None:
    devices = [pool.lan.device(address) for address in _PLAIN]
    named = pool.service.slots_of(_WORKERS, *_PLAIN)
    assert named == {address: _TABLE.slot_of(address) for address in _PLAIN}
    pool.connect(devices)
    for device in devices:
        device.announce_templates()
        device.send_flows(1, 2)
    flows = pool.wait_for_flows(2 * len(devices), 1, 2)
    assert {(r["device"], r["slot"]) for r in flows} == set(named.items())
    events = pool.records("bmp")
    assert {(e["device"], e["slot"]) for e in events} == set(named.items())
    # Not only the same worker: each flow has the path that its own device announced.
    told = sorted((r["device"], r["destinationPrefix"], r["destinationAsPath"]) for r in flows)
    wanted = [(device.address, str(DESTINATIONS), device.as_path) for device in devices]
    assert told == sorted(2 * wanted)


def test_stranger_reaches_no_worker_and_is_counted(pool: Pool) -> None:
    strangers = [pool.lan.device(address) for address in STRANGERS]
    friends = [pool.lan.device(address) for address in _PLAIN[::5]]
    before = pool.service.status_by_command()["counters"].get("refused_by_allow_list", 0)
    sessions = [stranger.knock() for stranger in strangers]
    for stranger in strangers:
        stranger.announce_templates()
        stranger.send_flows(10)
    for friend in friends:
        friend.announce_templates()
        friend.send_flows(10)
    # Friends of every slot have arrived, who have sent later.
    flows = pool.wait_for_flows(len(friends), 10)
    assert {r["slot"] for r in flows} == set(range(_WORKERS))
    assert {r["device"] for r in flows} == {friend.address for friend in friends}
    assert all(map(is_unanswered, sessions))
    counters = pool.service.status_by_command()["counters"]
    # Two datagrams and at least one SYN of each.
    assert counters["refused_by_allow_list"] - before >= 3 * len(strangers)
    assert counters.get("socket_drops.udp", 0) == 0
    assert not {e["device"] for e in pool.records("bmp")} & set(STRANGERS)


def test_addresses_of_one_device_meet_and_name_it(pool: Pool) -> None:
    exporter, speaker = pool.lan.device(_JOINED[1]), pool.lan.device(_JOINED[0])
    assert SlotTable(_WORKERS).slot_of(_JOINED[1]) != _TABLE.slot_of(_JOINED[0])
    pool.connect([speaker])
    exporter.announce_templates()
    exporter.send_flows(20)
    (record,) = pool.wait_for_flows(1, 20)
    assert record["device"] == _JOINED[0]
    assert record["exporterAddress"] == _JOINED[1]
    assert record["slot"] == _TABLE.slot_of(_JOINED[0])
    assert record["destinationAsPath"] == speaker.as_path


def test_tables_of_another_device_answer_with_rib_of(pool: Pool) -> None:
    client, reflector = pool.lan.device(_CLIENT), pool.lan.device(_REFLECTOR)
    assert SlotTable(_WORKERS).slot_of(_CLIENT) != _TABLE.slot_of(_REFLECTOR)
    pool.connect([reflector])
    client.announce_templates()
    client.send_flows(30)
    (record,) = pool.wait_for_flows(1, 30)
    assert (record["device"], record["slot"]) == (_CLIENT, _TABLE.slot_of(_REFLECTOR))
    assert record["destinationAsPath"] == reflector.as_path


def test_a_likely_missing_alias_is_named_in_the_log(pool: Pool) -> None:
    assert _TABLE.slot_of(_UNNAMED_FLOWS) != _TABLE.slot_of(_UNNAMED_BMP)
    exporter = pool.lan.device(_UNNAMED_FLOWS)
    speaker = pool.lan.device(_UNNAMED_BMP, calls_itself=_UNNAMED_FLOWS)
    pool.connect([speaker])
    exporter.announce_templates()
    exporter.send_flows(40)
    (record,) = pool.wait_for_flows(1, 40)
    assert record["destinationJoin"] == "none"
    addresses = sorted((_UNNAMED_FLOWS, _UNNAMED_BMP))
    pool.service.wait_for_log(f'[[device]] addresses = ["{addresses[0]}", "{addresses[1]}"]')


def test_a_killed_worker_moves_no_device_and_its_successor_decodes_at_once(pool: Pool) -> None:
    devices = [pool.lan.device(address) for address in _PLAIN[::2]]
    killed = 1
    theirs = [device for device in devices if _TABLE.slot_of(device.address) == killed]
    others = [device for device in devices if _TABLE.slot_of(device.address) != killed]
    pool.connect(devices)
    for device in devices:
        device.announce_templates(sampling_interval=100)
        device.send_flows(50)
    pool.wait_for_flows(len(devices), 50)
    before = {slot: pool.service.worker(slot) for slot in range(_WORKERS)}

    with pool.service.killed_worker(killed):
        for device in devices:
            device.send_flows(51)
        for device in others:
            assert not device.bmp_is_closed()
            device.announce([DESTINATIONS])
        for device in theirs:
            assert device.bmp_is_closed()
    reconnected = pool.connect(theirs)

    # Neither templates nor options data were sent again.
    flows = pool.wait_for_flows(len(devices), 51)
    told: dict[str, list[tuple]] = defaultdict(list)
    for record in flows:
        told[record["device"]].append(
            (record["slot"], record["incarnation"], record["samplingRate"])
        )
    lives = {slot: worker["incarnation"] + (slot == killed) for slot, worker in before.items()}
    slots = {device.address: _TABLE.slot_of(device.address) for device in devices}
    assert told == {address: [(slot, lives[slot], 100)] for address, slot in slots.items()}
    assert {(e["device"], e["slot"], e["incarnation"]) for e in reconnected} == {
        (device.address, killed, lives[killed]) for device in theirs
    }
    after = {slot: pool.service.worker(slot) for slot in range(_WORKERS)}
    assert {slot for slot in after if after[slot]["pid"] != before[slot]["pid"]} == {killed}
    assert {slot: worker["incarnation"] for slot, worker in after.items()} == lives
