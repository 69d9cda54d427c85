"""JSON lines in a file, in place of Kafka: `--flow-out`, `--bmp-out`, `--dump-out`."""

from collections.abc import Iterable

from collector.exporters.file import FileExporter, FileOptions
from collector.nfacctd.outputs.encoding import Entry, json_octets
from collector.pipeline.batch import Batch


def json_lines_exporter() -> FileExporter:
    """Make the exporter: whole lines are appended, also where several workers share a file.

    It notices by itself that a file was moved away, so that no signal is needed.
    """
    return FileExporter(FileOptions(path="{topic}"))  # a batch of ours has the path


class JsonLines:
    """Makes batches of records, in the shape that the conf asks for, for one file."""

    takes_octets = True

    def __init__(self, path: str) -> None:
        self._path = path

    def batches(self, entries: Iterable[Entry]) -> list[Batch]:
        """Write records as lines, in order."""
        lines = [(None, json_octets(entry.kind, entry.fields)) for entry in entries]
        return [Batch.of(self._path, lines)] if lines else []
