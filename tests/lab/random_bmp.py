"""BMP sessions of random content, as routers of many kinds might send them.

Everything follows from a seed. What nfacctd answers by reading beyond its buffers is left out: it
may say anything then.
"""

import random
import struct
from collections.abc import Sequence

from collector.simulation import bgp, bmp

NOW_S = 1_700_000_000.25
_LOCAL_AS = 64512

Family = tuple[int, int]
_FAMILIES: tuple[Family, ...] = ((1, 1), (2, 1), (1, 4), (2, 4), (1, 128), (2, 128))
_OTHER_FAMILIES: tuple[Family, ...] = ((25, 70), (1, 133), (1, 132), (16388, 71))
_LABELLED, _VPN = 4, 128
_RDS = (
    bytes.fromhex("0000fde800000001"),
    bytes.fromhex("0001c00002010007"),
    bytes.fromhex("0002000100010005"),
    bytes(8),
)
_FILTERED_STATISTIC, _FAMILY_STATISTICS = range(18), (9, 10, 16, 17)
_GAUGES = (7, 8, 14, 15)


class Session:
    """What one router sends: Initiation, peers, routes, statistics, in random order.

    Args:
        rough: some attributes and NLRI are malformed.
    """

    def __init__(self, seed: int, *, rough: bool = False) -> None:
        self._random = random.Random(seed)
        self._rough = rough
        self._peers = [self._peer(number) for number in range(self._random.randint(1, 4))]
        self._capabilities = {peer: self._families(peer) for peer in self._peers}
        self._attributes = [self._attribute_set(4) for _ in range(6)]

    def messages(self, count: int) -> list[bytes]:
        """The session's messages but for the end of its connection."""
        chosen = self._random
        found = [bmp.initiation("router", "of random content")]
        up = list(self._peers)
        found += [self._peer_up(peer) for peer in up]
        for _ in range(count):
            peer = chosen.choice(self._peers)
            match chosen.random():
                case part if part < 0.86:
                    found.append(self._monitoring(peer))
                case part if part < 0.92:
                    found.append(self._statistics(peer))
                case part if part < 0.96:
                    found.append(self._peer_down(peer))
                    if chosen.random() < 0.8:
                        found.append(self._peer_up(peer))
                case _:
                    found.append(self._peer_up(peer))
        return found

    def _peer(self, number: int) -> bmp.Peer:
        chosen = self._random
        # nfacctd 1.7.7 tells peers apart by their addresses alone: one Loc-RIB at most.
        kind = chosen.choice((0, 0, 1, 2, *(() if number else (bmp.LOC_RIB,))))
        if kind == bmp.LOC_RIB:
            distinguisher = chosen.choice((bytes(8), _RDS[number % 3]))
            return bmp.Peer(
                as_number=_LOCAL_AS, bgp_id="10.0.0.1", type=kind, distinguisher=distinguisher
            )
        address = f"2001:db8::{number + 1}" if chosen.random() < 0.3 else f"192.0.2.{number + 1}"
        distinguisher = chosen.choice(_RDS[:3]) if kind else bytes(8)
        as_number = chosen.choice((65001, 7, 4_200_000_001))
        return bmp.Peer(address, as_number, f"10.1.0.{number + 1}", kind, distinguisher)

    def _families(self, _peer: bmp.Peer) -> list[Family]:
        return [family for family in _FAMILIES if self._random.random() < 0.3]

    def _peer_up(self, peer: bmp.Peer) -> bytes:
        capabilities = b"".join(bgp.add_path(*family) for family in self._capabilities[peer])
        local = "2001:db8::ff" if ":" in peer.address else "192.0.2.254"
        sent = bgp.open_message(_LOCAL_AS, "10.0.0.1", capabilities)
        received = bgp.open_message(peer.as_number, "10.1.0.9", capabilities)
        return bmp.peer_up(peer, local, sent, received, NOW_S, self._random.choice(("", "vrf")))

    def _peer_down(self, peer: bmp.Peer) -> bytes:
        reason = self._random.randint(1, 5)
        data = {1: bgp.notification(6, 2), 2: b"\0\7", 3: bgp.notification(4)}.get(reason, b"")
        return bmp.peer_down(peer, reason, NOW_S, data)

    def _statistics(self, peer: bmp.Peer) -> bytes:
        values = []
        for kind in self._random.sample(range(20), 3):
            octets = 4
            if kind in _FAMILY_STATISTICS:
                octets = 11
            elif kind in _GAUGES or kind > 17:
                octets = 8
            values.append((kind, self._random.randbytes(octets)))
        return bmp.statistics(self._view(peer), values, NOW_S)

    def _view(self, peer: bmp.Peer) -> bmp.Peer:
        chosen = self._random
        fields = {name: getattr(peer, name) for name in ("address", "as_number", "bgp_id", "type")}
        fields["distinguisher"] = peer.distinguisher
        if peer.type == bmp.LOC_RIB:
            return bmp.Peer(**fields, filtered=chosen.random() < 0.2)
        return bmp.Peer(
            **fields,
            post_policy=chosen.random() < 0.3,
            adj_rib_out=chosen.random() < 0.2,
        )

    def _monitoring(self, peer: bmp.Peer) -> bytes:
        return bmp.route_monitoring(self._view(peer), self._update(peer), NOW_S)

    def _update(self, peer: bmp.Peer) -> bytes:
        chosen = self._random
        family = chosen.choice(_FAMILIES)
        add_path = family in self._capabilities[peer]
        if chosen.random() < 0.05:
            return bgp.end_of_rib(*chosen.choice(_FAMILIES + _OTHER_FAMILIES))
        if chosen.random() < 0.04:
            other = chosen.choice(_OTHER_FAMILIES)
            return bgp.mp_withdrawal(*other, chosen.randbytes(12))
        octets = b"".join(self._nlri(family, add_path) for _ in range(chosen.choice((1, 1, 2, 5))))
        octets = octets if add_path else self._damaged(octets)
        attributes = chosen.choice(self._attributes)
        if chosen.random() < 0.3:
            if family == (1, 1) and chosen.random() < 0.5:
                return _update(octets, b"", b"")
            rest = attributes if chosen.random() < 0.2 else b""
            return _update(b"", rest + _attribute(15, _mp(family) + octets), b"")
        if family == (1, 1) and chosen.random() < 0.6:
            withdrawn = self._nlri(family, add_path) if chosen.random() < 0.1 else b""
            attributes += _attribute(3, chosen.choice((b"\xc0\0\2\1", b"\xc0\0\2\2")))
            return _update(withdrawn, attributes, octets)
        reach = _mp(family) + self._next_hop(family) + b"\0" + octets
        return _update(b"", attributes + _attribute(14, reach), b"")

    def _nlri(self, family: Family, add_path: bool) -> bytes:
        chosen = self._random
        afi, safi = family
        if afi == 1:
            bits = chosen.choice((0, 8, 15, 24, 24, 31, 32))
            address = bytes((20, chosen.randrange(3), chosen.randrange(3), chosen.randrange(256)))
        else:
            bits = chosen.choice((0, 16, 33, 48, 64, 127, 128))
            address = bytes.fromhex("20010db8") + bytes((0, chosen.randrange(3)))
            address += bytes(9) + bytes((chosen.randrange(256),))
        prefix = bytearray(address[: (bits + 7) // 8])
        if bits % 8:
            prefix[-1] &= 0xFF << (8 - bits % 8) & 0xFF
        labels = rd = b""
        if safi in (_LABELLED, _VPN):
            number = chosen.choice((1, 1, 1, 2))
            stack = [chosen.randrange(16, 1 << 20) for _ in range(number)]
            labels = b"".join(
                (label << 4 | (at == number - 1)).to_bytes(3) for at, label in enumerate(stack)
            )
        if safi == _VPN:
            rd = chosen.choice(_RDS)
        octets = bytes((8 * len(labels + rd) + bits,)) + labels + rd + prefix
        return struct.pack("!I", chosen.randrange(3)) + octets if add_path else octets

    def _next_hop(self, family: Family) -> bytes:
        chosen = self._random
        octets = bytes((192, 0, 2, chosen.randrange(1, 4)))
        if family[0] == 2 or chosen.random() < 0.2:
            octets = bytes.fromhex("20010db8") + bytes(11) + bytes((chosen.randrange(1, 4),))
            if chosen.random() < 0.3 and family[1] != _VPN:
                octets += bytes.fromhex("fe80") + bytes(14)
        if family[1] == _VPN:
            octets = bytes(8) + octets
        return bytes((len(octets),)) + octets

    def _attribute_set(self, as_size: int) -> bytes:
        chosen = self._random
        kinds = {
            4: lambda: struct.pack("!I", chosen.randrange(3)),
            5: lambda: struct.pack("!I", chosen.choice((0, 100, 200))),
            6: lambda: b"",
            7: lambda: struct.pack("!I", 65001) + bytes(4),
            8: self._communities,
            9: lambda: bytes((10, 0, 0, 9)),
            10: lambda: bytes((10, 0, 0, 9, 10, 0, 0, 8)),
            16: self._extended_communities,
            26: lambda: b"\1\0\x0b" + struct.pack("!Q", chosen.choice((0, 77))),
            32: lambda: struct.pack("!III", 65001, chosen.randrange(3), 2) * chosen.choice((1, 2)),
            40: self._prefix_sid,
            128: lambda: chosen.randbytes(4),
        }
        parts = [_attribute(1, bytes((chosen.choice((0, 1, 2)),)))]
        parts.append(_attribute(2, self._path(as_size)))
        parts += [_attribute(kind, make()) for kind, make in kinds.items() if chosen.random() < 0.4]
        if chosen.random() < 0.3:
            chosen.shuffle(parts)
        return b"".join(parts)

    def _path(self, as_size: int) -> bytes:
        chosen = self._random
        segments = chosen.choice(((), (2,), (2,), (2,), (2, 1), (3, 2), (4, 2), (2, 2), (1,)))
        octets = b""
        for kind in segments:
            ases = [chosen.choice((7, 65001, 64496, 23456)) for _ in range(chosen.randint(1, 4))]
            if as_size == 4 and chosen.random() < 0.3:
                ases[-1] = 4_200_000_007
            octets += struct.pack(f"!BB{len(ases)}{'HI'[as_size == 4]}", kind, len(ases), *ases)
        if self._rough and chosen.random() < 0.3:
            octets = chosen.choice(
                (octets[:-2], octets + b"\2\0", b"\7\1\0\0\0\7", b"\2\1\0\7", octets + b"\2\1\0\7")
            )
        return octets

    def _communities(self) -> bytes:
        values = [0, 0xFFFFFF01, 0xFFFFFF02, 0xFFFFFF03, 0xFFFF029A, 0xFDE90064, 0xFDE90007]
        chosen = self._random.choices(values, k=self._random.randint(1, 4))
        octets = b"".join(value.to_bytes(4) for value in chosen)
        return octets + b"\0\0" if self._rough and self._random.random() < 0.1 else octets

    def _extended_communities(self) -> bytes:
        values = []
        for _ in range(self._random.randint(1, 4)):
            kind = self._random.choice((0, 1, 2, 3, 6, 0x43, 0x80, 0x90))
            values.append(bytes((kind, self._random.choice((2, 3, 4, 0x0B)))) + b"\0\1\0\2\0\3")
        return b"".join(values)

    def _prefix_sid(self) -> bytes:
        index = b"\1\0\7\0\0\0" + struct.pack("!I", self._random.choice((0, 16)))
        return self._random.choice((index, b"\5\0\4\0\0\0\0", index + b"\3\0\x08" + bytes(8)))

    def _damaged(self, octets: bytes) -> bytes:
        if not self._rough or self._random.random() > 0.15:
            return octets
        return octets + b"\xff" + bytes(4)


def _mp(family: Family) -> bytes:
    return struct.pack("!HB", *family)


def _attribute(code: int, value: bytes) -> bytes:
    flags = 0x40 if code in (1, 2, 3, 5, 6) else 0x80 if code in (4, 9, 10, 14, 15) else 0xC0
    if len(value) > 255:
        return struct.pack("!BBH", flags | 0x10, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


def _update(withdrawn: bytes, attributes: bytes, announced: bytes) -> bytes:
    body = struct.pack("!H", len(withdrawn)) + withdrawn
    body += struct.pack("!H", len(attributes)) + attributes + announced
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), 2) + body


def joined(messages: Sequence[bytes]) -> bytes:
    """The stream of octets of some messages."""
    return b"".join(messages)
