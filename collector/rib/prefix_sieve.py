"""Which prefixes are surely not there: a bit each, at a fraction of what a lookup costs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from collector.rib.address_family import AddressFamily

_7 = np.uint8(7)


class PrefixSieve:
    """A bit for each place that a family gives to prefixes; several may share one.

    An address asks for a prefix of each length that the prefixes near it have, and most are not
    there. The bits of an IPv4 table of a million routes fit into the processor's caches.
    """

    def __init__(self, family: AddressFamily) -> None:
        self._family = family
        self._bits = np.zeros(1 << (family.place_bits - 3), np.uint8)

    @property
    def octets(self) -> int:
        """Memory at most; pages without a prefix cost none."""
        return self._bits.nbytes

    def note(self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.int64]) -> None:
        """Note prefixes: words of their addresses, and their lengths."""
        places = self._family.places(addresses, lengths)
        octets, bits = places >> 3, _bit_of(places)
        while octets.size:
            # Of several that share an octet the last one is written. Half of `bitwise_or.at`.
            self._bits[octets] = self._bits.take(octets) | bits
            lost = np.flatnonzero(self._bits.take(octets) & bits == 0)
            octets, bits = octets.take(lost), bits.take(lost)

    def may_have(
        self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Tell where the prefix of a length that covers an address may have been noted.

        Args:
            addresses: words of n addresses, as the family makes them.
            lengths: shape (n,).
        """
        places = self._family.places(addresses, lengths)
        return self._bits.take(places >> 3) & _bit_of(places) != 0

    def clear(self) -> None:
        """Forget all."""
        self._bits = np.zeros_like(self._bits)


def _bit_of(places: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.uint8(1) << (places.astype(np.uint8) & _7)
