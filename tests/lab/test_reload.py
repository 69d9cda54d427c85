"""SIGHUP: what can change while running does, what cannot is refused by name."""

from collections.abc import Iterator
from itertools import count

import pytest

from collector.steering.slots import SlotTable
from tests.lab.devices import IPV4_DEVICES, IPV6_DEVICES, STRANGERS, Device, Lan
from tests.lab.pool import FILE_OUTPUT, Pool
from tests.lab.service import Service
from tests.lab.waiting import wait_for
from tests.steering.devices import is_unanswered

pytestmark = pytest.mark.lab

_WORKERS = 3
_PLAIN = SlotTable(_WORKERS)
_numbers = count(1)


@pytest.fixture(scope="module")
def pool(rung: str, lan: Lan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    directory = tmp_path_factory.mktemp("reload") / rung
    with Service(lan.network, lan.collector, directory, _configuration(rung)) as service:
        yield Pool(lan, service)
        assert service.stop() == 0
        # A reload that makes new outputs numbers their records on.
        for topic in ("flow", "bmp"):
            keys = [(r["slot"], r["incarnation"], r["sequence"]) for r in service.records(topic)]
            assert len(set(keys)) == len(keys), topic


def _configuration(
    rung: str, workers: int = _WORKERS, allow: tuple[str, ...] = (), more: str = ""
) -> str:
    return f"""\
[collector]
workers = {workers}
control_socket = "control"

[steering]
mode = "{rung}"
allow = {list(allow)}

{FILE_OUTPUT}
{more}"""


def _flow(pool: Pool, device: Device) -> dict:
    """Have a device send one flow; give its record."""
    number = next(_numbers)
    device.send_flows(number)
    return pool.wait_for_flows(1, number)[0]


def _ends(pool: Pool, device: Device) -> list[str]:
    """Why BMP sessions of a device ended."""
    ended = [e for e in pool.events("session_down") if e["sessionAddress"] == device.address]
    return [event["reason"] for event in ended]


def test_a_new_alias_moves_an_address_to_its_device(pool: Pool, rung: str) -> None:
    device = pool.lan.device(IPV4_DEVICES[0])
    slot = _PLAIN.slot_of(device.address)
    further = pool.lan.device(
        next(address for address in IPV6_DEVICES if _PLAIN.slot_of(address) != slot)
    )
    pool.connect([device, further])
    further.announce_templates()
    record = _flow(pool, further)
    assert (record["device"], record["slot"]) == (
        further.address,
        _PLAIN.slot_of(further.address),
    )

    alias = f'[[device]]\naddresses = ["{device.address}", "{further.address}"]'
    said = pool.service.reload(_configuration(rung, more=alias))
    assert "configuration reloaded" in said
    # Its BMP session is where the address belonged, and so ends.
    wait_for(further.bmp_is_closed, "the end of the session on the old worker")
    assert not device.bmp_is_closed()
    reasons = wait_for(lambda: _ends(pool, further), "the event of it")
    assert reasons == ["moved to another slot"]
    further.announce_templates()  # another worker never saw them

    wait_for(
        lambda: _flow(pool, further)["device"] == device.address,
        "flows of the device's further address",
    )
    record = _flow(pool, further)
    assert (record["device"], record["slot"]) == (device.address, slot)
    assert record["destinationAsPath"] == device.as_path
    (event,) = pool.connect([further])
    assert (event["device"], event["slot"]) == (device.address, slot)


def test_a_new_allow_list_lets_in_and_keeps_out(pool: Pool, rung: str) -> None:
    friend, stranger = pool.lan.device(IPV4_DEVICES[2]), pool.lan.device(STRANGERS[0])
    pool.connect([friend, stranger])
    stranger.announce_templates()
    assert _flow(pool, stranger)["device"] == stranger.address

    allow = ("10.1.0.0/16", "2001:db8:1::/48")
    pool.service.reload(_configuration(rung, allow=allow))
    wait_for(stranger.bmp_is_closed, "the end of the stranger's session")
    assert not friend.bmp_is_closed()
    knocking = stranger.knock()
    stranger.send_flows(next(_numbers))
    pool.wait_for_counter("refused_by_allow_list", 2)
    assert is_unanswered(knocking)

    pool.service.reload(_configuration(rung))
    pool.connect([stranger])
    assert _flow(pool, stranger)["device"] == stranger.address


def test_a_new_aggregate_is_published(pool: Pool, rung: str) -> None:
    device = pool.lan.device(IPV4_DEVICES[3])
    device.announce_templates()
    before = _flow(pool, device)
    aggregate = """\
[[aggregate]]
name = "by-device"
keys = ["device"]
sums = ["packets", "flows"]
window_s = 1
lateness_s = 0

[[publish]]
records = "by-device"
output = "file"
"""
    pool.service.reload(_configuration(rung, more=aggregate))

    def summed() -> list[dict]:
        _flow(pool, device)
        return pool.records("by-device")

    wait_for(summed, "a window")
    assert {r["device"] for r in pool.records("by-device")} == {device.address}
    assert all(r["packets"] == 10 * r["flows"] for r in pool.records("by-device"))
    assert _flow(pool, device)["sequence"] > before["sequence"]


def test_what_cannot_change_is_refused_by_name_and_the_rest_applies(pool: Pool, rung: str) -> None:
    device = pool.lan.device(IPV4_DEVICES[4])
    device.announce_templates()
    assert _flow(pool, device).get("samplingRate") is None
    rate = f'[[device]]\naddresses = ["{device.address}"]\nsampling_rate = 64'
    said = pool.service.reload(_configuration(rung, workers=_WORKERS + 1, more=rate))
    assert "cannot change while running, restart for it: [collector] workers" in said
    wait_for(lambda: _flow(pool, device).get("samplingRate") == 64, "the new sampling rate")
    assert len(pool.service.status()["workers"]) == _WORKERS


def test_a_file_with_mistakes_changes_nothing(pool: Pool, rung: str) -> None:
    device = pool.lan.device(IPV4_DEVICES[5])
    device.announce_templates()
    said = pool.service.reload(_configuration(rung, more='[[device]]\naddresses = ["x"]'))
    assert "configuration not reloaded, the old one stays" in said
    assert _flow(pool, device)["slot"] == _PLAIN.slot_of(device.address)
