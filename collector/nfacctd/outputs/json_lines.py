"""JSON lines in a file, in place of Kafka: `--flow-out`, `--bmp-out`, `--dump-out`."""

from collections.abc import Iterable

from collector.exporters.file import FileExporter, FileOptions
from collector.nfacctd.outputs.encoding import Fields, json_octets
from collector.pipeline.batch import Batch


def json_lines_exporter() -> FileExporter:
    """Make the exporter: whole lines are appended, also where several workers share a file."""
    return FileExporter(FileOptions(path="{topic}"))  # the batch has the path


def json_lines_batch(path: str, records: Iterable[tuple[str, Fields]]) -> Batch:
    """Write records, each with its kind, as lines to append to a file."""
    return Batch.of(path, [(None, json_octets(kind, fields)) for kind, fields in records])
