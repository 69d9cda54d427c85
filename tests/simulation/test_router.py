"""A simulated router against sockets and decoders of our own."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.framing import BmpFramer
from collector.protocols.bmp.json_form import message_json
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import DataSet
from collector.protocols.ipfix.registry import Registry
from collector.simulation.announced import Announced, Answer
from collector.simulation.bmp_speaker import BmpSpeaker
from collector.simulation.flow_exporter import FlowExporter, Sent
from collector.simulation.network import RouterPlan, simulated_network
from collector.simulation.router import CollectorAddress, Pace, SimulatedRouter

_NOW_S = 1_700_000_000.0


class _Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = _NOW_S

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


def _plan(number: int = 1) -> RouterPlan:
    return simulated_network(12)[number]


def _speaker(plan: RouterPlan, announced: Announced) -> BmpSpeaker:
    time = _Time()
    return BmpSpeaker(plan, announced, changes_per_s=1, clock=time, sleep=time.sleep)


def _received(datagrams: list[bytes]) -> Sent:
    """What a collector makes of the datagrams of one exporter."""
    decoder = FlowDecoder(Registry.default())
    got = Sent(datagrams=len(datagrams))
    for datagram in datagrams:
        for event in decoder.decode("127.77.0.1", memoryview(datagram), _NOW_S):
            if isinstance(event, DataSet):
                rows, _ = event.template.layout.rows(event.body, decoder.lists(event.message))
                got.flows += len(rows)
                got.octets += sum(fields["octetDeltaCount"] for _, fields in rows)
                got.packets += sum(fields["packetDeltaCount"] for _, fields in rows)
    assert not decoder.counters  # no gap, nothing malformed, no template missing
    return got


@contextmanager
def _collector() -> Iterator[tuple[CollectorAddress, socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flows,
        socket.create_server(("127.0.0.1", 0)) as bmp,
    ):
        flows.bind(("127.0.0.1", 0))
        flows.setblocking(False)
        bmp.setblocking(False)
        ports = flows.getsockname()[1], bmp.getsockname()[1]
        yield CollectorAddress("127.0.0.1", *ports), flows, bmp


def test_exporter_counts_what_a_collector_receives() -> None:
    exporter = FlowExporter(_plan())
    datagrams = [exporter.templates(_NOW_S), *exporter.flows(100, _NOW_S)]
    datagrams += exporter.flows(7, _NOW_S + 1)
    assert exporter.sent.flows == 107
    assert max(map(len, datagrams)) < 1400
    assert _received(datagrams) == exporter.sent


def test_exporter_is_the_same_again() -> None:
    first, second = (list(FlowExporter(_plan()).flows(50, _NOW_S)) for _ in range(2))
    assert first == second
    assert first != list(FlowExporter(_plan(2)).flows(50, _NOW_S))


def test_every_flow_has_routes_for_both_ends() -> None:
    plan, announced = _plan(), Announced()
    speaker = _speaker(plan, announced)
    list(speaker.opening(_NOW_S))
    for second in range(200):  # what is more specific comes and goes
        speaker.change(_NOW_S + second)
    exporter, decoder = FlowExporter(plan), FlowDecoder(Registry.default())
    versions: Counter[int] = Counter()
    for datagram in [exporter.templates(_NOW_S), *exporter.flows(300, _NOW_S)]:
        for event in decoder.decode("127.77.0.1", memoryview(datagram), _NOW_S):
            if not isinstance(event, DataSet):
                continue
            rows, _ = event.template.layout.rows(event.body, decoder.lists(event.message))
            for _, fields in rows:
                ends = [ip_address(value) for name, value in fields.items() if "Address" in name]
                versions[ends[0].version] += 1
                for end in ends:
                    assert None not in announced.answers(end, _NOW_S, _NOW_S + 200)
    assert len(versions) == 2


@pytest.mark.parametrize("number", [0, 1, 2])
def test_opening_is_the_whole_table_of_each_peer(number: int) -> None:
    plan, announced = _plan(number), Announced()
    speaker = _speaker(plan, announced)
    octets = b"".join(speaker.opening(_NOW_S))
    decoder = BmpDecoder()
    said = [message_json(decoder.decode(bytes(m))) for m in BmpFramer().feed(octets)]
    kinds = Counter(one["type"] for one in said)
    assert (kinds["initiation"], kinds["peer_up"]) == (1, len(plan.tables))
    updates = [one["bgp"] for one in said if one["type"] == "route_monitoring"]
    assert all(one["peer"]["view"] == plan.view for one in said if "bgp" in one)
    assert sum("end_of_rib" in one for one in updates) == speaker.end_of_ribs
    announcements = [one for one in updates if "end_of_rib" not in one]
    assert sum(len(one["announced"]) for one in announcements) == speaker.routes
    best = announcements[0]
    as_path = tuple(best["attributes"]["as_path"][0][1])
    prefix = next(iter(plan.tables[0].routes))
    assert announced.answers(prefix[1], _NOW_S, _NOW_S) == {Answer(prefix, as_path)}


def test_changes_are_what_is_noted() -> None:
    plan, announced = _plan(), Announced()
    speaker = _speaker(plan, announced)
    decoder = BmpDecoder()
    for message in BmpFramer().feed(b"".join(speaker.opening(_NOW_S))):
        decoder.decode(bytes(message))
    kinds: Counter[str] = Counter()
    for second in range(1, 300):
        now_s = _NOW_S + second
        said = message_json(decoder.decode(speaker.change(now_s)))["bgp"]
        for route in said["withdrawn"]:
            kinds["withdrawn"] += 1
            prefix = route["prefix"]
            (answer,) = announced.answers(ip_address(prefix.partition("/")[0]), now_s, now_s)
            assert str(answer.prefix) != prefix
        for route in said["announced"]:
            kinds["announced"] += 1
            prefix, as_path = route["prefix"], said["attributes"]["as_path"][0][1]
            (answer,) = announced.answers(ip_address(prefix.partition("/")[0]), now_s, now_s)
            assert (str(answer.prefix), list(answer.as_path)) == (prefix, as_path)
    assert min(kinds["withdrawn"], kinds["announced"]) > 50


def test_router_speaks_from_its_own_address() -> None:
    async def speak() -> None:
        plan, time = _plan(), _Time()
        loop = asyncio.get_running_loop()
        with _collector() as (address, flows, bmp):
            router = SimulatedRouter(
                plan, address, pace=Pace(flows_per_s=90), clock=time, sleep=time.sleep
            )
            router.start_bmp()
            session, (source, _) = await loop.sock_accept(bmp)
            with session:
                session.setblocking(False)
                assert source == plan.address
                framer, types = BmpFramer(), []
                while not router.bmp.tables_sent.is_set():
                    messages = framer.feed(await loop.sock_recv(session, 65536))
                    types += [message[5] for message in messages]
                await router.start_flows()
                datagrams = []
                while router.sent.flows < 200:
                    octets, (source, _) = await loop.sock_recvfrom(flows, 65536)
                    assert source == plan.address
                    datagrams.append(octets)
                await router.stop_flows()
                while len(datagrams) < router.sent.datagrams:
                    datagrams.append((await loop.sock_recvfrom(flows, 65536))[0])
                await router.close()
                while octets := await loop.sock_recv(session, 65536):
                    types += [message[5] for message in framer.feed(octets)]
            assert _received(datagrams) == router.sent
            assert types[0] == 4  # Initiation
            assert types[-1] == 5  # Termination
            assert len(types) == router.bmp.sent_messages + 1

    asyncio.run(asyncio.wait_for(speak(), 20))


def test_router_connects_again() -> None:
    async def reconnect() -> None:
        time = _Time()
        loop = asyncio.get_running_loop()
        with _collector() as (address, _, bmp):
            router = SimulatedRouter(
                _plan(), address, pace=Pace(changes_per_s=0), clock=time, sleep=time.sleep
            )
            router.start_bmp()
            for _ in range(3):
                session, _ = await loop.sock_accept(bmp)
                session.close()
            assert router.bmp.sessions >= 2  # the third may not know of it yet
            await router.close()

    asyncio.run(asyncio.wait_for(reconnect(), 20))


def test_router_backs_off_while_nobody_listens() -> None:
    async def knock() -> float:
        time = _Time()
        with _collector() as (address, _, _):
            pass  # the ports are closed again
        router = SimulatedRouter(_plan(), address, clock=time, sleep=time.sleep)
        router.start_bmp()
        while time.now_s < _NOW_S + 20:
            await asyncio.sleep(0)
        await router.close()
        assert router.bmp.sessions == 0
        return time.now_s - _NOW_S

    # 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 5 + 5 + 5
    assert asyncio.run(asyncio.wait_for(knock(), 20)) == pytest.approx(21.3)
