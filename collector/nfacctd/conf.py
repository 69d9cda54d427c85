"""The syntax of pmacct's configuration files: lines of `key: value`, some for one plugin alone.

| key | : | value |    or    | key | [plugin] | : | value |

What the keys mean is told in `keys.py`. Everything here was found by running nfacctd 1.7.7 on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.config.values import printable
from collector.errors import ConfigError

MAX_LINE_CHARACTERS = 10_240
_MAX_OCTETS = 16 << 20
_COMMENT_SIGNS = ("!", "#")


@dataclass(frozen=True, slots=True)
class Line:
    """One line that sets a key."""

    number: int  # the first line of the file is 1
    key: str  # lower case, without blanks
    symbol: str | None  # the plugin's name in brackets, as it is written
    value: str  # without the blanks around it

    @property
    def written(self) -> str:
        """The line as an operator reads it."""
        symbol = "" if self.symbol is None else f"[{self.symbol}]"
        return printable(f"{self.key}{symbol}: {self.value}")


@dataclass(frozen=True, slots=True)
class PluginName:
    """One plugin that `plugins` names."""

    type: str  # lower case; what nfacctd has not is told by `keys.py`
    name: str


@dataclass(slots=True)
class Conf:
    """One configuration file.

    Attributes:
        path: how messages name the file.
        lines: in the file's order, without the one of `plugins`.
        plugins_line: the line of `plugins`, the first if there are several.
        mistakes: what nfacctd ends at, as "file:line: reason".
        warnings: what nfacctd passes over with a warning.
    """

    path: str
    lines: list[Line] = field(default_factory=list)
    plugins: tuple[PluginName, ...] = ()
    plugins_line: Line | None = None
    mistakes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def at(self, number: int, reason: str) -> str:
        """Write what is to be said of a line."""
        return printable(f"{self.path}:{number}: {reason}")


def read_conf(path: str) -> Conf:
    """Read a configuration file.

    Raises:
        ConfigError: it cannot be read, or is far too large to be one.
    """
    try:
        if not Path(path).is_file():  # a named pipe would make us wait for its writer
            raise ConfigError([printable(f"{path}: is no file that can be read")])
        with Path(path).open("rb") as file:
            octets = file.read(_MAX_OCTETS + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([printable(f"{path}: {reason}")]) from error
    if len(octets) > _MAX_OCTETS:
        raise ConfigError([printable(f"{path}: is larger than {_MAX_OCTETS >> 20} MiB")])
    # Comments may be in any encoding; a line that says something with such octets is a mistake.
    return parse_conf(octets.decode(errors="surrogateescape"), path)


def parse_conf(text: str, path: str) -> Conf:
    """Parse the text of a configuration file; mistakes are gathered, not raised."""
    conf = Conf(path)
    for number, row in enumerate(text.split("\n"), 1):
        try:
            line = _line(number, row)
        except ValueError as error:
            conf.mistakes.append(conf.at(number, str(error)))
            continue
        if line is not None:
            conf.lines.append(line)
    _take_plugins(conf)
    return conf


def _line(number: int, row: str) -> Line | None:
    """Read one row; None where it is blank or a comment.

    Raises:
        ValueError: the row is neither.
    """
    text = row.strip()
    if not text or text.startswith(_COMMENT_SIGNS):
        return None
    if len(row) > MAX_LINE_CHARACTERS:
        raise ValueError(f"is longer than {MAX_LINE_CHARACTERS} characters")
    if any(letter != "\t" and not letter.isprintable() for letter in text):
        raise ValueError("is not printable UTF-8 text")
    head, colon, value = text.partition(":")
    if not colon:
        raise ValueError("a colon is missing: KEY: VALUE")
    key, symbol = _key(head)
    if not key:
        raise ValueError("the key before the colon is missing")
    return Line(number, key, symbol, value.strip())


def _key(head: str) -> tuple[str, str | None]:
    """Take what stands before the colon apart; nfacctd passes over what follows the brackets."""
    name, bracket, rest = head.partition("[")
    if not bracket and "]" not in head:
        return _joined(name).lower(), None
    symbol, closed, after = rest.partition("]")
    if "]" in name or not closed or "[" in symbol or after.count("[") != after.count("]"):
        raise ValueError("brackets do not match: KEY[PLUGIN]: VALUE")
    return _joined(name).lower(), symbol


def _joined(text: str) -> str:
    return "".join(text.split())


def _take_plugins(conf: Conf) -> None:
    """Take the line of `plugins` out of the others, and the names out of it."""
    found = [line for line in conf.lines if line.key == "plugins"]
    conf.lines = [line for line in conf.lines if line.key != "plugins"]
    for line in found:
        if line.symbol is not None:
            conf.warnings.append(conf.at(line.number, "plugins cannot be for one plugin: ignored"))
        elif conf.plugins_line is None:
            conf.plugins_line = line
            conf.plugins = tuple(_plugins(conf, line))
        else:
            reason = f"plugins is told in line {conf.plugins_line.number} already: ignored"
            conf.warnings.append(conf.at(line.number, reason))


def _plugins(conf: Conf, line: Line) -> Iterator[PluginName]:
    names: set[str] = set()
    for entry in line.value.split(","):
        if not entry.strip():
            continue
        kind, bracket, rest = entry.partition("[")
        kind = kind.strip().lower()
        name, closed, _ = rest.partition("]")
        name = name.strip() if bracket else f"default_{kind}"
        if not kind or not name or "[" in name or bool(bracket) != bool(closed):
            reason = f'"{entry.strip()}" is no plugin: TYPE or TYPE[NAME]'
            conf.mistakes.append(conf.at(line.number, reason))
        elif name in names:
            reason = f'a plugin "{name}" is there already: the first one stays'
            conf.warnings.append(conf.at(line.number, reason))
        else:
            names.add(name)
            yield PluginName(kind, name)


def symbols(plugins: Sequence[PluginName]) -> frozenset[str]:
    """Give the names that may stand in brackets."""
    return frozenset(plugin.name for plugin in plugins)
