"""The outputs of BMP records: the log's and the dumps' (reference 3.6)."""

from collector.metrics import Counters
from collector.nfacctd.outputs.avro_records import AvroRecords
from collector.nfacctd.outputs.avro_schemas import bmp_schemas
from collector.nfacctd.outputs.encoding import Encode, json_octets
from collector.nfacctd.outputs.file_stream import FileStream, object_form
from collector.nfacctd.outputs.flow_output import Stream
from collector.nfacctd.outputs.json_lines import JsonLines, json_lines_exporter
from collector.nfacctd.outputs.kafka_stream import KafkaStream, Packing, kafka_exporter
from collector.nfacctd.outputs.purge_file import PurgeFileExporter, PurgeFileOptions
from collector.nfacctd.outputs.schema_registry import RegisteredExporter
from collector.nfacctd.outputs.variables import ROUTER_VARIABLES, Pattern
from collector.nfacctd.settings import BmpOutput, Settings
from collector.pipeline.batch import Exporter


def bmp_output(
    name: str,
    output: BmpOutput,
    settings: Settings,
    counters: Counters,
    *,
    lines_to: str | None,
    period_s: int | None,
) -> tuple[Stream, Exporter]:
    """Choose what writes the records of one BMP output, and what sends that.

    Args:
        name: of the output, in counters.
        lines_to: a file of JSON lines in place of what the conf says.
        period_s: between dumps; None: the log, whose files only grow.
    """
    if lines_to is not None:
        return JsonLines(lines_to), json_lines_exporter()
    if output.kafka is not None:
        return _kafka(name, output, settings, counters)
    assert output.file is not None
    encode: Encode = json_octets
    if output.output != "json":
        records = AvroRecords(bmp_schemas(settings.bmp, output, settings))
        encode = records.json if output.output == "avro_json" else records.binary
    form = object_form(encode, name, counters, lines=output.output != "avro")
    exporter = PurgeFileExporter(PurgeFileOptions(lines=form.lines, period_s=period_s))
    latest = output.latest_file
    stream = FileStream(
        exporter,
        form,
        Pattern(output.file, ROUTER_VARIABLES),
        None if latest is None else Pattern(latest, ROUTER_VARIABLES),
        utc=settings.timestamps.utc,
        times=period_s is not None,
    )
    return stream, exporter


def _kafka(
    name: str, output: BmpOutput, settings: Settings, counters: Counters
) -> tuple[Stream, Exporter]:
    kafka = output.kafka
    assert kafka is not None
    exporter = kafka_exporter(kafka)
    encode: Encode = json_octets
    if output.output != "json":
        schemas = bmp_schemas(settings.bmp, output, settings)
        records = AvroRecords(schemas)
        if output.output == "avro_json":
            encode = records.json_text
        elif kafka.avro_schema_registry is None:
            encode = records.binary
        else:
            encode = records.pending
            subjects = {f"{kafka.topic}-{kind}": schema for kind, schema in schemas.items()}
            exporter = RegisteredExporter(exporter, kafka.avro_schema_registry, subjects)
    variables = ROUTER_VARIABLES if kafka.partition_dynamic else {}
    stream = KafkaStream(
        name,
        kafka,
        encode,
        Packing(),
        counters,
        topic=Pattern(kafka.topic, ROUTER_VARIABLES),
        key=None if kafka.partition_key is None else Pattern(kafka.partition_key, variables),
    )
    return stream, exporter
