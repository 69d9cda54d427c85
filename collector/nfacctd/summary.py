"""What settings make, line by line: for those who check a configuration before they run it."""

import json
from collections.abc import Iterator

from collector.nfacctd.settings import BmpOutput, KafkaSettings, Plugin, Settings


def summary(settings: Settings) -> Iterator[str]:
    """Tell each stream of records: what is in it, in which form, and where it goes."""
    for plugin in settings.plugins:
        count = len(plugin.aggregate)
        what = f"{count} primitive{'' if count == 1 else 's'}, purged each {plugin.refresh_s} s"
        yield f'plugin "{plugin.name}" ({what}): {_flows_to(plugin, settings.flow_out)}'
    bmp = settings.bmp
    if bmp.msglog is not None:
        yield f"BMP events: {_bmp_to(bmp.msglog, settings.bmp_out)}"
    if bmp.dump is not None:
        where = _bmp_to(bmp.dump.target, settings.dump_out)
        yield f"BMP tables each {bmp.dump.refresh_s} s: {where}"


def _flows_to(plugin: Plugin, out: str | None) -> str:
    if plugin.kafka is not None:
        return _kafka(plugin.kafka, plugin.output, out)
    path = plugin.print.file if plugin.print is not None else None
    return f"{plugin.output} to {'standard output' if path is None else f'file {path}'}"


def _bmp_to(target: BmpOutput, out: str | None) -> str:
    if target.kafka is not None:
        return _kafka(target.kafka, target.output, out)
    return f"{target.output} to file {target.file}"


def _kafka(kafka: KafkaSettings, form: str, out: str | None) -> str:
    if out is not None:
        return f"JSON lines to file {out}, in place of Kafka"
    connection = kafka.connection
    ways = [way for way, used in (("TLS", connection.tls), ("login", _login(kafka))) if used]
    beside = f" with {' and '.join(ways)}" if ways else ""
    where = f"Kafka at {', '.join(connection.brokers)}{beside}, topic {json.dumps(kafka.topic)}"
    return f"{form} to {where}"


def _login(kafka: KafkaSettings) -> bool:
    return kafka.connection.sasl_mechanism is not None
