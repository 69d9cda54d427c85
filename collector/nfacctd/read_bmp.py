"""The BMP daemon of a configuration: sessions, stream of events, dumps."""

from dataclasses import replace
from typing import Any

from collector.errors import ConfigError
from collector.nfacctd.contradictions import topic_contradictions
from collector.nfacctd.maps.allow_file import load_allow_file
from collector.nfacctd.read_kafka import Files, read_kafka
from collector.nfacctd.read_lines import Lines
from collector.nfacctd.settings import BmpDump, BmpOutput, BmpSettings

_NO_LABEL = "null"


def read_bmp(lines: Lines, files: Files) -> BmpSettings:
    """Build the settings; what is wrong goes to ``lines``."""
    values = lines.of("bmp")
    if not values.get("enabled"):
        return BmpSettings()
    values["allow"] = read_allow(lines, "bmp.allow", values.get("allow"))
    labels = values.get("msglog_label_filter", ())
    values["msglog_label_filter"] = tuple("" if label == _NO_LABEL else label for label in labels)
    return BmpSettings(
        **values,
        msglog=_output(lines, "msglog", lines.of("msglog"), "msglog_kafka", files),
        dump=_dump(lines, files),
    )


def read_allow(lines: Lines, field: str, path: str | None) -> tuple[str, ...] | None:
    """Read a file of allowed senders; None where there is none, and everybody may."""
    if path is None:
        return None
    try:
        return load_allow_file(path)
    except ConfigError as error:
        lines.mistakes += [lines.at(field, reason) for reason in error.mistakes]
        return None


def _output(
    lines: Lines, owner: str, values: dict[str, Any], kafka_owner: str, files: Files
) -> BmpOutput | None:
    kafka_values = lines.of(kafka_owner)
    if "topic" not in kafka_values:
        return BmpOutput(**values) if "file" in values else None
    if "file" in values:
        reason = "cannot be together with a Kafka topic for the same"
        lines.mistakes.append(lines.at(f"{owner}.file", reason))
        return None
    kafka = read_kafka(
        lines, kafka_values, files, lambda field, reason: lines.at(f"{kafka_owner}.{field}", reason)
    )
    # BMP has no switch for this: a key with variables has them replaced.
    kafka = replace(kafka, partition_dynamic="$" in (kafka.partition_key or ""))
    form = values.get("output", "json")
    for attribute, reason in topic_contradictions(kafka, form, has_schemas=True):
        lines.mistakes.append(lines.at(f"{kafka_owner}.{attribute}", reason))
    return BmpOutput(**values, kafka=kafka)


def _dump(lines: Lines, files: Files) -> BmpDump | None:
    target = _output(lines, "dump_target", lines.of("dump_target"), "dump_kafka", files)
    values = lines.of("dump")
    if target is None:
        return None
    if "refresh_s" not in values:
        field = "dump_kafka.topic" if target.kafka else "dump_target.file"
        reason = "bmp_dump_refresh_time is not set: no tables are dumped"
        lines.warnings.append(lines.at(field, reason))
        return None
    return BmpDump(target=target, **values)
