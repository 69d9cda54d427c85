"""The rows of the table: which job, with which load, beside whom, and what it is a multiple of."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.jobs import Job
from tests.bench.loads import LoadSpec
from tests.bench.measure import Bench, measure_flows
from tests.bench.result import Result
from tests.bench.subjects import Subject

_BOTH = ("ours", "nfacctd")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        figures: units that the table shows, the one that the ratio guard watches first.
        subjects: whom to measure, by name: who offers the work.
        base: the row of ours that this one is a multiple of.
        rounds: at most so many; long rows have fewer.
        needs_kafka: whether a broker must run.
    """

    name: str
    what: str
    measure: Callable[[Bench, "Row", type[Subject], str], Result]
    load: str = "plain"
    job: Job | None = None
    figures: tuple[str, ...] = ("us/flow",)
    subjects: tuple[str, ...] = _BOTH
    base: str = ""
    rounds: int = 99
    needs_kafka: bool = True


def _flows(bench: Bench, row: Row, kind: type[Subject], name: str) -> Result:
    assert row.job is not None
    return measure_flows(bench, row.name, row.job, bench.load(row.load), kind, name)


LOADS = {
    "plain": LoadSpec(),
    "probe": LoadSpec(flows=0.04),
    "flood": LoadSpec(flood=True),
    "peers": LoadSpec(tables="peers"),
    "named": LoadSpec(tables="named"),
    "own": LoadSpec(devices=4, tables="own"),
    "100": LoadSpec(devices=100),
    "2000": LoadSpec(devices=2000),
    "same": LoadSpec(flows=0.1, routes=0.2, devices=50),
    "same-own": LoadSpec(flows=0.1, routes=0.2, devices=50, tables="own"),
}

_ROUTES = ("us/route", "octets/route")
_SUMS, _JOINED = Job("sums"), Job("sums", joined=True, flows_per_s=50_000)
_OURS = ("ours",)

ROWS = {
    row.name: row
    for row in (
        Row(
            "A",
            "decode only",
            _flows,
            job=Job("none", output="none", repeat=3, flows_per_s=100_000),
            needs_kafka=False,
        ),
        Row("B", "sums over 14 keys, JSON to Kafka", _flows, job=_SUMS),
        Row("C", "B joined, 1 M routes", _flows, job=_JOINED),
        Row(
            "C2", "C, 30 peers in two views", _flows, "peers", _JOINED, subjects=_OURS, base="C"
        ),
        Row("C3", "C, every source address at random", _flows, "flood", _JOINED, base="C"),
        Row(
            "C4", "C, 4 devices, each own next hops", _flows, "own", _JOINED,
            subjects=_OURS, base="C",
        ),
        Row(
            "C4n", "C2, each flow names one of 6 next hops", _flows, "named", _JOINED,
            subjects=_OURS, base="C",
        ),
        Row(
            "D0", "every flow, JSON to Kafka", _flows, job=Job("flows", flows_per_s=20_000),
            subjects=(*_BOTH, "goflow2"),
        ),
        Row(
            "D", "D0 joined", _flows, job=Job("flows", joined=True, flows_per_s=25_000)
        ),
        Row(
            "E", "D as Arrow IPC batches", _flows,
            job=Job("flows", joined=True, arrow=True), subjects=_OURS, base="D",
        ),
        Row(
            "F", "1 M routes into the tables", _flows, "probe",
            Job("flows", joined=True), figures=_ROUTES,
        ),
        Row("H100", "B, 100 devices", _flows, "100", _SUMS, base="B"),
        Row("H2000", "B, 2000 devices", _flows, "2000", _SUMS, base="B"),
        Row(
            "I2", "H100, 2 workers", _flows, "100", Job("sums", workers=2),
            subjects=_OURS, base="H100",
        ),
        Row(
            "I4", "H100, 4 workers", _flows, "100", Job("sums", workers=4),
            subjects=_OURS, base="H100",
        ),
    )
}
