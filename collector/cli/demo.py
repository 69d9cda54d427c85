"""`demo`: the main job on the loopback, without root or Kafka, and the proof that it was done."""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop
from rich.console import Console

from collector.cli.demo_collector import (
    DemoCollector,
    DemoError,
    Exit,
    default_workers,
    free_address,
)
from collector.cli.demo_view import DemoView, Scene, demo_console, summary
from collector.cli.demo_witness import DeviceWitness, Witness
from collector.simulation.network import simulated_network
from collector.simulation.router import CollectorAddress, SimulatedRouter
from collector.steering.slots import MAX_SLOTS, SlotTable

_ROUTERS = 12
_TABLES_TIMEOUT_S = 30.0
_FEWEST_SECONDS = 1.0  # of flows, however long the tables took
_LAST_FLOWS_TIMEOUT_S = 10.0
_STATUS_EVERY_S = 1.0
_POLL_S = 0.05
_EXIT_PROVED, _EXIT_FAILED = 0, 1

_DESCRIPTION = """\
Start the collector with a pool of workers on the loopback, and a dozen simulated routers that send
it IPFIX over UDP and BMP over TCP, each from an address of its own. A live view shows which router
is on which worker, and flows with the AS paths that the router's own BGP tables hold for them.

At the end every router's flows are compared with what it sent and announced.
"""
_EPILOG = "exit status: 0 if both streams of every router met on one worker, else 1"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand and its arguments."""
    parser = subparsers.add_parser(
        "demo",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=20.0, metavar="N", help="how long it runs (default: 20)"
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        default=default_workers(),
        metavar="N",
        help="how many workers (default: one per core, 2 to 4)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="collector-demo-") as directory:
        try:
            return uvloop.run(_Demo(Path(directory), args.workers, args.seconds).run())
        except DemoError as error:
            print(f"collector demo: {error}", file=sys.stderr)
            return _EXIT_FAILED


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text} seconds are too few")
    return seconds


def _workers(text: str) -> int:
    workers = int(text)
    if not 0 < workers <= MAX_SLOTS:
        raise argparse.ArgumentTypeError(f"{text} workers: 1 to {MAX_SLOTS} are possible")
    return workers


class _Demo:
    """One run: the collector, the routers, the witness and the view."""

    def __init__(self, directory: Path, workers: int, seconds: float) -> None:
        by_family = _collector_addresses()
        # The loopback has one IPv6 address, so one of the routers can have it.
        plans = simulated_network(_ROUTERS, addresses=["::1"] if 6 in by_family else [])
        slots = SlotTable(workers)
        self._routers = [
            SimulatedRouter(plan, by_family[6 if ":" in plan.address else 4]) for plan in plans
        ]
        self._witness = Witness(
            [DeviceWitness(router, slots.slot_of(router.plan.address)) for router in self._routers]
        )
        self._collector = DemoCollector(directory, workers, list(by_family.values()))
        self._workers = workers
        self._seconds = seconds
        self._phase = "starting"
        self._reading: asyncio.Future[None]
        self._over = asyncio.Event()

    async def run(self) -> int:
        """Run to the end, or to Ctrl-C; gives the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._over.set)
        console = demo_console()
        console.print("starting the collector ...", style="dim")
        status = await self._collector.start()
        try:
            self._reading = asyncio.ensure_future(self._read())
            scene = Scene(self._workers, self._seconds, status["steering"])
            with DemoView(scene, self._witness, console) as view:
                await self._play(view)
        finally:
            for router in self._routers:
                await router.close()
            exit_ = await self._collector.stop()
        await self._reading
        return self._judge(console, exit_)

    async def _play(self, view: DemoView) -> None:
        """Let the routers speak for as long as the demo is to last."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        watchers = [asyncio.ensure_future(self._draw(view)), asyncio.ensure_future(self._ask())]
        try:
            self._phase = "routers announce their tables"
            for router in self._routers:
                router.start_bmp()
            # A flow that comes before its routes cannot be joined, and the proof wants them all.
            await self._until(lambda: self._witness.tables_whole, _TABLES_TIMEOUT_S)
            self._phase = "routers export flows"
            for router in self._routers:
                await router.start_flows()
            left_s = started_s + self._seconds - loop.time()
            await self._until(self._over.is_set, max(_FEWEST_SECONDS, left_s))
            self._phase = "waiting for the last flows"
            for router in self._routers:
                await router.stop_flows()
            await _poll(
                lambda: self._witness.all_arrived or self._reading.done(), _LAST_FLOWS_TIMEOUT_S
            )
            await self._take_status()
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.wait(watchers)

    async def _until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        await _poll(lambda: condition() or self._over.is_set(), timeout_s)

    async def _read(self) -> None:
        """Show the witness all that the collector publishes; when it ends, so does the demo."""
        try:
            async for record in self._collector.records():
                self._witness.take(record, time.time())
        finally:
            self._over.set()

    async def _draw(self, view: DemoView) -> None:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        while True:
            view.show(loop.time() - started_s, self._phase)
            await asyncio.sleep(view.interval_s)

    async def _ask(self) -> None:
        while True:
            await self._take_status()
            await asyncio.sleep(_STATUS_EVERY_S)

    async def _take_status(self) -> None:
        status = await self._collector.status()
        if status is not None:
            self._witness.take_status(status)

    def _judge(self, console: Console, exit_: Exit) -> int:
        """Print what was proved, and what was not."""
        failures = self._witness.failures()
        console.print(summary(self._witness, failures))
        for address, failed in failures.items():
            console.print(f"✗ {address}: {'; '.join(failed)}", style="red", highlight=False)
        if exit_.status:
            console.print(f"✗ the collector ended with {exit_.status}:\n{exit_.log}", style="red")
        if failures or exit_.status:
            return _EXIT_FAILED
        console.print(
            f"✓ flows and BMP of all {len(self._routers)} routers met on the worker that steering "
            "names,\n  and every flow has the AS paths that its own router announced",
            style="green",
            highlight=False,
        )
        return _EXIT_PROVED


def _collector_addresses() -> dict[int, CollectorAddress]:
    """Where the collector is to listen, by IP version; IPv6 only where the loopback has it."""
    addresses = {4: free_address("127.0.0.1")}
    with contextlib.suppress(OSError):
        addresses[6] = free_address("::1")
    return addresses


async def _poll(condition: Callable[[], bool], timeout_s: float) -> None:
    """Wait until something holds, or for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, timeout_s)):
            while not condition():
                await asyncio.sleep(_POLL_S)
