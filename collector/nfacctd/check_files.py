"""The files that settings name: read, or asked for, once before any socket is bound."""

from collections.abc import Iterator
from pathlib import Path

from collector.config.files import FileError, check_appendable
from collector.errors import ConfigError
from collector.nfacctd.librdkafka import read_librdkafka
from collector.nfacctd.maps.agent_map import AgentMap
from collector.nfacctd.maps.bmp_tag_map import BmpTagMap
from collector.nfacctd.maps.flow_to_rd_map import FlowToRdMap
from collector.nfacctd.maps.networks_file import NetworksFile
from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.maps.sampling_map import SamplingMap
from collector.nfacctd.outputs.kafka_stream import kafka_options
from collector.nfacctd.settings import KafkaSettings, Settings

_OUT_FILES = ("flow_out", "bmp_out", "dump_out")


def check_files(settings: Settings) -> None:
    """Load all maps and certificates once, and ask whether files of records can be written.

    Raises:
        ConfigError: all that is wrong, as "file:line: reason" where a line is.
    """
    mistakes: list[str] = []
    for check in (check_maps, _check_certificates, _check_out_files):
        try:
            check(settings)
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(mistakes)


def check_maps(settings: Settings) -> None:
    """Load all maps once, so that their mistakes show before the start.

    Raises:
        ConfigError: the mistakes of all maps, as "file:line: reason".
    """
    maps = [
        (PreTagMap, settings.pre_tag_map),
        *((PreTagMap, plugin.pre_tag_map) for plugin in settings.plugins),
        (FlowToRdMap, settings.flow_to_rd_map),
        (SamplingMap, settings.sampling_map),
        (AgentMap, settings.agent_map),
        (BmpTagMap, settings.bmp.tag_map),
        (NetworksFile, settings.networks.file),
    ]
    mistakes: list[str] = []
    for kind, path in dict.fromkeys(maps):
        try:
            if path is not None:
                kind.load(path)
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(list(dict.fromkeys(mistakes)))


def librdkafka_warnings(settings: Settings) -> list[str]:
    """Give the lines of librdkafka's files that are passed over, as "file:line: reason"."""
    files = dict.fromkeys(kafka.connection.librdkafka_file for kafka in _topics(settings))
    return [line for path in files if path for line in read_librdkafka(path).warnings]


def _check_certificates(settings: Settings) -> None:
    mistakes: list[str] = []
    for kafka in _topics(settings):
        try:
            if (tls := kafka_options(kafka).tls) is not None:
                tls.context()
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(list(dict.fromkeys(mistakes)))


def _topics(settings: Settings) -> Iterator[KafkaSettings]:
    bmp = settings.bmp
    targets = (*settings.plugins, bmp.msglog, bmp.dump and bmp.dump.target)
    return (target.kafka for target in targets if target is not None and target.kafka is not None)


def _check_out_files(settings: Settings) -> None:
    mistakes = []
    for name in _OUT_FILES:
        path = getattr(settings, name)
        try:
            if path is not None:
                check_appendable(Path(path))
        except FileError as error:
            mistakes.append(f"{name} {path}: {error}")
    if mistakes:
        raise ConfigError(mistakes)
