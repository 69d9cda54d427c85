"""How IPv4 and IPv6 prefixes become 64-bit words, the keys of a prefix index.

A prefix is its octets on the wire (RFC 4271 section 4.3): a length octet and as many octets as the
length needs, host bits clear. Padded with zeros they are the words: one for IPv4, three for IPv6.

The address space is cut into 65536 buckets, so that a new prefix makes only the answers for
addresses near it out of date.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BUCKETS = 65536
_LENGTH = np.uint64(56)
_8, _16, _24, _32, _40, _64 = (np.uint64(bits) for bits in (8, 16, 24, 32, 40, 64))
_LOW_16 = np.uint64(0xFFFF)
_LOW_32 = np.uint64(0xFFFFFFFF)


class AddressFamily(Protocol):
    """What a prefix index must know of an address family."""

    bits: int
    address_words: int
    prefix_words: int
    place_bits: int

    def words_of_prefixes(self, prefixes: Sequence[bytes]) -> list[NDArray[np.uint64]]:
        """Return the key words of prefixes."""

    def words_of_addresses(self, addresses: NDArray) -> list[NDArray[np.uint64]]:
        """Return addresses as words, the most significant first."""

    def words_of_covering(
        self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.uint64]
    ) -> list[NDArray[np.uint64]]:
        """Return the key words of what covers each address with the length beside it."""

    def buckets_of_addresses(self, addresses: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
        """Return the bucket of each address."""

    def addresses_of_prefixes(
        self, words: Sequence[NDArray[np.uint64]]
    ) -> list[NDArray[np.uint64]]:
        """Return the words of the first address in each prefix, from its key words."""

    def places(
        self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return a number below 2 ** ``place_bits`` for what covers each address.

        It depends on the prefix of that length alone, and few prefixes share one.
        """

    def buckets_of_prefixes(
        self, words: Sequence[NDArray[np.uint64]]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], list[tuple[int, int, int]]]:
        """Find the buckets that prefixes have to do with.

        Returns:
            Which prefixes are long, the bucket of each of these, and of the short ones
            (first bucket, after last, length).
        """


def lengths_of(words: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """Return the prefix lengths, which stand in the first octet."""
    return (words[0] >> _LENGTH).view(np.int64)


def octets_of(words: Sequence[NDArray[np.uint64]]) -> list[bytes]:
    """Return prefixes as octets again, from their key words."""
    stride = 8 * len(words)
    octets = np.stack(words, axis=1).astype(">u8").tobytes()
    return [
        octets[start : start + 1 + (octets[start] + 7) // 8]
        for start in range(0, len(octets), stride)
    ]


# By the number of bits in a word, and of those that stay.
_MASKS = {
    bits: np.array([(1 << bits) - (1 << bits - kept) for kept in range(bits + 1)], np.uint64)
    for bits in (32, 64)
}


# Of IPv4: as nodes of a binary tree are numbered, down to /24; a longer prefix has its /24's.
_PLACED = np.minimum(np.arange(33, dtype=np.uint64), _24)
_FIRST_PLACE, _PLACE_SHIFT = np.uint64(1) << _PLACED, _32 - _PLACED
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # of IPv6: the golden ratio spreads what differs anywhere


class IPv4:
    """Addresses are uint32 of shape (n,); a bucket is a /16."""

    bits = 32
    address_words = 1
    prefix_words = 1
    place_bits = 25

    def words_of_prefixes(self, prefixes: Sequence[bytes]) -> list[NDArray[np.uint64]]:
        """Return one word a prefix: length, address, three zero octets."""
        return [np.array(prefixes, "S8").view(">u8").astype(np.uint64)]

    def words_of_addresses(self, addresses: NDArray) -> list[NDArray[np.uint64]]:
        """Return the addresses, 64 bits wide."""
        return [addresses.astype(np.uint64)]

    def words_of_covering(
        self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.uint64]
    ) -> list[NDArray[np.uint64]]:
        """Return (length, masked address)."""
        masked = addresses[0] & _MASKS[32][lengths]
        return [(masked << _24) | (lengths << _LENGTH)]

    def buckets_of_addresses(self, addresses: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
        """Return the upper 16 bits."""
        return (addresses[0] >> _16).view(np.int64)

    def addresses_of_prefixes(
        self, words: Sequence[NDArray[np.uint64]]
    ) -> list[NDArray[np.uint64]]:
        """Return the four octets after the length."""
        return [(words[0] >> _24) & _LOW_32]

    def places(
        self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Give each prefix up to /24 a number of its own."""
        above = addresses[0] >> _PLACE_SHIFT.take(lengths)
        return (above + _FIRST_PLACE.take(lengths)).view(np.int64)

    def buckets_of_prefixes(
        self, words: Sequence[NDArray[np.uint64]]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], list[tuple[int, int, int]]]:
        """A prefix shorter than 16 bits spans several buckets."""
        lengths = lengths_of(words)
        buckets = ((words[0] >> _40) & _LOW_16).view(np.int64)
        is_long = lengths >= 16
        short = np.flatnonzero(~is_long)
        spans = [
            (first, first + (1 << (16 - length)), length)
            for first, length in zip(buckets[short].tolist(), lengths[short].tolist(), strict=True)
        ]
        return is_long, buckets[is_long], spans


class IPv6:
    """Addresses are uint64 of shape (n, 2), upper half first; a bucket is some /32s, folded."""

    bits = 128
    address_words = 2
    prefix_words = 3
    place_bits = 24

    def words_of_prefixes(self, prefixes: Sequence[bytes]) -> list[NDArray[np.uint64]]:
        """Return three words a prefix: length and 7 octets, 8 octets, 1 octet and 7 zeros."""
        words = np.array(prefixes, "S24").view(">u8").reshape(-1, 3).astype(np.uint64)
        return [np.ascontiguousarray(words[:, column]) for column in range(3)]

    def words_of_addresses(self, addresses: NDArray) -> list[NDArray[np.uint64]]:
        """Return the two halves."""
        return [np.ascontiguousarray(addresses[:, half], np.uint64) for half in (0, 1)]

    def words_of_covering(
        self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.uint64]
    ) -> list[NDArray[np.uint64]]:
        """Return (length, masked address), shifted by the length octet."""
        upper = addresses[0] & _MASKS[64][np.minimum(lengths, _64)]
        lower = addresses[1] & _MASKS[64][np.maximum(lengths, _64) - _64]
        return [
            (upper >> _8) | (lengths << _LENGTH),
            (upper << _LENGTH) | (lower >> _8),
            lower << _LENGTH,
        ]

    def buckets_of_addresses(self, addresses: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
        """Fold the upper 32 bits: 2001:db8:: and 2001:db9:: are in different buckets."""
        return _fold(addresses[0] >> _32)

    def addresses_of_prefixes(
        self, words: Sequence[NDArray[np.uint64]]
    ) -> list[NDArray[np.uint64]]:
        """Return the sixteen octets after the length."""
        return [
            (words[0] << _8) | (words[1] >> _LENGTH),
            (words[1] << _8) | (words[2] >> _LENGTH),
        ]

    def places(
        self, addresses: Sequence[NDArray[np.uint64]], lengths: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Hash the length and the upper half: longer prefixes than /64 share what theirs has."""
        upper_bits = np.minimum(lengths, 64)
        mixed = (addresses[0] & _MASKS[64].take(upper_bits)) + upper_bits.view(np.uint64)
        mixed *= _SPREAD
        return (mixed >> _40).view(np.int64)

    def buckets_of_prefixes(
        self, words: Sequence[NDArray[np.uint64]]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], list[tuple[int, int, int]]]:
        """A prefix shorter than 32 bits may have to do with any bucket."""
        lengths = lengths_of(words)
        is_long = lengths >= 32
        buckets = _fold((words[0][is_long] >> _24) & _LOW_32)
        return is_long, buckets, [(0, BUCKETS, n) for n in np.unique(lengths[~is_long]).tolist()]


def _fold(upper: NDArray[np.uint64]) -> NDArray[np.int64]:
    return ((upper ^ (upper >> _16)) & _LOW_16).view(np.int64)


FAMILIES: dict[int, AddressFamily] = {4: IPv4(), 6: IPv6()}
