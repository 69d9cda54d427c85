"""Files: whole messages, rotation, shared files, and disks that are full."""

import asyncio
import os
from pathlib import Path

import msgpack
import pytest

from collector.errors import RetryableExportError
from collector.exporters.file import FileExporter, FileOptions
from collector.pipeline.batch import Batch

NOON_S = 1_767_268_800.0  # 2026-01-01T12:00:00Z


class Clock:
    def __init__(self) -> None:
        self.now_s = NOON_S

    def __call__(self) -> float:
        return self.now_s


def batch(*payloads: bytes, topic: str = "flow") -> Batch:
    return Batch.of(topic, [(None, payload) for payload in payloads])


def write(exporter: FileExporter, *batches: Batch) -> None:
    async def scenario() -> None:
        await exporter.start()
        for each in batches:
            await exporter.send(each)
        await exporter.close()

    asyncio.run(scenario())


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_lines_are_appended_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "flows.json"
    for number in (b"1", b"2"):
        options = FileOptions(path=str(path))
        write(FileExporter(options), batch(b'{"n":%b}' % number, b"{}"), batch(b"{}\n{}"))
    assert path.read_bytes() == b'{"n":1}\n{}\n{}\n{}\n{"n":2}\n{}\n{}\n{}\n'


def test_an_empty_batch_writes_nothing(tmp_path: Path) -> None:
    write(FileExporter(FileOptions(path=str(tmp_path / "f"))), batch())
    assert contents(tmp_path) == {"f": b""}


def test_each_topic_has_its_file_where_the_path_says_so(tmp_path: Path) -> None:
    options = FileOptions(path=str(tmp_path / "{topic}.json"))
    write(FileExporter(options), batch(b"f"), batch(b"b", topic="bmp"), batch(b"g"))
    assert contents(tmp_path) == {"bmp.json": b"b\n", "flow.json": b"f\ng\n"}


def test_msgpack_maps_follow_each_other(tmp_path: Path) -> None:
    maps = [{"a": 1}, {"text": "line\nbreak"}]
    options = FileOptions(path=str(tmp_path / "f"), lines=False)
    write(FileExporter(options), batch(*[msgpack.packb(m) for m in maps]))
    with (tmp_path / "f").open("rb") as file:
        assert list(msgpack.Unpacker(file)) == maps


def test_a_file_is_rotated_by_size_and_old_ones_go(tmp_path: Path) -> None:
    options = FileOptions(path=str(tmp_path / "f"), rotate_octets=4, keep=2)
    write(FileExporter(options, Clock()), *[batch(b"%d" % n, b"xx") for n in range(5)])
    assert contents(tmp_path) == {
        "f": b"4\nxx\n",
        "f.20260101T120000Z-002": b"2\nxx\n",
        "f.20260101T120000Z-003": b"3\nxx\n",
    }


def test_a_file_is_rotated_by_time_at_whole_periods(tmp_path: Path) -> None:
    clock = Clock()
    exporter = FileExporter(FileOptions(path=str(tmp_path / "f"), rotate_s=3600), clock)

    async def scenario() -> None:
        for minute in (1, 59, 61, 119, 120):
            clock.now_s = NOON_S + 60 * minute
            await exporter.send(batch(b"%d" % minute))
        await exporter.close()

    asyncio.run(scenario())
    assert contents(tmp_path) == {
        "f": b"120\n",
        "f.20260101T130100Z-000": b"1\n59\n",
        "f.20260101T140000Z-000": b"61\n119\n",
    }


def test_a_file_of_an_earlier_period_is_rotated_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old\n")
    os.utime(path, (NOON_S - 1, NOON_S - 1))
    write(FileExporter(FileOptions(path=str(path), rotate_s=60), Clock()), batch(b"new"))
    assert contents(tmp_path) == {"f": b"new\n", "f.20260101T120000Z-000": b"old\n"}


def test_processes_share_a_file_that_one_of_them_rotates(tmp_path: Path) -> None:
    path = str(tmp_path / "f")
    one = FileExporter(FileOptions(path=path, rotate_octets=4))
    other = FileExporter(FileOptions(path=path))

    async def scenario() -> None:
        for n in range(3):
            await other.send(batch(b"o%d" % n))
            await one.send(batch(b"one%d" % n))
        await one.close()
        await other.close()

    asyncio.run(scenario())
    files = contents(tmp_path)
    assert len(files) == 3
    assert sorted(b"".join(files.values()).split()) == [
        b"o0",
        b"o1",
        b"o2",
        b"one0",
        b"one1",
        b"one2",
    ]


def test_a_file_moved_away_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "f"
    exporter = FileExporter(FileOptions(path=str(path)))

    async def scenario() -> None:
        await exporter.send(batch(b"1"))
        path.rename(tmp_path / "moved")
        await exporter.send(batch(b"2"))
        await exporter.close()

    asyncio.run(scenario())
    assert contents(tmp_path) == {"f": b"2\n", "moved": b"1\n"}


def test_what_a_full_disk_cuts_short_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = FileExporter(FileOptions(path=str(tmp_path / "f")))
    real_write, room = os.write, [10]

    def full_disk(descriptor: int, octets: bytes) -> int:
        taken = min(len(octets), room[0])
        room[0] -= taken
        if not taken:
            raise OSError(28, "No space left on device")
        return real_write(descriptor, octets[:taken])

    async def scenario() -> None:
        await exporter.send(batch(b"1234"))
        monkeypatch.setattr(os, "write", full_disk)
        with pytest.raises(RetryableExportError, match="No space left"):
            await exporter.send(batch(b"a long line", b"and one more"))
        assert contents(tmp_path) == {"f": b"1234\n"}
        room[0] = 100
        await exporter.send(batch(b"a long line", b"and one more"))
        await exporter.close()

    asyncio.run(scenario())
    assert contents(tmp_path) == {"f": b"1234\na long line\nand one more\n"}


def test_a_path_that_cannot_be_opened_is_retryable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    exporter = FileExporter(FileOptions(path=str(tmp_path / "file" / "f")))

    async def scenario() -> None:
        with pytest.raises(RetryableExportError, match="file/f"):
            await exporter.send(batch(b"1"))
        await exporter.close()

    asyncio.run(scenario())
