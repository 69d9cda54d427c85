"""A run in which routes change all the time: what that costs, and how old the answers are."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.bench import streams
from tests.bench.churn import MARKER_OCTETS
from tests.bench.far_end import BadRecordsError, add_up, marker_answers, read_frame
from tests.bench.jobs import Job
from tests.bench.loads import NEXT_HOP, Load
from tests.bench.measure import (
    QUIET_S,
    Bench,
    differences,
    dropped,
    load_tables,
    running,
    send_measured,
    undecoded,
)
from tests.bench.result import Result
from tests.bench.sender import Sender
from tests.bench.subjects import Subject
from tests.bench.traffic import FLOWS_PER_DATAGRAM, Sums

UPDATES_PER_S = 20_000
_ALONE_S = 4.0
_SPARE_S = 3.0
_MORE_GROUPS = 2  # a route that changed makes a group of its own


def measure_churn(
    bench: Bench, row: str, job: Job, load: Load, kind: type[Subject], name: str
) -> Result:
    """Send updates alone, to tell what one costs; then together with the flows."""
    traffic = load.traffic
    flows_s = len(traffic.datagrams) * FLOWS_PER_DATAGRAM / job.flows_per_s
    updates = _make_updates(load, flows_s, bench.sender)
    churn = {
        "updates": updates,
        "updates_per_s": UPDATES_PER_S,
        "address": int(NEXT_HOP),
    }
    flows = {"load": load.name, "flows_per_s": job.flows_per_s}
    told: dict[str, Any] = {}
    with bench.place(name, traffic.groups * _MORE_GROUPS) as place:
        with running(kind(job, place)) as subject:
            tree = subject.tree
            tree.wait_quiet(place.flow_port, QUIET_S)
            load_tables(bench, tree, place, load)
            before_s = tree.cpu_s()
            alone = bench.sender.ask("churn", alone_s=_ALONE_S, **churn)
            tree.wait_quiet(place.flow_port, QUIET_S, place.bmp_port)
            update_s = (tree.cpu_s() - before_s) / alone["updates"]

            def send() -> None:
                told.update(bench.sender.ask("churn", port=place.flow_port, **churn, **flows))

            cpu_s, faults = send_measured(subject, job, place, send)
            sums = traffic.sums.plus(marker_sums(len(told["flows_sent_s"])))
            figures = {
                # With what the updates cost: most of it, so what is left without them is noise.
                "us/flow": cpu_s / sums.flows * 1e6,
                "us/update": update_s * 1e6,
                "updates/s": told["updates"] / told["seconds"],
                "MiB": tree.pss_octets() / 2**20,
            }
            faults += [fault for fault in (alone["fault"], told["fault"]) if fault]
            faults += dropped(place) + undecoded(subject, sums.flows)
        try:
            records = read_frame(job, place, subject.names)
        except BadRecordsError as error:
            return Result(row, subject.name, figures, (*faults, f"bad records: {error}"))
    faults += differences(add_up(records, joined=True), sums)
    ages_s = answer_ages(marker_answers(records), told["flows_sent_s"], told["announced_s"])
    if len(ages_s) != len(told["flows_sent_s"]):
        faults.append(f"{len(ages_s)} of {len(told['flows_sent_s'])} marker flows found")
    if ages_s:
        figures["ms oldest answer"] = max(ages_s) * 1e3
        figures["ms median answer"] = float(np.median(ages_s)) * 1e3
    return Result(row, subject.name, figures, tuple(faults))


def marker_sums(count: int) -> Sums:
    """What so many marker flows add up to."""
    octets = MARKER_OCTETS
    origin = octets * streams.MARKER_AS
    return Sums(1, octets, 1, origin, origin, octets * int(NEXT_HOP)).times(count)


def answer_ages(
    answers: Sequence[tuple[int, int]], sent_s: Sequence[float], announced_s: Sequence[float]
) -> list[float]:
    """How long each answer had been out of date when its flow was sent, seconds; 0: it was not.

    Args:
        answers: (number of the flow, MED of the route it was joined with, counted from 1).
        sent_s: when each flow was sent.
        announced_s: when each MED was announced, in order.
    """
    ages = []
    for number, med in answers:
        # The announcement that made the answer old is the next one: index `med`, as MEDs are
        # counted from 1.
        if med < bisect_right(announced_s, sent_s[number]):
            ages.append(sent_s[number] - announced_s[med])
        else:
            ages.append(0.0)
    return ages


def _make_updates(load: Load, flows_s: float, sender: Sender) -> str:
    """Have enough updates: in turns over all routes, each with a MED the route did not have."""
    name = f"{load.name}-churn"
    count = int(UPDATES_PER_S * (_ALONE_S + flows_s + _SPARE_S))
    routes = np.random.default_rng(5).permutation(len(load.table))
    turns = [
        streams.churn_stream(load.table, routes[: count - start], start // len(routes))
        for start in range(0, count, len(routes))
    ]
    sender.give_messages(name, [message for turn in turns for message in turn])
    return name
