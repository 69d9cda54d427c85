"""What exporters of many makers put on the wire, as far as their public documents tell.

NetFlow v9 and IPFIX of one exporter have different template ids: tshark does not keep them apart.

Each function gives the datagrams of one exporter: templates and at least one record of each.
"""

import struct
from collections.abc import Callable
from functools import partial

from collector.protocols.ipfix.fields import V9_SCOPE, VARIABLE, FieldSpecifier
from tests.protocols import flow_wire
from tests.protocols.flow_wire import (
    ipfix,
    ipfix_options_template,
    ipfix_template,
    set_octets,
    v9_options_template,
    v9_template,
)

CERT, CISCO, NOKIA, NTOP, VMWARE, JUNIPER, REVERSE = 6871, 9, 637, 35632, 6876, 2636, 29305
_CLIENT, _SERVER, _OUTSIDE = bytes((10, 1, 2, 3)), bytes((192, 0, 2, 80)), bytes((198, 51, 100, 7))
_TIME_MS = struct.pack("!Q", 1_700_000_000_321)


# A Count for all: tshark, unlike us, believes it and reads no more FlowSets and records.
netflow_v9 = partial(flow_wire.netflow_v9, count=30)


def fields(*pairs: tuple[int, int] | tuple[int, int, int]) -> list[FieldSpecifier]:
    """Field specifiers of (number, length) or (number, length, enterprise)."""
    return [FieldSpecifier(pair[2] if len(pair) > 2 else 0, *pair[:2]) for pair in pairs]


def scopes(*pairs: tuple[int, int] | tuple[int, int, int]) -> list[FieldSpecifier]:
    return [field._replace(scope=True) for field in fields(*pairs)]


def v9_scopes(*pairs: tuple[int, int]) -> list[FieldSpecifier]:
    return [FieldSpecifier(V9_SCOPE, id, length, True) for id, length in pairs]


def varlen(octets: bytes) -> bytes:
    """A value of variable length with the length before it (RFC 7011 section 7)."""
    if len(octets) < 255:
        return bytes((len(octets),)) + octets
    return b"\xff" + struct.pack("!H", len(octets)) + octets


def cisco_asa() -> list[bytes]:
    """NSEL: event records with access lists and user names in types from 33000."""
    template = fields(
        *((148, 4), (8, 4), (7, 2), (10, 2), (12, 4), (11, 2), (14, 2), (4, 1), (176, 1), (177, 1)),
        *((225, 4), (226, 4), (227, 2), (228, 2), (233, 1), (33002, 2), (323, 8)),
        *((33000, 12), (33001, 12), (40000, 20), (231, 4), (232, 4)),
    )
    record = struct.pack("!I", 77) + _CLIENT + b"\xc3\x50\0\3" + _SERVER + b"\1\xbb\0\4\6\0\0"
    record += _OUTSIDE + _SERVER + b"\x80\0\1\xbb" + b"\5\x07\xe2" + _TIME_MS
    record += bytes(range(12)) + bytes(12) + b"user".ljust(20, b"\0") + struct.pack("!II", 1, 2)
    return [
        netflow_v9(set_octets(0, v9_template(265, template))),
        netflow_v9(set_octets(265, record * 2 + bytes(2)), sequence=1),
    ]


def cisco_nbar() -> list[bytes]:
    """Application ids of 4 octets, their names in options; a field type above 32768."""
    options = [*v9_scopes((1, 4)), *fields((95, 4), (96, 24), (94, 55))]
    template = fields((8, 4), (12, 4), (95, 4), (1, 4), (2, 4), (45003, 8), (61, 1))
    app = b"\x0d\0\0\x35"
    name = b"dns".ljust(24, b"\0") + b"Domain Name System".ljust(55, b"\0")
    return [
        netflow_v9(set_octets(1, v9_options_template(257, options) + bytes(2))),
        netflow_v9(set_octets(257, (b"\x0a\0\0\1" + app + name) * 3 + bytes(1))),
        netflow_v9(
            set_octets(0, v9_template(260, template)),
            set_octets(
                260, (_CLIENT + _SERVER + app + bytes(8) + b"\0\0\0\1\0\0\0\2\1") + bytes(3)
            ),
        ),
    ]


def cisco_wlc() -> list[bytes]:
    """A wireless controller: stations, access points, an SSID of 33 octets; signed by nobody."""
    template = fields(
        *((365, 6), (366, 4), (147, 33), (367, 6), (95, 4), (61, 1), (1, 8), (2, 8), (98, 1)),
        *((195, 1), (371, 48)),
    )
    record = bytes.fromhex("00005e005301") + _CLIENT + b"guest".ljust(33, b"\0")
    record += bytes.fromhex("00005e005302") + b"\3\0\0\x50\0" + bytes(7) + b"\x64" + bytes(7)
    record += b"\2\0\x2e" + b"J\xf6rg".ljust(48, b"\0")
    return [
        netflow_v9(set_octets(0, v9_template(261, template))),
        netflow_v9(set_octets(261, record)),
    ]


def juniper() -> list[bytes]:
    """Inline monitoring: a scope of no octets in v9; in IPFIX much in the options, paddings."""
    v9_options = [*v9_scopes((1, 0)), *fields((34, 4), (36, 2), (37, 2))]
    options = [
        *scopes((144, 4)),
        *fields((41, 8), (42, 8), (160, 8), (130, 4), (131, 16), (34, 4), (36, 2), (37, 2)),
        *fields((214, 1), (215, 1)),
    ]
    template = fields((8, 4), (12, 4), (5, 1), (4, 1), (7, 2), (11, 2), (137, 2, JUNIPER), (136, 1))
    told = struct.pack("!IQQ", 5, 10, 100) + _TIME_MS + _SERVER + bytes(16)
    told += struct.pack("!IHHBB", 1000, 60, 30, 10, 17)
    record = _CLIENT + _SERVER + b"\0\x11\0\x35\0\x35\xab\xcd\2"
    return [
        netflow_v9(
            set_octets(1, v9_options_template(512, v9_options) + bytes(2)),
            set_octets(512, struct.pack("!IHH", 100, 60, 30)),
        ),
        ipfix(set_octets(3, ipfix_options_template(576, options) + bytes(2))),
        ipfix(set_octets(576, told + bytes(1))),
        ipfix(set_octets(2, ipfix_template(256, template)), set_octets(256, record * 2)),
    ]


def huawei() -> list[bytes]:
    """NetStream v9: sampler options by scope, several templates in a FlowSet, odd padding."""
    sampler = [*v9_scopes((1, 4)), *fields((48, 1), (49, 1), (50, 4))]
    interface = [*v9_scopes((2, 4)), *fields((82, 32))]
    ipv4 = fields((8, 4), (12, 4), (15, 4), (10, 4), (14, 4), (2, 4), (1, 4), (22, 4), (21, 4))
    mpls = fields((70, 3), (71, 3), (72, 3), (47, 4), (46, 1))
    return [
        netflow_v9(
            set_octets(1, v9_options_template(300, sampler) + v9_options_template(301, interface)),
            set_octets(0, v9_template(302, ipv4) + v9_template(303, mpls) + bytes(4)),
        ),
        netflow_v9(
            set_octets(300, bytes(4) + b"\1\2" + struct.pack("!I", 2000) + bytes(2)),
            set_octets(301, struct.pack("!I", 7) + b"GigabitEthernet0/0/1".ljust(32, b"\0")),
            set_octets(302, (_CLIENT + _SERVER + _OUTSIDE + bytes(24)) * 2),
            set_octets(303, bytes.fromhex("000641 0000a1 000000") + _SERVER + b"\3" + bytes(2)),
        ),
    ]


def nokia() -> list[bytes]:
    """Carrier-grade NAT events with enterprise elements, one of them of variable length."""
    template = fields(
        *((323, 8), (230, 1), (91, 2, NOKIA), (92, 2, NOKIA), (8, 4), (225, 4), (361, 2)),
        *((362, 2), (93, VARIABLE, NOKIA), (4, 1)),
    )
    record = _TIME_MS + b"\4\0\x0a\0\x14" + _CLIENT + _OUTSIDE + b"\x10\0\x1f\xff"
    return [
        ipfix(set_octets(2, ipfix_template(256, template))),
        ipfix(set_octets(256, record + varlen(b"LSN-Host@10.1.2.3") + b"\6")),
        ipfix(set_octets(256, (record + varlen(b"") + b"\6") * 3)),
    ]


def fortinet() -> list[bytes]:
    """Application and firewall fields, 64-bit counters, options with the sampler and the system."""
    template = fields(
        *((1, 8), (23, 8), (2, 4), (24, 4), (22, 4), (21, 4), (7, 2), (11, 2), (10, 4), (14, 4)),
        *(
            (4, 1),
            (95, 9),
            (65, 2),
            (89, 1),
            (136, 1),
            (61, 1),
            (8, 4),
            (12, 4),
            (225, 4),
            (227, 2),
        ),
    )
    options = [*v9_scopes((1, 2), (4, 4)), *fields((34, 4), (35, 1), (41, 4), (40, 4))]
    record = bytes(44) + b"\6" + bytes.fromhex("140000304400003f9d") + b"\0\7\x40\3\0"
    return [
        netflow_v9(
            set_octets(0, v9_template(258, template)),
            set_octets(1, v9_options_template(256, options)),
        ),
        netflow_v9(
            set_octets(256, struct.pack("!HIIBII", 1, 2, 3, 1, 5, 6)),
            set_octets(258, record + _CLIENT + _SERVER + _OUTSIDE + b"\x80\1"),
        ),
    ]


def palo_alto() -> list[bytes]:
    """v9 with its own types 56701 and 56702, strings of a fixed length, beside type 346."""
    template = fields((8, 4), (12, 4), (61, 1), (233, 1), (346, 4), (56701, 32), (56702, 64))
    record = _CLIENT + _SERVER + b"\0\1" + struct.pack("!I", 25461)
    record += b"ms-office365-base".ljust(32, b"\0") + b"corp\\user".ljust(64, b"\0")
    return [netflow_v9(set_octets(0, v9_template(257, template)), set_octets(257, record))]


def mikrotik() -> list[bytes]:
    """NAT fields, the template announced again in front of data, addresses of no length."""
    template = fields(
        *((60, 1), (160, 8), (22, 4), (21, 4), (8, 4), (12, 4), (15, 4), (33, 1), (32, 2), (56, 6)),
        *((225, 4), (226, 4), (227, 2), (228, 2)),
    )
    announced = set_octets(2, ipfix_template(258, template))
    record = b"\4" + _TIME_MS + bytes(8) + _CLIENT + _SERVER + _OUTSIDE + b"\1\x08\0"
    record += bytes.fromhex("00005e005307") + _OUTSIDE + _SERVER + b"\x80\1\0\x50"
    return [
        ipfix(announced),
        ipfix(announced, set_octets(258, record), set_octets(258, record * 2)),
    ]


def nprobe() -> list[bytes]:
    """IPFIX with ntop's enterprise elements of fixed and variable length; v9 types from 57472."""
    template = fields(
        *((8, 4), (12, 4), (118, 2, NTOP), (119, VARIABLE, NTOP), (180, VARIABLE, NTOP)),
        *((82, VARIABLE), (152, 8)),
    )
    record = _CLIENT + _SERVER + b"\0\7" + varlen(b"HTTP") + varlen(b"x" * 300) + varlen(b"eth0")
    v9 = fields((8, 4), (57590, 2), (57591, 16), (57659, 64))
    return [
        ipfix(set_octets(2, ipfix_template(257, template))),
        ipfix(set_octets(257, record + _TIME_MS + record + _TIME_MS)),
        netflow_v9(
            set_octets(0, v9_template(258, v9)),
            set_octets(258, _CLIENT + b"\0\7" + b"HTTP".ljust(16, b"\0") + bytes(64)),
        ),
    ]


def yaf() -> list[bytes]:
    """CERT: reverse elements, a list of several templates with lists inside, basic lists."""
    http = fields((291, VARIABLE), (110, VARIABLE, CERT))
    tcp = fields((184, 4), (14, 1, CERT), (184, 4, REVERSE), (40, VARIABLE, CERT))
    flow = fields(
        *((152, 8), (153, 8), (1, 8), (1, 8, REVERSE), (2, 8), (2, 8, REVERSE), (8, 4), (12, 4)),
        *((33, 2, CERT), (21, 4, CERT), (293, VARIABLE), (292, VARIABLE)),
    )
    agents = b"\3" + struct.pack("!HHI", 0x8000 | 111, VARIABLE, CERT) + varlen(b"curl/8") * 2
    status = b"\xff" + struct.pack("!HH", 4, 1) + b"\6\x11"
    http_record = varlen(agents) + varlen(b"example.net")
    tcp_record = struct.pack("!I", 7) + b"S" + struct.pack("!I", 8) + varlen(b"\1\2")
    entries = [(0xC003, tcp_record), (0xC004, http_record * 2), (0xC099, b"nobody knows")]
    multi = b"\xff" + b"".join(
        struct.pack("!HH", template_id, 4 + len(octets)) + octets for template_id, octets in entries
    )
    single = b"\1" + struct.pack("!H", 0xC004) + varlen(status) + varlen(b"")
    record = _TIME_MS * 2 + struct.pack("!QQQQ", 1, 2, 3, 4) + _CLIENT + _SERVER
    record += b"\0\x50" + struct.pack("!I", 99)
    return [
        ipfix(
            set_octets(
                2,
                ipfix_template(0xB800, flow)
                + ipfix_template(0xC003, tcp)
                + ipfix_template(0xC004, http),
            )
        ),
        ipfix(set_octets(0xB800, record + varlen(multi) + varlen(single))),
        ipfix(set_octets(0xB800, record + varlen(b"\xff") + varlen(b"\4\xc0\4"))),
    ]


def vmware() -> list[bytes]:
    """A distributed switch: what the tunnel carries in the maker's own elements."""
    template = fields(
        *((8, 4), (12, 4), (351, 8), (880, 1, VMWARE), (881, 4, VMWARE), (883, 16, VMWARE)),
        *((886, 2, VMWARE), (889, 1, VMWARE), (898, VARIABLE, VMWARE)),
    )
    record = _SERVER + _OUTSIDE + bytes(6) + b"\x13\x88" + b"\6" + _CLIENT
    record += (
        bytes.fromhex("20010db8000000000000000000000001") + b"\x1f\x90\1" + varlen(b"\xab\xcd")
    )
    return [
        ipfix(set_octets(2, ipfix_template(256, template)), domain=0xFFFFFFFF),
        ipfix(set_octets(256, record), domain=0xFFFFFFFF),
    ]


SHAPES: dict[str, Callable[[], list[bytes]]] = {
    shape.__name__: shape
    for shape in (
        *(cisco_asa, cisco_nbar, cisco_wlc, juniper, huawei, nokia, fortinet, palo_alto, mikrotik),
        *(nprobe, yaf, vmware),
    )
}
