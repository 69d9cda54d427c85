"""The channel between supervisor and worker: telling, asking in chunks, deadlines, a lost end."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from collector.workers.channel import Channel, ChannelClosed


async def pair(answer: Any = None) -> tuple[Channel, Channel, list[tuple[str, Any]]]:
    told: list[tuple[str, Any]] = []
    ends = []
    for sock in socket.socketpair():
        reader, writer = await asyncio.open_connection(sock=sock)
        ends.append(Channel(reader, writer, lambda *what: told.append(what), answer or no_answer))
    for end in ends:
        end.task = asyncio.ensure_future(end.run())  # type: ignore[attr-defined]
    return ends[0], ends[1], told


async def close(*ends: Channel) -> None:
    for end in ends:
        end.close()
    await asyncio.gather(*(end.task for end in ends))  # type: ignore[attr-defined]


def no_answer(kind: str, _content: Any) -> list[Any]:
    raise KeyError(kind)


def test_what_one_end_tells_reaches_the_other_in_order() -> None:
    async def run() -> list[tuple[str, Any]]:
        one, other, told = await pair()
        for number in range(3):
            assert one.tell("count", number)
        await one.room()
        one.close()
        await other.task  # type: ignore[attr-defined]
        await close(one, other)
        return told

    assert asyncio.run(run()) == [("count", 0), ("count", 1), ("count", 2)]


def test_a_long_answer_comes_whole_and_lets_others_through() -> None:
    def answer(_kind: str, content: Any) -> Iterator[str]:
        return (f"{number:04}" * 256 for number in range(content))

    async def run() -> tuple[list[Any], list[Any]]:
        one, other, _ = await pair(answer)
        answers = await asyncio.gather(one.ask("long", 500, 10), one.ask("short", 1, 10))
        await close(one, other)
        return answers[0], answers[1]

    long, short = asyncio.run(run())
    assert len(long) == 500
    assert long[499] == "0499" * 256
    assert len(short) == 1


def test_a_failing_answer_is_an_error_for_the_asker_only() -> None:
    async def run() -> None:
        one, other, _ = await pair()
        with pytest.raises(ChannelClosed, match="nonsense"):
            await one.ask("nonsense", None, 10)
        assert one.tell("still", "works")
        await close(one, other)

    asyncio.run(run())


def test_an_asker_whose_other_end_dies_is_told() -> None:
    async def run() -> None:
        theirs, ours = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        channel = Channel(reader, writer, lambda *_: None, no_answer)
        task = asyncio.ensure_future(channel.run())
        question = asyncio.ensure_future(channel.ask("status", None, 10))
        await asyncio.sleep(0)
        theirs.close()
        with pytest.raises(ChannelClosed):
            await question
        channel.close()
        await task

    asyncio.run(run())


def test_no_answer_in_time_is_a_timeout() -> None:
    async def run() -> None:
        theirs, ours = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        channel = Channel(reader, writer, lambda *_: None, no_answer)
        task = asyncio.ensure_future(channel.run())
        with pytest.raises(TimeoutError):
            await channel.ask("status", None, 0.01)
        theirs.close()
        await task
        channel.close()

    asyncio.run(run())
