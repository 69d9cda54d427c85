"""Lines of a map file: rows of ``key=value`` tokens, comments, quotes (reference 5.4).

| key=value | blanks or tabs | key='value with blanks' | ... |

A line whose first visible character is ``!`` or ``#`` is a comment. There are none at a line's end.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from collector.errors import ConfigError

_QUOTED_TOKENS = re.compile(r"(?:[^\s']+|'[^']*')+")
_COMMENT_SIGNS = ("!", "#")


class MapError(ConfigError):
    """A map has mistakes; all of them, as "file:line: reason". The map in use stays."""


class Row(NamedTuple):
    """One line that says something."""

    line: int  # the first is 1
    text: str  # without the blanks around it


class Mistakes:
    """What is wrong with one file, gathered so that the operator sees all of it at once."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._told: list[tuple[int, str]] = []

    def add(self, line: int, reason: str) -> None:
        """Note a mistake."""
        self._told.append((line, reason))

    def raise_any(self) -> None:
        """End the load of a file that has mistakes.

        Raises:
            MapError: all that was noted, by line.
        """
        if self._told:
            told = sorted(self._told, key=lambda mistake: mistake[0])
            raise MapError([f"{self._path}:{line}: {reason}" for line, reason in told])


def read_rows(path: str) -> Iterator[Row]:
    """Read the lines of a map that are neither blank nor comments.

    Raises:
        MapError: the file cannot be read, or is not text.
    """
    for number, line in enumerate(_read_text(path).split("\n"), 1):
        text = line.strip()
        if text and not text.startswith(_COMMENT_SIGNS):
            yield Row(number, text)


def tokens_of(text: str) -> list[str]:
    """Cut a row at blanks outside of quotes, and take the quotes off.

    Raises:
        ValueError: a quote is not closed.
    """
    if "'" not in text:
        return text.split()
    if text.count("'") % 2:
        raise ValueError("a quote (') is not closed")
    return [token.replace("'", "") for token in _QUOTED_TOKENS.findall(text)]


def split_token(token: str) -> tuple[str, str]:
    """Cut a token into key and value.

    Raises:
        ValueError: it is not ``key=value``.
    """
    key, equals, value = token.partition("=")
    if not (key and equals and value):
        raise ValueError(f"{token!r} is not key=value (no blanks around '=')")
    return key, value


def _read_text(path: str) -> str:
    try:
        if not Path(path).is_file():  # a named pipe would make us wait for its writer
            raise MapError(
                [f"{path}: no such file" if not Path(path).exists() else f"{path}: is no file"]
            )
        octets = Path(path).read_bytes()
    except OSError as error:
        raise MapError([f"{path}: {error.strerror or error}"]) from error
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise MapError([f"{path}:{line}: is not UTF-8 text"]) from error
