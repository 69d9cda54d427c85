"""Which routes of a router cover an address, the most specific ones first.

A dictionary for each prefix length, from the prefix's bits to its route, or to all of its routes
in the order in which they were installed.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from collector.protocols.bgp.families import ADDRESS_BITS


class Prefixed(Protocol):
    """What has a prefix, in the form of `split_nlri`."""

    prefix: bytes


Route = TypeVar("Route", bound=Prefixed)


class PrefixIndex(Generic[Route]):
    """Routes of one family of one router, of all its peers and tables.

    Cost: a dictionary entry, about 130 octets a prefix; an update or a lookup of one length less
    than a microsecond.
    """

    def __init__(self, afi: int) -> None:
        self._bits = ADDRESS_BITS[afi]
        self._by_length: dict[int, dict[int, Route | dict[Route, None]]] = {}
        self._lengths: list[int] = []  # those in use, longest first

    def add(self, entry: Route) -> None:
        """Install a route; it is the newest one of its prefix."""
        length = entry.prefix[0]
        prefixes = self._by_length.get(length)
        if prefixes is None:
            prefixes = self._by_length[length] = {}
            self._lengths = sorted(self._by_length, reverse=True)
        # Host bits are cleared; what there is of them in the last octet is shifted out.
        bits = int.from_bytes(entry.prefix[1:]) >> (-length % 8)
        chain = prefixes.setdefault(bits, entry)
        if chain is entry:
            return
        if type(chain) is dict:
            chain[entry] = None
        else:
            prefixes[bits] = {chain: None, entry: None}

    def remove(self, entry: Route) -> None:
        """Take a route out that is in."""
        length = entry.prefix[0]
        bits = int.from_bytes(entry.prefix[1:]) >> (-length % 8)
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

    def covering(self, address: int) -> Iterator[tuple[bool, Route | dict[Route, None]]]:
        """Give the routes of the prefixes that cover an address, longest prefix first.

        Returns:
            Whether the prefix is the address itself, and its route, or routes, oldest first.
        """
        width, by_length = self._bits, self._by_length
        for length in self._lengths:
            chain = by_length[length].get(address >> (width - length))
            if chain is not None:
                yield length == width, chain
