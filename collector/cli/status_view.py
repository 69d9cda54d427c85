"""The status of the running service as tables for people."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

Json = dict[str, Any]
_NONE = "-"


def status_view(status: Json) -> RenderableType:
    """Make the whole page: service, workers, devices, counters that are not zero."""
    return Group(
        f"collector, pid {status['pid']}, up {duration(status['uptime_s'])}",
        f"listens on {', '.join(status['listen'])}",
        status["steering"],
        "",
        _workers(status["workers"]),
        "",
        _devices(status["devices"]),
        "",
        _counters(status["counters"]),
    )


def duration(seconds: float) -> str:
    """Write a time span with its two largest units: "1 d 4 h", "12.3 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest_s = divmod(int(seconds), 60)
    hours, rest_min = divmod(minutes, 60)
    days, rest_h = divmod(hours, 24)
    if days:
        return f"{days} d {rest_h} h"
    return f"{hours} h {rest_min} min" if hours else f"{minutes} min {rest_s} s"


def _table(title: str, *columns: str, numbers: Iterable[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=True)
    return table


def _workers(workers: list[Json]) -> RenderableType:
    numbers = ("slot", "pid", "starts", "flow records", "BMP messages")
    table = _table("Workers", "slot", "pid", "starts", "state", *numbers[3:], numbers=numbers)
    for worker in workers:
        state = "ready" if worker["ready"] else "not ready"
        counters = worker["counters"]
        table.add_row(
            str(worker["slot"]),
            str(worker["pid"] or _NONE),
            str(worker["incarnation"]),
            worker.get("error") or state,
            str(counters.get("flow_records", 0)),
            str(counters.get("bmp_messages", 0)),
        )
    return table


def _devices(devices: list[Json]) -> RenderableType:
    if not devices:
        return "No device has been seen yet."
    numbers = ("slot", "templates", "gaps", "lost", "skew s", "peers up", "routes")
    table = _table(
        "Devices",
        "device",
        "slot",
        "name",
        "flows seen",
        "BMP seen",
        *numbers[1:],
        "tables",
        numbers=numbers,
    )
    for device in sorted(devices, key=lambda entry: (entry["slot"], entry["device"])):
        table.add_row(*_device_row(device))
    return table


def _device_row(device: Json) -> Iterator[str]:
    exporters, sessions = device["exporters"], device["bmp_sessions"]
    rib = device["rib"] or {}
    names = dict.fromkeys(session["system_name"] for session in sessions)
    yield device["device"]
    yield str(device["slot"])
    yield ", ".join(name for name in names if name) or _NONE
    yield _last_seen(exporters)
    yield _last_seen(sessions)
    yield str(sum(domain["templates"] for domain in exporters)) if exporters else _NONE
    yield str(sum(domain["sequence_gaps"] for domain in exporters)) if exporters else _NONE
    yield str(sum(domain["lost"] for domain in exporters)) if exporters else _NONE
    # The one that is wrong by most: of many clocks in a chassis one is enough to spoil times.
    skews = [domain["clock_skew_s"] for domain in exporters]
    yield f"{max(skews, key=abs):+.1f}" if skews else _NONE
    yield f"{rib['peers_up']}/{rib['peers']}" if rib else _NONE
    yield str(rib["routes"]) if rib else _NONE
    yield rib.get("state", _NONE)


def _last_seen(sources: list[Json]) -> str:
    return f"{duration(min(source['last_seen_s'] for source in sources))} ago" if sources else _NONE


def _counters(counters: dict[str, int]) -> RenderableType:
    if not any(counters.values()):
        return "Nothing has been counted yet."
    table = _table("Counters", "name", "reason", "count", numbers=("count",))
    for name, count in sorted(counters.items()):
        if count:
            subject, _, reason = name.partition(".")
            table.add_row(subject, reason, str(count))
    return table
