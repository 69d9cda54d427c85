"""The Unix socket on which a running service answers: one JSON question a connection."""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson

from collector.errors import CollectorError

_MAX_QUESTION_OCTETS = 65_536

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def default_path() -> str:
    """Where the control socket is unless the configuration says so: in the run-time directory."""
    if os.geteuid() == 0:
        return "/run/collector.sock"
    directory = os.environ.get("XDG_RUNTIME_DIR")
    return f"{directory}/collector.sock" if directory else f"/tmp/collector-{os.geteuid()}.sock"


async def serve(path: str, answer: Answer) -> asyncio.Server:
    """Listen for questions; only the owner of the service may ask.

    Raises:
        OSError: the path cannot be used, or another service answers there.
    """
    _remove_stale(path)
    mask = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(
            lambda reader, writer: _converse(reader, writer, answer),
            path,
            limit=_MAX_QUESTION_OCTETS,
        )
    finally:
        os.umask(mask)


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer
) -> None:
    try:
        reply = await _reply(await reader.readline(), answer)
        writer.write(orjson.dumps(reply) + b"\n")
        await writer.drain()
    except (ConnectionError, ValueError):
        pass  # whoever asks is gone, or asks too much in one line
    finally:
        writer.close()


async def _reply(octets: bytes, answer: Answer) -> dict[str, Any]:
    try:
        question = orjson.loads(octets)
    except orjson.JSONDecodeError as error:
        return {"error": f"no JSON: {error}"}
    if not isinstance(question, dict):
        return {"error": "a question is a JSON object"}
    try:
        return await answer(question)
    except (CollectorError, LookupError, TypeError, TimeoutError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def ask(path: str, question: dict[str, Any], timeout_s: float = 30.0) -> dict[str, Any]:
    """Ask the service that runs at ``path``.

    Raises:
        OSError: nobody answers there.
    """
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout_s)
        sock.connect(path)
        sock.sendall(orjson.dumps(question) + b"\n")
        reply = b"".join(iter(lambda: sock.recv(1 << 20), b""))
    return orjson.loads(reply)


def _remove_stale(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            raise FileExistsError(17, "not a socket", path)
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.connect(path)
            except ConnectionRefusedError:
                Path(path).unlink()
            else:
                raise FileExistsError(17, "another service answers there", path)
