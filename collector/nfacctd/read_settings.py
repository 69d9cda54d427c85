"""An nfacctd.conf in, settings out, or all of its mistakes at once.

Two kinds of mistakes: what nfacctd ends at, too; and what only we refuse unless told to be lenient:
keys and values that we do not support, and values that nfacctd ignores with a warning.
"""

from dataclasses import dataclass

from collector.config.values import printable
from collector.errors import ConfigError
from collector.nfacctd.conf import Conf, parse_conf, read_conf
from collector.nfacctd.librdkafka import Properties
from collector.nfacctd.read_bmp import read_allow, read_bmp
from collector.nfacctd.read_lines import Judgement, Lines, read_lines
from collector.nfacctd.read_plugins import read_plugins
from collector.nfacctd.settings import Networks, Settings, Timestamps


@dataclass(frozen=True, slots=True)
class Reading:
    """What a configuration says.

    Attributes:
        judgements: what becomes of each line, `plugins` first.
        properties: librdkafka's files that it names.
        refused: what kept it from starting, were it not lenient.
        warnings: what is passed over.
    """

    settings: Settings
    judgements: tuple[Judgement, ...]
    properties: tuple[Properties, ...]
    refused: tuple[str, ...]
    warnings: tuple[str, ...]


def read_file(path: str, *, lenient: bool = False) -> Reading:
    """Read a configuration file.

    Raises:
        ConfigError: all mistakes at once, as "file:line: key: reason".
    """
    return _read(read_conf(path), lenient)


def read_text(text: str, path: str, *, lenient: bool = False) -> Reading:
    """Read the text of a configuration; messages name it ``path``.

    Raises:
        ConfigError: all mistakes at once, as "file:line: key: reason".
    """
    return _read(parse_conf(text, path), lenient)


def _read(conf: Conf, lenient: bool) -> Reading:
    lines = read_lines(conf)
    files: dict[str, Properties] = {}
    settings = _settings(lines, files)
    mistakes = [*lines.mistakes, *([] if lenient else lines.refused)]
    if mistakes:
        raise ConfigError(_by_line(conf, mistakes))
    return Reading(
        settings,
        tuple(lines.judgements),
        tuple(files.values()),
        tuple(_by_line(conf, lines.refused)),
        tuple(_by_line(conf, lines.warnings)),
    )


def _by_line(conf: Conf, told: list[str]) -> list[str]:
    """Sort what is told by the lines of the file, other files last; nothing twice."""
    start = f"{printable(conf.path)}:"

    def number(text: str) -> float:
        digits = text.removeprefix(start).partition(":")[0]
        return int(digits) if text.startswith(start) and digits.isdecimal() else float("inf")

    return sorted(dict.fromkeys(told), key=number)


def _settings(lines: Lines, files: dict[str, Properties]) -> Settings:
    core = lines.of("core") | lines.of("writer") | lines.of("tags")
    core["allow"] = read_allow(lines, "core.allow", core.get("allow"))
    return Settings(
        **core,
        timestamps=Timestamps(**lines.of("timestamps")),
        networks=Networks(**lines.of("networks")),
        plugins=read_plugins(lines, files),
        bmp=read_bmp(lines, files),
    )
