"""Records as a consumer reads them, added up."""

import io
import re
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from socket import inet_aton

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tests.bench.churn import MARKER_DESTINATION
from tests.bench.jobs import Job, Place
from tests.bench.subjects import Names, output_of
from tests.bench.table import BenchTable
from tests.bench.traffic import Sums

_MODULO = 1 << 64
# In an event of ours with several routes, in one of nfacctd with one.
_PREFIX = re.compile(rb'"(?:ip_)?prefix": ?"([0-9.]+)/([0-9]+)"')
_TEXTS = ("as_path", "next_hop", "destination")


class BadRecordsError(Exception):
    """What a consumer got is no record of the kind asked for."""


def read_frame(job: Job, place: Place, names: Names) -> pl.DataFrame:
    """All records of a run, with the columns of `Names` as far as they have them, and ``flows``.

    Raises:
        BadRecordsError: what was published cannot be read.
    """
    if not job.arrow:
        return json_frame(_lines(job, place), names)
    try:
        parts = [pl.read_ipc_stream(octets) for octets in _messages(place)]
        return _renamed(pl.concat(parts, how="diagonal_relaxed"), names)
    except (pl.exceptions.PolarsError, ValueError) as error:  # ValueError: no message at all
        raise BadRecordsError(str(error)) from error


def add_up(records: pl.DataFrame, *, joined: bool) -> Sums:
    """Add up all records; of joined ones also what their routes said."""
    octets = records["octets"].to_numpy().astype(np.uint64)
    sums = Sums(
        int(records["flows"].sum()), int(records["octets"].sum()), int(records["packets"].sum())
    )
    if not joined:
        return sums
    origin = records["as_path"].cast(pl.String).str.extract(r"(\d+)\D*$").cast(pl.UInt64)
    hops = records["next_hop"]
    numbers = {text: int(IPv4Address(text)) for text in hops.unique().drop_nulls() if text}
    hop = hops.replace_strict(numbers, default=0, return_dtype=pl.UInt64)
    weights = (origin, records["source_origin"].cast(pl.UInt64), hop)
    return Sums(
        sums.flows,
        sums.octets,
        sums.packets,
        *(int((octets * weight.fill_null(0).to_numpy()).sum()) for weight in weights),
    )


def marker_answers(records: pl.DataFrame) -> list[tuple[int, int]]:
    """(number of a marker flow, MED it was joined with; 0 where it was not)."""
    found = records.filter(pl.col("destination") == MARKER_DESTINATION)
    return list(
        zip(found["destination_port"].to_list(), found["med"].fill_null(0).to_list(), strict=True)
    )


def routes_told(place: Place) -> tuple[int, int]:
    """Routes that the events of a run announce: their number, and the sum of `route_number`."""
    return routes_in(_consumed(place))


def routes_in(events: bytes) -> tuple[int, int]:
    """Do the same for events that were read already."""
    found = _PREFIX.findall(events)
    addresses = np.frombuffer(b"".join(inet_aton(text.decode()) for text, _ in found), ">u4")
    lengths = np.array([int(length) for _, length in found], np.uint64)
    numbers = route_number(addresses.astype(np.uint64), lengths)
    return len(found), int(numbers.sum()) % _MODULO


def routes_of(table: BenchTable) -> tuple[int, int]:
    """Give what `routes_told` should find for a table."""
    numbers = route_number(table.networks.astype(np.uint64), table.lengths.astype(np.uint64))
    return len(table), int(numbers.sum()) % _MODULO


def route_number(networks: NDArray[np.uint64], lengths: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Make one number of a prefix."""
    return networks * np.uint64(64) + lengths


def _renamed(frame: pl.DataFrame, names: Names) -> pl.DataFrame:
    columns = {
        told: wanted
        for wanted in Names.__dataclass_fields__
        if (told := getattr(names, wanted)) in frame.columns
    }
    frame = frame.rename(columns)
    missing = [name for name in ("octets", "packets") if name not in frame.columns]
    if missing:
        raise BadRecordsError(f"records without {' and '.join(missing)}")
    return frame if "flows" in frame.columns else frame.with_columns(flows=pl.lit(1, pl.UInt64))


def json_frame(lines: bytes, names: Names) -> pl.DataFrame:
    """Read records that are lines of JSON, as `read_frame` gives them."""
    schema: dict[str, type[pl.DataType]] = {}
    for wanted in Names.__dataclass_fields__:
        if told := getattr(names, wanted):
            schema[told] = pl.String if wanted in _TEXTS else pl.UInt64
    if b'"flows"' in lines[: lines.find(b"\n")]:
        schema["flows"] = pl.UInt64
    if not lines:
        return _renamed(pl.DataFrame(schema=schema), names)
    try:
        return _renamed(pl.read_ndjson(io.BytesIO(lines), schema=schema), names)
    except pl.exceptions.PolarsError as error:
        raise BadRecordsError(str(error)) from error


def _lines(job: Job, place: Place) -> bytes:
    if job.output == "kafka":
        return _consumed(place)
    path = Path(output_of(job, place))
    return path.read_bytes() if path.exists() else b""


def _consumed(place: Place) -> bytes:
    with _consumer(place) as consumer:
        return consumer.stdout.read()


def _messages(place: Place) -> Iterator[bytes]:
    """Messages of any octets: each with its length in front."""
    with _consumer(place, "-f", "%S\n%s") as consumer:
        while length := consumer.stdout.readline():
            yield consumer.stdout.read(int(length))


def _consumer(place: Place, *options: str) -> subprocess.Popen[bytes]:
    command = ["kcat", "-q", "-C", "-e", "-b", place.bootstrap, "-t", place.topic]
    return subprocess.Popen(
        [*command, "-o", "beginning", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
