from ipaddress import ip_address

import pytest

from collector.errors import ConfigError
from collector.steering.slots import BUCKETS, SlotTable, bucket_of, device_text, device_words


@pytest.mark.parametrize(
    ("address", "words", "text"),
    [
        ("10.1.2.3", (0, 0, 0xFFFF, 0x0A010203), "10.1.2.3"),
        ("::ffff:10.1.2.3", (0, 0, 0xFFFF, 0x0A010203), "10.1.2.3"),
        ("2001:DB8:0:0::1", (0x20010DB8, 0, 0, 1), "2001:db8::1"),
        ("fe80::1%eth0", (0xFE800000, 0, 0, 1), "fe80::1"),
    ],
)
def test_words_of_an_address(address: str, words: tuple[int, ...], text: str) -> None:
    assert device_words(address) == words
    assert device_text(words) == text


def test_buckets_are_the_same_for_ever() -> None:
    # Another hash moves every device to another worker, and shows in what operators wrote down.
    known = {"10.0.0.1": 3846, "192.0.2.1": 71, "2001:db8::1": 1777, "::1": 192}
    assert {address: bucket_of(device_words(address)) for address in known} == known


@pytest.mark.parametrize("slots", [2, 3, 4, 5, 7, 8, 12, 16])
@pytest.mark.parametrize("step", [1, 256, 1 << 16])
@pytest.mark.parametrize("first", ["10.0.0.0", "172.31.255.7", "2001:db8::", "fd12:3456:789a:1::9"])
def test_sequential_addresses_are_spread_evenly(first: str, step: int, slots: int) -> None:
    table = SlotTable(slots)
    addresses = [ip_address(first) + step * index for index in range(1000)]
    counts = [0] * slots
    for address in addresses:
        counts[table.slot_of(address)] += 1
    expected = 1000 / slots
    chi_square = sum((count - expected) ** 2 / expected for count in counts)
    # As a normal deviate (Wilson and Hilferty): 4 is one chance in 30 000.
    spread = 2 / (9 * (slots - 1))
    assert ((chi_square / (slots - 1)) ** (1 / 3) - (1 - spread)) / spread**0.5 < 4


def test_load_counts_all_buckets() -> None:
    assert SlotTable(3).load() == [1366, 1365, 1365]
    moved = SlotTable(3, {0: 2, 3: 2, 5: 2})
    assert moved.load() == [1364, 1365, 1367]
    assert sum(moved.load()) == BUCKETS


def test_moved_bucket_takes_its_devices_along() -> None:
    bucket = SlotTable(4).bucket_of("10.0.0.1")
    table = SlotTable(4, {bucket: (bucket + 1) % 4})
    assert table.slot_of("10.0.0.1") == (bucket + 1) % 4
    assert SlotTable(4).slot_of("10.0.0.1") == bucket % 4


def test_alias_is_its_device() -> None:
    table = SlotTable(16, aliases={"2001:db8::1": "::ffff:10.0.0.1", "10.0.0.2": "2001:db8::1"})
    for address in ("10.0.0.1", "2001:db8::1", "10.0.0.2", "::ffff:10.0.0.2"):
        assert table.device_of(address) == "10.0.0.1"
        assert table.slot_of(address) == table.slot_of("10.0.0.1")
    assert table.device_of("10.0.0.3") == "10.0.0.3"


def test_alias_of_itself_is_none() -> None:
    assert SlotTable(2, aliases={"10.0.0.1": "::ffff:10.0.0.1"}).aliases == {}


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        SlotTable(
            257,
            {4096: 0, 7: 257},
            {"10.0.0": "10.0.0.1", "10.0.0.5": "10.0.0.6", "10.0.0.6": "10.0.0.5"},
        )
    told = str(caught.value)
    assert len(caught.value.mistakes) == 6
    for part in ("workers = 257", "bucket 4096", "bucket 7: slot 257", "10.0.0 of", "10.0.0.6"):
        assert part in told


@pytest.mark.parametrize("slots", [0, -1, 257])
def test_number_of_slots_has_bounds(slots: int) -> None:
    with pytest.raises(ConfigError, match="1 to 256"):
        SlotTable(slots)
