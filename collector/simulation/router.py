"""A simulated router: one source address from which it speaks BMP and exports IPFIX."""

import asyncio
import time
from dataclasses import dataclass

from collector.simulation.announced import Announced
from collector.simulation.bmp_speaker import BmpSpeaker, Clock, Sleep
from collector.simulation.flow_exporter import FlowExporter, Sent
from collector.simulation.network import RouterPlan


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a router has to say."""

    flows_per_s: float = 30.0
    changes_per_s: float = 0.5
    tick_s: float = 0.2
    templates_every_s: float = 5.0


@dataclass(frozen=True, slots=True)
class CollectorAddress:
    """Where a router's collector listens, in the family of the router's own address."""

    host: str
    flow_port: int
    bmp_port: int


class SimulatedRouter:
    """One router on the loopback; deterministic by its plan, but for the times.

    Attributes:
        announced: what its BMP said, by time.
        bmp: its BMP session.
        refused: datagrams that came back because nobody listened.
    """

    def __init__(
        self,
        plan: RouterPlan,
        collector: CollectorAddress,
        *,
        pace: Pace = Pace(),
        clock: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.plan = plan
        self.announced = Announced()
        self.bmp = BmpSpeaker(
            plan, self.announced, changes_per_s=pace.changes_per_s, clock=clock, sleep=sleep
        )
        self.refused = 0
        self._collector = collector
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._exporter = FlowExporter(plan)
        self._tasks: list[asyncio.Task[None]] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._exporting: asyncio.Task[None] | None = None

    @property
    def sent(self) -> Sent:
        """What it has exported so far."""
        return self._exporter.sent

    def start_bmp(self) -> None:
        """Begin to speak BMP."""
        run = self.bmp.run(self._collector.host, self._collector.bmp_port)
        self._tasks.append(asyncio.ensure_future(run))

    async def start_flows(self) -> None:
        """Begin to export flows.

        Raises:
            OSError: the router's address is none of this machine.
        """
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Errors(self),
            local_addr=(self.plan.address, 0),
            remote_addr=(self._collector.host, self._collector.flow_port),
        )
        self._exporting = asyncio.ensure_future(self._export(self._transport))

    async def stop_flows(self) -> None:
        """Export no more; what was sent is in the kernel's hands."""
        if self._exporting is not None:
            await _end(self._exporting)
            self._exporting = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def close(self) -> None:
        """Stop the flows, and end the BMP session in order."""
        await self.stop_flows()
        for task in self._tasks:
            await _end(task)
        self._tasks.clear()

    async def _export(self, transport: asyncio.DatagramTransport) -> None:
        started_s, templates_due_s, flows = self._clock(), 0.0, 0
        while True:
            now_s = self._clock()
            if now_s >= templates_due_s:
                transport.sendto(self._exporter.templates(now_s))
                templates_due_s = now_s + self._pace.templates_every_s
            due = int((now_s - started_s) * self._pace.flows_per_s) - flows
            for datagram in self._exporter.flows(due, now_s):
                transport.sendto(datagram)
            flows += due
            await self._sleep(self._pace.tick_s)


class _Errors(asyncio.DatagramProtocol):
    """Counts what the kernel says of datagrams that did not arrive."""

    def __init__(self, router: SimulatedRouter) -> None:
        self._router = router

    def error_received(self, exc: Exception) -> None:
        self._router.refused += 1


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and task.exception() is not None:
        raise task.exception()
