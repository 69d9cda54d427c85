"""The service's beginning and end, where something is in the way."""

import os
import signal
from pathlib import Path

import pytest

from tests.lab.devices import Lan
from tests.lab.pool import FILE_OUTPUT
from tests.lab.service import Service
from tests.lab.waiting import wait_for

pytestmark = pytest.mark.lab

_CONFIGURATION = f"""\
[collector]
workers = 2
control_socket = "control"

{FILE_OUTPUT}"""


def test_workers_end_with_their_supervisor(lan: Lan, tmp_path: Path) -> None:
    with Service(lan.network, lan.collector, tmp_path / "killed", _CONFIGURATION) as service:
        assert sorted(service.daemon.children()) == sorted(service.worker_pids())
        service.kill()
    with Service(lan.network, lan.collector, tmp_path / "next", _CONFIGURATION) as successor:
        assert successor.stop() == 0


def test_a_signal_while_it_starts_is_an_orderly_stop(lan: Lan, tmp_path: Path) -> None:
    service = Service(lan.network, lan.collector, tmp_path / "collector", _CONFIGURATION)
    service.launch()
    wait_for(service.daemon.children, "a worker", interval_s=0.01, watch=service.daemon.watch)
    assert service.stop() == 0
    assert "ready: " not in service.daemon.text()


def test_a_port_that_is_taken_is_said(lan: Lan, tmp_path: Path) -> None:
    with Service(lan.network, lan.collector, tmp_path / "first", _CONFIGURATION):
        second = Service(lan.network, lan.collector, tmp_path / "second", _CONFIGURATION)
        second.launch()
        assert second.daemon.wait(30) == 3
        assert "port 4739: Address already in use" in second.daemon.text()


def test_a_worker_that_does_not_end_is_killed_by_the_second_signal(
    lan: Lan, tmp_path: Path
) -> None:
    with Service(lan.network, lan.collector, tmp_path / "collector", _CONFIGURATION) as service:
        os.kill(service.worker_pids()[0], signal.SIGSTOP)
        service.daemon.send_signal(signal.SIGTERM)
        service.wait_for_log("stopping: ")
        service.daemon.send_signal(signal.SIGTERM)
        assert service.daemon.wait(30) == 1
