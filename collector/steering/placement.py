"""Where given addresses go and how the slots are loaded: the answers of ``collector steer``."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collector.errors import ConfigError
from collector.steering.slots import SlotTable


@dataclass(frozen=True, slots=True)
class Placement:
    """The way of one source address to its slot; addresses are canonical text."""

    address: str
    device: str
    bucket: int
    slot: int


@dataclass(frozen=True, slots=True)
class SlotLoad:
    """What one slot serves: of the 4096 buckets, and of the addresses asked for."""

    slot: int
    buckets: int
    moved_here: int  # buckets that are this slot's by hand only
    addresses: int


def place(addresses: Iterable[str], table: SlotTable) -> list[Placement]:
    """Find the slot of each address, in their order.

    Raises:
        ConfigError: all texts that are no address.
    """
    placements = []
    mistakes = []
    for address in addresses:
        try:
            device, bucket = table.device_of(address), table.bucket_of(address)
        except ValueError as error:
            mistakes.append(str(error))
            continue
        placements.append(Placement(address, device, bucket, table.slot_of_bucket(bucket)))
    if mistakes:
        raise ConfigError(mistakes)
    return placements


def load_of_slots(table: SlotTable, placements: Sequence[Placement]) -> list[SlotLoad]:
    """Count for each slot, in slot order, its buckets and those of the addresses it gets."""
    addresses = Counter(placement.slot for placement in placements)
    moved = Counter(slot for bucket, slot in table.buckets.items() if slot != bucket % table.slots)
    return [
        SlotLoad(slot, buckets, moved[slot], addresses[slot])
        for slot, buckets in enumerate(table.load())
    ]
