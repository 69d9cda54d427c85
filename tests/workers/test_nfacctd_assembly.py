"""A worker's inside in nfacctd's mode: flows and BMP in, files out; maps, dumps, the end."""

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from collector.metrics import Counters
from collector.nfacctd.native import to_native
from collector.nfacctd.outputs.sinks import Sinks
from collector.nfacctd.settings import (
    BmpDump,
    BmpOutput,
    BmpSettings,
    History,
    KafkaSettings,
    Networks,
    Plugin,
    PrintSettings,
    Settings,
    Timestamps,
)
from collector.receivers.bmp_tcp import SERVICE_STOPS, BmpSession
from collector.simulation import bgp, bmp
from collector.simulation.ipfix import (
    data_set,
    ipfix_message,
    options_template_set,
    template_set,
)
from collector.workers.context import WorkerContext
from collector.workers.guard import Guard
from collector.workers.nfacctd_assembly import NfacctdAssembly

ROUTER = "192.0.2.1"
PEER = bmp.Peer("10.0.0.1", 64500, "10.0.0.1")
OPEN = bgp.open_message(64500, "10.0.0.1")
VIA = bgp.Route([64500, 64501], "10.9.9.9", communities=[(64500, 7)])
PREFIX = "203.0.113.0/24"
FIELDS = [(8, 4), (12, 4), (1, 4), (2, 4)]
AGGREGATE = ("peer_src_ip", "tag", "src_host", "dst_host", "dst_as", "as_path", "std_comm")
BMP_TO_KAFKA = BmpOutput(kafka=KafkaSettings(topic="bmp"))
SETTINGS = Settings(
    plugins=(Plugin(name="k", type="kafka", aggregate=AGGREGATE, kafka=KafkaSettings()),),
    as_source="bmp",
    net_source="bmp",
    timestamps=Timestamps(since_epoch=True),
    bmp=BmpSettings(
        enabled=True,
        msglog=BMP_TO_KAFKA,
        dump=BmpDump(target=BMP_TO_KAFKA, refresh_s=60),
    ),
)


class Bench:
    """An assembly with a directory of output files."""

    def __init__(self, directory: Path, settings: Settings = SETTINGS) -> None:
        self.directory = directory
        self.counters = Counters()
        self.reported: dict[tuple[Any, ...], bytes | None] = {}
        self.settings = settings
        self.assembly = self.successor()
        self._sessions = 0

    def successor(self) -> NfacctdAssembly:
        outs = {f"{name}_out": str(self.directory / name) for name in ("flow", "bmp", "dump")}
        assembly = NfacctdAssembly(
            to_native(replace(self.settings, **outs)),
            WorkerContext(
                slot=0,
                slots=1,
                incarnation=1,
                counters=self.counters,
                guard=Guard(self.counters),
                report=lambda key, octets: self.reported.__setitem__(tuple(key), octets),
                hint=lambda *_: None,
                batch_closed=lambda: None,
                failed=lambda: None,
            ),
        )
        assembly.start()
        return assembly

    def flows(self, *records: bytes, source: str = ROUTER, padding: bytes = b"") -> None:
        body = b"".join(records) + padding
        sets = [template_set(256, FIELDS), data_set(256, body, padded=False)]
        octets = ipfix_message(sets, export_time_s=1_700_000_000, sequence=0)
        self.assembly.flow_path.datagram(source, memoryview(octets))

    def session(self, address: str = ROUTER) -> BmpSession:
        self._sessions += 1
        session = BmpSession(self._sessions, address, 40_000, 1000.0, None)  # type: ignore[arg-type]
        self.assembly.bmp_path.opened(session)
        return session

    def up(self, session: BmpSession, *prefixes: str) -> bool:
        messages = [bmp.initiation("router"), bmp.peer_up(PEER, "10.0.0.2", OPEN, OPEN)]
        for update in bgp.announcements(prefixes, VIA) if prefixes else ():
            messages.append(bmp.route_monitoring(PEER, update))
        return self.assembly.bmp_path.received(session, messages, 1001.0)

    async def stop(self) -> None:
        self.assembly.flow_path.close_batch()
        assert await self.assembly.stop(5.0) == 0
        assert not any(name.startswith("unexpected") for name in self.counters)

    def records(self, name: str) -> list[dict[str, Any]]:
        path = self.directory / name
        return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def flow(destination: int = 5, octets: int = 100) -> bytes:
    return struct.pack(
        "!4s4sII", bytes([10, 1, 1, 1]), bytes([203, 0, 113, destination]), octets, 1
    )


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(limited())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def test_flows_are_joined_with_the_routes_of_their_router(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        assert bench.up(bench.session(), PREFIX)
        bench.flows(flow(), flow(octets=200))
        bench.flows(flow(), source="192.0.2.2")
        await bench.stop()
        joined, alone = sorted(bench.records("flow"), key=lambda each: each["peer_ip_src"])
        assert joined["peer_ip_src"] == ROUTER
        assert (joined["bytes"], joined["packets"]) == (300, 2)
        assert (joined["as_path"], joined["comms"]) == ("64500_64501", "64500:7")
        assert joined["as_dst"] == 64501
        assert alone["as_path"] == ""

    run(scenario)


def test_the_end_of_the_service_is_none_of_its_sessions(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        kept, lost = bench.session(), bench.session("192.0.2.9")
        bench.up(kept, PREFIX)
        bench.up(lost, PREFIX)
        bench.assembly.bmp_path.closed(lost, "closed by the router", 1002.0)
        bench.assembly.bmp_path.closed(kept, SERVICE_STOPS, 1003.0)
        await bench.stop()
        told = bench.records("bmp")
        assert {each["bmp_router"] for each in told if each.get("log_type") == "delete"} == {
            "192.0.2.9"
        }
        assert [each["seq"] for each in told] == list(range(len(told)))

    run(scenario)


def test_long_work_is_done_before_the_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        session = bench.session()
        prefixes = [f"10.{n >> 8}.{n & 255}.0/24" for n in range(6_000)]
        bench.up(session, *prefixes)
        bench.assembly.bmp_path.received(session, [bmp.peer_down(PEER)], 1002.0)
        await bench.stop()
        kinds = [each.get("log_type") for each in bench.records("bmp")]
        assert (kinds.count("update"), kinds.count("delete")) == (6_000, 6_000)

    run(scenario)


def test_maps_are_read_again_and_a_broken_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tags, networks = tmp_path / "tags.map", tmp_path / "networks"
    tags.write_text("set_tag=1\n")
    networks.write_text("64999,203.0.113.0/24\n")
    settings = replace(
        SETTINGS, pre_tag_map=str(tags), networks=Networks(file=str(networks)), as_source="file"
    )

    async def reload(bench: Bench, told: str) -> None:
        caplog.clear()
        bench.assembly.signal("maps")
        await until(lambda: told in caplog.text)

    async def scenario() -> None:
        bench = Bench(tmp_path, settings)
        bench.flows(flow())
        tags.write_text("set_tag=2\n")
        await reload(bench, "maps reloaded")
        assert f"[{tags}] map successfully (re)loaded with 1 entries." in caplog.text
        bench.flows(flow())
        tags.write_text("set_tag=3\n")
        networks.write_text("64999,203.0.113.0/24\nrubbish\n")
        await reload(bench, "the old ones stay")
        assert f"{networks}:2: " in caplog.text
        bench.flows(flow())
        await bench.stop()
        assert {each["tag"]: each["packets"] for each in bench.records("flow")} == {1: 1, 2: 2}
        assert {each["as_dst"] for each in bench.records("flow")} == {64999}

    run(scenario)


def test_without_maps_refresh_a_signal_reads_nothing(tmp_path: Path) -> None:
    tags = tmp_path / "tags.map"
    tags.write_text("set_tag=1\n")

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, pre_tag_map=str(tags), maps_refresh=False))
        tags.write_text("set_tag=2\n")
        bench.assembly.signal("maps")
        await asyncio.sleep(0)
        bench.flows(flow())
        await bench.stop()
        assert [each["tag"] for each in bench.records("flow")] == [1]

    run(scenario)


def test_tables_are_dumped_by_the_clock(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        bench.up(bench.session(), PREFIX)
        due_s = bench.assembly._next_dump_s
        bench.assembly.tick(due_s + 2)
        await bench.stop()
        kinds = [each["event_type"] for each in bench.records("dump")]
        assert (kinds[0], kinds[-1]) == ("dump_init", "dump_close")
        routes = [each for each in bench.records("dump") if "ip_prefix" in each]
        assert [each["ip_prefix"] for each in routes] == [PREFIX]

    run(scenario)


def test_a_purge_has_what_came_before_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        bench.flows(flow())
        bench.assembly.tick(bench.assembly._records.due_s())
        bench.flows(flow(6))
        await until(lambda: (tmp_path / "flow").exists() and bool(bench.records("flow")))
        assert [each["ip_dst"] for each in bench.records("flow")] == ["203.0.113.5"]
        await bench.stop()
        assert len(bench.records("flow")) == 2

    run(scenario)


def test_a_plugin_that_fails_at_its_purge_keeps_no_other_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = tuple(replace(SETTINGS.plugins[0], name=name) for name in ("a", "b"))

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, plugins=plugins))
        sink = bench.assembly._sinks.plugin("a")
        monkeypatch.setattr(type(sink), "put", _fails_for("a", type(sink).put))
        bench.flows(flow())
        bench.assembly.flow_path.close_batch()
        assert await bench.assembly.stop(5.0) == 0
        assert len(bench.records("flow")) == 1
        assert bench.counters["unexpected_errors.purge"] == 1

    run(scenario)


def _fails_for(name: str, put: Callable[..., None]) -> Callable[..., None]:
    def failing(self: Any, *arguments: Any) -> None:
        if self._plugin.name == name:
            raise ValueError(name)
        put(self, *arguments)

    return failing


def test_senders_are_those_of_the_allow_files(tmp_path: Path) -> None:
    bmp_settings = replace(SETTINGS.bmp, allow=("192.0.2.2/32",))
    settings = replace(SETTINGS, allow=("192.0.2.1/32",), bmp=bmp_settings)

    async def scenario() -> None:
        bench = Bench(tmp_path, settings)
        refused = bench.session("192.0.2.1")
        assert not bench.up(refused, PREFIX)
        bench.assembly.bmp_path.closed(refused, "internal error", 1002.0)
        assert bench.up(bench.session("192.0.2.2"), PREFIX)
        for source in ("192.0.2.1", "192.0.2.2", "192.0.2.2"):
            bench.flows(flow(), source=source)
        await bench.stop()
        assert {each["bmp_router"] for each in bench.records("bmp")} == {"192.0.2.2"}
        assert {each["peer_ip_src"] for each in bench.records("flow")} == {"192.0.2.1"}
        assert bench.counters["nfacctd_flow_not_allowed"] == 1
        assert bench.counters["nfacctd_bmp_not_allowed"] == 1

    run(scenario)


@pytest.mark.parametrize("checked", [True, False])
def test_a_set_whose_padding_is_not_zero(tmp_path: Path, checked: bool) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, pre_processing_checks=checked))
        bench.flows(flow(1), padding=b"\0\0\0\0")
        bench.flows(flow(2), padding=b"\0\0\0\1")
        await bench.stop()
        assert len(bench.records("flow")) == (1 if checked else 2)

    run(scenario)


def test_a_successor_knows_templates_and_options(tmp_path: Path) -> None:
    plugin = replace(SETTINGS.plugins[0], aggregate=("dst_host", "egress_vrf_name"))
    fields = [*FIELDS, (235, 4)]
    opening = [
        template_set(256, fields),
        options_template_set(257, [(234, 4)], [(236, 4)]),
        data_set(257, struct.pack("!I4s", 9, b"blue")),
    ]
    data = [data_set(256, flow() + struct.pack("!I", 9))]

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, plugins=(plugin,)))
        for sets in (opening, data):
            octets = ipfix_message(sets, export_time_s=1_700_000_000, sequence=0)
            bench.assembly.flow_path.datagram(ROUTER, memoryview(octets))
            if sets is opening:
                bench.assembly = bench.successor()
                for key, restored in bench.reported.items():
                    assert restored is not None
                    bench.assembly.flow_path.restore(list(key), restored)
        await bench.stop()
        (record,) = bench.records("flow")
        assert (record["ip_dst"], record["egress_vrf_name"]) == ("203.0.113.5", "blue")

    run(scenario)


def test_options_data_is_published_where_the_conf_says_so(tmp_path: Path) -> None:
    sets = [
        options_template_set(257, [(149, 4)], [(8, 4), (1, 4)]),
        data_set(257, struct.pack("!I4sI", 1, bytes([10, 1, 1, 1]), 5)),
    ]
    octets = ipfix_message(sets, export_time_s=1_700_000_000, sequence=0)

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, account_options=True))
        bench.assembly.flow_path.datagram(ROUTER, memoryview(octets))
        await bench.stop()
        assert bench.counters["flow_records"] == 1

    run(scenario)


def test_files_are_named_by_the_bins_of_their_records(tmp_path: Path) -> None:
    plugin = Plugin(
        name="p",
        type="print",
        aggregate=("dst_host",),
        output="json",
        history=History(count=1, unit="m"),
        print=PrintSettings(file=str(tmp_path / "at-%s")),
    )

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, plugins=(plugin,), time_new=True))
        bench.flows(flow())
        await bench.stop()
        (file,) = tmp_path.glob("at-*")
        assert int(file.name.removeprefix("at-")) % 60 == 0
        assert orjson.loads(file.read_bytes())["packets"] == 1

    run(scenario)


def test_statistics_and_log_files_by_signal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "no").write_text("")

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, logfile=str(tmp_path / "no" / "log")))
        bench.flows(flow())
        bench.assembly.signal("statistics")
        assert f"agent={ROUTER}:0 " in caplog.text
        assert "packets=1 seq_good=1 seq_jmp_fwd=0 seq_jmp_bck=0" in caplog.text
        assert "discarded_packets=0" in caplog.text
        bench.assembly.signal("log_files")
        assert "logfile" in caplog.text
        await bench.stop()

    run(scenario)


def test_options_count_for_the_flows_behind_them(tmp_path: Path) -> None:
    fields = [*FIELDS, (234, 4)]
    names = (*AGGREGATE[:3], "vrf_name")
    plugin = replace(SETTINGS.plugins[0], aggregate=names)

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, plugins=(plugin,)))

        def send(*sets: bytes) -> None:
            octets = ipfix_message(sets, export_time_s=1_700_000_000, sequence=0)
            bench.assembly.flow_path.datagram(ROUTER, memoryview(octets))

        def name(text: bytes) -> bytes:
            return data_set(300, struct.pack("!II8s", 1, 3, text), padded=False)

        flows = data_set(256, flow() + struct.pack("!I", 3), padded=False)
        send(template_set(256, fields), options_template_set(300, [(149, 4)], [(234, 4), (236, 8)]))
        # All within one batch, most within one datagram.
        send(flows, name(b"red"), flows, flows, name(b"blue"))
        send(flows, name(b"blue"), flows, flows)
        await bench.stop()
        packets = {record["vrf_name"]: record["packets"] for record in bench.records("flow")}
        assert packets == {"": 1, "red": 2, "blue": 3}

    run(scenario)


def test_options_that_change_all_the_time_do_not_make_a_batch_of_every_flow(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        closed = 0
        close = bench.assembly.flow_path.close_batch

        def counted() -> None:
            nonlocal closed
            closed += 1
            close()

        bench.assembly.flow_path.close_batch = counted  # type: ignore[method-assign]
        for number in range(600):
            body = struct.pack("!IHI", 1, 1, number)
            sets = [
                options_template_set(300, [(149, 4)], [(48, 2), (34, 4)]),
                data_set(300, body, padded=False),
            ]
            octets = ipfix_message(sets, export_time_s=1_700_000_000, sequence=0)
            bench.flows(flow())
            bench.assembly.flow_path.datagram(ROUTER, memoryview(octets))
        assert 200 <= closed < 400
        await bench.stop()

    run(scenario)


def test_a_large_purge_lets_the_loop_turn(tmp_path: Path) -> None:
    plugin = replace(SETTINGS.plugins[0], aggregate=("src_port", "dst_host"))
    fields = [(12, 4), (7, 2), (1, 4), (2, 4)]
    flows, at_once = 20_000, 400
    wire = struct.Struct("!IHII")

    async def scenario() -> None:
        bench = Bench(tmp_path, replace(SETTINGS, plugins=(plugin,)))
        path = bench.assembly.flow_path
        for first in range(0, flows, at_once):
            numbers = range(first, first + at_once)
            body = b"".join(wire.pack(number, number % 65_536, 100, 1) for number in numbers)
            sets = [template_set(256, fields), data_set(256, body, padded=False)]
            octets = ipfix_message(sets, export_time_s=1_700_000_000, sequence=0)
            path.datagram(ROUTER, memoryview(octets))
        path.close_batch()
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        meanwhile = asyncio.ensure_future(other())
        await bench.stop()
        meanwhile.cancel()
        assert turns >= flows // 2000
        records = bench.records("flow")
        assert (len(records), sum(record["packets"] for record in records)) == (flows, flows)

    run(scenario)


def test_output_of_which_topics_differ_gets_whole_records(tmp_path: Path) -> None:
    plugin = SETTINGS.plugins[0]
    for topic, takes in (("flows", True), ("flows.$peer_src_ip", False)):
        settings = replace(
            SETTINGS,
            plugins=(replace(plugin, kafka=KafkaSettings(topic=topic)),),
            bmp=BmpSettings(),
        )
        sinks = Sinks(settings, 0, Counters(), lambda: None)
        assert sinks.plugin(plugin.name).takes_octets is takes
