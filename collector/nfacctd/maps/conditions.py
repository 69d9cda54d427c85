"""What a MATCH key demands of a flow: a value to be found by hash, or a test to be made."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from collector.nfacctd.maps.columns import Column, Flow


class Test(Protocol):
    """A condition that no hash table answers; made on the few rules that one has found."""

    @property
    def keys(self) -> frozenset[str]:
        """Return what of a flow is looked at."""

    def holds(self, flow: Flow) -> bool:
        """Tell whether a flow meets the condition."""


@dataclass(frozen=True, slots=True)
class Equals:
    """A column has a value; of a column of many, one of them is this."""

    column: Column
    value: Hashable

    @property
    def keys(self) -> frozenset[str]:
        """Return what of a flow is looked at."""
        return frozenset((self.column.property,))

    def holds(self, flow: Flow) -> bool:
        """Tell whether a flow meets the condition."""
        value = self.column.read(flow)
        return self.value in value if self.column.many else self.value == value


@dataclass(frozen=True, slots=True)
class Differs:
    """A negation. A flow without the property differs from every value."""

    from_: Equals
    needs_value: bool = False  # where nfacctd lets an absent property match neither way

    @property
    def keys(self) -> frozenset[str]:
        """Return what of a flow is looked at."""
        return self.from_.keys

    def holds(self, flow: Flow) -> bool:
        """Tell whether a flow meets the condition."""
        if self.needs_value and self.from_.column.read(flow) is None:
            return False
        return not self.from_.holds(flow)


@dataclass(frozen=True, slots=True)
class OneOf:
    """At least one of several."""

    conditions: tuple["Condition", ...]

    @property
    def keys(self) -> frozenset[str]:
        """Return what of a flow is looked at."""
        return frozenset().union(*(condition.keys for condition in self.conditions))

    def holds(self, flow: Flow) -> bool:
        """Tell whether a flow meets the condition."""
        return any(condition.holds(flow) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class EndsLike:
    """One of a property's texts ends like a pattern, whose dots stand for any one character."""

    property: str
    pattern: str

    @property
    def keys(self) -> frozenset[str]:
        """Return what of a flow is looked at."""
        return frozenset((self.property,))

    def holds(self, flow: Flow) -> bool:
        """Tell whether a flow meets the condition."""
        size = len(self.pattern)
        return any(
            len(text) >= size
            and all(
                wanted in (".", found)
                for wanted, found in zip(self.pattern, text[-size:], strict=True)
            )
            for text in flow.get(self.property) or ()
        )


Condition = Equals | Differs | OneOf | EndsLike | Test
