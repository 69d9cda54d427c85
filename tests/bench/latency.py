"""Light load: how long a datagram takes to a consumer of its records, and what of it is Kafka."""

import asyncio
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from aiokafka import AIOKafkaProducer

from tests.bench.jobs import Job, Place
from tests.bench.loads import Load
from tests.bench.measure import QUIET_S, Bench, dropped, running
from tests.bench.processes import wait_until
from tests.bench.result import Result
from tests.bench.subjects import Subject
from tests.bench.traffic import FLOWS_PER_DATAGRAM

_DATAGRAMS, _PER_SECOND = 500, 50.0
_BARE, _BARE_EVERY_S = 200, 0.02
_ARRIVAL_S = 10.0
_STAMP = re.compile(rb'"octets": ?([0-9]+)')  # microseconds: the time of sending


class Arrivals:
    """A consumer that notes when each record came."""

    def __init__(self, consumer: subprocess.Popen[bytes]) -> None:
        self._consumer = consumer
        self._came: list[tuple[int, bytes]] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._came)

    def take(self) -> list[float]:
        """Milliseconds from the stamp of each record to its arrival; forgets them."""
        came, self._came = self._came, []
        stamps = [int(_STAMP.search(line)[1]) for _, line in came]
        return [
            time_us / 1e3 - stamp / 1e3 for (time_us, _), stamp in zip(came, stamps, strict=True)
        ]

    def end(self) -> None:
        """End the consumer."""
        self._consumer.terminate()
        self._thread.join()
        self._consumer.wait()
        self._consumer.stdout.close()

    def _read(self) -> None:
        for line in self._consumer.stdout:
            self._came.append((time.time_ns() // 1000, line))


def measure_latency(
    bench: Bench, row: str, job: Job, load: Load, kind: type[Subject], name: str
) -> Result:
    """First records of a bare producer, then those of a collector, to the same consumer."""
    load.traffic  # noqa: B018 - the sender must have it
    expected = _DATAGRAMS * FLOWS_PER_DATAGRAM
    with bench.place(name) as place, _arrivals(place) as arrivals:
        bare_ms = _bare(place, arrivals)
        with running(kind(job, place)) as subject:
            subject.tree.wait_quiet(place.flow_port, QUIET_S)
            bench.sender.ask(
                "stamped",
                port=place.flow_port,
                load=load.name,
                datagrams_per_s=_PER_SECOND,
                count=_DATAGRAMS,
            )
            faults = _wait(arrivals, expected) + dropped(place)
            latencies_ms = arrivals.take()
    return Result(
        row,
        subject.name,
        {
            "ms median": float(np.median(latencies_ms or [np.nan])),
            "ms worst": max(latencies_ms, default=np.nan),
            "ms median without collector": float(np.median(bare_ms)),
            "ms worst without collector": max(bare_ms),
        },
        tuple(faults),
    )


@contextmanager
def _arrivals(place: Place) -> Iterator[Arrivals]:
    asyncio.run(_produce(place, 1))  # so that there is a topic
    command = ["kcat", "-q", "-C", "-u", "-b", place.bootstrap, "-t", place.topic, "-o", "0"]
    consumer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    arrivals = Arrivals(consumer)
    try:
        wait_until(lambda: len(arrivals) == 1, "the first record", _ARRIVAL_S)
        arrivals.take()
        yield arrivals
    finally:
        arrivals.end()


def _bare(place: Place, arrivals: Arrivals) -> list[float]:
    asyncio.run(_produce(place, _BARE))
    wait_until(lambda: len(arrivals) >= _BARE, "records of the bare producer", _ARRIVAL_S)
    return arrivals.take()


async def _produce(place: Place, count: int) -> None:
    """Produce records one by one that have nothing but the time of sending."""
    async with AIOKafkaProducer(bootstrap_servers=place.bootstrap, acks="all") as producer:
        for _ in range(count):
            await producer.send_and_wait(place.topic, b'{"octets": %d}' % (time.time_ns() // 1000))
            await asyncio.sleep(_BARE_EVERY_S)


def _wait(arrivals: Arrivals, expected: int) -> list[str]:
    try:
        wait_until(lambda: len(arrivals) >= expected, "all records", _ARRIVAL_S)
    except TimeoutError:
        return [f"{len(arrivals)} of {expected} records came"]
    return []
