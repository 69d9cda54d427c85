import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from collector.cli import main
from collector.cli.status_view import duration

_STATUS = {
    "pid": 77,
    "uptime_s": 3725.0,
    "steering": "steering is cbpf",
    "listen": ["udp [::]:4739", "tcp [::]:1790"],
    "counters": {"socket_drops.udp": 3, "flow_records": 1200, "steered.0": 0},
    "workers": [
        {
            "slot": 0,
            "pid": 78,
            "incarnation": 2,
            "ready": True,
            "counters": {"flow_records": 1200, "bmp_messages": 40},
        },
        {"slot": 1, "pid": None, "incarnation": 0, "ready": False, "counters": {}},
    ],
    "devices": [
        {
            "device": "192.0.2.7",
            "slot": 1,
            "exporters": [],
            "bmp_sessions": [
                {"system_name": "edge7", "last_seen_s": 2.0},
                {"system_name": None, "last_seen_s": 90_000.0},
            ],
            "rib": {"state": "syncing", "peers": 5, "peers_up": 4, "routes": 1000},
        },
        {
            "device": "192.0.2.1",
            "slot": 0,
            "exporters": [
                {
                    "last_seen_s": 0.5,
                    "templates": 3,
                    "sequence_gaps": 1,
                    "lost": 12,
                    "clock_skew_s": -7200.1,
                },
                {
                    "last_seen_s": 61.0,
                    "templates": 2,
                    "sequence_gaps": 0,
                    "lost": 0,
                    "clock_skew_s": 0.1,
                },
            ],
            "bmp_sessions": [],
            "rib": None,
        },
    ],
}

Service = Callable[[dict[str, Any] | bytes], tuple[str, list[dict[str, Any]]]]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that gives one answer, and what it was asked."""
    threads = []

    def start(answer: dict[str, Any] | bytes) -> tuple[str, list[dict[str, Any]]]:
        questions: list[dict[str, Any]] = []
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "control"))
        listener.listen()

        def serve() -> None:
            with listener, listener.accept()[0] as sock, sock.makefile("rb") as lines:
                questions.append(json.loads(lines.readline()))
                sock.sendall(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        threads.append(Thread(target=serve))
        threads[-1].start()
        return str(tmp_path / "control"), questions

    yield start
    for thread in threads:
        thread.join(timeout=10)


def test_status_for_people(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    path, questions = service(_STATUS)
    assert main(["status", "--socket", path]) == 0
    assert questions == [{"ask": "status"}]
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == [
        "collector, pid 77, up 1 h 2 min",
        "listens on udp [::]:4739, tcp [::]:1790",
        "steering is cbpf",
    ]
    assert "0 78 2 ready 1200 40" in lines
    assert "1 - 0 not ready 0 0" in lines
    first = lines.index("192.0.2.1 0 - 0.5 s ago - 5 1 12 -7200.1 - - -")
    assert lines[first + 1] == "192.0.2.7 1 edge7 - 2.0 s ago - - - - 4/5 1000 syncing"
    assert lines[-2:] == ["flow_records 1200", "socket_drops udp 3"]


def test_status_as_json_is_all_there_is(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = service(_STATUS)
    assert main(["status", "--json", "--socket", path]) == 0
    assert json.loads(capsys.readouterr().out) == _STATUS


def test_the_configuration_names_the_socket(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service(_STATUS | {"devices": [], "counters": {}})
    (tmp_path / "my.toml").write_text('[collector]\ncontrol_socket = "control"')
    assert main(["status", "--config", str(tmp_path / "my.toml")]) == 0
    told = capsys.readouterr().out
    assert "No device has been seen yet." in told
    assert "Nothing has been counted yet." in told


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param({"error": "TimeoutError: "}, "cannot answer: TimeoutError", id="error"),
        pytest.param(b"", "ended before it had answered", id="nothing"),
        pytest.param(b'{"pid": ', "ended before it had answered", id="cut-short"),
    ],
)
def test_an_answer_that_is_none(
    answer: dict[str, Any] | bytes,
    told: str,
    service: Service,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, _ = service(answer)
    assert main(["status", "--socket", path]) == 1
    assert told in capsys.readouterr().err


def test_snapshot_prints_the_devices_that_have_begun(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    path, questions = service({"devices": ["192.0.2.1"]})
    arguments = ["--socket", path, "::ffff:192.0.2.1", "2001:DB8::1"]
    assert main(["snapshot", *arguments]) == 1
    assert questions == [{"ask": "snapshot", "devices": ["192.0.2.1", "2001:db8::1"]}]
    told = capsys.readouterr()
    assert told.out == "192.0.2.1\n"
    assert told.err == "collector snapshot: no tables of 2001:db8::1\n"


def test_snapshot_of_all_devices(service: Service) -> None:
    path, questions = service({"devices": ["192.0.2.1"]})
    assert main(["snapshot", "--socket", path]) == 0
    assert questions == [{"ask": "snapshot", "devices": []}]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 1 s"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
