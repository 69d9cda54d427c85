"""Whether each worker got the flows of just those devices that the steering table gives it."""

import json
import subprocess
import sys
import time
from ipaddress import IPv4Address

import numpy as np

from tests.bench.ours import PROJECT, Ours
from tests.bench.traffic import FIRST_DEVICE, FLOWS_PER_DATAGRAM, Traffic

_COUNTERS_S = 5.0  # workers tell theirs every second


def misplaced(subject: Ours, workers: int, traffic: Traffic) -> list[str]:
    """Compare each worker's count of flows with what the table says, exactly."""
    expected = flows_by_slot(workers, traffic)
    deadline_s = time.monotonic() + _COUNTERS_S
    while True:
        told = {
            worker["slot"]: worker["counters"].get("flow_records", 0)
            for worker in subject.status()["workers"]
        }
        if told == expected:
            return []
        if time.monotonic() > deadline_s:
            return [f"flows by slot are {told} in place of {expected}"]
        time.sleep(0.1)


def flows_by_slot(workers: int, traffic: Traffic) -> dict[int, int]:
    """Flows that each slot has to get: the answer of `collector steer` for all devices."""
    devices, datagrams = np.unique(traffic.devices, return_counts=True)
    addresses = [str(IPv4Address(FIRST_DEVICE + device)) for device in devices.tolist()]
    command = [sys.executable, "-m", "collector", "steer", "--json", "--workers", str(workers)]
    told = subprocess.run(
        [*command, *addresses], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout
    flows = dict.fromkeys(range(workers), 0)
    for line, count in zip(told.splitlines(), datagrams.tolist(), strict=True):
        flows[json.loads(line)["slot"]] += count * FLOWS_PER_DATAGRAM
    return flows
