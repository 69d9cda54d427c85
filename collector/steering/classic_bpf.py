"""Classic-BPF programs: steering as slot.h does it and the allow-list, where eBPF cannot be had.

Classic BPF has an accumulator A, an index register X, 16 words of memory, no tables and no way
back: what eBPF looks up in maps is compiled in here. The kernel runs a steering program
(SO_ATTACH_REUSEPORT_CBPF) with the packet at its payload, so it reads the network header by that
header's own offset.

Its answer is a socket's index in the reuseport group. Index 0 is a socket that swallows what it
gets, because a load that fails answers 0 by itself; the slots follow.

A program is built from the end: a jump only goes forward, so what it skips is known by then.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from collector.errors import SteeringError
from collector.steering.allow_list import AllowList
from collector.steering.slots import (
    BUCKETS,
    FIRST_FACTOR,
    FIRST_SHIFT,
    LAST_SHIFT,
    SECOND_FACTOR,
    SECOND_SHIFT,
    SlotTable,
    Words,
    bucket_of,
    mix,
)


class Instruction(NamedTuple):
    """struct sock_filter of linux/filter.h; jumps count the instructions they skip."""

    code: int
    jump_true: int
    jump_false: int
    operand: int


Program = tuple[Instruction, ...]

# linux/bpf_common.h: class, size or operation, and mode or source in one number.
LOAD_WORD, LOAD_OPERAND, LOAD_MEMORY, LOAD_X_MEMORY, STORE = 0x20, 0x00, 0x60, 0x61, 0x02
ADD, MULTIPLY, SHIFT_RIGHT, AND, XOR, XOR_X, MODULO = 0x04, 0x24, 0x74, 0x54, 0xA4, 0xAC, 0x94
JUMP, JUMP_EQUAL, JUMP_GREATER, JUMP_NOT_BELOW = 0x05, 0x15, 0x25, 0x35
RETURN, RETURN_A, A_TO_X = 0x06, 0x16, 0x07

# linux/filter.h: offsets that stand for something else than octets of the packet.
NETWORK_HEADER = 0xFFF00000  # SKF_NET_OFF
ETHERTYPE = 0xFFFFF000  # SKF_AD_OFF + SKF_AD_PROTOCOL
_ETHERTYPE_IPV6 = 0x86DD
_IPV4_SOURCE, _IPV6_SOURCE = 12, 8

SINK, FIRST_SLOT = 0, 1  # what a program answers: nobody's socket; FIRST_SLOT + n for slot n
_LONGEST = 4096  # BPF_MAXINSNS
_WORD = 0xFFFFFFFF


def _do(code: int, operand: int = 0) -> Instruction:
    return Instruction(code, 0, 0, operand)


def always(answer: int) -> Program:
    """Compile the program that gives every packet the same answer."""
    return (_do(RETURN, answer),)


def steering_program(table: SlotTable, allow: AllowList | None) -> Program:
    """Compile the choice of a socket: the slot of the source's device.

    Returns:
        a program that answers `SINK` for a source outside the allow-list, else `FIRST_SLOT` + slot.

    Raises:
        SteeringError: buckets were moved, or aliases and prefixes are too many to compile in.
    """
    if table.buckets:
        raise SteeringError(
            f"classic BPF has no bucket table: {len(table.buckets)} moved bucket(s) need eBPF"
        )
    places = [
        (alias, table.slot_of_bucket(bucket_of(device))) for alias, device in table.aliases.items()
    ]
    ipv4 = [(words[3], slot) for words, slot in places if _is_ipv4(words)]
    ipv6 = [(words, slot) for words, slot in places if not _is_ipv4(words)]
    ipv4_steps = [
        _do(LOAD_WORD, NETWORK_HEADER + _IPV4_SOURCE),
        *_ipv4_allowed(allow),
        *_ipv4_aliases(ipv4),
        *_hash_ipv4(),
        *_to_slot(table.slots),
    ]
    ipv6_steps = [
        *_ipv6_to_memory(),
        *_ipv6_allowed(allow),
        *_ipv6_aliases(ipv6),
        *_hash_ipv6(),
        *_to_slot(table.slots),
    ]
    program = (
        _do(LOAD_WORD, ETHERTYPE),
        # Nothing but IPv4 and IPv6 comes to a UDP or TCP socket.
        Instruction(JUMP_EQUAL, 0, 1, _ETHERTYPE_IPV6),
        _do(JUMP, len(ipv4_steps)),
        *ipv4_steps,
        *ipv6_steps,
    )
    if len(program) > _LONGEST:
        prefixes = 0 if allow is None else len(allow.ipv4) + len(allow.ipv6)
        raise SteeringError(
            f"{len(places)} aliases and {prefixes} allowed prefixes make {len(program)}"
            f" instructions of classic BPF, and the kernel takes {_LONGEST}; eBPF has tables"
        )
    return program


def _ipv6_to_memory() -> list[Instruction]:
    steps = []
    for word in range(4):
        steps.append(_do(LOAD_WORD, NETWORK_HEADER + _IPV6_SOURCE + 4 * word))
        steps.append(_do(STORE, word))
    return steps


def _ipv4_allowed(allow: AllowList | None) -> list[Instruction]:
    return [] if allow is None else _any_of(_in_ipv4(network) for network in allow.ipv4)


def _ipv6_allowed(allow: AllowList | None) -> list[Instruction]:
    return [] if allow is None else _any_of(_in_ipv6(network) for network in allow.ipv6)


def _any_of(tests: Iterable[list[Instruction]]) -> list[Instruction]:
    """Go on after the end if one of the tests falls through, answer the sink otherwise.

    A test that fails skips one instruction past itself, the jump to the end.
    """
    backwards = [_do(RETURN, SINK)]
    for test in reversed(list(tests)):
        backwards.append(_do(JUMP, len(backwards)))
        backwards += reversed(test)
    return backwards[::-1]


def _in_ipv4(network: IPv4Network) -> list[Instruction]:
    """Test A, and keep it."""
    return [
        Instruction(JUMP_NOT_BELOW, 0, 2, int(network.network_address)),
        Instruction(JUMP_GREATER, 1, 0, int(network.broadcast_address)),
    ]


def _in_ipv6(network: IPv6Network) -> list[Instruction]:
    """Test the words in memory, as many as the prefix is long."""
    address, mask = int(network.network_address), int(network.netmask)
    test: list[Instruction] = []
    for word in reversed(range(-(-network.prefixlen // 32))):
        shift = 96 - 32 * word
        wanted, bits = address >> shift & _WORD, mask >> shift & _WORD
        masked = [] if bits == _WORD else [_do(AND, bits)]
        equal = Instruction(JUMP_EQUAL, 0, len(test) + 1, wanted)
        test = [_do(LOAD_MEMORY, word), *masked, equal, *test]
    return test


def _ipv4_aliases(places: list[tuple[int, int]]) -> list[Instruction]:
    steps = []
    for address, slot in places:
        steps += [Instruction(JUMP_EQUAL, 0, 1, address), _do(RETURN, FIRST_SLOT + slot)]
    return steps


def _ipv6_aliases(places: list[tuple[Words, int]]) -> list[Instruction]:
    steps = []
    for words, slot in places:
        # The last word first: it tells the addresses of one network apart soonest.
        for word in (3, 2, 1, 0):
            steps.append(_do(LOAD_MEMORY, word))
            steps.append(Instruction(JUMP_EQUAL, 0, 2 * word + 1, words[word]))
        steps.append(_do(RETURN, FIRST_SLOT + slot))
    return steps


def _hash_ipv4() -> list[Instruction]:
    """Hash the address in A: the three words before it are the same for all of IPv4."""
    before = mix(mix(mix(0, 0), 0), 0xFFFF)
    return [_do(XOR, before), *_mix()]


def _hash_ipv6() -> list[Instruction]:
    steps = [_do(LOAD_OPERAND, 0)]
    for word in range(4):
        steps += [_do(LOAD_X_MEMORY, word), _do(XOR_X), *_mix()]
    return steps


def _mix() -> list[Instruction]:
    """Do what `slots.mix` does with A after it has taken the word in."""
    return [
        *_fold(FIRST_SHIFT),
        _do(MULTIPLY, FIRST_FACTOR),
        *_fold(SECOND_SHIFT),
        _do(MULTIPLY, SECOND_FACTOR),
        *_fold(LAST_SHIFT),
    ]


def _fold(shift: int) -> list[Instruction]:
    return [_do(A_TO_X), _do(SHIFT_RIGHT, shift), _do(XOR_X)]


def _to_slot(slots: int) -> list[Instruction]:
    return [_do(AND, BUCKETS - 1), _do(MODULO, slots), _do(ADD, FIRST_SLOT), _do(RETURN_A)]


def _is_ipv4(words: Words) -> bool:
    return words[:3] == (0, 0, 0xFFFF)
