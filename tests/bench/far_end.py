"""Records as a consumer reads them, added up."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import orjson

from tests.bench.jobs import Job, Place
from tests.bench.subjects import Subject
from tests.bench.traffic import Sums

_LAST_AS = re.compile(r"(\d+)\D*$")
_MODULO = 1 << 64


def read_sums(job: Job, place: Place, subject: Subject) -> tuple[Sums, int]:
    """Add up all records of a run; also gives how many there are."""
    if job.output == "file":
        path = Path(subject.output())
        if not path.exists():
            return Sums(0, 0, 0), 0
        with path.open("rb") as lines:
            return _add_up(lines, subject)
    command = ["kcat", "-q", "-C", "-e", "-b", place.bootstrap, "-t", subject.output()]
    with subprocess.Popen(
        [*command, "-o", "beginning"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as consumer:
        return _add_up(consumer.stdout, subject)


def _add_up(lines: Iterable[bytes], subject: Subject) -> tuple[Sums, int]:
    flows = octets = packets = origins = records = 0
    for line in lines:
        record = orjson.loads(line)
        records += 1
        flows += record.get("flows", 1)
        octets += record[subject.octets]
        packets += record["packets"]
        last_as = _LAST_AS.search(record.get(subject.as_path) or "")
        if last_as is not None:
            origins += record[subject.octets] * int(last_as[1])
    return Sums(flows, octets, packets, origins % _MODULO), records
