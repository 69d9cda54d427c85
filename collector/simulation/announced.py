"""What a simulated router has announced, and when: the truth that records are compared with.

A record's path is right if it is one that the router held at some moment between the arrival of the
flow and the record's: with churn there is no single right answer.
"""

from collections import deque
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import NamedTuple

from collector.simulation.bgp import Network

AsPath = tuple[int, ...]

_KEPT_CHANGES = 16  # of one prefix of one peer


class Answer(NamedTuple):
    """The route for an address."""

    prefix: Network
    as_path: AsPath


class _Change(NamedTuple):
    time_s: float
    as_path: AsPath | None  # None: withdrawn


class Announced:
    """Tables of a router's peers over time; of two routes that of the lower ``rank`` is better."""

    def __init__(self) -> None:
        self._changes: dict[Network, dict[int, deque[_Change]]] = {}
        self._lengths: dict[int, list[int]] = {4: [], 6: []}  # longest first

    def announce(self, rank: int, prefix: Network, as_path: AsPath, time_s: float) -> None:
        """Note that the peer of this rank has a route from now on."""
        self._note(rank, prefix, _Change(time_s, as_path))

    def withdraw(self, rank: int, prefix: Network, time_s: float) -> None:
        """Note that the peer of this rank has no route any more."""
        self._note(rank, prefix, _Change(time_s, None))

    def answers(
        self, address: IPv4Address | IPv6Address, since_s: float, until_s: float
    ) -> set[Answer | None]:
        """Give every route that was the best for an address at some time in between.

        None is among them where there was a time without any.
        """
        covering = self._covering(address)
        times = {since_s}
        for prefix in covering:
            for changes in self._changes[prefix].values():
                times.update(c.time_s for c in changes if since_s < c.time_s <= until_s)
        return {self._best(covering, time_s) for time_s in times}

    def _note(self, rank: int, prefix: Network, change: _Change) -> None:
        ranks = self._changes.get(prefix)
        if ranks is None:
            ranks = self._changes[prefix] = {}
            lengths = self._lengths[prefix.version]
            if prefix.prefixlen not in lengths:
                lengths.append(prefix.prefixlen)
                lengths.sort(reverse=True)
        ranks.setdefault(rank, deque(maxlen=_KEPT_CHANGES)).append(change)

    def _covering(self, address: IPv4Address | IPv6Address) -> list[Network]:
        """Prefixes that were ever announced, longest first."""
        candidates = (
            ip_network((address, length), strict=False) for length in self._lengths[address.version]
        )
        return [prefix for prefix in candidates if prefix in self._changes]

    def _best(self, covering: list[Network], time_s: float) -> Answer | None:
        for prefix in covering:
            ranks = self._changes[prefix]
            for rank in sorted(ranks):
                as_path = _at(ranks[rank], time_s)
                if as_path is not None:
                    return Answer(prefix, as_path)
        return None


def _at(changes: deque[_Change], time_s: float) -> AsPath | None:
    for change in reversed(changes):
        if change.time_s <= time_s:
            return change.as_path
    return None
