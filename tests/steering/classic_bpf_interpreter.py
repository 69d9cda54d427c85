"""Run classic BPF as the kernel does, for the comparison with its twins."""

import struct
from ipaddress import IPv4Address, IPv6Address

from collector.steering import classic_bpf as bpf

_WORD = 0xFFFFFFFF
_ETHERTYPE = {4: 0x0800, 6: 0x86DD}


def header(source: IPv4Address | IPv6Address) -> bytes:
    """Make an IP header in which nothing but the version and the source is set."""
    if source.version == 4:
        return b"\x45" + bytes(11) + source.packed + bytes(4)
    return b"\x60" + bytes(7) + source.packed + bytes(16)


def run(program: bpf.Program, source: IPv4Address | IPv6Address) -> int:
    """Answer what the program answers for a packet from the source."""
    network = header(source)
    a, x, memory, at = 0, 0, [0] * 16, 0
    while True:
        code, jump_true, jump_false, k = program[at]
        at += 1
        if code == bpf.RETURN:
            return k
        if code == bpf.RETURN_A:
            return a
        if code == bpf.LOAD_WORD and k == bpf.ETHERTYPE:
            a = _ETHERTYPE[source.version]
        elif code == bpf.LOAD_WORD:
            (a,) = struct.unpack_from("!I", network, k - bpf.NETWORK_HEADER)
        elif code == bpf.LOAD_OPERAND:
            a = k
        elif code == bpf.LOAD_MEMORY:
            a = memory[k]
        elif code == bpf.LOAD_X_MEMORY:
            x = memory[k]
        elif code == bpf.STORE:
            memory[k] = a
        elif code == bpf.A_TO_X:
            x = a
        elif code == bpf.JUMP:
            at += k
        elif code in _TESTS:
            at += jump_true if _TESTS[code](a, k) else jump_false
        else:
            a = _ARITHMETIC[code](a, x, k) & _WORD


_TESTS = {
    bpf.JUMP_EQUAL: lambda a, k: a == k,
    bpf.JUMP_GREATER: lambda a, k: a > k,
    bpf.JUMP_NOT_BELOW: lambda a, k: a >= k,
}

_ARITHMETIC = {
    bpf.ADD: lambda a, x, k: a + k,
    bpf.MULTIPLY: lambda a, x, k: a * k,
    bpf.SHIFT_RIGHT: lambda a, x, k: a >> k,
    bpf.AND: lambda a, x, k: a & k,
    bpf.XOR: lambda a, x, k: a ^ k,
    bpf.XOR_X: lambda a, x, k: a ^ x,
    bpf.MODULO: lambda a, x, k: a % k,
}
