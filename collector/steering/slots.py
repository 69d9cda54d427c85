"""Which slot a device belongs to: the Python twin of bpf/slot.h.

    device address -> alias -> 128 bits -> hash -> bucket (of 4096) -> slot

A bucket's slot is ``bucket % slots`` unless the table moves it. Changing a number of the hash
changes bpf/slot.h and classic_bpf.py too, and moves every device to another worker.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from collector.errors import ConfigError

BUCKETS = 4096
MAX_SLOTS = 256

Address = str | IPv4Address | IPv6Address
Words = tuple[int, int, int, int]

# Shift, multiply, shift, multiply, shift for each word: over sequential addresses the chi-square of
# the slots is then that of chance; without the first shift some networks were lopsided (measured).
FIRST_SHIFT, SECOND_SHIFT, LAST_SHIFT = 16, 15, 16
FIRST_FACTOR, SECOND_FACTOR = 0x7FEB352D, 0x846CA68B
_WORD = 0xFFFFFFFF
_MAPPED_IPV4 = 0xFFFF


def device_words(address: Address) -> Words:
    """Write an address as four 32-bit integers, most significant first; IPv4 as ``::ffff:a.b.c.d``.

    Raises:
        ValueError: the text is no IPv4 or IPv6 address.
    """
    parsed = ip_address(address)
    number = int(parsed)
    if isinstance(parsed, IPv4Address):
        return 0, 0, _MAPPED_IPV4, number
    return number >> 96, number >> 64 & _WORD, number >> 32 & _WORD, number & _WORD


def device_text(words: Words) -> str:
    """Write the canonical text of an address: dotted IPv4, IPv6 as in RFC 5952."""
    if words[:3] == (0, 0, _MAPPED_IPV4):
        return str(IPv4Address(words[3]))
    return str(IPv6Address(words[0] << 96 | words[1] << 64 | words[2] << 32 | words[3]))


def mix(hash_: int, word: int) -> int:
    """Take one more 32-bit word into the hash."""
    hash_ ^= word
    hash_ ^= hash_ >> FIRST_SHIFT
    hash_ = hash_ * FIRST_FACTOR & _WORD
    hash_ ^= hash_ >> SECOND_SHIFT
    hash_ = hash_ * SECOND_FACTOR & _WORD
    return hash_ ^ hash_ >> LAST_SHIFT


def bucket_of(words: Words) -> int:
    """Hash the four words of a device into one of the 4096 buckets."""
    hash_ = 0
    for word in words:
        hash_ = mix(hash_, word)
    return hash_ & BUCKETS - 1


class SlotTable:
    """The whole mapping of devices to slots, as configured; a value that nothing changes.

    Args:
        slots: number of workers, 1 to 256.
        buckets: slot of each bucket that was moved by hand.
        aliases: further address -> address of the device it belongs to. A device that is itself an
            alias is followed to its end, so that the kernel needs one look-up.

    Raises:
        ConfigError: all mistakes at once: numbers out of range, no address, aliases in a circle.
    """

    __slots__ = ("_aliases", "buckets", "slots")

    def __init__(
        self,
        slots: int,
        buckets: Mapping[int, int] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        mistakes = []
        if not 1 <= slots <= MAX_SLOTS:
            mistakes.append(f"workers = {slots}: 1 to {MAX_SLOTS} are possible")
        self.slots = slots
        self.buckets = dict(buckets or {})
        mistakes += _bad_buckets(self.buckets, slots)
        self._aliases = _parse_aliases(aliases or {}, mistakes)
        if mistakes:
            raise ConfigError(mistakes)

    @property
    def aliases(self) -> dict[Words, Words]:
        """Alias -> device, both as words; no device is itself an alias."""
        return self._aliases

    def words_of(self, address: Address) -> Words:
        """Return the words that are hashed for an address: those of its device."""
        words = device_words(address)
        return self._aliases.get(words, words)

    def device_of(self, address: Address) -> str:
        """Return the canonical text of the device that an address belongs to."""
        return device_text(self.words_of(address))

    def bucket_of(self, address: Address) -> int:
        """Return the bucket of the address's device."""
        return bucket_of(self.words_of(address))

    def slot_of(self, address: Address) -> int:
        """Return the slot of the address's device; what the kernel does with its packets."""
        return self.slot_of_bucket(self.bucket_of(address))

    def slot_of_bucket(self, bucket: int) -> int:
        """Return the slot that a bucket (0 to 4095) is served by."""
        return self.buckets.get(bucket, bucket % self.slots)

    def load(self) -> list[int]:
        """Count the buckets of each slot, in slot order; the sum is 4096."""
        load = [0] * self.slots
        for bucket in range(BUCKETS):
            load[self.slot_of_bucket(bucket)] += 1
        return load


def _bad_buckets(buckets: Mapping[int, int], slots: int) -> list[str]:
    mistakes = []
    for bucket, slot in buckets.items():
        if not 0 <= bucket < BUCKETS:
            mistakes.append(f"bucket {bucket}: 0 to {BUCKETS - 1} are possible")
        if not 0 <= slot < slots:
            mistakes.append(f"bucket {bucket}: slot {slot} is not one of the {slots} workers")
    return mistakes


def _parse_aliases(aliases: Mapping[str, str], mistakes: list[str]) -> dict[Words, Words]:
    parsed: dict[Words, Words] = {}
    for alias, device in aliases.items():
        try:
            parsed[device_words(alias)] = device_words(device)
        except ValueError as error:
            mistakes.append(f"alias {alias} of {device}: {error}")
    ends = {alias: _end_of(alias, parsed) for alias in parsed}
    mistakes += [
        f"alias {device_text(alias)}: leads back to itself"
        for alias, end in ends.items()
        if end is None
    ]
    # An alias that only names itself is harmless and needs no look-up.
    return {alias: end for alias, end in ends.items() if end is not None and end != alias}


def _end_of(alias: Words, aliases: Mapping[Words, Words]) -> Words | None:
    """Follow an alias to the device at its end; None where there is a circle."""
    seen = {alias}
    while (device := aliases.get(alias, alias)) != alias:
        if device in seen:
            return None
        seen.add(device)
        alias = device
    return alias
