"""What the demo believes only when it has seen it: each device's two streams met on one worker."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from collector.records.columns import JOIN_SIDES
from collector.simulation.announced import Answer
from collector.simulation.router import SimulatedRouter

# BMP and IPFIX travel apart: a change of a route counts as known so long after it was sent.
_UNDER_WAY_S = 5.0


@dataclass(slots=True)
class DeviceWitness:
    """One device: what its simulated router did, and what the collector made of it.

    Attributes:
        steered_to: the slot that the steering's Python function names.
        flow_slots, bmp_slots: where its flow records and BMP events came from.
        status_slots: where `collector status` says it is.
        joined: flows with a route for both ends, out of whole tables of the view it reports.
        as_announced: joined flows whose prefixes and AS paths are those that the router announced.
        wrong: the first record that was not.
        routes: in the collector's tables, by its status.
    """

    router: SimulatedRouter
    steered_to: int
    flow_slots: set[int] = field(default_factory=set)
    bmp_slots: set[int] = field(default_factory=set)
    status_slots: set[int] = field(default_factory=set)
    flows: int = 0
    octets: int = 0
    packets: int = 0
    joined: int = 0
    as_announced: int = 0
    wrong: str = ""
    end_of_ribs: int = 0
    routes: int = 0
    last_flow: dict[str, Any] | None = None

    @property
    def longest_as_path(self) -> str:
        """The longer one of the last flow's AS paths: not that to the router's own customer."""
        if self.last_flow is None:
            return ""
        return max((self.last_flow[f"{side}AsPath"] for side in JOIN_SIDES), key=len)

    @property
    def tables_whole(self) -> bool:
        """Whether the collector has published all End-of-RIB markers of the first session."""
        return self.end_of_ribs >= self.router.bmp.end_of_ribs

    def take_event(self, event: dict[str, Any]) -> None:
        """Note a BMP event."""
        self.bmp_slots.add(event["slot"])
        if "end_of_rib" in event.get("bgp", ()):
            self.end_of_ribs += 1

    def take_flow(self, record: dict[str, Any], now_s: float) -> None:
        """Compare a flow record with what the router announced."""
        self.flow_slots.add(record["slot"])
        self.flows += 1
        self.octets += record["octets"]
        self.packets += record["packets"]
        joins = [record[f"{side}Join"] for side in JOIN_SIDES]
        if joins != [self.router.plan.view] * 2 or record["ribState"] != "synced":
            said = f"{_ends(record)} joined with {joins} {record['ribState']}"
            self.wrong = self.wrong or said
            return
        self.joined += 1
        if self.last_flow is None or record["timeReceived"] > self.last_flow["timeReceived"]:
            self.last_flow = record
        for side in JOIN_SIDES:
            truth = self._truth(record, side, now_s)
            said = (record[f"{side}Prefix"], record[f"{side}AsPath"])
            if said not in truth:
                expected = " or ".join(f"{prefix} by {path}" for prefix, path in truth)
                self.wrong = self.wrong or f"{' by '.join(said)} where {expected} was announced"
                return
        self.as_announced += 1

    def failures(self) -> list[str]:
        """Say all that does not hold; nothing where the two streams met."""
        sent = self.router.sent
        checks = (
            (sent.flows > 0, "its router sent no flows"),
            (self.bmp_slots == {self.steered_to}, f"BMP on {_slots(self.bmp_slots)}"),
            (self.flow_slots == {self.steered_to}, f"flows on {_slots(self.flow_slots)}"),
            (self.status_slots == {self.steered_to}, f"status: {_slots(self.status_slots)}"),
            (self.tables_whole, "its BGP tables did not come whole"),
            (self.flows == sent.flows, f"{self.flows} of {sent.flows} flows received"),
            (self.octets == sent.octets, f"{self.octets} octets of {sent.octets}"),
            (self.packets == sent.packets, f"{self.packets} packets of {sent.packets}"),
            (self.joined == self.flows, f"{self.joined} of {self.flows} flows joined"),
            (self.as_announced == self.joined, f"{self.joined - self.as_announced} wrong paths"),
        )
        failed = [text for holds, text in checks if not holds]
        if failed and self.wrong:
            failed.append(f"first wrong record: {self.wrong}")
        return failed

    def _truth(self, record: dict[str, Any], side: str, now_s: float) -> set[tuple[str, str]]:
        arrived_s = record["timeReceived"] / 1e6
        answers = self.router.announced.answers(
            ip_address(record[f"{side}Address"]), arrived_s - _UNDER_WAY_S, now_s
        )
        return {_as_published(answer) for answer in answers if answer is not None}


class Witness:
    """All devices, by the address that records carry."""

    def __init__(self, devices: Sequence[DeviceWitness]) -> None:
        self.devices = {device.router.plan.address: device for device in devices}
        self.strangers = 0

    def take(self, record: dict[str, Any], now_s: float) -> None:
        """Note one published record, flow or BMP event.

        Args:
            now_s: when it was read, seconds UTC.
        """
        device = self.devices.get(record["device"])
        if device is None:
            self.strangers += 1
        elif "type" in record:
            device.take_event(record)
        else:
            device.take_flow(record, now_s)

    def take_status(self, status: dict[str, Any]) -> None:
        """Note where the collector says each device is, and how many routes it holds of it."""
        for told in status["devices"]:
            device = self.devices.get(told["device"])
            if device is not None:
                device.status_slots.add(told["slot"])
                device.routes = (told["rib"] or {}).get("routes", 0)

    def failures(self) -> dict[str, list[str]]:
        """Say what does not hold, by address of the device; empty where all is well."""
        found = {address: device.failures() for address, device in self.devices.items()}
        if self.strangers:
            found["others"] = [f"{self.strangers} records of devices that nobody simulates"]
        return {address: failed for address, failed in found.items() if failed}

    @property
    def tables_whole(self) -> bool:
        """Whether every device's tables came whole."""
        return all(device.tables_whole for device in self.devices.values())

    @property
    def all_arrived(self) -> bool:
        """Whether every flow sent was published."""
        return all(device.flows >= device.router.sent.flows for device in self.devices.values())


def _as_published(answer: Answer) -> tuple[str, str]:
    return str(answer.prefix), " ".join(map(str, answer.as_path))


def _ends(record: dict[str, Any]) -> str:
    return f"{record['sourceAddress']} to {record['destinationAddress']}"


def _slots(slots: set[int]) -> str:
    if not slots:
        return "no worker"
    return f"worker {', '.join(map(str, sorted(slots)))}"
