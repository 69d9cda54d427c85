"""Single values of the configuration: what a key accepts, and what is said of anything else."""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from collector.protocols.bgp.route_distinguisher import rd_octets, rd_text

Reader = Callable[[Any], Any]
"""Takes a value of the TOML document, gives that of the model, raises `BadValue`."""

_SHOWN_CHARACTERS = 80
_SHOWN_BITS = 256  # Python refuses to write integers of thousands of digits
_UNITS = {
    "": 1,
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGT", 1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)},
}
_OCTETS = re.compile(r"([0-9]{1,18})\s*([A-Za-z]*)")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")  # what Kafka allows
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")


class BadValue(ValueError):
    """What is wrong with one value: (where inside it, the part, what is allowed), one a mistake."""

    def __init__(self, faults: list[tuple[str, Any, str]]) -> None:
        super().__init__(faults)
        self.faults = faults

    @classmethod
    def of(cls, value: Any, reason: str) -> "BadValue":
        """The whole value is wrong."""
        return cls([("", value, reason)])


def printable(text: str) -> str:
    """Put a question mark for each character that a terminal or a log line should not get."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def shown(value: Any) -> str:
    """Write a value of a TOML document as an operator would, on one line and not too long."""
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return "a number of more than 70 digits"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        text = f"[{', '.join(map(shown, value))}]"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    text = printable(text)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that somebody who wrote ``name`` most likely meant."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower()[:_SHOWN_CHARACTERS], by_lower, 1)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Write `; did you mean "..."?`, or nothing where no known name is near."""
    near = nearest(name, known)
    return f'; did you mean "{near}"?' if near else ""


def listed(names: Iterable[str]) -> str:
    """Write names as a list of TOML strings."""
    return ", ".join(f'"{name}"' for name in names)


def flag(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise BadValue.of(value, "must be true or false")
    return value


def text(value: Any) -> str:
    """Read text on one line; it may be empty."""
    if not isinstance(value, str):
        raise BadValue.of(value, "must be text in quotes")
    if not value.isprintable():
        raise BadValue.of(value, "must have printable characters only")
    return value


def filled_text(value: Any) -> str:
    """Read text that says something."""
    if not text(value).strip():
        raise BadValue.of(value, "must not be empty")
    return value


def statement(value: Any) -> str:
    """Read text that may have several lines."""
    if not isinstance(value, str) or not value.strip():
        raise BadValue.of(value, "must be text in quotes, and not empty")
    return value


def integer(least: int, most: int) -> Reader:
    """Make a reader of whole numbers of a range."""

    def read(value: Any) -> int:
        # True is an int to Python.
        if type(value) is not int or not least <= value <= most:
            raise BadValue.of(value, f"must be a whole number from {least} to {most}")
        return value

    return read


def octets(least: int, most: int) -> Reader:
    """Make a reader of sizes: a number of octets, or text such as "64 MiB"."""

    def read(value: Any) -> int:
        size = value if type(value) is int else _octets_of(value)
        if size is None:
            raise BadValue.of(value, f'must be a number of octets or text such as "{_size(least)}"')
        if not least <= size <= most:
            raise BadValue.of(value, f"must be from {_size(least)} to {_size(most)}")
        return size

    return read


def _octets_of(value: Any) -> int | None:
    match = _OCTETS.fullmatch(value.strip()) if isinstance(value, str) else None
    unit = None if match is None else _UNITS.get(match[2])
    return None if unit is None else int(match[1]) * unit


def _size(number: int) -> str:
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if number and number % _UNITS[unit] == 0:
            return f"{number // _UNITS[unit]} {unit}"
    return f"{number} B"


def one_of(*allowed: str) -> Reader:
    """Make a reader of one of some words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            near = did_you_mean(value, allowed) if isinstance(value, str) else ""
            raise BadValue.of(value, f"must be one of {listed(allowed)}{near}")
        return value

    return read


def each(read_one: Reader, *, at_least_one: bool = False) -> Reader:
    """Make a reader of lists of different values."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise BadValue.of(value, "must be a list in [ ]")
        if at_least_one and not value:
            raise BadValue.of(value, "must name at least one")
        faults: list[tuple[str, Any, str]] = []
        found: dict[Any, int] = {}
        for position, entry in enumerate(value):
            where = f"[{position}]"
            try:
                read_entry = read_one(entry)
            except BadValue as error:
                faults += [(where + inner, part, why) for inner, part, why in error.faults]
                continue
            if read_entry in found:
                faults.append(
                    (where, entry, f"is in the list twice, first at [{found[read_entry]}]")
                )
            found.setdefault(read_entry, position)
        if faults:
            raise BadValue(faults)
        return tuple(found)

    return read


def word(value: Any) -> str:
    """Read a name that can stand in topics, file names and counters."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise BadValue.of(value, "must be 1 to 64 letters, digits, - and _, the first no - or _")
    return value


def topic(value: Any) -> str:
    """Read a Kafka topic, or the first part of one."""
    if not isinstance(value, str) or not _TOPIC.fullmatch(value) or value in (".", ".."):
        raise BadValue.of(value, "must be 1 to 249 letters, digits, dots, - and _")
    return value


def address(value: Any) -> str:
    """Read an IPv4 or IPv6 address; gives its canonical text, IPv4-mapped ones as IPv4."""
    try:
        if not isinstance(value, str):
            raise ValueError(value)
        parsed = ip_address(value)
    except ValueError:
        raise BadValue.of(value, "must be an IPv4 or IPv6 address") from None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def source_address(value: Any) -> str:
    """Read the address that a device's packets come from."""
    canonical = address(value)
    parsed = ip_address(canonical)
    if "%" in canonical or parsed.is_unspecified or parsed.is_multicast:
        raise BadValue.of(value, "must be an address that packets can come from, without %zone")
    return canonical


def prefix(value: Any) -> str:
    """Read an IPv4 or IPv6 prefix, or an address alone; gives its canonical text."""
    try:
        if not isinstance(value, str):
            raise ValueError(value)
        network = ip_network(value, strict=False)
    except ValueError:
        raise BadValue.of(value, "must be an IPv4 or IPv6 prefix") from None
    if network.network_address != ip_address(value.partition("/")[0]):
        raise BadValue.of(value, f'has bits set past its length; did you mean "{network}"?')
    return str(network)


def route_distinguisher(value: Any) -> str:
    """Read a route distinguisher; gives its canonical text."""
    try:
        found = rd_octets(value) if isinstance(value, str) else b""
    except ValueError:
        found = b""
    if len(found) != 8:
        raise BadValue.of(
            value, 'must be a route distinguisher: "64512:1", "192.0.2.1:1" or "4200000000:1"'
        )
    return rd_text(found)


def broker(value: Any) -> str:
    """Read HOST:PORT; an IPv6 address stands in brackets."""
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not (colon and _is_host(host) and _is_port(port)):
        raise BadValue.of(value, 'must be HOST:PORT, such as "kafka1.example.net:9092"')
    return value


def _is_host(host: str) -> bool:
    if host.startswith("[") and host.endswith("]"):
        try:
            return isinstance(ip_address(host[1:-1]), IPv6Address)
        except ValueError:
            return False
    return _HOST.fullmatch(host) is not None


def _is_port(port: str) -> bool:
    return port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536


def file_name_of(placeholders: Sequence[str]) -> Reader:
    """Make a reader of paths in which words in braces are replaced."""

    def read(value: Any) -> str:
        rest = filled_text(value)
        for name in placeholders:
            rest = rest.replace(f"{{{name}}}", "")
        if "{" in rest or "}" in rest:
            known = ", ".join(f"{{{name}}}" for name in placeholders)
            raise BadValue.of(value, f"must have nothing in braces but {known}")
        return value

    return read


def bucket_table(value: Any) -> dict[int, int]:
    """Read buckets that were moved by hand: bucket = slot."""
    if not isinstance(value, dict):
        raise BadValue.of(value, "must be a table of BUCKET = SLOT")
    faults: list[tuple[str, Any, str]] = []
    slots: dict[int, int] = {}
    for key, slot in value.items():
        if not (key.isascii() and key.isdecimal() and len(key) <= 4 and int(key) < 4096):
            faults.append(("", key, "a bucket must be a whole number from 0 to 4095"))
        elif type(slot) is not int or not 0 <= slot < 256:
            faults.append((f".{key}", slot, "must be a slot, a whole number from 0 to 255"))
        elif int(key) in slots:
            faults.append((f".{key}", slot, "the bucket is in the table twice"))
        else:
            slots[int(key)] = slot
    if faults:
        raise BadValue(faults)
    return slots
