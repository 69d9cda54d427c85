"""What is published: that records, outputs and columns exist, and that a file stays readable."""

from collections.abc import Iterable, Iterator
from typing import Any

from collector.config.draft import Draft, Entry
from collector.config.model import OutputTable, PublishTable
from collector.config.record_columns import ENVELOPE, WINDOW_COLUMNS, RecordColumns
from collector.config.schema import FORMATS, OTHER_RECORDS
from collector.config.values import did_you_mean, listed

STDOUT = OutputTable("stdout", "stdout")  # the output that there is without any
_BMP = "bmp"
_LINES = ("json", "json-lines")


def check_publishing(draft: Draft, columns: RecordColumns) -> Iterator[str]:
    """Give the mistakes of [[publish]]."""
    aggregates = draft.named("aggregate")
    outputs = draft.named("output")
    for entry in draft.lists["publish"]:
        if entry.right("records"):
            records = entry["records"]
            known = (*OTHER_RECORDS, *aggregates)
            if records not in known:
                # One whose name is wrong in itself may be the one that is meant.
                if all(aggregate.right("name") for aggregate in draft.lists["aggregate"]):
                    reason = f"must be one of {listed(known)}{did_you_mean(records, known)}"
                    yield entry.mistake("records", reason)
            elif records == _BMP:
                yield from _check_events(entry)
            else:
                yield from _check_columns(entry, aggregates.get(records), columns)
        yield from _check_output(entry, draft, outputs)
    yield from _check_repeated(draft.lists["publish"])
    yield from _check_shared_files(draft.lists["publish"], outputs)


def _check_output(entry: Entry, draft: Draft, outputs: dict[str, Entry]) -> Iterator[str]:
    if not entry.right("output") or entry["output"] in outputs:
        return
    if not draft.lists["output"] and entry["output"] == STDOUT.name:
        return
    if all(output.right("name") for output in draft.lists["output"]):
        names = outputs or (STDOUT.name,)
        reason = f"must be the name of an output: {listed(names)}"
        yield entry.mistake("output", reason + did_you_mean(entry["output"], names))


def _check_events(entry: Entry) -> Iterator[str]:
    if entry.right("format") and entry["format"] == "arrow":
        forms = listed(form for form in FORMATS if form != "arrow")
        yield entry.mistake(
            "format", f'records = "bmp" can be {forms}: events differ in their keys'
        )
    for key in ("filter", "columns"):
        if key in entry.given and entry.right(key):
            yield entry.mistake(key, 'records = "bmp" have no columns')


def _check_columns(entry: Entry, aggregate: Entry | None, columns: RecordColumns) -> Iterator[str]:
    if aggregate is not None and not aggregate.right("keys", "sums"):
        return
    if entry.right("columns"):
        for position, name in enumerate(entry["columns"]):
            if reason := _why_no_column(name, aggregate, columns):
                yield entry.mistake("columns", reason, f"[{position}]", name)
    if entry.right("filter") and entry["filter"] is not None:
        yield from _check_filter(entry, aggregate, columns)


def _why_no_column(name: str, aggregate: Entry | None, columns: RecordColumns) -> str | None:
    if name in ENVELOPE:
        return "every record has it; name the others"
    if aggregate is None:
        known = name == "extra" or columns.is_flow_column(name)
        return None if known else columns.why_unknown(name)
    known = _aggregate_columns(aggregate)
    if name in known:
        return None
    return f"must be a key or a sum of {aggregate.label}{did_you_mean(name, known)}"


def _aggregate_columns(aggregate: Entry) -> tuple[str, ...]:
    return (*WINDOW_COLUMNS, *aggregate["keys"], *aggregate["sums"])


def _check_filter(entry: Entry, aggregate: Entry | None, columns: RecordColumns) -> Iterator[str]:
    # Only here: who has no filter shall not wait for polars, nor give it memory.
    from collector.records.condition import (  # noqa: PLC0415
        Condition,
        UnknownColumnsError,
        published_type,
    )

    def type_of(name: str) -> Any:
        if _why_no_column(name, aggregate, columns) is not None:
            return None
        return published_type(name, columns.registry)

    try:
        Condition(entry["filter"], type_of)
    except UnknownColumnsError as error:
        for name in error.names:
            reason = _why_no_column(name, aggregate, columns)
            if name in ENVELOPE:
                reason = "is added to a record after it was filtered"
            yield entry.mistake("filter", f'"{name}": {reason}')
    except ValueError as error:
        yield entry.mistake("filter", str(error))


def _check_repeated(entries: list[Entry]) -> Iterator[str]:
    seen: dict[tuple[Any, ...], Entry] = {}
    for entry in entries:
        if entry.right("records", "output", "filter", "topic"):
            what = tuple(entry[key] for key in ("records", "output", "filter", "topic"))
            if what in seen:
                yield entry.mistake("records", f"{seen[what].label} publishes the same there")
            seen.setdefault(what, entry)


def _check_shared_files(entries: list[Entry], outputs: dict[str, Entry]) -> Iterator[str]:
    known = {
        name: OutputTable(**output.values)
        for name, output in outputs.items()
        if output.right("type", "path")
    } or {STDOUT.name: STDOUT}
    labelled = [
        (entry.label, PublishTable(**entry.values), known[entry["output"]])
        for entry in entries
        if entry.right("records", "output", "format", "topic") and entry["output"] in known
    ]
    yield from shared_file_mistakes(labelled)


def shared_file_mistakes(
    publishes: Iterable[tuple[str, PublishTable, OutputTable]],
) -> Iterator[str]:
    """Name publications that would put records of differing formats into one file.

    Args:
        publishes: how a mistake names the publication, what it is, where it goes.
    """
    framing: dict[str, tuple[str, str]] = {}
    for label, publish, output in publishes:
        if output.type == "kafka":
            continue
        topic = publish.topic or publish.records
        place = (
            "stdout" if output.type == "stdout" else (output.path or "").replace("{topic}", topic)
        )
        form = "lines" if publish.format in _LINES else publish.format
        other_label, other = framing.setdefault(place, (label, form))
        if other != form:
            yield (
                f'{label} format = "{publish.format}": cannot stand in one file with what '
                f'{other_label} writes to {place}; use "{{topic}}" in the path, or one format'
            )
