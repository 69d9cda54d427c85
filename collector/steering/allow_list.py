"""Which source addresses may talk to us: the prefixes that both kinds of socket filter are made of.

A prefix speaks for its own family: ``::/0`` lets in all of IPv6 and nothing of IPv4.
"""

import struct
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_network,
)

from collector.errors import ConfigError
from collector.steering.slots import Address, device_words

_MAPPED = IPv6Network("::ffff:0:0/96")
_TRIE_KEY = struct.Struct("=I16s")  # struct prefix of bpf/allow.c: length in bits, address


class AllowList:
    """Prefixes in both families, each list free of overlaps; a value that nothing changes.

    Raises:
        ConfigError: all prefixes that are none, or that have bits set past their length.
    """

    __slots__ = ("ipv4", "ipv6")
    TRIE_KEY_OCTETS = _TRIE_KEY.size

    def __init__(self, prefixes: Iterable[str]) -> None:
        ipv4: list[IPv4Network] = []
        ipv6: list[IPv6Network] = []
        mistakes = []
        for prefix in prefixes:
            try:
                network = ip_network(prefix)
            except ValueError as error:
                mistakes.append(f"allow {prefix!r}: {error}")
                continue
            if isinstance(network, IPv4Network):
                ipv4.append(network)
            elif network.subnet_of(_MAPPED):
                ipv4.append(_unmapped(network))
            else:
                ipv6 += _without_mapped(network)
        if mistakes:
            raise ConfigError(mistakes)
        self.ipv4 = tuple(collapse_addresses(ipv4))
        self.ipv6 = tuple(collapse_addresses(ipv6))

    def allows(self, address: Address) -> bool:
        """Tell what the socket filters do with an address."""
        words = device_words(address)
        number = words[0] << 96 | words[1] << 64 | words[2] << 32 | words[3]
        parsed = IPv6Address(number)
        if parsed.ipv4_mapped is not None:
            return any(IPv4Address(words[3]) in network for network in self.ipv4)
        return any(parsed in network for network in self.ipv6)

    def trie_keys(self) -> set[bytes]:
        """Return the keys of the kernel's LPM trie: the length in host order, then 128 bits."""
        keys = {
            _TRIE_KEY.pack(network.prefixlen, network.network_address.packed)
            for network in self.ipv6
        }
        for network in self.ipv4:
            mapped = bytes(10) + b"\xff\xff" + network.network_address.packed
            keys.add(_TRIE_KEY.pack(96 + network.prefixlen, mapped))
        return keys


def _unmapped(network: IPv6Network) -> IPv4Network:
    return IPv4Network((network.network_address.packed[12:], network.prefixlen - 96))


def _without_mapped(network: IPv6Network) -> list[IPv6Network]:
    """Cut out ::ffff:0:0/96, under which the trie holds all of IPv4."""
    if not _MAPPED.subnet_of(network):
        return [network]
    return list(network.address_exclude(_MAPPED))
