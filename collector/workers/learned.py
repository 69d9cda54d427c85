"""What devices announced, kept for the successor of a worker: templates and options records.

A restarted worker must decode at once, though a router repeats its templates only every few
minutes. Workers report what they learn; the supervisor keeps the last of each and hands it over.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

MAX_ITEMS = 500_000

Key = tuple[Any, ...]


class LearnedStore:
    """The last item of each key, by slot; past the limit the one unchanged for longest goes."""

    def __init__(self, limit: int = MAX_ITEMS) -> None:
        self._limit = limit
        self._items: OrderedDict[Key, bytes] = OrderedDict()
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._items)

    def learn(self, slot: int, key: list[Any], octets: bytes | None) -> None:
        """Keep an item, or forget it (None)."""
        full_key = (slot, *key)
        if octets is None:
            self._items.pop(full_key, None)
            return
        self._items[full_key] = octets
        self._items.move_to_end(full_key)
        if len(self._items) > self._limit:
            self._items.popitem(last=False)
            self.evicted += 1

    def of_slot(self, slot: int) -> Iterator[tuple[list[Any], bytes]]:
        """Give all items of one slot, templates before the options records that need them."""
        mine = [(list(key[1:]), octets) for key, octets in self._items.items() if key[0] == slot]
        yield from (item for item in mine if item[0][0] == "template")
        yield from (item for item in mine if item[0][0] != "template")
