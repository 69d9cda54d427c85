"""`demo`: the main job on the loopback, without root or Kafka, and the proof that it was done."""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop

from collector.cli.demo_collector import (
    DemoCollector,
    DemoError,
    default_workers,
    free_address,
)
from collector.cli.demo_view import DemoView, Scene, demo_console, summary
from collector.cli.demo_witness import DeviceWitness, Witness
from collector.simulation.network import simulated_network
from collector.simulation.router import CollectorAddress, SimulatedRouter
from collector.steering.slots import MAX_SLOTS, SlotTable

_ROUTERS = 12
_TABLES_TIMEOUT_S = 10.0
_LAST_FLOWS_TIMEOUT_S = 5.0
_STATUS_EVERY_S = 1.0
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
        "--seconds", type=_seconds, default=20.0, metavar="N", help="how long (default: 20)"
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
        self._interrupted = asyncio.Event()

    async def run(self) -> int:
        """Run to the end, or to Ctrl-C; gives the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupted.set)
        console = demo_console()
        console.print("starting the collector ...", style="dim")
        try:
            status = await self._collector.start()
            reading = asyncio.ensure_future(self._read())
            scene = Scene(self._workers, self._seconds, status["steering"])
            with DemoView(scene, self._witness, console) as view:
                await self._play(view)
        finally:
            for router in self._routers:
                await router.close()
            exit_ = await self._collector.stop()
        await reading
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
            "names, and every flow has the AS path its own router announced",
            style="green",
            highlight=False,
        )
        return _EXIT_PROVED

    async def _play(self, view: DemoView) -> None:
        started_s = time.monotonic()
        drawing = asyncio.ensure_future(self._draw(view, started_s))
        asking = asyncio.ensure_future(self._ask())
        try:
            self._phase = "routers announce their tables"
            for router in self._routers:
                router.start_bmp()
            # A flow that comes before its routes cannot be joined, and the proof wants them all.
            await self._until(self._tables_whole, _TABLES_TIMEOUT_S)
            self._phase = "routers export flows"
            for router in self._routers:
                await router.start_flows()
            await self._until(lambda: False, self._seconds - (time.monotonic() - started_s))
            self._phase = "waiting for the last flows"
            for router in self._routers:
                await router.stop_flows()
            await self._until(lambda: self._witness.all_arrived, _LAST_FLOWS_TIMEOUT_S)
            await self._take_status()
            view.show(time.monotonic() - started_s, "done")
        finally:
            for task in (drawing, asking):
                await _cancel(task)
