"""Streams of real routers, in pieces, against all records that nfacctd published for them."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from collector.metrics import Counters
from collector.nfacctd.bmp.flow_routes import FlowRoutes
from collector.nfacctd.bmp.log import BmpLog
from collector.nfacctd.bmp.record import BmpRecord
from collector.nfacctd.flows.route_values import RouteQuestion
from collector.nfacctd.flows.vrf import ORIGIN_TEXTS, rd_number
from collector.nfacctd.maps.bmp_tag_map import BmpTagMap
from collector.nfacctd.read_settings import read_text
from collector.nfacctd.settings import Settings
from collector.protocols.bmp.framing import BmpFramer
from tests.captures import captures_dir
from tests.nfacctd.bmp.lab import Connection
from tests.protocols.bmp.streams import tcp_stream

_NOW_S = 1_777_296_425.0
_PIECE_OCTETS = 777  # what TCP may bring at once


class _Case:
    """One capture and scenario: its configuration, what is sent, what is expected."""

    def __init__(self, name: str, scenario: int, tmp_path: Path) -> None:
        (self._directory,) = captures_dir().glob(f"{name}-*")
        self._scenario = self._directory / f"scenario-{scenario:02d}" if scenario else None
        self.plan = json.loads((self._directory / "plan.json").read_text())
        self.settings = self._settings(tmp_path)
        tag_map = self.settings.bmp.tag_map
        self.log: list[BmpRecord] = []
        self.dump: list[BmpRecord] = []
        self.daemon = BmpLog(
            self.settings,
            None if tag_map is None else BmpTagMap.load(tag_map),
            Counters(),
            writer_id="nfacctd_core",
            log=self.log.extend,
            dump=self.dump.extend,
        )
        self.connections: list[Connection] = []

    def _file(self, pattern: str) -> Path:
        for directory in filter(None, (self._scenario, self._directory)):
            if found := sorted(directory.glob(pattern)):
                return found[0]
        raise FileNotFoundError(pattern)

    def _settings(self, tmp_path: Path) -> Settings:
        rdkafka = tmp_path / "librdkafka.conf"
        rdkafka.write_text("global, bootstrap.servers, 127.0.0.1:9092\n")
        text = self._file("nfacctd-00.conf").read_text()
        text = text.replace("/etc/pmacct/librdkafka.conf", str(rdkafka))
        for name in ("pretag", "custom-primitives"):
            if f"/etc/pmacct/{name}.map" in text:
                path = self._file(f"pmacct_mount/{name}-00.map")
                text = text.replace(f"/etc/pmacct/{name}.map", str(path))
        return read_text(text, "nfacctd.conf", lenient=True).settings

    def expected(self, reference: str) -> list[dict[str, Any]]:
        path = self._file(f"output-{reference}.json")
        return [json.loads(line) for line in path.read_text().splitlines()]

    def run(self) -> None:
        """Do what the plan says, and compare where it says so."""
        taken = 0
        for step in self.plan["steps"]:
            if step["do"] == "replay":
                self.replay()
            elif step["do"] == "close":
                self.close()
            elif step["stream"] == "bmp":
                if not self._keeps_open():
                    self.close()
                told = [record.fields for record in self.log[taken:]]
                taken = len(self.log)
                self._compare(step, told)
            elif step["stream"] == "dump":
                self.daemon.dump(_NOW_S + 60)
                self._finish()
                self._compare(step, [record.fields for record in self.dump])

    def replay(self) -> None:
        items = [container["item"] for group in self.containers() for container in group]
        for number, item in enumerate(items):
            (address,) = item["map"].values()
            connection = Connection(number, address)
            self.connections.append(connection)
            self.daemon.opened(connection, _NOW_S)
            framer, stream = BmpFramer(), tcp_stream(self._directory / item["capture"])
            for start in range(0, len(stream), _PIECE_OCTETS):
                messages = framer.feed(stream[start : start + _PIECE_OCTETS])
                self.daemon.received(connection, messages, _NOW_S)
                self._finish()

    def containers(self) -> Iterable[list[dict[str, Any]]]:
        return self.plan["containers"].values()

    def close(self) -> None:
        for connection in self.connections:
            self.daemon.closed(connection, _NOW_S)
        self.connections.clear()
        self._finish()

    def _keeps_open(self) -> bool:
        return all(one["item"]["keep_open"] for group in self.containers() for one in group)

    def _finish(self) -> None:
        while self.daemon.has_work:
            self.daemon.resume()

    def _compare(self, step: dict[str, Any], told: list[dict[str, Any]]) -> None:
        ignored = frozenset(step["ignore"])
        assert _multiset(told, ignored) == _multiset(self.expected(step["reference"]), ignored)
        assert told


def _multiset(records: Iterable[dict[str, Any]], ignored: frozenset[str]) -> Counter[str]:
    return Counter(
        json.dumps({k: v for k, v in record.items() if k not in ignored}, sort_keys=True)
        for record in records
    )


@pytest.mark.parametrize(
    ("name", "scenario"),
    [
        ("201", 0),
        ("201", 1),
        ("203", 0),
        ("203", 1),
        ("204", 0),
        ("400", 0),
        ("400", 1),
        ("400", 2),
    ],
)
def test_records_are_those_that_nfacctd_published(name: str, scenario: int, tmp_path: Path) -> None:
    _Case(name, scenario, tmp_path).run()


def test_flows_follow_the_routes_that_nfacctd_found(tmp_path: Path) -> None:
    case = _Case("400", 0, tmp_path)
    case.replay()
    answer = FlowRoutes(case.daemon.match).answer
    found = 0
    for flow in case.expected("flow-00"):
        rd = 0 if flow["mpls_vpn_rd"] == "0:0:0" else rd_number(flow["mpls_vpn_rd"])
        origin = ORIGIN_TEXTS.index(flow["mpls_vpn_rd_origin"])
        ends = flow["ip_src"], flow["ip_dst"]
        routes = answer(RouteQuestion(flow["peer_ip_src"], *ends, rd, origin, ""))
        for route, end, suffix in zip(routes, ("src", "dst"), ("_src", ""), strict=True):
            found += route is not None
            assert flow[f"mask_{end}"] == (route.prefix_length if route else 0)
            assert flow[f"as_path{suffix}"] == (route.as_path.split() if route else [])
            assert flow[f"comms{suffix}"] == (route.std_comm.split() if route else [])
            assert flow[f"ecomms{suffix}"] == (route.ext_comm.split() if route else [])
    assert found
