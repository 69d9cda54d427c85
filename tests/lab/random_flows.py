"""Random exporters: templates of the fields that nfacctd 1.7.7 and 1.8.1 read alike, and records.

Left out is what 1.8.1 reads and 1.7.7 does not, or not in this way: elements 90, 130, 131, 302,
351, 365, 366 in data records, prefixes in place of addresses, TCP flags of two octets, tunnels,
both families in one record, fields that come twice in records of variable length, uptimes ahead of
the header's, and options about VRFs.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random

from collector.simulation.ipfix import (
    data_set,
    ipfix_message,
    options_template_set,
    template_set,
    variable_length,
)
from collector.simulation.netflow import (
    v9_data_flowset,
    v9_options_template_flowset,
    v9_packet,
    v9_template_flowset,
)

EXPORT_S, UPTIME_MS = 1_700_000_000, 5_000_000
_VARIABLE = 65_535
_IPFIX, _V9 = 10, 9

Value = Callable[[Random], bytes]
_Field = tuple[int, int, Value]  # element, length, what makes a value


@dataclass(frozen=True, slots=True)
class Sent:
    """A datagram, who sent it, and what is in its one record; of templates and options nothing."""

    source: str
    octets: bytes
    fields: tuple[tuple[int, str], ...] = ()


def exporters(random: Random, count: int) -> Iterator[Sent]:
    """Give datagrams of so many exporters; each data record has a sequence number of its own."""
    sequence = 0
    for number in range(count):
        source = f"10.20.{number // 250}.{number % 250 + 1}"
        version = random.choice((_V9, _IPFIX, _IPFIX))
        domain = random.choice((0, 7, 1 << 20 | number))
        fields = _template(random, version)
        head = [(element, length) for element, length, _ in fields]
        make = template_set if version == _IPFIX else v9_template_flowset
        yield Sent(source, _message(version, 0, domain, make(256, head)))
        for _ in range(4):
            if random.random() < 0.4:
                yield Sent(source, _options(random, version, domain))
            sequence += 1
            values = [value(random) for *_, value in fields]
            body = b"".join(
                variable_length(octets) if length == _VARIABLE else octets
                for (_, length, _), octets in zip(fields, values, strict=True)
            )
            told = tuple((f[0], v.hex()) for f, v in zip(fields, values, strict=True))
            yield Sent(source, _message(version, sequence, domain, _data(version, 256, body)), told)


def _template(random: Random, version: int) -> list[_Field]:
    family = random.choice(((8, 12), (27, 28), (8, 12, 8, 12)))
    elements = [*family, 1, 2] if random.random() < 0.9 else list(family)
    others = [element for element in _POOL if element not in (*elements, *_ADDRESSES)]
    elements += random.sample(others, random.choice((3, 8, 20)))
    if random.random() < 0.1:
        elements += [230, 225, 226, 227, 228]
    elements = list(dict.fromkeys(elements)) if len(family) == 2 else elements
    if version == _V9:
        elements = [element for element in elements if element not in _OF_IPFIX]
    else:
        elements = [element for element in elements if element < 0x8000]
    if not _OF_IPFIX & set(elements) and random.random() < 0.4:
        elements += random.choices(elements, k=2)
    random.shuffle(elements)
    made = {element: _POOL[element](random) for element in elements}
    return [(element, *made[element]) for element in elements]


def _options(random: Random, version: int, domain: int) -> bytes:
    kind = random.randrange(len(_OPTIONS))
    fields, template = _OPTIONS[kind], 400 + kind
    scope = (149, 4) if version == _IPFIX else (2, 4)
    octets = bytes(scope[1]) + b"".join(_OPTION_VALUES[e](random, n) for e, n in fields)
    make = options_template_set if version == _IPFIX else v9_options_template_flowset
    sets = make(template, [scope], fields), _data(version, template, octets)
    return _message(version, 0, domain, *sets)


def _data(version: int, template: int, body: bytes) -> bytes:
    if version == _V9:
        return v9_data_flowset(template, body)
    return data_set(template, body, padded=False)


def _message(version: int, sequence: int, domain: int, *sets: bytes) -> bytes:
    if version == _IPFIX:
        return ipfix_message(sets, export_time_s=EXPORT_S, sequence=sequence, domain=domain)
    return v9_packet(
        sets,
        uptime_ms=UPTIME_MS,
        export_time_s=EXPORT_S,
        sequence=sequence,
        source_id=domain,
    )


def _number(*lengths: int, below: int | None = None) -> Callable[[Random], tuple[int, Value]]:
    def field(random: Random) -> tuple[int, Value]:
        length = random.choice(lengths)
        limit = min(256**length, below or 256**length)
        return length, lambda r: r.randrange(limit).to_bytes(length)

    return field


def _one_of(length: int, *values: int) -> Callable[[Random], tuple[int, Value]]:
    return lambda _: (length, lambda r: r.choice(values).to_bytes(length))


def _made(length: int, value: Value) -> Callable[[Random], tuple[int, Value]]:
    return lambda _: (length, value)


def _ipv4(random: Random) -> bytes:
    return ip_address(random.choice(("10.1.2.3", "192.0.2.77", "0.0.0.0", "224.1.1.1"))).packed


def _ipv6(random: Random) -> bytes:
    return ip_address(random.choice(("2001:db8::9", "fd00:1:2:3::4", "::"))).packed


def _label(random: Random) -> bytes:
    label = random.choice((0, 3, 16, 24_021, random.randrange(1 << 20)))
    return (label << 4 | random.randrange(16)).to_bytes(3)


def _milliseconds(random: Random) -> bytes:
    return random.choice((0, 999, *(EXPORT_S * 1000 - random.randrange(10**7),) * 5)).to_bytes(8)


def _two_words(random: Random) -> tuple[int, Value]:
    if random.random() < 0.5:
        return 8, lambda r: r.randbytes(8)
    return 16, lambda r: struct.pack("!QQ", EXPORT_S - r.randrange(99), r.randrange(10**6))


_POOL: dict[int, Callable[[Random], tuple[int, Value]]] = {
    **dict.fromkeys((1, 85, 23), _number(4, 8, 2, 3, below=60_000)),
    **dict.fromkeys((2, 86, 24), _number(4, 8, 2, below=900)),
    **dict.fromkeys((231, 232, 298, 299), _number(4, 8, below=900)),
    **dict.fromkeys((8, 12, 15, 18, 47, 225, 226, 40001, 40002), _made(4, _ipv4)),
    **dict.fromkeys((27, 28, 62, 63, 140), _made(16, _ipv6)),
    **dict.fromkeys((7, 11, 180, 181, 182, 183, 227, 228, 40003, 40004), _number(2)),
    **dict.fromkeys((9, 13), _number(1, below=33)),
    **dict.fromkeys((29, 30), _number(1, below=129)),
    **dict.fromkeys((10, 14), _number(1, 2, 4, below=70_000)),
    **dict.fromkeys((252, 253), _number(4, below=70_000)),
    **dict.fromkeys((16, 17, 128, 129), _number(2, 4)),
    **dict.fromkeys((56, 80, 81, 57), _number(6)),
    **dict.fromkeys((58, 59, 243, 254, 245, 255), _number(2, below=4096)),
    **dict.fromkeys((150, 151), _number(4, 8, below=EXPORT_S)),
    **dict.fromkeys((152, 153, 323), _made(8, _milliseconds)),
    **dict.fromkeys((154, 155), _two_words),
    **dict.fromkeys((158, 159), _number(4, below=10**9)),
    **dict.fromkeys((21, 22), _number(4, below=UPTIME_MS)),
    **dict.fromkeys(range(70, 80), _made(3, _label)),
    3: _number(4, 8, 2, below=9),
    4: _one_of(1, 0, 1, 6, 17, 47, 50, 58, 89, 200),
    **dict.fromkeys((5, 6), _number(1)),
    **dict.fromkeys((230, 233, 244, 40005), _number(1, below=5)),
    31: _number(3, 4),
    34: _number(1, 2, 4, below=1000),
    48: _number(1, 2, 4, below=3),
    61: _one_of(1, 0, 1, 2),
    160: _number(8, below=EXPORT_S * 1000),
    210: _number(1, 2, 8),
    **dict.fromkeys((234, 235), _number(4, below=4)),
    249: _number(4, below=999),
    256: _one_of(2, 0x800, 0x86DD, 0x806, 0xFE),
    312: _number(2),
    352: _number(8, below=60_000),
    82: lambda _: (_VARIABLE, lambda r: r.randbytes(r.choice((0, 3, 300)))),
}
_ADDRESSES = (8, 12, 27, 28)
_OF_IPFIX = {82}  # of variable length

_OPTIONS = (
    [(48, 1), (34, 4)],
    [(48, 2), (50, 4)],
    [(34, 4)],
    [(305, 4), (306, 4)],
)
_OPTION_VALUES: dict[int, Callable[[Random, int], bytes]] = {
    48: lambda r, length: r.randrange(3).to_bytes(length),
    **dict.fromkeys((34, 50, 305, 306), lambda r, n: r.choice((0, 1, 10, 100)).to_bytes(n)),
}
