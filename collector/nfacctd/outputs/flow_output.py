"""The output of one plugin, as its settings say (reference 6.1, 6.3)."""

import logging
from collections.abc import Mapping
from pathlib import Path

from collector.exporters.stdout import StdoutExporter
from collector.metrics import Counters
from collector.nfacctd.outputs.avro_records import AvroRecords, Container, schema_text
from collector.nfacctd.outputs.avro_schemas import Schema, flow_schemas
from collector.nfacctd.outputs.encoding import FLOWS, Encode, json_octets
from collector.nfacctd.outputs.file_stream import (
    FileStream,
    Form,
    StdoutStream,
    column_form,
    container_form,
    object_form,
)
from collector.nfacctd.outputs.json_lines import JsonLines, json_lines_exporter
from collector.nfacctd.outputs.kafka_stream import KafkaStream, Packing, kafka_exporter
from collector.nfacctd.outputs.print_columns import aligned_row, csv_row, print_columns
from collector.nfacctd.outputs.purge_file import PurgeFileExporter, PurgeFileOptions
from collector.nfacctd.outputs.schema_registry import RegisteredExporter
from collector.nfacctd.outputs.variables import (
    Pattern,
    file_variables,
    key_variables,
    topic_variables,
)
from collector.nfacctd.settings import KafkaSettings, Plugin, PrintSettings, Settings
from collector.pipeline.batch import Exporter

Stream = KafkaStream | FileStream | StdoutStream | JsonLines

_log = logging.getLogger(__name__)


def flow_output(
    plugin: Plugin, settings: Settings, counters: Counters, lines_to: str | None
) -> tuple[Stream, Exporter]:
    """Choose what writes the records of a plugin, and what sends that.

    Args:
        lines_to: a file of JSON lines in place of Kafka.
    """
    if plugin.kafka is not None:
        if lines_to is not None:
            return JsonLines(lines_to), json_lines_exporter()
        return _kafka(plugin, plugin.kafka, settings, counters)
    assert plugin.print is not None
    form = print_form(plugin, settings, counters)
    if plugin.print.file is None:
        return StdoutStream(form), StdoutExporter(lines=form.lines)
    return _file(plugin, plugin.print, plugin.print.file, form)


def print_form(plugin: Plugin, settings: Settings, counters: Counters) -> Form:
    """Choose how a print plugin's records look."""
    match plugin.output:
        case "json":
            return object_form(json_octets, plugin.name, counters)
        case "avro" | "avro_json":
            schemas = flow_schemas(plugin, settings)
            records = AvroRecords(schemas)
            if plugin.output == "avro_json":
                return object_form(records.json, plugin.name, counters)
            return container_form(records, Container(schemas[FLOWS]), plugin.name, counters)
    columns = print_columns(plugin)
    if plugin.output.endswith("csv"):
        assert plugin.print is not None
        return column_form(columns, csv_row(plugin.print.separator))
    return column_form(columns, aligned_row)


def write_schemas(path: str, schemas: Mapping[str, Schema]) -> None:
    """Write schemas to files named by their kinds, for people: nothing reads them again."""
    for kind, schema in schemas.items():
        file = Path(f"{path}-{kind}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{schema_text(schema)}\n")
        except OSError as error:
            _log.error("avro schema file %s: %s", file, error.strerror)


def _kafka(
    plugin: Plugin, kafka: KafkaSettings, settings: Settings, counters: Counters
) -> tuple[Stream, Exporter]:
    exporter = kafka_exporter(kafka)
    encode: Encode = json_octets
    packing = Packing()
    if plugin.output == "json":
        if kafka.multi_values:
            packing = Packing(octets=kafka.multi_values, records=None)
    else:
        schemas = flow_schemas(plugin, settings)
        records = AvroRecords(schemas)
        if plugin.output == "avro_json":
            encode, packing = records.json, Packing(records=kafka.multi_values or 1)
        elif kafka.avro_schema_registry is None:
            encode = records.binary
            packing = Packing(plugin.avro_buffer_octets, kafka.multi_values or 1, b"")
        else:
            encode = records.pending
            subjects = {f"{kafka.topic}-{kind.replace('_', '-')}": s for kind, s in schemas.items()}
            exporter = RegisteredExporter(exporter, kafka.avro_schema_registry, subjects)
    variables = key_variables(plugin) if kafka.partition_dynamic else {}
    stream = KafkaStream(
        plugin.name,
        kafka,
        encode,
        packing,
        counters,
        topic=Pattern(kafka.topic, topic_variables(plugin)),
        key=None if kafka.partition_key is None else Pattern(kafka.partition_key, variables),
    )
    return stream, exporter


def _file(plugin: Plugin, target: PrintSettings, path: str, form: Form) -> tuple[Stream, Exporter]:
    variables = file_variables(plugin)
    exporter = PurgeFileExporter(
        PurgeFileOptions(
            lines=form.lines,
            header=form.header,
            period_s=None if target.append else plugin.refresh_s,
        )
    )
    stream = FileStream(
        exporter,
        form,
        Pattern(path, variables),
        None if target.latest_file is None else Pattern(target.latest_file, variables),
        utc=plugin.timestamps.utc,
        empty=target.write_empty_file,
    )
    return stream, exporter
