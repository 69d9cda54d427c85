"""What rules compare: properties of a flow, in the form that a hash table can find."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from collector.nfacctd.maps.values import address_number, width_of

Flow = Mapping[str, object]  # property -> value; None or missing where the flow has none


@dataclass(frozen=True, slots=True)
class Plain:
    """A property as it is."""

    many: ClassVar[bool] = False
    property: str
    absent: Hashable = None  # what a flow without the property counts as

    def read(self, flow: Flow) -> Hashable:
        """Return the value of a flow; None: no rule on this column matches."""
        value = flow.get(self.property)
        return self.absent if value is None else value


@dataclass(frozen=True, slots=True)
class LeadingBits:
    """The first bits of an address, of one IP version."""

    many: ClassVar[bool] = False
    property: str
    version: int
    length: int

    def read(self, flow: Flow) -> int | None:
        """Return the bits as a number; None where the address is of the other version."""
        text = flow.get(self.property)
        if text is None:
            return None
        version, value = _parsed(text)
        if version != self.version:
            return None
        return value >> (width_of(version) - self.length)


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from a property."""

    many: ClassVar[bool] = False
    property: str
    of: Callable[[object], Hashable]  # also of None

    def read(self, flow: Flow) -> Hashable:
        """Return the derived value; None: no rule on this column matches."""
        return self.of(flow.get(self.property))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A property of one value or several, of which any will do."""

    many: ClassVar[bool] = True
    property: str

    def read(self, flow: Flow) -> Collection[Hashable]:
        """Return all values."""
        value = flow.get(self.property)
        if value is None:
            return ()
        return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, slots=True)
class Pieces:
    """All pieces of one length out of a property's texts: nfacctd looks for part of a community."""

    many: ClassVar[bool] = True
    property: str
    length: int

    def read(self, flow: Flow) -> Collection[str]:
        """Return the pieces."""
        length = self.length
        return {
            text[start : start + length]
            for text in flow.get(self.property) or ()
            for start in range(len(text) - length + 1)
        }


Column = Plain | LeadingBits | Derived | AnyOf | Pieces


@lru_cache(maxsize=4096)  # the same exporters come again and again
def _parsed(text: str) -> tuple[int, int]:
    try:
        return address_number(text)
    except ValueError:
        return 0, 0  # of no version
