"""Confluent's schema registry: schemas are registered before the first record that needs them."""

import asyncio
import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from collector.errors import RetryableExportError
from collector.nfacctd.outputs.avro_records import registered, schema_text
from collector.nfacctd.outputs.avro_schemas import Schema
from collector.pipeline.batch import Batch, Exporter

_TIMEOUT_S = 10.0
_MAX_ANSWER_OCTETS = 1 << 16
_MAX_ID = 0xFFFF_FFFF  # four octets of the wire format
_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"

_log = logging.getLogger(__name__)


def register_schema(urls: str, subject: str, schema: Schema) -> int:
    """Register a schema, or find it where it is registered; both give the same id.

    Args:
        urls: of one registry, separated by commas; they are tried in turn.

    Raises:
        RetryableExportError: none takes it; with the last reason.
    """
    error: RetryableExportError | None = None
    for url in urls.split(","):
        try:
            return _register(url.strip().rstrip("/"), subject, schema)
        except RetryableExportError as refusal:
            error = refusal
    raise error or RetryableExportError("schema registry: no URL")


def _register(url: str, subject: str, schema: Schema) -> int:
    request = Request(
        f"{url}/subjects/{quote(subject, safe='')}/versions",
        json.dumps({"schema": schema_text(schema)}).encode(),
        {"Content-Type": _CONTENT_TYPE, "Accept": _CONTENT_TYPE},
    )
    where = f"schema registry {url}: {subject}"
    try:
        # A registry is near: a proxy of the environment is for others.
        with build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT_S) as answer:
            found = json.loads(answer.read(_MAX_ANSWER_OCTETS))["id"]
    except HTTPError as error:
        with error:
            reason = error.read(300).decode(errors="replace")
        raise RetryableExportError(f"{where}: {error.code} {reason}") from error
    except (OSError, HTTPException) as error:
        raise RetryableExportError(f"{where}: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RetryableExportError(f"{where}: answers without an id") from error
    if not isinstance(found, int) or not 0 <= found <= _MAX_ID:
        raise RetryableExportError(f"{where}: {found!r} is no id")
    return found


class RegisteredExporter:
    """Exporter that puts the registry's ids into Avro records, then has another one send them.

    Args:
        subjects: names of the schemas in the registry, in the order of `AvroRecords`.
    """

    def __init__(self, exporter: Exporter, urls: str, subjects: Mapping[str, Schema]) -> None:
        self._exporter = exporter
        self._urls = urls
        self._subjects = subjects
        self._ids: dict[str, int] = {}
        self._thread = ThreadPoolExecutor(1, "schema-registry")

    async def start(self) -> None:
        """Register all schemas, then make the other exporter ready.

        Raises:
            RetryableExportError: the registry is away, or refuses one of them. Records wait until
                it does not.
        """
        loop = asyncio.get_running_loop()
        for subject, schema in self._subjects.items():
            if subject not in self._ids:
                self._ids[subject] = await loop.run_in_executor(
                    self._thread, register_schema, self._urls, subject, schema
                )
                _log.info("schema registry: %s has id %d", subject, self._ids[subject])
        await self._exporter.start()

    async def send(self, batch: Batch) -> None:
        """Send a batch; errors are those of the other exporter."""
        ids = [self._ids[subject] for subject in self._subjects]
        messages = [(key, registered(payload, ids)) for key, payload in batch.messages]
        await self._exporter.send(Batch.of(batch.topic, messages, batch.counts))

    async def close(self) -> None:
        """Close the other exporter; do not wait for an answer of the registry."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self._exporter.close()
