"""A whole worker in this process: told by a test what a supervisor tells, its records in a file."""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvloop

from collector.config.document import to_document
from collector.config.model import (
    AggregateTable,
    CollectorTable,
    Config,
    DeviceTable,
    FlowTable,
    OutputTable,
    PublishTable,
)
from collector.receivers.bmp_tcp import canonical_address
from collector.simulation import bgp, bmp
from collector.simulation.ipfix import data_set, ipfix_message
from collector.workers import worker as worker_module
from collector.workers.channel import Channel
from collector.workers.flow_path import FlowPath
from collector.workers.worker import Worker
from tests.records.flows import message
from tests.workers.bmp_bench import OPEN, PEER, VIA

ADDRESSES, OCTETS = [(8, 4), (12, 4)], (1, 4)


@pytest.fixture(autouse=True)
def _process_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "configure_logging", lambda *_: None)
    monkeypatch.setattr(worker_module.gc, "freeze", lambda: None)


class Supervisor:
    """The other end of a worker's channel, and routers that send to its sockets."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.told: list[tuple[str, Any]] = []
        self.flow_socket = socket.socket(type=socket.SOCK_DGRAM)
        self.flow_socket.bind(("127.0.0.1", 0))
        self.bmp_socket = socket.create_server(("127.0.0.1", 0))
        self._news = asyncio.Event()

    async def connect(self) -> None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        self._ours = ours
        self.task = asyncio.ensure_future(Worker().run(theirs))
        reader, writer = await asyncio.open_connection(sock=ours)
        self.channel = Channel(reader, writer, self._hear, lambda *_: [])
        self.link = asyncio.ensure_future(self.channel.run())

    def start(self) -> None:
        sockets = [
            {"kind": kind, "fd": os.dup(sock.fileno())}
            for kind, sock in (("flow", self.flow_socket), ("bmp", self.bmp_socket))
        ]
        start = {"slot": 0, "workers": 1, "incarnation": 3, "sockets": sockets}
        self.channel.tell("start", start | {"config": to_document(self.config)})

    async def go(self) -> None:
        self.start()
        self.channel.tell("go", None)
        await self.until(lambda: self.has_told("ready"))

    def reload(self, config: Config) -> None:
        self.channel.tell("reload", {"config": to_document(config)})

    async def stop(self) -> int:
        self.channel.tell("stop", 5.0)
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(10):
            status = await self.task
            await self.link
        return status

    def has_told(self, kind: str) -> bool:
        return any(what == kind for what, _ in self.told)

    def last(self, kind: str) -> Any:
        return next(content for what, content in reversed(self.told) if what == kind)

    def send(self, *datagrams: bytes, source: str = "127.0.0.1") -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as router:
            router.bind((source, 0))
            for octets in datagrams:
                router.sendto(octets, self.flow_socket.getsockname())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def status_of(self, device: str) -> dict[str, Any]:
        answers = await self.channel.ask("devices", None, 10.0)
        return next((each for each in answers if each["device"] == device), {})

    async def known(self, device: str, condition: Callable[[dict[str, Any]], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition(await self.status_of(device)):
                pass  # each question gives the worker's loop its turn

    def close(self) -> None:
        self.channel.close()
        self.flow_socket.close()
        self.bmp_socket.close()

    def _hear(self, kind: str, content: Any) -> None:
        self.told.append((kind, content))
        self._news.set()


def records(path: Path, name: str = "flow") -> list[dict[str, Any]]:
    file = path / name
    return [orjson.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def with_worker(config: Config, test: Callable[[Supervisor], Awaitable[None]]) -> None:
    async def run() -> None:
        supervisor = Supervisor(config)
        await supervisor.connect()
        try:
            await test(supervisor)
        finally:
            supervisor.close()
            await asyncio.wait([supervisor.task], timeout=10)

    uvloop.run(run())


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Config:
    return Config(
        collector=CollectorTable(name="t", stop_timeout_s=5),
        flow=FlowTable(batch_age_ms=10),
        output=(OutputTable("files", "file", path=f"{tmp_path}/{{topic}}"),),
        publish=(PublishTable("flow", "files"), PublishTable("bmp", "files")),
    )


def flow(destination: str, octets: int = 1) -> bytes:
    record = socket.inet_aton("198.51.100.1") + socket.inet_aton(destination)
    return message(300, [*ADDRESSES, OCTETS], record + struct.pack("!I", octets))


async def bmp_router(supervisor: Supervisor, *messages: bytes) -> socket.socket:
    router = socket.socket()
    router.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(router, supervisor.bmp_socket.getsockname())
    await loop.sock_sendall(router, b"".join(messages))
    return router


def test_flows_and_routes_of_a_router_meet_and_what_is_queued_at_the_end_is_read(
    config: Config, tmp_path: Path
) -> None:
    async def test(supervisor: Supervisor) -> None:
        await supervisor.go()
        up = bmp.peer_up(PEER, "10.0.0.2", OPEN, OPEN)
        route = bmp.route_monitoring(PEER, bgp.announcement(["10.0.0.0/8"], VIA))
        with await bmp_router(supervisor, up, route):
            await supervisor.known(
                "127.0.0.1", lambda told: bool(told.get("rib")) and told["rib"]["routes"] == 1
            )
            supervisor.send(flow("10.1.2.3"))
            assert await supervisor.stop() == 0
        assert supervisor.last("stopped") == 0
        assert supervisor.last("counters")["flow_records"] == 1

    with_worker(config, test)
    ((row),) = records(tmp_path)
    assert (row["destinationAsPath"], row["incarnation"]) == ("64500 64501", 3)
    kinds = [event["type"] for event in records(tmp_path, "bmp")]
    assert kinds == ["session_up", "peer_up", "route_monitoring", "session_down"]


def test_what_an_earlier_worker_learnt_is_restored_and_nonsense_counted(
    config: Config, tmp_path: Path
) -> None:
    async def test(supervisor: Supervisor) -> None:
        await supervisor.go()
        supervisor.send(flow("10.1.2.3"))
        await supervisor.until(lambda: supervisor.has_told("learned"))
        assert await supervisor.stop() == 0
        learned = supervisor.last("learned")
        successor = Supervisor(config)
        await successor.connect()
        successor.start()
        successor.channel.tell("restore", [[["nonsense"], b""], *learned])
        successor.channel.tell("go", None)
        await successor.until(lambda: successor.has_told("ready"))
        bare = data_set(300, bytes(8) + struct.pack("!I", 77))
        successor.send(ipfix_message([bare], export_time_s=1, sequence=1))
        assert await successor.stop() == 0
        assert successor.last("counters")["unexpected_errors.restore"] == 1
        assert [row["octets"] for row in records(tmp_path)] == [1, 77]
        successor.close()

    with_worker(config, test)


def test_a_datagram_that_breaks_us_costs_no_other_device(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datagram = FlowPath.datagram

    def breaks_for_one(self: FlowPath, address: bytes, octets: memoryview) -> None:
        if canonical_address(address) == "127.0.0.66":
            raise ArithmeticError
        datagram(self, address, octets)

    monkeypatch.setattr(FlowPath, "datagram", breaks_for_one)

    async def test(supervisor: Supervisor) -> None:
        await supervisor.go()
        for number in range(10):
            supervisor.send(flow("10.0.0.1"), source="127.0.0.66")
            supervisor.send(flow("10.0.0.1", number))
        assert await supervisor.stop() == 0
        assert supervisor.last("counters")["unexpected_errors.flow"] >= 1

    with_worker(config, test)
    assert [row["octets"] for row in records(tmp_path)] == list(range(10))


def test_a_stop_before_the_beginning_is_an_orderly_end(config: Config, tmp_path: Path) -> None:
    async def test(supervisor: Supervisor) -> None:
        supervisor.start()
        supervisor.channel.tell("stop", 5.0)
        supervisor.channel.tell("go", None)
        assert await supervisor.ended() == 0
        assert not supervisor.has_told("ready")

    with_worker(config, test)


def test_a_start_that_fails_ends_the_worker_and_says_why(
    config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = replace(config, flow=FlowTable(element_files=(str(tmp_path / "gone.csv"),)))

    async def test(supervisor: Supervisor) -> None:
        supervisor.start()
        assert await supervisor.ended() == 1

    with_worker(config, test)
    assert "gone.csv" in caplog.text
    assert "the supervisor is gone" not in caplog.text


def test_a_worker_ends_with_its_supervisor(config: Config, tmp_path: Path) -> None:
    async def test(supervisor: Supervisor) -> None:
        await supervisor.go()
        supervisor.channel.close()
        assert await supervisor.ended() == 1

    with_worker(config, test)


def test_a_reload_loses_nothing_and_goes_on_counting(config: Config, tmp_path: Path) -> None:
    sums = AggregateTable("sums", ("device",), ("octets",), window_s=3600, time="arrival")
    config = replace(
        config, aggregate=(sums,), publish=(*config.publish, PublishTable("sums", "files"))
    )
    changed = replace(
        config, publish=(replace(config.publish[0], filter="octets > 1"), *config.publish[1:])
    )

    async def test(supervisor: Supervisor) -> None:
        await supervisor.go()
        router = await bmp_router(supervisor, bmp.initiation("r"))
        await supervisor.known("127.0.0.1", lambda told: bool(told.get("bmp_sessions")))
        supervisor.send(flow("10.0.0.1", 1), flow("10.0.0.1", 2))
        await supervisor.known("127.0.0.1", lambda told: _datagrams(told) == 2)
        supervisor.reload(changed)
        await supervisor.status_of("127.0.0.1")
        supervisor.send(flow("10.0.0.1", 1), flow("10.0.0.1", 3))
        await supervisor.known("127.0.0.1", lambda told: _datagrams(told) == 4)
        # The router is another device now: its session has the old name, and must come anew.
        supervisor.reload(replace(changed, device=(DeviceTable(("192.0.2.1", "127.0.0.1")),)))
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(router, 1) == b""
        router.close()
        assert await supervisor.stop() == 0
        counters = supervisor.last("counters")
        assert counters["bmp_sessions_lost.has_another_device"] == 1
        assert not [name for name in counters if name.startswith("unexpected")]

    with_worker(config, test)
    # The replaced output sends the rest of what it holds beside the new one.
    told = sorted(records(tmp_path), key=lambda row: row["sequence"])
    assert [row["sequence"] for row in told] == list(range(len(told)))
    assert told[-1]["octets"] == 3
    parts = records(tmp_path, "sums")
    assert sum(row["octets"] for row in parts) == 7
    assert len({(row["windowStart"], row["part"]) for row in parts}) == len(parts)


def test_a_reload_that_cannot_be_done_changes_nothing(config: Config, tmp_path: Path) -> None:
    missing = OutputTable(
        "kafka",
        "kafka",
        brokers=("127.0.0.1:9",),
        security="sasl_plaintext",
        sasl_mechanism="PLAIN",
        username="u",
        password_file=str(tmp_path / "gone"),
    )

    async def test(supervisor: Supervisor) -> None:
        await supervisor.go()
        supervisor.reload(
            replace(config, output=(missing,), publish=(PublishTable("flow", "kafka"),))
        )
        supervisor.send(flow("10.0.0.1", 5))
        assert await supervisor.stop() == 0
        assert supervisor.last("counters")["unexpected_errors.reload"] == 1
        assert [row["octets"] for row in records(tmp_path)] == [5]

    with_worker(config, test)


def _datagrams(told: dict[str, Any]) -> int:
    return sum(each["datagrams"] for each in told.get("exporters", []))
