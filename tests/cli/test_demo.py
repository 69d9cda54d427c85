"""`demo`: what its witness believes, and the whole of it as a user runs it, without privileges."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from collector.cli.demo_witness import DeviceWitness, Witness
from collector.simulation.network import simulated_network
from collector.simulation.router import CollectorAddress, SimulatedRouter

_NOW_S = 1_700_000_000.0
_ROUTERS = 12


# The witness.


def _witness() -> DeviceWitness:
    """A device that has announced its tables, as the collector should have seen it."""
    (plan,) = simulated_network(1)
    router = SimulatedRouter(plan, CollectorAddress("127.0.0.1", 1, 2))
    list(router.bmp.opening(_NOW_S - 10))
    witness = DeviceWitness(router, steered_to=1)
    for _ in range(router.bmp.end_of_ribs):
        witness.take_event({"slot": 1, "type": "route_monitoring", "bgp": {"end_of_rib": {}}})
    witness.status_slots.add(1)
    return witness


def _record(witness: DeviceWitness, **changes: Any) -> dict[str, Any]:
    """The record of one flow, which the router is said to have sent."""
    sent, plan = witness.router.sent, witness.router.plan
    sent.flows, sent.octets, sent.packets = sent.flows + 1, sent.octets + 100, sent.packets + 2
    record: dict[str, Any] = {
        "device": plan.address,
        "slot": 1,
        "timeReceived": int(_NOW_S * 1e6),
        "octets": 100,
        "packets": 2,
        "ribState": "synced",
    }
    for side, address in (("source", "10.1.0.9"), ("destination", "198.18.0.9")):
        announced = witness.router.announced
        (answer,) = announced.answers(ip_address(address), _NOW_S - 1, _NOW_S)
        assert answer is not None
        record |= {
            f"{side}Address": address,
            f"{side}Join": plan.view,
            f"{side}Prefix": str(answer.prefix),
            f"{side}AsPath": " ".join(map(str, answer.as_path)),
        }
    return record | changes


def test_streams_that_met() -> None:
    device = _witness()
    device.take_flow(_record(device), _NOW_S)
    assert device.failures() == []
    assert (device.flows, device.joined, device.as_announced) == (1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"slot": 0}, "flows on worker 0"),
        ({"octets": 99}, "99 octets of 100"),
        ({"packets": 1}, "1 packets of 2"),
        ({"destinationJoin": "none"}, "0 of 1 flows joined"),
        ({"ribState": "syncing"}, "0 of 1 flows joined"),
        ({"destinationAsPath": "65021 64496"}, "1 wrong paths"),
        ({"sourcePrefix": "0.0.0.0/0"}, "1 wrong paths"),
    ],
)
def test_a_wrong_record_is_told(changes: dict[str, Any], failure: str) -> None:
    device = _witness()
    device.take_flow(_record(device, **changes), _NOW_S)
    assert failure in device.failures()


def test_what_is_missing_is_told() -> None:
    device = _witness()
    device.bmp_slots.clear()
    device.end_of_ribs = 0
    device.status_slots = {0}
    device.router.sent.flows = 1
    assert device.failures() == [
        "BMP on no worker",
        "flows on no worker",
        "status: worker 0",
        "its BGP tables did not come whole",
        "0 of 1 flows received",
    ]


def test_records_of_strangers_are_told() -> None:
    device = _witness()
    witness = Witness([device])
    witness.take(_record(device), _NOW_S)
    assert witness.failures() == {}
    witness.take(_record(device, device="192.0.2.1"), _NOW_S)
    assert "others" in witness.failures()


# The whole.


def _without_privileges() -> list[str]:
    """What to put before a command so that it runs with no capability, as any user would."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not here, and the test is about a user without privileges")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def _start(directory: str, seconds: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*_without_privileges(), sys.executable, "-m", "collector", "demo", "--seconds", seconds],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"TMPDIR": directory, "PYTHONUTF8": "1"},
    )


def _left_over(directory: str) -> list[str]:
    """Files and processes of a demo that should be gone."""
    left = os.listdir(directory)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={directory}\0".encode() in (process / "environ").read_bytes():
                left.append((process / "cmdline").read_text())
        except OSError:  # gone, or somebody else's
            continue
    return left


@pytest.fixture(scope="module")
def demos() -> Iterator[dict[str, tuple[int, str, list[str]]]]:
    """Two demos side by side, one of them ended by Ctrl-C: status, output, what they left."""
    with (
        # Not pytest's directory: its path may be too long for a Unix socket.
        tempfile.TemporaryDirectory(dir="/tmp") as first,
        tempfile.TemporaryDirectory(dir="/tmp") as second,
        _start(first, "4") as whole,
        _start(second, "600") as interrupted,
    ):
        try:
            assert interrupted.stdout is not None
            said = ""
            for line in interrupted.stdout:
                said += line
                if "routers export flows" in line and ": 0 flows" not in line:
                    break
            interrupted.send_signal(signal.SIGINT)
            said += interrupted.communicate()[0]
            outputs = {"whole": whole.communicate()[0], "interrupted": said}
        finally:
            for demo in (whole, interrupted):
                demo.kill()
        yield {
            "whole": (whole.returncode, outputs["whole"], _left_over(first)),
            "interrupted": (interrupted.returncode, said, _left_over(second)),
        }


@pytest.mark.parametrize("which", ["whole", "interrupted"])
def test_demo_proves_that_the_streams_of_every_device_met(
    demos: dict[str, tuple[int, str, list[str]]], which: str
) -> None:
    status, output, left = demos[which]
    assert status == 0, output
    lines = [line.split() for line in output.splitlines()]
    proved = [words for words in lines if words[:1] == ["✓"] and "-edge-" in words[1]]
    assert len(proved) == _ROUTERS, output
    for words in proved:
        workers, counts = words[3:10:2], words[10:17:2]
        assert len(set(workers)) == 1, words
        assert len(set(counts)) == 1, words
        assert int(counts[0]) > 0
    assert len({words[3] for words in proved}) > 1  # it takes a pool
    assert left == []


def test_demo_needs_no_privilege(demos: dict[str, tuple[int, str, list[str]]]) -> None:
    _, output, _ = demos["whole"]
    assert "cbpf" in output
