"""The collector as the tests of its workers see it: devices that send, records that come."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.lab.devices import Device, Lan
from tests.lab.service import Service
from tests.lab.waiting import wait_for

FILE_OUTPUT = """\
[[output]]
name = "file"
type = "file"
path = "{topic}"

[[publish]]
records = "flow"
output = "file"

[[publish]]
records = "bmp"
output = "file"
"""
"""Configuration that `Service.records` reads."""

Record = dict[str, Any]


class Pool:
    """The collector, and the devices that send to it.

    Args:
        records: gives all that was published to a topic so far; the service's own files if None.
    """

    def __init__(
        self, lan: Lan, service: Service, records: Callable[[str], list[Record]] | None = None
    ) -> None:
        self.lan, self.service = lan, service
        self.records = records or service.records

    def flows(self, numbers: Iterable[int]) -> list[Record]:
        """Flow records of these numbers."""
        wanted = set(numbers)
        return [r for r in self.records("flow") if r.get("sourcePort") in wanted]

    def wait_for_flows(self, count: int, *numbers: int) -> list[Record]:
        """Wait for so many flow records of these numbers; give them."""
        wait_for(
            lambda: len(self.flows(numbers)) >= count,
            f"{count} flows",
            tell=lambda: (len(self.flows(numbers)), self.counters()),
        )
        return self.flows(numbers)

    def wait_for_counter(self, name: str, count: int) -> None:
        """Wait until a counter of the status has come so far."""
        wait_for(
            lambda: self.counters().get(name, 0) >= count,
            f"{name} to be {count}",
            tell=self.counters,
        )

    def counters(self) -> dict[str, int]:
        """Counters of the status."""
        return self.service.status()["counters"]

    def events(self, kind: str) -> list[Record]:
        """BMP events of a type."""
        return [event for event in self.records("bmp") if event["type"] == kind]

    def connect(self, devices: list[Device]) -> list[Record]:
        """Open a BMP session of each device; give the events that its tables are complete."""
        before = len(self._tables_complete())
        for device in devices:
            device.connect_bmp()
        wait_for(
            lambda: len(self._tables_complete()) - before >= len(devices),
            f"{len(devices)} tables",
            tell=lambda: len(self._tables_complete()) - before,
        )
        return self._tables_complete()[before:]

    def _tables_complete(self) -> list[Record]:
        return [e for e in self.events("route_monitoring") if "end_of_rib" in e["bgp"]]
