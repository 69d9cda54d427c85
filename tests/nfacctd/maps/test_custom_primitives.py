"""aggregate_primitives: fields of the operator's choice."""

from pathlib import Path

import pytest

from collector.nfacctd.maps.custom_primitives import CustomPrimitive, load_custom_primitives
from tests.nfacctd.maps.map_files import mistakes_of, write_map


def test_primitives_in_their_order(tmp_path: Path) -> None:
    path = write_map(
        tmp_path,
        "! primitives",
        "name=MTLA\tfield_type=47\tlen=4\tsemantics=ip",
        "semantics=hex len=2 field_type=637:91 name=alu_91",
        "name=inner field_type=47 len=4 semantics=ip",
        "name=text field_type=40005 len=vlen semantics=str",
        "name=ttl packet_ptr=l3:0x800+8 packet_ptr=l3:0x86dd+7 len=1 semantics=u_int",
        "name=ttl2 packet_ptr=l3:0x800+8 len=1 semantics=u_int field_type=192",
    )
    assert load_custom_primitives(path) == (
        CustomPrimitive("mtla", 0, 47, 4, "ip"),
        CustomPrimitive("alu_91", 637, 91, 2, "hex"),
        CustomPrimitive("inner", 0, 47, 4, "ip", occurrence=1),
        CustomPrimitive("text", 0, 40005, None, "str"),
        CustomPrimitive("ttl", 0, None, 1, "u_int"),
        CustomPrimitive("ttl2", 0, 192, 1, "u_int"),
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("name=a len=4 semantics=ip", "'field_type' is missing"),
        ("name=a field_type=8 semantics=ip", "'len' is missing"),
        ("field_type=8 len=4 semantics=ip", "'name' is missing"),
        ("name=a field_type=8 len=4", "'semantics' is missing"),
        ("name=a field_type=8 len=4 semantics=ip semantics=ip", "'semantics' comes twice"),
        ("name=a field_type=8 len=4 semantics=ip colour=blue", "unknown key 'colour'"),
        (
            "name=a field_type=8 len=3 semantics=u_int",
            "len: u_int has 1 or 2 or 4 or 8 octets, not 3",
        ),
        ("name=a field_type=8 len=6 semantics=ip", "len: ip has 4 or 16 octets, not 6"),
        ("name=a field_type=8 len=4 semantics=mac", "len: mac has 6 octets, not 4"),
        ("name=a field_type=8 len=vlen semantics=hex", "len: vlen is for str and raw, not for hex"),
        ("name=a field_type=8 len=65535 semantics=raw", "len: 65535 is not from 1 to 65534"),
        ("name=a field_type=8 len=x semantics=raw", "len: 'x' is no number from 1 to 65534"),
        ("name=a field_type=0 len=4 semantics=ip", "field_type: 0 is not from 1 to 65535"),
        ("name=a field_type=x:1 len=4 semantics=ip", "field_type: 'x' is no number"),
        ("name=a field_type=8 len=4 semantics=float", "semantics: 'float' is none of u_int, hex"),
        (f"name={'a' * 64} field_type=8 len=4 semantics=ip", "name: longer than 63 characters"),
        ("name=FIRST field_type=8 len=4 semantics=ip", "name: 'first' is there already"),
    ],
)
def test_malformed_primitive(tmp_path: Path, line: str, reason: str) -> None:
    first = "name=first field_type=8 len=4 semantics=ip"
    (mistake,) = mistakes_of(load_custom_primitives, tmp_path, first, line)
    assert mistake.startswith("2: " + reason)


def test_there_are_64_at_most(tmp_path: Path) -> None:
    lines = [f"name=p{n} field_type=8 len=4 semantics=ip" for n in range(66)]
    assert len(load_custom_primitives(write_map(tmp_path, *lines[:64]))) == 64
    assert mistakes_of(load_custom_primitives, tmp_path, *lines) == ["65: more than 64 primitives"]
