"""Standard output: whole lines through a pipe, and readers that pause or go away."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from collector.errors import ExportError
from collector.exporters.stdout import StdoutExporter
from collector.pipeline.batch import Batch

TWO_WRITERS = """
import asyncio, os, sys
from collector.exporters.stdout import StdoutExporter
from collector.pipeline.batch import Batch
async def main(letter):
    exporter = StdoutExporter()
    for _ in range(20):
        await exporter.send(Batch.of("flow", [(None, letter * 3000)] * 10))
    await exporter.close()
letter = b"a" if os.fork() else b"b"
asyncio.run(main(letter))
if letter == b"a":
    os.wait()
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test closed it


def test_lines_go_out_whole(pipe: tuple[int, int]) -> None:
    async def scenario() -> None:
        exporter = StdoutExporter(descriptor=pipe[1])
        await exporter.start()
        await exporter.send(Batch.of("flow", [(b"k", b"{}"), (None, b"[]")]))
        await exporter.close()

    asyncio.run(scenario())
    assert os.read(pipe[0], 100) == b"{}\n[]\n"


def test_two_processes_do_not_mix_their_lines() -> None:
    run = subprocess.run(
        [sys.executable, "-c", TWO_WRITERS], capture_output=True, check=True, timeout=60
    )
    lines = run.stdout.split(b"\n")
    assert sorted(set(lines)) == [b"", b"a" * 3000, b"b" * 3000]
    assert len(lines) == 401


def test_a_reader_gone_away_is_an_orderly_end(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])

    async def scenario() -> None:
        exporter = StdoutExporter(descriptor=pipe[1])
        with pytest.raises(ExportError, match="Broken pipe") as told:
            await exporter.send(Batch.of("flow", [(None, b"{}")]))
        assert type(told.value) is ExportError, "neither retried nor rejected"
        await exporter.close()

    asyncio.run(scenario())


def test_a_reader_that_pauses_keeps_nobody_from_closing(pipe: tuple[int, int]) -> None:
    async def scenario() -> None:
        exporter = StdoutExporter(descriptor=pipe[1])
        sending = asyncio.create_task(exporter.send(Batch.of("flow", [(None, bytes(1 << 20))])))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled()
        await exporter.close()

    asyncio.run(scenario())
