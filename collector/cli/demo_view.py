"""How the demo looks: a live view in a terminal, lines elsewhere, the summary in both."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from collector.cli.demo_witness import DeviceWitness, Witness

_LINE_EVERY_S = 2.0
_PLAIN_WIDTH = 150
_OTHER_LINES = 14  # of the live view: titles, headings, rules
_FEWEST_FLOWS = 3
_VIEWS_PER_S = 4


@dataclass(frozen=True, slots=True)
class Scene:
    """What does not change while the demo runs."""

    workers: int
    seconds: float
    steering: str  # the supervisor's sentence on the rung it took


class DemoView:
    """Shows a witness's state; a context manager, as a live view has to let go of the terminal."""

    def __init__(self, scene: Scene, witness: Witness, console: Console) -> None:
        self._scene = scene
        self._witness = witness
        self._console = console
        self._next_line_s = 0.0
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> "DemoView":
        if self._live is not None:
            self._live.__enter__()
        else:
            self._console.print(self._title())
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._live is not None:
            self._live.__exit__(*exception)

    def show(self, elapsed_s: float, phase: str) -> None:
        """Draw the state; without a terminal print a line, every other second."""
        if self._live is not None:
            self._live.update(self._picture(elapsed_s, phase), refresh=True)
        elif elapsed_s >= self._next_line_s:
            self._next_line_s = elapsed_s + _LINE_EVERY_S
            self._console.print(self._line(elapsed_s, phase), highlight=False)

    @property
    def interval_s(self) -> float:
        """How often `show` is worth calling."""
        return 1 / _VIEWS_PER_S

    def _picture(self, elapsed_s: float, phase: str) -> RenderableType:
        left_s = max(0.0, self._scene.seconds - elapsed_s)
        return Group(
            self._title(),
            self._device_table(),
            self._flow_table(),
            Text(f"{phase}; {left_s:.0f} s left, Ctrl-C ends it with the summary", style="dim"),
        )

    def _title(self) -> Text:
        devices = self._witness.devices
        return Text(
            f"{len(devices)} simulated routers, {self._scene.workers} workers; "
            f"{self._scene.steering}",
            style="bold",
        )

    def _device_table(self) -> Table:
        table = _table("router", "address", "worker", title="router → worker")
        for heading in ("sent", "published", "joined", "BGP routes"):
            table.add_column(heading, justify="right")
        table.add_column("an AS path", no_wrap=True, min_width=12)
        for device in self._witness.devices.values():
            met = device.flow_slots == device.bmp_slots and len(device.flow_slots) == 1
            table.add_row(
                device.router.plan.name,
                device.router.plan.address,
                Text(_worker(device), style="green" if met else "yellow"),
                str(device.router.sent.flows),
                str(device.flows),
                str(device.joined),
                str(device.routes),
                device.longest_as_path,
            )
        return table

    def _flow_table(self) -> Table:
        table = _table("time", "router", title="last flow of each router, AS paths of both ends")
        for heading in ("from", "AS path", "to", "AS path"):
            table.add_column(heading, no_wrap=True, min_width=12)
        table.add_column("octets", justify="right", no_wrap=True)
        devices = list(self._witness.devices.values())
        room = max(_FEWEST_FLOWS, self._console.height - len(devices) - _OTHER_LINES)
        for device in devices[:room]:
            record = device.last_flow
            if record is None:
                continue
            arrived = datetime.fromtimestamp(record["timeReceived"] / 1e6, UTC)
            table.add_row(
                f"{arrived:%H:%M:%S}",
                device.router.plan.name,
                record["sourceAddress"],
                record["sourceAsPath"],
                record["destinationAddress"],
                record["destinationAsPath"],
                str(record["octets"]),
            )
        return table

    def _line(self, elapsed_s: float, phase: str) -> str:
        devices = self._witness.devices.values()
        return (
            f"{elapsed_s:4.0f} s  {phase}: {_sum(devices, 'flows')} flows published, "
            f"{_sum(devices, 'joined')} joined, {_sum(devices, 'routes')} BGP routes"
        )


def summary(witness: Witness, failures: dict[str, list[str]]) -> Table:
    """What was proved of each device, line by line."""
    table = _table("", "router", "address", title="what was proved")
    table.add_column("worker: steering, flows, BMP, status")
    table.add_column("flows: sent, published, joined, as announced")
    table.add_column("tables of", no_wrap=True)
    table.add_column("an AS path", no_wrap=True, min_width=12)
    for address, device in witness.devices.items():
        well = address not in failures
        slots = ({device.steered_to}, device.flow_slots, device.bmp_slots, device.status_slots)
        counts = (device.router.sent.flows, device.flows, device.joined, device.as_announced)
        table.add_row(
            Text("✓" if well else "✗", style="green" if well else "bold red"),
            device.router.plan.name,
            address,
            " = ".join(map(_list, slots)) if well else " / ".join(map(_list, slots)),
            " = ".join(map(str, counts)) if well else " / ".join(map(str, counts)),
            device.router.plan.view,
            device.longest_as_path,
        )
    return table


def demo_console() -> Console:
    """The terminal, or whatever standard output is; wide enough there for a whole line."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def _table(*headings: str, title: str) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for heading in headings:
        table.add_column(heading, no_wrap=True, min_width=len(heading))
    return table


def _worker(device: DeviceWitness) -> str:
    seen = device.flow_slots | device.bmp_slots
    return _list(seen) if seen else "…"


def _list(slots: Collection[int]) -> str:
    return ", ".join(map(str, sorted(slots))) or "-"


def _sum(devices: Collection[DeviceWitness], name: str) -> int:
    return sum(getattr(device, name) for device in devices)
