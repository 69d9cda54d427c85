"""BGP values as nfacctd writes them; what is expected was seen in nfacctd's records."""

import pytest

from collector.nfacctd.bgp_text import (
    as_path_text,
    communities_text,
    extended_communities_text,
    first_as,
    large_communities_text,
    last_as,
    origin_text,
    prefix_text,
    rd_text,
    words,
)
from collector.nfacctd.bmp.quirks import words_in_json
from collector.nfacctd.label_map import label_map

_MIXED = ((2, (65001,)), (1, (9, 5, 5)), (3, (64512, 64513)), (4, (7, 6)))


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("0000 fde8 00000007", "0:65000:7"),
        ("0001 c0000201 0007", "1:192.0.2.1:7"),
        ("0002 00011170 0007", "2:70000:7"),
        ("0000 0000 00000000", "0:0:0"),
        ("0005 fde8 00000007", "unknown"),
        ("8000 fde8 00000007", "unknown"),
    ],
)
def test_route_distinguishers_begin_with_their_type(octets: str, text: str) -> None:
    assert rd_text(bytes.fromhex(octets)) == text


@pytest.mark.parametrize(
    ("afi", "prefix", "text"),
    [
        (1, "00", "0.0.0.0/0"),
        (1, "18140001", "20.0.1.0/24"),
        (2, "2020010db8", "2001:db8::/32"),
        (2, "78" + "00" * 12 + "010203", "::1.2.3.0/120"),  # as the C library writes it
    ],
)
def test_prefixes(afi: int, prefix: str, text: str) -> None:
    assert prefix_text(afi, bytes.fromhex(prefix)) == text


def test_communities_are_sorted_unique_and_well_known_by_name() -> None:
    values = [0xFDE90002, 0xFDE90001, 0xFDE90001, 0xFFFFFF01, 0xFFFFFF02, 0xFFFFFF03, 0, 0xFFFF029A]
    assert communities_text(values) == (
        "internet 65001:1 65001:2 65535:666 no-export no-advertise local-AS"
    )
    assert communities_text(values, numeric=True) == (
        "0:0 65001:1 65001:2 65535:666 65535:65281 65535:65282 65535:65283"
    )


@pytest.mark.parametrize(
    ("octets", "text", "numeric"),
    [
        ("0002 fde9 00000001", "RT:65001:1", "0:2:65001:1"),
        ("0003 fde9 00000002", "SoO:65001:2", "0:3:65001:2"),
        ("0102 c0000201 0005", "RT:192.0.2.1:5", "1:2:192.0.2.1:5"),
        ("0203 00011170 0007", "SoO:70000:7", "2:3:70000:7"),
        ("4002 fde9 00000003", "RT:65001:3", "64:2:65001:3"),
        ("0005 fde9 00000009", "?", "0:5:65001:9"),
        ("030c 000000000008", "?", "?"),
        ("8006 000000000000", "?", "?"),
    ],
)
def test_extended_communities(octets: str, text: str, numeric: str) -> None:
    value = bytes.fromhex(octets)
    assert extended_communities_text([value, value]) == text
    assert extended_communities_text([value], numeric=True) == numeric


def test_extended_communities_are_sorted_by_octets() -> None:
    values = [bytes.fromhex("0003000100000001"), bytes.fromhex("0002000200000002")]
    assert extended_communities_text(values) == "RT:2:2 SoO:1:1"


def test_large_communities_are_sorted_as_numbers() -> None:
    assert large_communities_text([(3, 2, 1), (1, 2, 3), (1, 2, 3), (20, 0, 0)]) == (
        "1:2:3 3:2:1 20:0:0"
    )


def test_paths_with_sets_and_confederations() -> None:
    assert as_path_text(_MIXED) == "65001 {5,9} (64512 64513) [6,7]"
    assert as_path_text(()) == ""


def test_the_ends_of_a_path() -> None:
    assert (first_as(_MIXED), last_as(_MIXED)) == (65001, 7)
    assert (first_as(()), last_as(())) == (0, 0)
    assert first_as(((1, (9, 5)),)) == 5


def test_origins() -> None:
    assert [origin_text(value) for value in range(4)] == ["i", "e", "u", ""]


def test_arrays_lack_one_character_words_in_json_only() -> None:
    assert words("1 22 3 70000") == ["1", "22", "3", "70000"]
    assert words_in_json("1 22 3 70000") == ["22", "70000"]
    assert words_in_json("RT:1:1 ?") == ["RT:1:1"]


def test_words_are_cut_after_127_characters() -> None:
    assert words("x" * 200) == ["x" * 127]


def test_labels_as_maps() -> None:
    assert label_map("nkey%r1,pkey%x%y") == {"nkey": "r1", "pkey": "x%y"}
    assert label_map("") == {}
    assert label_map("alone") == {"alone": ""}
    assert label_map("k%" + "x" * 127) == {"k": "x" * 127}
    assert label_map("k%" + "x" * 128) == {"k": "x" * 126 + "$"}
    assert len(label_map(",".join(f"{n}%{n}" for n in range(200)))) == 128
