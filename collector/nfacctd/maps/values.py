"""Values as map files spell them: numbers, addresses, prefixes, MAC addresses, switches."""

import re
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, inet_pton
from typing import NamedTuple

_MAPPED = b"\0" * 10 + b"\xff\xff"
_MAC = re.compile(r"[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2}){5}")
_MAX_DIGITS = 20  # of 2**64 - 1


class Prefix(NamedTuple):
    """An address's leading bits: ``bits`` is the address shifted right, of ``length`` bits."""

    version: int  # 4 or 6
    length: int
    bits: int


def number(text: str, high: int, low: int = 0) -> int:
    """Read a decimal number.

    Raises:
        ValueError: it is none, or not from ``low`` to ``high``.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        raise ValueError(f"{text!r} is no number from {low} to {high}")
    value = int(text)
    if not low <= value <= high:
        raise ValueError(f"{text} is not from {low} to {high}")
    return value


def address_number(text: str) -> tuple[int, int]:
    """Read an address: its version and its value; an IPv4-mapped one is IPv4.

    Raises:
        ValueError: it is none.
    """
    try:
        if ":" not in text:
            return 4, int.from_bytes(inet_pton(AF_INET, text), "big")
        octets = inet_pton(AF_INET6, text)
    except (OSError, UnicodeEncodeError, ValueError) as error:
        raise ValueError(f"{text!r} is no IP address") from error
    if octets.startswith(_MAPPED):
        return 4, int.from_bytes(octets[12:], "big")
    return 6, int.from_bytes(octets, "big")


def address(text: str) -> str:
    """Read an address and write it as flows have it: dotted, or RFC 5952.

    Raises:
        ValueError: it is none.
    """
    version, value = address_number(text)
    return str(IPv4Address(value) if version == 4 else IPv6Address(value))


def prefix(text: str) -> Prefix:
    """Read ``address/length``; without a length it is the one address. Other bits are dropped.

    Raises:
        ValueError: it is none.
    """
    host, slash, mask = text.partition("/")
    version, value = address_number(host)
    width = width_of(version)
    length = number(mask, 128 if ":" in host else 32) if slash else width
    if version == 4 and ":" in host and slash:
        length = max(length - 96, 0)  # of an IPv4-mapped one
    return Prefix(version, length, value >> (width - length))


def width_of(version: int) -> int:
    """Return the bits of an address of IP version 4 or 6."""
    return 32 if version == 4 else 128


def mac(text: str) -> str:
    """Read a MAC address and write it as flows have it: lower case, two digits an octet.

    Raises:
        ValueError: it is none.
    """
    if not _MAC.fullmatch(text):
        raise ValueError(f"{text!r} is no MAC address")
    return ":".join(octet.rjust(2, "0") for octet in text.lower().split(":"))


def is_group_mac(text: object) -> bool:
    """Tell whether a flow's MAC address, if it has one, is a group's: the first octet is odd."""
    return text is not None and bool(int(str(text)[:2], 16) & 1)


def switch(text: str) -> bool:
    """Read ``true`` or ``false``.

    Raises:
        ValueError: it is neither.
    """
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"
