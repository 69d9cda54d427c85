"""Records to files and standard output: names with variables and times, and forms (6.3)."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from collector.metrics import Counters
from collector.nfacctd.outputs.avro_records import AvroRecords, Container
from collector.nfacctd.outputs.encoding import FLOWS, Encode, Entry, Fields, json_octets
from collector.nfacctd.outputs.print_columns import Column, cells
from collector.nfacctd.outputs.purge_file import PurgeFileExporter
from collector.nfacctd.outputs.variables import Pattern, Values
from collector.pipeline.batch import Batch

Row = Callable[[Sequence[str], Sequence[Column]], bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """How records look in a file.

    Attributes:
        messages: writes records; what it returns is joined by newlines where ``lines``.
        header: what a file begins with.
        takes_octets: a record may be the JSON object of it.
    """

    messages: Callable[[Sequence[Entry]], list[bytes]]
    header: bytes = b""
    lines: bool = True
    takes_octets: bool = False


def object_form(encode: Encode, name: str, counters: Counters, *, lines: bool = True) -> Form:
    """Give the form of one object a record, as JSON; or octets back to back."""
    return Form(
        lambda entries: _encoded(entries, encode, name, counters),
        lines=lines,
        takes_octets=encode is json_octets,
    )


def container_form(
    records: AvroRecords, container: Container, name: str, counters: Counters
) -> Form:
    """Give the form of Avro's object container files."""

    def messages(entries: Sequence[Entry]) -> list[bytes]:
        # A container has one schema, and markers another.
        data = [entry for entry in entries if entry.kind == FLOWS]
        encoded = _encoded(data, records.binary, name, counters)
        return [container.block(encoded)] if encoded else []

    return Form(messages, container.header, lines=False)


def column_form(columns: Sequence[Column], row: Row) -> Form:
    """Give the form of columns, with their titles at the start of a file."""

    def message(entry: Entry) -> bytes:
        if entry.kind != FLOWS:
            return _marker(entry.fields)
        return row(cells(entry.fields, columns), columns)

    header = row([column.title for column in columns], columns) + b"\n"
    return Form(lambda entries: [message(entry) for entry in entries], header)


def _encoded(
    entries: Sequence[Entry], encode: Encode, name: str, counters: Counters
) -> list[bytes]:
    octets = []
    for entry in entries:
        try:
            octets.append(encode(entry.kind, entry.fields))
        except ValueError:
            counters.add(f"nfacctd_unwritable.{name}")
    return octets


def _marker(fields: Fields) -> bytes:
    word = "START" if fields["event_type"] == "purge_init" else "END"
    return f"--{word} ({fields['writer_id'].rpartition('/')[2]})--".encode()


class StdoutStream:
    """Makes batches for standard output."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self.takes_octets = form.takes_octets

    def batches(self, entries: Iterable[Entry]) -> list[Batch]:
        """Write records, in order."""
        messages = [(None, octets) for octets in self._form.messages(list(entries))]
        return [Batch.of("", messages)] if messages else []


class FileStream:
    """Makes batches for files.

    Args:
        path: of the file; strftime comes after the variables.
        latest: of the link to it.
        utc: times of names are UTC, not local.
        times: names have strftime's conversions; those of the BMP log have not.
        empty: a purge without a record writes a file too.
    """

    def __init__(
        self,
        exporter: PurgeFileExporter,
        form: Form,
        path: Pattern,
        latest: Pattern | None,
        *,
        utc: bool,
        times: bool = True,
        empty: bool = False,
    ) -> None:
        self._exporter = exporter
        self._form = form
        self._path = path
        self._latest = latest
        self._utc = utc
        self._times = times
        self._empty = empty

    @property
    def takes_octets(self) -> bool:
        """Whether it needs no more of a record than its JSON object."""
        names = [self._path] if self._latest is None else [self._path, self._latest]
        return self._form.takes_octets and all(name.is_constant for name in names)

    def batches(self, entries: Iterable[Entry]) -> list[Batch]:
        """Write records; those of one file keep their order."""
        files: dict[str, list[Entry]] = {}
        for entry in entries:
            files.setdefault(self._name(self._path, entry.values, entry.time_s), []).append(entry)
        batches = []
        for path, of_file in files.items():
            first = of_file[0]
            batches.append(self._batch(path, of_file, first.values, first.time_s))
        return batches

    def nothing(self, time_s: int) -> list[Batch]:
        """Write that a purge has no records, if that is wanted."""
        if not self._empty:
            return []
        return [self._batch(self._name(self._path, {}, time_s), [], {}, time_s)]

    def _batch(self, path: str, entries: list[Entry], values: Values, time_s: int) -> Batch:
        if self._latest is not None:
            self._exporter.link(path, self._name(self._latest, values, time_s))
        messages = [(None, octets) for octets in self._form.messages(entries)]
        # How many records a message of a container holds makes no difference to a file.
        return Batch(path, messages, len(entries), sum(len(octets) for _, octets in messages))

    def _name(self, pattern: Pattern, values: Values, time_s: int) -> str:
        text = pattern.expand(values)
        if not self._times:
            return text
        moment = time.gmtime(time_s) if self._utc else time.localtime(time_s)
        return time.strftime(text, moment)
