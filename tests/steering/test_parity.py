"""Python, C and classic BPF find the same slot."""

import ctypes
import random
import shutil
import subprocess
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.steering.bcc_loader import BPF_DIRECTORY
from collector.steering.classic_bpf import FIRST_SLOT, steering_program
from collector.steering.slots import SlotTable, bucket_of, device_words
from tests.steering.classic_bpf_interpreter import run

_SLOTS = (1, 2, 3, 7, 64, 255, 256)
_ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))

SlotInC = Callable[[tuple[int, ...], int], tuple[int, int]]


@pytest.fixture(scope="module")
def slot_in_c(tmp_path_factory: pytest.TempPathFactory) -> SlotInC:
    """Compile bpf/slot.h for this machine; words and slots in, bucket and slot out."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("cc is not installed: bpf/slot.h cannot be compiled for the comparison")
    directory: Path = tmp_path_factory.mktemp("slot")
    source = directory / "slot.c"
    source.write_text(
        '#include "slot.h"\n'
        "unsigned bucket(const unsigned *d) { return bucket_of(d); }\n"
        "unsigned slot(const unsigned *d, unsigned n) { return slot_of(d, n); }\n"
    )
    library = directory / "slot.so"
    warnings = ["-Wall", "-Wextra", "-Werror"]
    command = [compiler, "-shared", "-fPIC", *warnings, f"-I{BPF_DIRECTORY}", "-o", str(library)]
    subprocess.run([*command, str(source)], check=True)
    compiled = ctypes.CDLL(str(library))

    def slot(words: tuple[int, ...], slots: int) -> tuple[int, int]:
        device = (ctypes.c_uint32 * 4)(*words)
        return compiled.bucket(device), compiled.slot(device, slots)

    return slot


def _random_addresses(count: int) -> list[IPv4Address | IPv6Address]:
    numbers = random.Random(7)
    return [
        IPv4Address(numbers.getrandbits(32)) if index % 2 else IPv6Address(numbers.getrandbits(128))
        for index in range(count)
    ]


def test_ten_thousand_addresses_in_c(slot_in_c: SlotInC) -> None:
    for index, address in enumerate(_random_addresses(10_000)):
        slots = _SLOTS[index % len(_SLOTS)]
        words = device_words(address)
        assert slot_in_c(words, slots) == (bucket_of(words), SlotTable(slots).slot_of(address))


def test_ten_thousand_addresses_in_classic_bpf() -> None:
    tables = [SlotTable(slots) for slots in _SLOTS]
    programs = [steering_program(table, None) for table in tables]
    for index, address in enumerate(_random_addresses(10_000)):
        which = index % len(_SLOTS)
        answer = run(programs[which], address)
        assert answer == FIRST_SLOT + tables[which].slot_of(address), address


@given(_ADDRESSES, st.integers(1, 256))
def test_any_address_and_number_of_slots(
    slot_in_c: SlotInC, address: IPv4Address | IPv6Address, slots: int
) -> None:
    table = SlotTable(slots)
    words = device_words(address)
    assert slot_in_c(words, slots) == (table.bucket_of(address), table.slot_of(address))
    if address.version == 4 or address.ipv4_mapped is None:  # the kernel drops mapped ones itself
        assert run(steering_program(table, None), address) == FIRST_SLOT + table.slot_of(address)


@given(
    st.dictionaries(_ADDRESSES.map(str), st.just("192.0.2.1") | st.just("2001:db8::1"), max_size=8),
    st.integers(1, 256),
)
def test_aliases_in_classic_bpf(aliases: dict[str, str], slots: int) -> None:
    aliases = {a: d for a, d in aliases.items() if a not in ("192.0.2.1", "2001:db8::1")}
    table = SlotTable(slots, aliases=aliases)
    program = steering_program(table, None)
    for text in (*aliases, "192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"):
        address = ip_address(text)
        if address.version == 4 or address.ipv4_mapped is None:
            assert run(program, address) == FIRST_SLOT + table.slot_of(address)
