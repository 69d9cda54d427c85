"""How `run` and the other subcommands end when they cannot begin: exit status and words."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

_PROJECT = Path(__file__).parents[2]


def _collector(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "collector", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=_PROJECT,
    )


@pytest.fixture
def taken_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def _listen(port: int) -> str:
    return f'[[listen]]\nkind = "flow"\naddress = "127.0.0.1"\nport = {port}\n'


def test_all_mistakes_end_with_2_before_a_socket_is_bound(tmp_path: Path, taken_port: int) -> None:
    file = tmp_path / "my.toml"
    file.write_text(f"{_listen(taken_port)}[rib]\nview = []\n[collector]\nworkers = -1\n")
    ended = _collector("run", "--config", str(file))
    assert ended.returncode == 2
    # The port is taken, and nobody has tried it.
    assert ended.stderr.splitlines() == [
        f"{file}: 2 mistakes",
        "  [collector] workers = -1: must be a whole number from 0 to 256",
        '  [rib] view: no such key; did you mean "views"?',
    ]


def test_run_is_the_default(tmp_path: Path) -> None:
    ended = _collector("--config", str(tmp_path / "none.toml"))
    assert ended.returncode == 2
    assert "No such file or directory" in ended.stderr


def test_a_wrong_output_ends_with_2_also_without_a_file() -> None:
    ended = _collector("--output", "kafka:broker")
    assert ended.returncode == 2
    assert ended.stderr.startswith("collector: 1 mistake\n  --output kafka:broker: must be")


def test_a_port_that_is_taken_ends_with_3(tmp_path: Path, taken_port: int) -> None:
    file = tmp_path / "my.toml"
    file.write_text(_listen(taken_port))
    ended = _collector("run", "--config", str(file), "--workers", "1")
    assert ended.returncode == 3
    assert f"udp 127.0.0.1 port {taken_port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_steering_that_is_refused_ends_with_3_and_the_workers_with_it(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    devices = [f"10.1.{n >> 8}.{n & 255}', '10.2.{n >> 8}.{n & 255}" for n in range(3_000)]
    file.write_text(
        f"{_listen(0)}[steering]\nmode = 'cbpf'\n"
        + "".join(f"[[device]]\naddresses = ['{addresses}']\n" for addresses in devices)
    )
    # It has ended when its workers have, too: they hold the pipes.
    ended = _collector("run", "--config", str(file), "--workers", "2")
    assert ended.returncode == 3
    assert "3000 aliases" in ended.stderr
    assert len(ended.stderr.splitlines()) <= 2  # the other may tell of a small receive buffer


@pytest.mark.parametrize("command", ["status", "snapshot"])
def test_no_service_ends_with_1(command: str, tmp_path: Path) -> None:
    path = str(tmp_path / "none.sock")
    ended = _collector(command, "--socket", path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"collector {command}: no service answers at {path}: there is no such socket\n"
    )


def test_a_service_that_has_ended_is_told_apart(tmp_path: Path) -> None:
    path = str(tmp_path / "old.sock")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    assert os.path.exists(path)
    ended = _collector("status", "--socket", path)
    assert ended.returncode == 1
    assert "it has ended" in ended.stderr


@pytest.mark.parametrize("command", ["status", "snapshot", "steer"])
def test_a_wrong_file_ends_with_2(command: str, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[colector]")
    ended = _collector(command, "--config", str(file), *(["::1"] if command == "steer" else []))
    assert ended.returncode == 2
    assert 'did you mean "collector"?' in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["run", "check", "status", "snapshot", "steer"])
def test_every_subcommand_explains_itself(command: str) -> None:
    ended = _collector(command, "--help")
    assert ended.returncode == 0
    assert "--config FILE" in ended.stdout
    assert len(ended.stdout.splitlines()) > 12
