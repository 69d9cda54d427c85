"""One question a connection, each answered with JSON; whoever asks nonsense stops nothing."""

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from collector.errors import ConfigError
from collector.workers import control_socket


async def answer(question: dict[str, Any]) -> dict[str, Any]:
    match question["ask"]:
        case "echo":
            return {"told": question.get("what")}
        case "late":
            raise TimeoutError
        case "mistake":
            raise ConfigError(["one", "two"])
    raise KeyError(question["ask"])


def serving(path: Path, test: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        server = await control_socket.serve(str(path), answer)
        try:
            await test()
        finally:
            server.close()

    asyncio.run(run())


async def ask(path: Path, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(octets)
    writer.write_eof()
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


def test_a_question_and_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "control"
    told: list[dict[str, Any]] = []

    async def test() -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        question = {"ask": "echo", "what": "x" * 10_000}
        asking = threading.Thread(
            target=lambda: told.append(control_socket.ask(str(path), question))
        )
        asking.start()
        await asyncio.to_thread(asking.join)

    serving(path, test)
    assert told == [{"told": "x" * 10_000}]


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        pytest.param(b'{"ask": "what"}\n', b"KeyError", id="unknown-question"),
        pytest.param(b'{"ask": "late"}\n', b"TimeoutError", id="no-answer-in-time"),
        pytest.param(b'{"ask": "mistake"}\n', b"ConfigError: one\\ntwo", id="an-error-of-ours"),
        pytest.param(b"{}\n", b"KeyError", id="no-question"),
        pytest.param(b"[1, 2]\n", b"a question is a JSON object", id="no-object"),
        pytest.param(b"nonsense\n", b"no JSON", id="no-json"),
        pytest.param(b"", b"no JSON", id="nothing"),
        pytest.param(b"x" * 100_000 + b"\n", b"", id="too-long"),
    ],
)
def test_nonsense_is_answered_and_the_next_question_too(
    tmp_path: Path, octets: bytes, reply: bytes
) -> None:
    path = tmp_path / "control"

    async def test() -> None:
        told = await ask(path, octets)
        assert reply in told
        assert bool(told) == bool(reply)
        assert await ask(path, b'{"ask": "echo", "what": 1}\n') == b'{"told":1}\n'

    serving(path, test)


def test_the_socket_of_a_service_that_has_ended_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def test() -> None:
        assert await ask(path, b'{"ask": "echo"}\n') == b'{"told":null}\n'
        with pytest.raises(FileExistsError):
            await control_socket.serve(str(path), answer)

    serving(path, test)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control"
    path.write_text("mine")

    async def run() -> None:
        with pytest.raises(FileExistsError):
            await control_socket.serve(str(path), answer)

    asyncio.run(run())
    assert path.read_text() == "mine"


def test_where_it_is_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert control_socket.default_path() == "/run/user/1000/collector.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert control_socket.default_path() == "/tmp/collector-1000.sock"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert control_socket.default_path() == "/run/collector.sock"
