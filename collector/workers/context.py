"""What a worker gives the parts inside it, whichever they are."""

from collections.abc import Callable
from dataclasses import dataclass

from collector.metrics import Counters
from collector.workers.flow_path import Report
from collector.workers.guard import Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext:
    """One worker as its assembly sees it.

    Attributes:
        slot, slots: this worker's place among all.
        incarnation: how many workers this slot has had.
        guard: what fails unforeseen costs no more than itself.
        report: takes what a successor should know.
        hint: takes (kind, device, names) of what seems to be one router; see `alias_hints.py`.
        batch_closed: called when the octets of the datagrams read so far are needed no more.
        failed: called when an output is gone for good.
    """

    slot: int
    slots: int
    incarnation: int
    counters: Counters
    guard: Guard
    report: Report
    hint: Callable[[str, str, set[str]], None]
    batch_closed: Callable[[], None]
    failed: Callable[[], None]
