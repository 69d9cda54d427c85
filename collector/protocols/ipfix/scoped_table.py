"""Tables of what options data say of an id, by observation domain with the device to fall back on.

Ids such as an ifIndex or a sampler's number mostly mean one thing in a device. Where line cards
number on their own, each tells in its own observation domain, and that wins.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ScopedTable(Generic[Key, Value]):
    """Key to value, of a domain and of the device; holds at most ``limit`` keys of domains.

    ``of_domain`` and ``of_device`` are plain dicts for reading; ``refused`` counts what did not
    fit.
    """

    __slots__ = ("_limit", "_teller", "of_device", "of_domain", "refused")

    def __init__(self, limit: int) -> None:
        self.of_domain: dict[tuple[int, Key], Value] = {}
        self.of_device: dict[Key, Value] = {}
        self.refused = 0
        self._limit = limit
        self._teller: dict[Key, int] = {}

    def get(self, domain: int, key: Key) -> Value | None:
        """What the domain says of ``key``, else what another one of the device says."""
        value = self.of_domain.get((domain, key))
        return self.of_device.get(key) if value is None else value

    def put(self, domain: int, key: Key, value: Value) -> bool:
        """Take what ``domain`` says of ``key``; returns whether that is news."""
        known = self.of_domain.get((domain, key))
        if known == value:
            return False
        if known is None and len(self.of_domain) >= self._limit:
            self.refused += 1
            return False
        self.of_domain[domain, key] = value
        # One domain speaks for the device. If the last one did, domains that disagree would make
        # every announcement news, and whoever caches by revision would never hit.
        if self._teller.setdefault(key, domain) == domain:
            self.of_device[key] = value
        return True
