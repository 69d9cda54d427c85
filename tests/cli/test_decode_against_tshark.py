"""Field by field against tshark: where records begin, how long each field is, what it holds."""

import json
import re
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper
from ipaddress import ip_address
from pathlib import Path

import pytest

from collector.cli import main
from collector.protocols.ipfix.fields import V9_SCOPE, VARIABLE
from collector.protocols.ipfix.registry import Registry
from collector.protocols.ipfix.types import AbstractType
from tests.capture_writer import ethernet, frames, ip, pcap, udp, udp_packet
from tests.captures import capture_files
from tests.cli.tshark import Record, flow_sets, require_tshark
from tests.cli.vendor_shapes import SHAPES
from tests.protocols.flow_wire import netflow_v5

_REGISTRY = Registry.default()
_NTP_EPOCH_S = 2_208_988_800
_V5_FIELDS = (
    *("sourceIPv4Address", "destinationIPv4Address", "ipNextHopIPv4Address", "ingressInterface"),
    *("egressInterface", "packetDeltaCount", "octetDeltaCount", "flowStartSysUpTime"),
    *("flowEndSysUpTime", "sourceTransportPort", "destinationTransportPort", "tcpControlBits"),
    *("protocolIdentifier", "ipClassOfService", "bgpSourceAsNumber", "bgpDestinationAsNumber"),
    *("sourceIPv4PrefixLength", "destinationIPv4PrefixLength"),
)
_V5_TEMPLATE = [(name, 0) for name in _V5_FIELDS]
_TIME = re.compile(r"(flowStart|flowEnd)(SysUpTime|Seconds|Milliseconds|Microseconds|Nanoseconds)")


def _decode(capture: Path) -> list[dict]:
    out = TextIOWrapper(BytesIO())
    with redirect_stdout(out):
        assert main(["decode", str(capture), "--kinds", "flow,options,template,error"]) == 0
    return [json.loads(line) for line in out.buffer.getvalue().splitlines()]


def _specifier(field: dict) -> tuple[int, int, int]:
    """Number with enterprise bit, enterprise and length, as in the template."""
    element = _REGISTRY.by_name(field["name"])
    if element.pen == V9_SCOPE:
        return element.id, 0, field["length"]
    return element.id | 0x8000 * (element.pen > 0), element.pen, field["length"]


def _in_wire_order(
    record: dict, template: list[tuple[str, int]]
) -> Iterator[tuple[str, object, int]]:
    """Names, values and lengths; a name that comes again has its values in an array."""
    names = [name for name, _ in template]
    taken: Counter[str] = Counter()
    for name, length in template:
        value = record[name]
        if names.count(name) > 1:
            value = value[taken[name]]
            taken[name] += 1
        yield name, value, length


def _says(name: str, value: object, octets: bytes) -> bool:
    """Tell whether a value as we print it is what those octets of the wire mean."""
    kind = _REGISTRY.by_name(name).type
    if isinstance(value, bool):
        return octets == (b"\1" if value else b"\2")
    if isinstance(value, int):
        return value == int.from_bytes(octets, signed=value < 0)
    if isinstance(value, float):
        return value == struct.unpack("!f" if len(octets) == 4 else "!d", octets)[0]
    if isinstance(value, dict):
        return octets[0] == value["semantic"]
    if value is None:
        return kind is AbstractType.BOOLEAN or not octets
    if kind is AbstractType.MAC_ADDRESS:
        return value == octets.hex(":")
    if kind in (AbstractType.IPV4_ADDRESS, AbstractType.IPV6_ADDRESS):
        return ip_address(value).packed == octets
    if kind is AbstractType.STRING:
        return value == octets.decode("utf-8", "replace").rstrip("\0")
    if kind.value.startswith("dateTime"):
        return _date_says(kind, value, octets)
    return value == octets.hex()


def _date_says(kind: AbstractType, text: str, octets: bytes) -> bool:
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    if kind is AbstractType.DATE_TIME_SECONDS:
        return seconds == int.from_bytes(octets)
    if kind is AbstractType.DATE_TIME_MILLISECONDS:
        return seconds * 1000 + int(fraction) == int.from_bytes(octets)
    ntp_s, ntp_fraction = struct.unpack("!II", octets)
    told = seconds + int(fraction) / 10 ** len(fraction)
    return abs(told - (ntp_s - _NTP_EPOCH_S + ntp_fraction / 2**32)) < 2e-6


def _compare(capture: Path, ports: set[int]) -> int:
    """Compare all templates and records of a capture; returns how many values were equal."""
    lines = iter(_decode(capture))
    templates: dict[tuple[int, int, int], list[tuple[str, int]]] = {}
    compared = 0
    for flow_set in flow_sets(capture, ports):
        for specifiers in flow_set.templates:
            line = next(lines)
            elements = [*line.get("scope", ()), *line["elements"]]
            assert [_specifier(field) for field in elements] == specifiers
            key = (line["device"], line["observation_domain_id"], line["template_id"])
            templates[key] = [(field["name"], field["length"]) for field in elements]
            compared += len(elements)
        for record in flow_set.records:
            line = next(lines)
            key = (line["device"], line["observation_domain_id"], line["template_id"])
            compared += _compare_record(line, templates.get(key, _V5_TEMPLATE), record)
    assert next(lines, None) is None
    return compared


def _compare_record(line: dict, template: list[tuple[str, int]], record: Record) -> int:
    scope = line.get("scope", {})
    scopes = sum(len(v) if isinstance(v, list) else 1 for v in scope.values())
    values = [
        *_in_wire_order(scope, template[:scopes]),
        *_in_wire_order(line["fields"], template[scopes:]),
    ]
    times = [(name, value) for name, value, _ in values if _TIME.fullmatch(name)]
    assert len(times) == len(record.times)
    for time, told in zip(sorted(times), sorted(record.times), strict=True):
        assert _same_time(*time, *told), (time, told)
    octets = iter(record.values)
    for name, value, length in values:
        # tshark has no line for a field without octets, and some in two parts.
        if value in (None, "") or _TIME.fullmatch(name):
            continue
        told = next(octets)
        while len(told) < length != VARIABLE:
            told += next(octets)
        assert _says(name, value, told), (name, value, told.hex())
    assert next(octets, None) is None
    return len(values)


def _same_time(name: str, value: int | str, prefix: str, shown: str, octets: bytes) -> bool:
    if isinstance(value, int):
        return name.startswith(prefix) and value == int.from_bytes(octets)
    moment = datetime.fromisoformat(value[:19])
    text = f"{moment:%b} {moment.day:2}, {moment:%Y %H:%M:%S}.{value[20:-1]:0<9} UTC"
    return name.startswith(prefix) and text == shown


def test_captures_of_real_routers() -> None:
    require_tshark()
    compared = {path.parent.name: _compare(path, {9991, 9992}) for path in capture_files()}
    assert sum(compared.values()) > 9_000


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "yaf"])
def test_shapes_of_many_makers(shape: str, tmp_path: Path) -> None:
    require_tshark()
    capture = tmp_path / f"{shape}.pcap"
    capture.write_bytes(pcap(frames(*(ethernet(udp_packet(d)) for d in SHAPES[shape]()))))
    assert _compare(capture, {2055}) > 10


def test_netflow_v5(tmp_path: Path) -> None:
    require_tshark()
    records = [bytes(range(n, n + 48)) for n in range(30)]
    capture = tmp_path / "v5.pcap"
    packet = ip("192.0.2.1", "192.0.2.9", 17, udp(netflow_v5(*records)))
    capture.write_bytes(pcap(frames(ethernet(packet))))
    assert _compare(capture, {2055}) == 30 * len(_V5_FIELDS)
