"""What nfacctd makes of paths, OPENs and times that others read in another way."""

import struct

import pytest

from collector.nfacctd.bmp.quirks import (
    add_path_families,
    is_acceptable,
    lenient_as_path,
    merged_as_path,
    signed,
    stamp_us,
)
from collector.protocols.bgp.open import Capability, Open

AS4 = Capability(65, struct.pack("!I", 65001))


def _open(*capabilities: Capability, as_number: int = 65001, field: int = 65001) -> Open:
    return Open(4, as_number, 180, "10.0.0.1", capabilities, field)


def _path(form: str, *values: int) -> bytes:
    return struct.pack(f"!{form}", *values)


@pytest.mark.parametrize(
    ("octets", "path"),
    [
        (_path("BBHH", 2, 2, 1, 2), ((2, (1, 2)),)),
        pytest.param(_path("BBII", 2, 2, 1, 2), ((2, (1, 2)),), id="four-octets-all-the-same"),
        pytest.param(_path("BBIBBI", 2, 1, 1, 1, 1, 2), (), id="of-two-segments-they-are-not-seen"),
        pytest.param(
            _path("BBHHBBH", 2, 2, 1, 2, 1, 1, 3),
            ((2, (0x10002, 0x1010003)),),
            id="and-seen-where-they-are-not",
        ),
        pytest.param(_path("BBH", 2, 0, 1), (), id="empty-segment"),
        pytest.param(_path("BBHB", 2, 1, 1, 2), (), id="odd"),
        pytest.param(_path("BBH", 9, 1, 1), (), id="unknown-segment"),
        (b"", ()),
    ],
)
def test_paths_of_two_octets(octets: bytes, path: tuple) -> None:
    assert lenient_as_path(octets, 2) == path


@pytest.mark.parametrize(
    ("path", "as4_path", "merged"),
    [
        (((2, (1, 23456)),), ((2, (2,)),), ((2, (1,)), (2, (2,)))),
        (((2, (1, 23456)),), ((2, (1, 2)),), ((2, (1, 2)),)),
        pytest.param(((2, (1,)),), ((2, (7, 8)),), ((2, (1,)), (2, (7, 8))), id="a-longer-one"),
        pytest.param(
            ((3, (64512,)), (2, (1, 23456))),
            ((2, (2,)),),
            ((3, (64512,)), (2, (1,)), (2, (2,))),
            id="confederations-count",
        ),
        (((1, (1, 2)), (2, (3,))), ((2, (9,)),), ((1, (1, 2)), (2, (9,)))),
    ],
)
def test_paths_are_merged(path: tuple, as4_path: tuple, merged: tuple) -> None:
    assert merged_as_path(path, as4_path) == merged


@pytest.mark.parametrize(
    ("speaker", "accepted"),
    [
        (_open(AS4), True),
        (_open(), True),
        (_open(AS4, field=23456), True),
        (_open(Capability(65, bytes(4)), as_number=0), True),
        pytest.param(_open(AS4, field=65002), False, id="two-numbers"),
        pytest.param(_open(field=23456, as_number=23456), False, id="as-trans-alone"),
        pytest.param(_open(Capability(65, b"\0\1")), False, id="capability-cut"),
        pytest.param(Open(3, 1, 180, "10.0.0.1", (), 1), False, id="version"),
    ],
)
def test_opens_whose_numbers_agree_are_taken(speaker: Open, accepted: bool) -> None:
    assert is_acceptable(speaker) == accepted


def test_path_identifiers_need_a_direction() -> None:
    def speaker(mode: int) -> Open:
        return _open(Capability(69, struct.pack("!HBB", 1, 1, mode)))

    agreed = [bool(add_path_families(speaker(3), speaker(mode))) for mode in range(4)]
    assert agreed == [False, False, True, True]


def test_numbers_have_a_sign_and_times_a_second() -> None:
    assert [signed(n) for n in (0, (1 << 63) - 1, 1 << 63)] == [0, (1 << 63) - 1, -(1 << 63)]
    assert [stamp_us(n) for n in (0, 999_999, 1_000_000)] == [0, 0, 1_000_000]
