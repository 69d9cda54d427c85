"""A real schema registry with Confluent's API (Apicurio, in memory) for lab tests.

with SchemaRegistry(tmp_path) as registry:
    ...                               # registry.url is for `kafka_avro_schema_registry`
    fields = registry.read(payload)   # of a message in Confluent's wire format
"""

import io
import json
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.request import ProxyHandler, build_opener

import fastavro

from tests.lab.java import fetched, free_ports, start_java
from tests.lab.waiting import wait_for

_HERE = Path(__file__).parent / "registry"
_ID_AT, _RECORD_AT = 1, 5

Record = dict[str, Any]


class SchemaRegistry:
    """One registry process; what it holds ends with it.

    Args:
        directory: of its log.
    """

    def __init__(self, directory: Path) -> None:
        (self._port,) = free_ports(1)
        self._log = directory / "registry.log"
        self._schemas: dict[int, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    def __enter__(self) -> Self:
        program = next(fetched(_HERE / "pom.xml", "dependency:copy").glob("*-runner.jar"))
        listening = ("-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self._port}")
        self._process = start_java(["-Xmx384m", *listening, "-jar", str(program)], self._log)
        try:
            wait_for(
                self._answers,
                "the schema registry",
                deadline_s=120,
                interval_s=0.2,
                watch=self._watch,
                tell=self._tail,
            )
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._end()

    def versions(self, subject: str) -> list[int]:
        """Numbers of the schemas that are registered under a name."""
        return self._get(f"subjects/{subject}/versions")

    def read(self, payload: bytes) -> tuple[str, Record]:
        """Read a message as a consumer does: by the schema of its id; give the schema's name."""
        assert payload[0] == 0, f"magic {payload[0]}"
        number = int.from_bytes(payload[_ID_AT:_RECORD_AT])
        if number not in self._schemas:
            text = self._get(f"schemas/ids/{number}")["schema"]
            self._schemas[number] = fastavro.parse_schema(json.loads(text))
        schema = self._schemas[number]
        octets = io.BytesIO(payload[_RECORD_AT:])
        fields = fastavro.schemaless_reader(octets, schema)
        assert not octets.read(), "octets behind the record"
        return schema["name"], fields

    def _get(self, path: str) -> Any:
        with build_opener(ProxyHandler({})).open(f"{self.url}/{path}", timeout=20) as answer:
            return json.load(answer)

    def _answers(self) -> bool:
        try:
            self._get("subjects")
        except OSError:
            return False
        return True

    def _watch(self) -> None:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the schema registry ended:\n{self._tail()}")

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-3000:] if self._log.exists() else ""

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
