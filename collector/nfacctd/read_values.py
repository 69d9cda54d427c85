"""Single values of an nfacctd.conf: text in, value out, or what is wrong with it."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

from collector.nfacctd.maps.flow_filter import FlowFilter
from collector.nfacctd.maps.tag_filters import read_label_filter, read_tag_filter
from collector.nfacctd.settings import History

Reader = Callable[[str], Any]
"""Takes the text of a value; raises ValueError, or `UnsupportedValueError`."""

_HISTORY = re.compile(r"([0-9]{1,9})([smhdwM]?)")
_MAX_INT = (1 << 31) - 1
_MAX_UINT64 = (1 << 64) - 1
_MAX_PATH = 4096
_SUM = "records tell source and destination apart, not their sum"
OTHER_PRIMITIVES = {
    **dict.fromkeys(("sum_host", "sum_net", "sum_as", "sum_port", "sum_mac"), _SUM),
    "mpls_stack_depth": "mpls_label_stack tells it since nfacctd 1.7.9",
}
"""Names of `aggregate` that nfacctd has, or has had, and we have not."""


class UnsupportedValueError(Exception):
    """The value is right for nfacctd, and we have nothing like it.

    Attributes:
        consequence: what follows.
        rest: the part of the value that we have; None where there is none.
    """

    def __init__(self, consequence: str, rest: Any = None) -> None:
        super().__init__(consequence)
        self.consequence, self.rest = consequence, rest


class FatalValueError(ValueError):
    """A value at which nfacctd, too, ends."""


class MissingFileError(FatalValueError):
    """A file that must be there is not."""


def flag(text: str) -> bool:
    """Read true or false."""
    lower = text.lower()
    if lower not in ("true", "false"):
        raise ValueError("must be true or false")
    return lower == "true"


def integer(least: int, most: int = _MAX_INT) -> Reader:
    """Make a reader of whole numbers of a range."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 20):
            raise ValueError("must be a whole number")
        if not least <= int(text) <= most:
            raise ValueError(f"must be from {least} to {most}")
        return int(text)

    return read


def tag(text: str) -> int:
    """Read a tag."""
    return integer(1, _MAX_UINT64)(text)


def words(text: str) -> str:
    """Read text that says something."""
    if not text:
        raise ValueError("must not be empty")
    return text


def plain_words(text: str) -> str:
    """Read text that may stand in a native configuration: without tabs."""
    if not words(text).isprintable():
        raise ValueError("must not have tabs")
    return text


def one_of(*allowed: str, unsupported: Mapping[str, str] | None = None) -> Reader:
    """Make a reader of one of some words; ``unsupported`` tells what follows of further ones."""
    lacking = unsupported or {}

    def read(text: str) -> str:
        lower = text.lower()
        if lower in lacking:
            raise UnsupportedValueError(lacking[lower])
        if lower not in allowed:
            raise ValueError(f"must be one of {', '.join((*allowed, *lacking))}")
        return lower

    return read


def renamed(read_word: Reader, names: Mapping[str, Any]) -> Reader:
    """Make a reader that gives other values for some words."""

    def read(text: str) -> Any:
        word = read_word(text)
        return names.get(word, word)

    return read


def path(text: str) -> str:
    """Read the name of a file that need not be there."""
    if not text or len(text.encode()) > _MAX_PATH:
        raise ValueError("must be the name of a file")
    return text


def existing_file(text: str) -> str:
    """Read the name of a file that must be there, so that a mistake shows before the start."""
    try:
        if not Path(path(text)).is_file():
            raise MissingFileError("there is no such file")
    except OSError as error:
        raise MissingFileError(error.strerror or "cannot be read") from error
    return text


def address(text: str) -> str:
    """Read an address to listen on."""
    try:
        parsed = ip_address(text)
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id is not None:
            raise ValueError("must be an address without %zone")
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
    return str(parsed)


def names(text: str) -> tuple[str, ...]:
    """Read a list with commas; blanks are dropped everywhere, as nfacctd does."""
    found = "".join(text.split()).split(",")
    return tuple(name for name in found if name)


def aggregate(text: str) -> tuple[str, ...]:
    """Read the names of primitives: lower case, none twice; "none" stands for no name.

    Whether a name is of nfacctd or of the operator's file is not asked here.
    """
    found = [name.lower() for name in names(text)]
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise FatalValueError(f"{', '.join(twice)}: is there twice")
    ours = tuple(name for name in found if name not in OTHER_PRIMITIVES and name != "none")
    if lacking := [f"{name}: {why}" for name, why in OTHER_PRIMITIVES.items() if name in found]:
        raise UnsupportedValueError("; ".join(lacking), ours)
    return ours if found else ("src_host",)


def tag_filter(text: str) -> Any:
    """Read `pre_tag_filter`."""
    return read_tag_filter(text)


def label_filter(text: str) -> Any:
    """Read `pre_tag_label_filter`."""
    return read_label_filter(text)


def flow_filter(text: str) -> str:
    """Read `aggregate_filter`: an expression, kept as text."""
    return FlowFilter(words(text)).text


def history(text: str) -> History | None:
    """Read `*_history`: a number of s, m, h, d, w or M; seconds where no unit stands."""
    found = _HISTORY.fullmatch(text)
    if found is None or not int(found[1]):
        raise ValueError('must be a length of time such as "60s", "5m", "1h", "1d", "1w", "1M"')
    return History(count=int(found[1]), unit=found[2] or "s")


def roundoff(text: str) -> str:
    """Read `*_history_roundoff`: letters of m, h, d, w, M."""
    letters = "".join(text.split())
    if not letters or set(letters) - set("mhdwM"):
        raise ValueError("must be letters of m, h, d, w, M")
    if "w" in letters and set(letters) & set("dM"):
        raise ValueError("w goes with neither d nor M")
    return letters


def separator(text: str) -> str:
    r"""Read `print_output_separator`: a character, ``\t`` or ``\s``."""
    value = {"\\t": "\t", "\\s": " "}.get(text, text)
    if len(value) != 1:
        raise ValueError(r"must be one character, \t or \s")
    return value


def url(text: str) -> str:
    """Read the address of a schema registry."""
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", text):
        raise ValueError("must be an URL, http://HOST:PORT or https://HOST:PORT")
    return text


def umask(text: str) -> int:
    """Read `files_umask`; nfacctd, too, takes nothing below 002."""
    if not re.fullmatch(r"[0-7]{1,4}", text) or int(text, 8) < 0o002:
        raise ValueError("must be an octal number from 002")
    return int(text, 8) & 0o777
