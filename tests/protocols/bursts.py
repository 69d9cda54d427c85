"""Bursts out of datagrams, as a receiver makes them."""

from collections.abc import Sequence
from ipaddress import ip_address

import numpy as np

from collector.protocols.flow_burst import Burst

_MAPPED = bytes(10) + b"\xff\xff"
_ROOM_OCTETS = 70_000


def burst_of(sent: Sequence[tuple[str, bytes]]) -> Burst:
    """Put (source, datagram) pairs into one buffer, with rubbish in between."""
    octets = bytearray(b"\xaa" * (_ROOM_OCTETS * len(sent) + 4))
    starts = np.arange(len(sent), dtype=np.int64) * _ROOM_OCTETS + 1
    for start, (_, datagram) in zip(starts.tolist(), sent, strict=True):
        octets[start : start + len(datagram)] = datagram
    lengths = np.array([len(datagram) for _, datagram in sent], np.int64)
    sources = np.frombuffer(b"".join(source_octets(source) for source, _ in sent), "V16")
    return Burst(memoryview(octets), starts, lengths, sources)


def source_octets(address: str) -> bytes:
    """Give the 16 octets of an address, IPv4 as a mapped one."""
    packed = ip_address(address).packed
    return packed if len(packed) == 16 else _MAPPED + packed
