"""goflow2, the Go collector, as the bench configures it: every flow as JSON to Kafka.

It is built from the Go module proxy, outside of the project's own dependencies, by
`python -m tests.bench.goflow2`; where it is not built its column stays empty.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from tests.bench.jobs import Job, Place
from tests.bench.processes import ProcessTree, is_bound, wait_until
from tests.bench.subjects import Names, end, ended_on_error, spawn

VERSION = "v2.2.6"
BINARY = Path(__file__).parents[2] / "build" / f"goflow2-{VERSION}" / "goflow2"
_MODULE = "github.com/netsampler/goflow2/v2/cmd/goflow2"
_START_S = 30.0


class Goflow2:
    """One goflow2."""

    name: ClassVar[str] = "goflow2"
    keeps: ClassVar[bool] = False
    names: ClassVar[Names] = Names(octets="bytes", packets="packets")

    def __init__(self, job: Job, place: Place) -> None:
        assert job.records == "flows", job.records
        assert not job.joined
        directory = Path(place.directory)
        command = [
            str(BINARY),
            *("-listen", f"netflow://127.0.0.1:{place.flow_port}"),
            *("-addr", ""),
            *("-format", "json", "-transport", "kafka", "-templates.path", ""),
            *("-transport.kafka.brokers", place.bootstrap),
            *("-transport.kafka.topic", place.topic),
            *("-transport.kafka.compression", "zstd", "-transport.kafka.flushfreq", "250ms"),
        ]
        self._process = spawn(command, directory / "goflow2.log", directory)
        self.tree = ProcessTree(self._process.pid)
        with ended_on_error(self._process):
            wait_until(lambda: is_bound(place.flow_port, "udp"), "goflow2 to listen", _START_S)

    def decoded(self, expected: int) -> int:
        """Only the records say."""
        return expected

    def stop(self) -> None:
        """End it in order."""
        end(self._process, signal.SIGTERM)


def _build() -> int:
    environment = os.environ | {"GOBIN": str(BINARY.parent)}
    command = ["go", "install", f"{_MODULE}@{VERSION}"]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(_build())
