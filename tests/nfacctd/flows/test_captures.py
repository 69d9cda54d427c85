"""Recorded traffic of real routers gives the records that nfacctd made of it."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from collector.nfacctd.read_settings import read_text
from tests.captures import captures_dir, udp_payloads
from tests.nfacctd.flows.pipeline import Pipeline, load_customs, load_maps

_MAPS = {
    "pre_tag_map": "pretag",
    "bmp_daemon_tag_map": "pretag",
    "flow_to_rd_map": "f2rd",
    "sampling_map": "sampling",
    "aggregate_primitives": "custom-primitives",
}
_ELSEWHERE = (
    "bmp_daemon_msglog_kafka_config_file",
    "kafka_config_file",
    "logfile",
    "pidfile",
    "avro_schema_output_file",
)
# What routes give; the join with them has its own tests.
_OF_ROUTES = {
    *("comms", "ecomms", "lcomms", "as_path", "comms_src", "ecomms_src", "lcomms_src"),
    *("as_path_src", "net_src", "net_dst", "mask_src", "mask_dst"),
}


def _scenarios() -> list[tuple[str, int]]:
    try:
        directory = captures_dir()
    except pytest.skip.Exception:
        return []
    found = []
    for case in sorted(directory.glob("*/plan.json")):
        scenarios = [0, *sorted(int(one.name[-2:]) for one in case.parent.glob("scenario-*"))]
        if any(case.parent.glob("output-flow-*.json")):
            found += [(case.parent.name, number) for number in scenarios]
    return found


class _Case:
    """One scenario of a case: its files in a work directory, its plan."""

    def __init__(self, name: str, scenario: int, work: Path) -> None:
        self.case = captures_dir() / name
        self.of_scenario = self.case / f"scenario-{scenario:02d}" if scenario else self.case
        self.work = work
        for directory in (self.case / "pmacct_mount", self.of_scenario):
            for path in directory.glob("*.map"):
                shutil.copy(path, work)
        self.plan = json.loads((self.case / "plan.json").read_text())

    def conf(self) -> str:
        lines = []
        for line in self._file("nfacctd-00.conf").read_text().splitlines():
            key = re.split(r"[\[:]", line)[0].strip()
            if key in _MAPS:
                line = f"{key}: {self.work / _MAPS[key]}-00.map"
            lines.append("!" if key in _ELSEWHERE else line)
        return "\n".join(lines)

    def expected(self, reference: str) -> list[dict[str, Any]]:
        text = self._file(f"output-{reference}.json").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def swap_maps(self) -> None:
        for path in self.work.glob("*-01.map"):
            path.replace(path.with_name(path.name.replace("-01", "-00")))

    def datagrams(self, containers: list[str]) -> Iterator[tuple[str, bytes]]:
        """Give what is replayed: the sender that the collector sees, and the octets."""
        for name in containers:
            for process in self.plan["containers"][name]:
                senders = process["item"]["map"]
                for source, octets in udp_payloads(self.case / process["item"]["capture"]):
                    yield senders[str(ip_address(source))], octets

    @property
    def has_routes(self) -> bool:
        return any(self.case.glob("output-bmp-*.json"))

    def _file(self, name: str) -> Path:
        path = self.of_scenario / name
        return path if path.exists() else self.case / name


_NO_CAPTURES = pytest.param("", 0, marks=pytest.mark.skip(reason="no captures beside the checkout"))


@pytest.mark.parametrize(("name", "scenario"), _scenarios() or [_NO_CAPTURES])
def test_records_are_those_of_nfacctd(name: str, scenario: int, tmp_path: Path) -> None:
    case = _Case(name, scenario, tmp_path)
    settings = read_text(case.conf(), "nfacctd.conf", lenient=True).settings
    pipeline = Pipeline(settings, load_customs(settings), load_maps(settings))
    now_s = pipeline.start_s
    for step in case.plan["steps"]:
        if step["do"] == "replay":
            for sender, octets in case.datagrams(step["containers"]):
                now_s += 0 if case.has_routes else 1  # its records are sums over one bin
                pipeline.datagram(octets, sender, now_s)
        elif step["do"] == "signal":
            case.swap_maps()
            pipeline.records.use(load_maps(settings))
        elif step["do"] == "compare" and step["stream"] == "flow":
            made = pipeline.purge(now_s)
            ignored = set(step["ignore"]) | (_OF_ROUTES if case.has_routes else set())
            _compare(case.expected(step["reference"]), made, ignored)


def _compare(expected: list[dict[str, Any]], made: list[dict[str, Any]], ignored: set[str]) -> None:
    wanted = Counter(_line(record, ignored) for record in expected if record.get("label") != {})
    got = Counter(_line(record, ignored) for record in made)
    missing, surplus = wanted - got, got - wanted
    assert not missing
    # nfacctd leaves the label out of the first record of each observation domain; here it is.
    without_label = Counter(
        _line(record, ignored | {"label"}) for record in expected if record.get("label") == {}
    )
    assert (
        Counter(
            _line(record, ignored | {"label"}) for record in map(json.loads, surplus.elements())
        )
        == without_label
    )


def _line(record: dict[str, Any], ignored: set[str]) -> str:
    return json.dumps({key: value for key, value in sorted(record.items()) if key not in ignored})
