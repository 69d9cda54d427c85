"""Which routes of a router cover an address, the most specific ones first.

A dictionary for each prefix length, from the prefix's bits to its route, or to all of its routes
in the order in which they were installed.
"""

from collections.abc import Iterator
from typing import NamedTuple

from collector.nfacctd.bmp.routes import Entry
from collector.protocols.bgp.families import ADDRESS_BITS

Chain = Entry | dict[Entry, None]


class Covering(NamedTuple):
    """The routes of one prefix that covers an address, oldest first."""

    is_host: bool  # the prefix is the address
    entries: Chain


class PrefixIndex:
    """Routes of one family of one router, of all its peers and tables.

    Cost: a dictionary entry, about 130 octets a prefix; an update or a lookup of one length less
    than a microsecond.
    """

    def __init__(self, afi: int) -> None:
        self._bits = ADDRESS_BITS[afi]
        self._by_length: dict[int, dict[int, Chain]] = {}
        self._lengths: list[int] = []  # those in use, longest first

    def add(self, entry: Entry) -> None:
        """Install a route; it is the newest one of its prefix."""
        length = entry.prefix[0]
        prefixes = self._by_length.get(length)
        if prefixes is None:
            prefixes = self._by_length[length] = {}
            self._lengths = sorted(self._by_length, reverse=True)
        bits = _bits(entry.prefix)
        chain = prefixes.setdefault(bits, entry)
        if chain is entry:
            return
        if type(chain) is dict:
            chain[entry] = None
        else:
            prefixes[bits] = {chain: None, entry: None}

    def remove(self, entry: Entry) -> None:
        """Take a route out that is in."""
        length, bits = entry.prefix[0], _bits(entry.prefix)
        prefixes = self._by_length[length]
        chain = prefixes[bits]
        if type(chain) is dict:
            del chain[entry]
            if len(chain) == 1:
                (prefixes[bits],) = chain
            return
        del prefixes[bits]
        if not prefixes:
            del self._by_length[length]
            self._lengths.remove(length)

    def covering(self, address: int) -> Iterator[Covering]:
        """Give the prefixes that cover an address and their routes, longest prefix first."""
        width, by_length = self._bits, self._by_length
        for length in self._lengths:
            chain = by_length[length].get(address >> (width - length))
            if chain is not None:
                yield Covering(length == width, chain)


def _bits(prefix: bytes) -> int:
    """The bits of a prefix as a number; host bits are cleared, and shifted out."""
    return int.from_bytes(prefix[1:]) >> (-prefix[0] % 8)
