"""tshark as an independent decoder of flow messages: its PDML read back into values."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest

# Lengths that stand before a variable-length value, and fields that tshark makes up.
_NO_VALUES = {"cflow.string_len_short", "cflow.string_len_long", "cflow.padding"}
_GROUPS = {"cflow.timedelta", ""}


_TIMES = {
    "cflow.timestart": "flowStart",
    "cflow.abstimestart": "flowStart",
    "cflow.timeend": "flowEnd",
    "cflow.abstimeend": "flowEnd",
}


@dataclass
class Record:
    """One record: octets of its fields in wire order, and apart from them start and end.

    For those two tshark gives no reliable place in the record, nor all octets, only what it shows.
    """

    values: list[bytes] = field(default_factory=list)
    times: list[tuple[str, str, bytes]] = field(default_factory=list)  # which, as shown, octets


@dataclass
class FlowSet:
    """One Set as tshark sees it; templates as lists of (number, enterprise, length)."""

    templates: list[list[tuple[int, int, int]]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def require_tshark() -> str:
    """Path of tshark; skips the test where it is not installed."""
    path = shutil.which("tshark")
    if path is None:
        pytest.skip("tshark is not installed")
    return path


def flow_sets(capture: Path, udp_ports: set[int]) -> list[FlowSet]:
    """All Sets of the capture's flow messages (NetFlow v5: one Set 0 a message), in its order."""
    ports = [f"udp.port=={port},cflow" for port in sorted(udp_ports)]
    command = [require_tshark(), "-r", str(capture), "-T", "pdml", "-n", "-Y", "cflow && !icmp"]
    command += [word for port in ports for word in ("-d", port)]
    pdml = subprocess.run(command, check=True, capture_output=True).stdout
    return [
        one
        for proto in ElementTree.fromstring(pdml).iter("proto")
        if proto.get("name") == "cflow"
        for one in _sets(proto)
    ]


def _sets(proto: ElementTree.Element) -> Iterator[FlowSet]:
    version = next(f.get("show") for f in proto if f.get("name") == "cflow.version")
    if version == "5":
        pdus = [f for f in proto if f.get("show", "").startswith("pdu ")]
        yield FlowSet(records=[_record(pdu) for pdu in pdus])
        return
    for one in proto.findall("field"):
        if any(f.get("name") == "cflow.flowset_id" for f in one):
            flow_set = FlowSet()
            for part in one:
                text = part.get("show", "")
                # Padding looks to tshark like a template with the id 0.
                if "Template (Id = " in text and "Template (Id = 0," not in text:
                    flow_set.templates.append(_template(part))
                elif text.startswith("Flow "):
                    flow_set.records.append(_record(part))
            yield flow_set


def _template(part: ElementTree.Element) -> list[tuple[int, int, int]]:
    """Number with enterprise bit, enterprise and length of each field."""
    octets = [
        bytes.fromhex(one.get("value")) for one in part if one.get("show", "").startswith("Field (")
    ]
    return [tuple(map(int.from_bytes, (o[:2], o[4:8], o[2:4]))) for o in octets]


def _record(part: ElementTree.Element) -> Record:
    record = Record()
    found: list[tuple[int, int, bytes]] = []

    def walk(element: ElementTree.Element) -> None:
        for one in element:
            name = one.get("name")
            if name in _TIMES:
                octets = bytes.fromhex(one.get("value"))
                record.times.append((_TIMES[name], one.get("show"), octets))
            elif name in _GROUPS or one.get("size") == "0":
                walk(one)
            elif name not in _NO_VALUES and one.get("value"):
                octets = bytes.fromhex(one.get("unmaskedvalue") or one.get("value"))
                found.append((int(one.get("pos")), -len(octets), octets))

    walk(part)
    end = 0
    for position, _, octets in sorted(found):
        if position >= end:  # else a part of the field before, shown once more
            record.values.append(octets)
            end = position + len(octets)
    return record
