from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import SteeringError
from collector.steering.allow_list import AllowList
from collector.steering.classic_bpf import FIRST_SLOT, SINK, steering_program
from collector.steering.slots import SlotTable
from tests.steering.classic_bpf_interpreter import run
from tests.steering.test_allow_list import NETWORKS


@given(st.lists(NETWORKS, max_size=8), st.data())
def test_allow_list_sends_strangers_to_the_sink(prefixes: list[str], data: st.DataObject) -> None:
    table = SlotTable(5)
    allow = AllowList(prefixes)
    program = steering_program(table, allow)
    edges = [
        address
        for network in (*allow.ipv4, *allow.ipv6)
        for address in (network.network_address, network.broadcast_address)
    ]
    neighbours = [
        type(address)(int(address) + step)
        for address in edges
        for step in (-1, 0, 1)
        if 0 <= int(address) + step < 1 << address.max_prefixlen
    ]
    others = data.draw(st.lists(st.ip_addresses(v=4) | st.ip_addresses(v=6), max_size=3))
    for address in neighbours + others:
        if address.version == 6 and address.ipv4_mapped is not None:
            continue  # the kernel drops such packets before us
        expected = FIRST_SLOT + table.slot_of(address) if allow.allows(address) else SINK
        assert run(program, address) == expected, address


def test_alias_outside_the_allow_list_is_a_stranger() -> None:
    table = SlotTable(4, aliases={"10.9.9.9": "10.0.0.1"})
    program = steering_program(table, AllowList(["10.0.0.0/24"]))
    assert run(program, IPv4Address("10.9.9.9")) == SINK
    assert run(program, IPv4Address("10.0.0.1")) == FIRST_SLOT + table.slot_of("10.9.9.9")


def test_moved_buckets_are_refused_by_name() -> None:
    with pytest.raises(SteeringError, match=r"2 moved bucket\(s\) need eBPF"):
        steering_program(SlotTable(4, {1: 0, 2: 0}), None)


def test_too_many_aliases_are_refused_by_name() -> None:
    aliases = {f"10.{n >> 8}.{n & 255}.1": "192.0.2.1" for n in range(2500)}
    with pytest.raises(SteeringError, match=r"2500 aliases and 0 allowed prefixes .* 4096"):
        steering_program(SlotTable(4, aliases=aliases), None)


def test_too_many_prefixes_are_refused_by_name() -> None:
    prefixes = [f"10.{n >> 8}.{n & 255}.0/25" for n in range(1500)]
    with pytest.raises(SteeringError, match=r"0 aliases and 1500 allowed prefixes"):
        steering_program(SlotTable(4), AllowList(prefixes))
