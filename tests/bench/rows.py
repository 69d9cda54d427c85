"""The rows of the table: which job, with which load, beside whom, and what it is a multiple of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.bench.churn_run import measure_churn
from tests.bench.jobs import Job
from tests.bench.latency import measure_latency
from tests.bench.loads import Load, LoadSpec
from tests.bench.measure import Bench, measure_flows
from tests.bench.result import Result
from tests.bench.slope import measure_slope
from tests.bench.start import measure_start
from tests.bench.subjects import Subject
from tests.bench.table_runs import load_further, measure_events
from tests.bench.way_in import measure_way_in

Measure = Callable[[Bench, str, Job, Load, type[Subject], str], Result]
"""(bench, name of the row, job, load, whom to measure, name of the run)."""

_BOTH, _OURS = ("ours", "nfacctd"), ("ours",)
_PER_FLOW, _PER_ROUTE = ("us/flow",), ("us/route", "octets/route")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        load: a key of `LOADS`.
        figures: units whose ratios the tables show; the ratio guard watches the first.
        beside: further units to show.
        subjects: whom to measure, by name: who offers the work.
        base: the row of ours that this one is a multiple of.
        rounds: at most so many.
        needs: programs that must be there for others than ours.
    """

    name: str
    what: str
    job: Job
    load: str = "plain"
    measure: Measure = measure_flows
    figures: tuple[str, ...] = _PER_FLOW
    subjects: tuple[str, ...] = _BOTH
    base: str = ""
    beside: tuple[str, ...] = ()
    rounds: int = 99
    needs: tuple[str, ...] = ()

    @property
    def needs_kafka(self) -> bool:
        """Whether a broker must run."""
        return self.job.output == "kafka"


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
    "way-in": LoadSpec(routes=0.02, devices=100),
}

_NOTHING = Job("none", output="none", flows_per_s=100_000, repeat=3)
_SUMS = Job("sums")
_JOINED = Job("sums", joined=True, flows_per_s=50_000)
_EVERY = Job("flows", flows_per_s=20_000)
_EVERY_JOINED = Job("flows", joined=True, flows_per_s=25_000)
_ARROW = Job("flows", joined=True, arrow=True, flows_per_s=50_000)
_EVENTS = Job("events", joined=True)
_FILE = Job("flows", output="file", every_column=True)
_LONG = Job("sums", joined=True, flows_per_s=30_000)
_BEHIND = Job("sums", joined=True, output="file", flows_per_s=50_000)

_FURTHER = partial(measure_flows, loading=load_further)
_PER_FURTHER = ("octets/further route", "us/further route")
_ANSWERS = ("us/update", "updates/s", "ms oldest answer", "ms median answer")
_LATENCY = ("ms median", "ms worst")
_KAFKA_ALONE = ("ms median without collector", "ms worst without collector")
_START = ("s to first datagram", "MiB with one worker", "MiB each further worker")
_WAY_IN, _AND_JOIN = ("CPU s", "MiB"), ("% of octets joined",)


def _table() -> tuple[Row, ...]:
    return (
        Row("A", "decode only", _NOTHING),
        Row("B", "sums over 14 keys, JSON to Kafka", _SUMS),
        Row("C", "B joined with a full table", _JOINED),
        Row("C2", "C, 30 peers in two views", _JOINED, "peers", subjects=_OURS, base="C"),
        Row("C3", "C, every source address at random", _JOINED, "flood", base="C"),
        Row("C4", "C, 4 devices, own next hops", _JOINED, "own", subjects=_OURS, base="C"),
        Row("C4n", "C2, flows name a next hop", _JOINED, "named", subjects=_OURS, base="C"),
        Row("D", "every flow, joined, JSON to Kafka", _EVERY_JOINED),
        Row("D0", "every flow, JSON to Kafka", _EVERY, subjects=(*_BOTH, "goflow2")),
        Row("E", "every flow, joined, Arrow to Kafka", _ARROW, subjects=_OURS, base="D"),
        Row("F", "a full table", _EVERY_JOINED, "probe", figures=_PER_ROUTE),
        Row("G", "F, every route as a JSON event", _EVENTS, "plain", measure_events, ("us/route",)),
        Row("H100", "B, 100 devices", _SUMS, "100", base="B"),
        Row("H2000", "B, 2000 devices", _SUMS, "2000", base="B"),
        Row("I2", "H100, 2 workers", Job("sums", workers=2), "100", subjects=_OURS, base="H100"),
        Row("I4", "H100, 4 workers", Job("sums", workers=4), "100", subjects=_OURS, base="H100"),
        Row("J", "50 devices, the same routes", _JOINED, "same", _FURTHER, _PER_FURTHER),
        Row("J2", "J, own next hops", _JOINED, "same-own", _FURTHER, _PER_FURTHER, _OURS, base="J"),
        Row(
            name="K",
            what="C, 20 000 updates/s, theirs included",
            job=_JOINED,
            measure=measure_churn,
            subjects=_OURS,
            base="C",
            beside=_ANSWERS,
        ),
        Row(
            name="L",
            what="datagram to consumer",
            job=_EVERY,
            measure=measure_latency,
            figures=_LATENCY,
            subjects=_OURS,
            beside=_KAFKA_ALONE,
        ),
        Row("M", "start; idle", _FILE, "probe", measure_start, _START, _OURS),
        Row(
            name="N",
            what="the way in of 2 workers",
            job=_BEHIND,
            load="way-in",
            measure=measure_way_in,
            figures=_WAY_IN,
            beside=_AND_JOIN,
            needs=("haproxy",),
        ),
        Row(
            name="S",
            what="C for minutes",
            job=_LONG,
            measure=measure_slope,
            subjects=_OURS,
            base="C",
            beside=("MiB/minute",),
            rounds=1,
        ),
    )


ROWS = {row.name: row for row in _table()}
