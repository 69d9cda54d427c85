import pytest

from collector.errors import ConfigError
from collector.steering.placement import Placement, SlotLoad, load_of_slots, place
from collector.steering.slots import SlotTable


def test_place_follows_aliases_and_moved_buckets() -> None:
    bucket = SlotTable(4).bucket_of("10.0.0.1")
    table = SlotTable(4, {bucket: 3}, {"2001:db8::1": "10.0.0.1"})
    assert place(["2001:DB8::1", "10.0.0.1"], table) == [
        Placement("2001:DB8::1", "10.0.0.1", bucket, 3),
        Placement("10.0.0.1", "10.0.0.1", bucket, 3),
    ]


def test_load_counts_moved_buckets_and_addresses() -> None:
    table = SlotTable(2, {0: 1, 1: 1, 2: 1})
    placements = place(["10.0.0.1", "10.0.0.2", "10.0.0.3"], table)
    slots = [placement.slot for placement in placements]
    assert load_of_slots(table, placements) == [
        SlotLoad(0, 2046, 0, slots.count(0)),
        SlotLoad(1, 2050, 2, slots.count(1)),
    ]


def test_all_bad_addresses_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        place(["10.0.0", "10.0.0.1", "router"], SlotTable(2))
    assert len(caught.value.mistakes) == 2
