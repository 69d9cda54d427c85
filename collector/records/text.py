"""Numbers to text, a column at a time: addresses, prefixes, MAC addresses, route distinguishers.

Text is made once for each distinct value, or (IPv4) by joining two tables of 65 536 strings; never
by a call for each record.
"""

import socket
from functools import cache
from ipaddress import IPv6Address

import numpy as np
import polars as pl
from numpy.typing import NDArray

from collector.records.distinct import map_distinct, spread
from collector.records.flow_batch import IPV4_MAPPED, is_ipv4
from collector.records.raw_columns import null_where_not

# By the number of bits that stay.
_MASKS = np.array([(1 << 64) - (1 << 64 - bits) for bits in range(65)], np.uint64)


@cache
def _ipv4_halves() -> tuple[pl.Series, pl.Series]:
    octets, numbers = pl.Series(map(str, range(256))), np.arange(1 << 16)
    pairs = spread(octets, numbers >> 8) + "." + spread(octets, numbers & 0xFF)
    return pairs + ".", pairs


@cache
def _lengths() -> pl.Series:
    return pl.Series([f"/{length}" for length in range(129)])


def ipv4_text(addresses: NDArray[np.integer]) -> pl.Series:
    """Dotted text of IPv4 addresses, shape (n,), host order."""
    high, low = _ipv4_halves()
    addresses = addresses.astype(np.uint32, copy=False)
    return spread(high, addresses >> np.uint32(16)) + spread(low, addresses & np.uint32(0xFFFF))


def address_text(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> pl.Series:
    """Canonical text (RFC 5952) of addresses; IPv4-mapped ones as plain IPv4."""
    ipv4 = is_ipv4(high, low)
    if ipv4.all():
        return ipv4_text(low & np.uint64(0xFFFFFFFF))
    others = np.flatnonzero(~ipv4)
    text = map_distinct([high[others], low[others]], _ipv6_text, pl.String())
    if len(others) == len(ipv4):
        return text
    # First the IPv4 ones, then the others: each row takes its own from there.
    text = ipv4_text(low[ipv4] & np.uint64(0xFFFFFFFF)).append(text)
    place = np.cumsum(ipv4) - 1
    place[others] = len(text) - len(others) + np.arange(len(others))
    return spread(text, place)


def prefix_text(
    high: NDArray[np.uint64], low: NDArray[np.uint64], length: NDArray[np.int16]
) -> pl.Series:
    """Text of prefixes; null where the length is negative.

    Args:
        high, low: shape (n,), the address, host bits cleared (`mask_address`).
        length: shape (n,), in the address's own family (0-32 or 0-128); negative: no prefix.
    """
    known = length >= 0
    if known.all():
        return address_text(high, low) + spread(_lengths(), length)
    # The text of no prefix is made and then not used: let it be one that costs little.
    high, low = np.where(known, high, 0), np.where(known, low, IPV4_MAPPED)
    text = address_text(high, low) + spread(_lengths(), np.where(known, length, 0))
    return null_where_not(text, known)


def mask_address(
    high: NDArray[np.uint64], low: NDArray[np.uint64], length: NDArray[np.int16]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Clear the host bits of addresses: of all of them where the length is negative."""
    bits = np.where(is_ipv4(high, low), length + np.int16(96), length)
    return high & _mask(bits), low & _mask(bits - 64)


def _mask(bits: NDArray[np.int16]) -> NDArray[np.uint64]:
    return _MASKS[np.clip(bits, 0, 64)]


def mac_text(addresses: NDArray[np.uint64]) -> pl.Series:
    """Lower-case colon text of MAC addresses."""
    return map_distinct(
        [addresses], lambda value: value.to_bytes(8, "big")[2:].hex(":"), pl.String()
    )


def _ipv6_text(high: int, low: int) -> str:
    if high == 0:  # inet_ntop writes all of ::/96 in the mixed form, RFC 5952 does not
        return str(IPv6Address(low))
    return socket.inet_ntop(socket.AF_INET6, (high << 64 | low).to_bytes(16, "big"))
