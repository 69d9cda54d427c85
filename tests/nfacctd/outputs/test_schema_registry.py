"""The schema registry's client against a small server in this process."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from collector.errors import RetryableExportError
from collector.nfacctd.outputs.avro_records import AvroRecords
from collector.nfacctd.outputs.schema_registry import RegisteredExporter, register_schema
from collector.pipeline.batch import Batch, UnfinishedExportError

SCHEMAS = {
    name: {"type": "record", "name": name, "fields": [{"name": "x", "type": "long"}]}
    for name in ("one", "two")
}
SUBJECTS = {f"t/ä-{name}": schema for name, schema in SCHEMAS.items()}


class Registry(ThreadingHTTPServer):
    """Gives a new schema the next id; ``answers`` come first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ids: dict[str, int] = {}
        self.paths: list[str] = []
        self.answers: list[tuple[int, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        if self.server.answers:
            status, answer = self.server.answers.pop(0)
        else:
            ids = self.server.ids
            status, answer = 200, b'{"id":%d}' % ids.setdefault(body["schema"], 300 + len(ids))
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None: ...


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


class Taker:
    """An exporter that takes what it gets, but for the first time."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse = refuse
        self.taken: list[bytes] = []
        self.state: list[str] = []

    async def start(self) -> None:
        self.state.append("started")

    async def send(self, batch: Batch) -> None:
        if self.refuse:
            self.refuse = False
            raise UnfinishedExportError("later", batch)
        self.taken += [payload for _, payload in batch.messages]

    async def close(self) -> None:
        self.state.append("closed")


def test_a_schema_has_one_id(registry: Registry) -> None:
    url = f"http://127.0.0.1:1/, {registry.url}/"  # of two instances one is away
    assert [register_schema(url, "s", schema) for schema in SCHEMAS.values()] == [300, 301]
    assert register_schema(url, "s", SCHEMAS["one"]) == 300


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (409, b'{"error_code":409,"message":"incompatible"}'),
        (500, b"\xff"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"id":"1"}'),
        (200, b'{"id":-1}'),
        (200, b'{"id":4294967296}'),
    ],
)
def test_other_answers_are_for_a_later_attempt(
    registry: Registry, status: int, answer: bytes
) -> None:
    registry.answers.append((status, answer))
    with pytest.raises(RetryableExportError, match="s: "):
        register_schema(registry.url, "s", SCHEMAS["one"])


def test_records_get_their_ids_once_and_only_what_failed_is_registered_again(
    registry: Registry,
) -> None:
    records = AvroRecords(SCHEMAS)
    batch = Batch.of(
        "t", [(None, records.pending(kind, {"x": 1})) for kind in ("two", "one", "two")]
    )

    async def scenario() -> Taker:
        taker = Taker(refuse=True)
        exporter = RegisteredExporter(taker, registry.url, SUBJECTS)
        registry.answers += [(200, b'{"id":7}'), (503, b"")]
        with pytest.raises(RetryableExportError):
            await exporter.start()
        assert not taker.state
        await exporter.start()
        with pytest.raises(UnfinishedExportError) as unfinished:
            await exporter.send(batch)
        await exporter.send(unfinished.value.rest)
        await exporter.close()
        return taker

    taker = asyncio.run(scenario())
    assert taker.taken == [b"\0\0\0\1\x2c\2", b"\0\0\0\0\7\2", b"\0\0\0\1\x2c\2"]
    assert taker.state == ["started", "closed"]
    one, two = "/subjects/t%2F%C3%A4-one/versions", "/subjects/t%2F%C3%A4-two/versions"
    assert registry.paths == [one, two, two]
