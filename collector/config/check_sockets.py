"""What workers, steering and listening addresses must not contradict in each other."""

import os
from collections.abc import Iterator
from ipaddress import ip_address

from collector.config.draft import Draft, Entry
from collector.config.model import DEFAULT_PORTS
from collector.config.schema import MAX_SLOTS


def check_sockets(draft: Draft) -> Iterator[str]:
    """Give the mistakes of [collector] workers, [steering] and [[listen]]."""
    yield from _check_steering(draft.tables["collector"], draft.tables["steering"])
    yield from _check_listen(draft.lists["listen"])


def worker_count(configured: int) -> int:
    """Tell how many workers [collector] workers means here: 0 is one for each core."""
    return configured or len(os.sched_getaffinity(0))


def _check_steering(collector: Entry, steering: Entry) -> Iterator[str]:
    if collector.right("workers"):
        workers = worker_count(collector["workers"])
        if workers > MAX_SLOTS:
            reason = f"one a core is {workers} here, but {MAX_SLOTS} are the most: set a number"
            yield collector.mistake("workers", reason)
        if steering.right("mode") and steering["mode"] == "off" and workers > 1:
            reason = (
                f"there are {workers} workers, and without steering a device's flows and its BMP"
                " session would come to different ones: set [collector] workers = 1"
            )
            yield steering.mistake("mode", reason)
        for bucket, slot in steering["buckets"].items():
            if slot >= workers:
                reason = f"is not one of the {workers} workers, which count from 0"
                yield steering.mistake("buckets", reason, f".{bucket}", slot)
    if steering.right("mode") and steering["mode"] == "cbpf" and steering["buckets"]:
        yield steering.mistake("mode", 'cannot move buckets; use "ebpf", or no buckets')


def _check_listen(entries: list[Entry]) -> Iterator[str]:
    earlier: list[Entry] = []
    for entry in entries:
        if not entry.right("kind", "address", "port"):
            continue
        for other in earlier:
            if entry["kind"] == other["kind"] and _port(entry) == _port(other):
                if entry["address"] == other["address"]:
                    yield entry.mistake("address", f"{other.label} listens there already")
                elif _covers(other["address"], entry["address"]) or _covers(
                    entry["address"], other["address"]
                ):
                    reason = (
                        f'{other.label} on "{other["address"]}" has the same port: one is enough'
                    )
                    yield entry.mistake("address", reason)
        earlier.append(entry)


def _port(entry: Entry) -> int:
    return entry["port"] or DEFAULT_PORTS[entry["kind"]]


def _covers(wide: str, narrow: str) -> bool:
    """Tell whether a socket on the one address takes what comes to the other too."""
    return wide == "::" or (wide == "0.0.0.0" and ip_address(narrow).version == 4)
