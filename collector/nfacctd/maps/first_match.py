"""Maps in which the first rule that a flow matches gives one value."""

from collections.abc import Callable
from typing import Generic, TypeVar

from collector.nfacctd.maps.columns import Flow
from collector.nfacctd.maps.rules import Rules, Settings

Given = TypeVar("Given")


class FirstMatchMap(Generic[Given]):
    """A loaded map; a value that nothing changes. A reload makes another one.

    ``keys`` are the properties of flows that its rules look at (`match_keys`): flows that agree in
    them get the same answer.
    """

    __slots__ = ("_given", "_index", "keys")

    def __init__(self, rules: Rules[Given]) -> None:
        self._index, self._given = rules.index, rules.given
        self.keys: frozenset[str] = rules.index.keys

    def __len__(self) -> int:
        return len(self._given)

    def evaluate(self, flow: Flow) -> Given | None:
        """Return what the first matching rule gives; None where no rule matches."""
        position = self._index.first(flow)
        return None if position is None else self._given[position]


def sole(key: str, *others: str) -> Callable[[Settings], object]:
    """Make a `Language.give` for rules that give the value of one key, under any of its names."""

    def give(settings: Settings) -> object:
        named = [name for name in (key, *others) if name in settings]
        if not named:
            raise ValueError(f"{key!r} is missing")
        if len(named) > 1:
            raise ValueError(f"{named[0]!r} and {named[1]!r} are one key")
        return settings[named[0]]

    return give
