import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.bgp.nlri import Nlri, split_nlri
from tests.protocols.bgp.wire import label, labelled, prefix

RD = bytes.fromhex("0000fc0000000001")
FAMILIES = [
    *((afi, safi) for afi in (1, 2) for safi in (1, 2, 4, 128)),
    *((25, 70), (16388, 71), (16388, 72), (1, 132), (1, 133), (2, 134), (25, 65), (1, 5)),
]


def test_plain_prefixes_are_their_octets() -> None:
    octets = prefix("0.0.0.0/0") + prefix("10.0.0.0/8") + prefix("192.0.2.128/25")
    assert split_nlri(octets, 1, 1, False) == [b"\0", b"\x08\x0a", b"\x19\xc0\0\2\x80"]


@pytest.mark.parametrize(
    ("wire", "canonical"),
    [
        pytest.param("14 c00002", "14 c00000", id="20-bits"),
        pytest.param("1f c00002ff", "1f c00002fe", id="31-bits"),
        pytest.param("01 ff", "01 80", id="1-bit"),
        pytest.param("18 c00002", "18 c00002", id="whole-octets"),
    ],
)
def test_host_bits_are_cleared(wire: str, canonical: str) -> None:
    expected = [bytes.fromhex(canonical)]
    assert split_nlri(bytes.fromhex(wire), 1, 1, False) == expected
    with_path_id = split_nlri(bytes.fromhex("00000007" + wire), 1, 1, True)
    assert with_path_id == [Nlri(1, 1, expected[0], 7)]


def test_vpn_route_has_labels_and_rd() -> None:
    octets = labelled("192.0.2.0/24", label(100, bottom=False) + label(200), RD)
    assert split_nlri(octets, 1, 128, False) == [
        Nlri(1, 128, prefix("192.0.2.0/24"), None, RD, (100, 200))
    ]


def test_ipv6_vpn_route_with_path_id() -> None:
    octets = bytes(3) + b"\5" + labelled("2001:db8::/33", label(16), RD)
    assert split_nlri(octets, 2, 128, True) == [Nlri(2, 128, prefix("2001:db8::/33"), 5, RD, (16,))]


@pytest.mark.parametrize(
    ("stack", "labels"),
    [
        pytest.param("800000", (524288,), id="withdrawn"),
        pytest.param("000000", (0,), id="withdrawn-by-an-old-speaker"),
        pytest.param("000640 800001", (100, 524288), id="524288-below-another"),
    ],
)
def test_a_label_stack_ends(stack: str, labels: tuple[int, ...]) -> None:
    octets = labelled("192.0.2.0/24", bytes.fromhex(stack))
    assert split_nlri(octets, 1, 4, False) == [Nlri(1, 4, prefix("192.0.2.0/24"), labels=labels)]


def test_without_a_bottom_there_is_one_label() -> None:
    octets = labelled("192.0.2.0/24", label(100, bottom=False))
    assert split_nlri(octets, 1, 4, False) == [Nlri(1, 4, prefix("192.0.2.0/24"), labels=(100,))]


@pytest.mark.parametrize(
    ("family", "nlri"),
    [
        pytest.param((25, 70), "02 03 aabbcc", id="evpn"),
        pytest.param((16388, 71), "0001 0003 aabbcc", id="bgp-ls"),
        pytest.param((16388, 72), "0002 0001 aa", id="bgp-ls-vpn"),
        pytest.param((1, 132), "60 0000fde8 0002fde8 00000001", id="route-target"),
        pytest.param((1, 132), "00", id="default-route-target"),
        pytest.param((1, 133), "03 0118 0a", id="flowspec"),
        pytest.param((2, 134), "f0f1" + "00" * 241, id="flowspec-of-two-length-octets"),
    ],
)
def test_opaque_nlri_keep_type_and_length(family: tuple[int, int], nlri: str) -> None:
    one = bytes.fromhex(nlri)
    assert split_nlri(one + one, *family, False) == [Nlri(*family, octets=one)] * 2
    assert split_nlri(b"\0\0\0\x09" + one, *family, True) == [Nlri(*family, path_id=9, octets=one)]


@pytest.mark.parametrize("add_path", [False, True])
def test_an_unknown_family_is_one_nlri(add_path: bool) -> None:
    assert split_nlri(b"\1\2\3", 25, 65, add_path) == [Nlri(25, 65, octets=b"\1\2\3")]
    assert split_nlri(b"", 25, 65, add_path) == []


@pytest.mark.parametrize(
    ("family", "add_path", "wire", "error", "offset"),
    [
        pytest.param((1, 1), False, "21 0000000000", MalformedError, 0, id="above-32"),
        pytest.param((1, 1), False, "08 0a 18 0a00", TruncatedError, 2, id="octets-missing"),
        pytest.param((1, 1), False, "08 0a 17 0a00", TruncatedError, 2, id="half-octet-missing"),
        pytest.param((2, 1), False, "81" + "00" * 17, MalformedError, 0, id="above-128"),
        pytest.param((1, 1), True, "00000001", TruncatedError, 0, id="path-id-alone"),
        pytest.param((1, 1), True, "00000001 21 0000000000", MalformedError, 4, id="id-above-32"),
        pytest.param((1, 1), True, "00000001 18 0a", TruncatedError, 4, id="id-octets-missing"),
        pytest.param((1, 4), False, "10 0000", MalformedError, 0, id="no-room-for-a-label"),
        pytest.param((1, 4), False, "39 000011 0000000000", MalformedError, 0, id="label-above-32"),
        pytest.param((1, 128), False, "50" + "00" * 10, MalformedError, 0, id="no-room-for-an-rd"),
        pytest.param((25, 70), False, "02", TruncatedError, 0, id="evpn-header"),
        pytest.param((25, 70), False, "02 03 aabb", TruncatedError, 0, id="evpn"),
        pytest.param((25, 70), True, "0000", TruncatedError, 2, id="evpn-path-id"),
        pytest.param((16388, 71), False, "0001 00", TruncatedError, 0, id="bgp-ls-header"),
        pytest.param((1, 132), False, "60 00", TruncatedError, 0, id="route-target"),
        pytest.param((1, 133), False, "f1", TruncatedError, 0, id="flowspec-length"),
        pytest.param((1, 133), False, "00 02 01", TruncatedError, 1, id="flowspec"),
    ],
)
def test_bad_nlri_are_told_with_their_offset(
    family: tuple[int, int], add_path: bool, wire: str, error: type[DecodeError], offset: int
) -> None:
    with pytest.raises(error) as told:
        split_nlri(bytes.fromhex(wire), *family, add_path, offset=100)
    assert told.value.offset == 100 + offset


@st.composite
def plain_routes(draw: st.DrawFn) -> tuple[int, bytes]:
    afi = draw(st.sampled_from([1, 2]))
    bits = draw(st.integers(0, 32 if afi == 1 else 128))
    octets = bytearray(draw(st.binary(min_size=(bits + 7) // 8, max_size=(bits + 7) // 8)))
    if bits % 8:
        octets[-1] &= 0xFF << (8 - bits % 8) & 0xFF
    return afi, bytes((bits, *octets))


@given(st.lists(plain_routes()), st.integers(0, 2**32 - 1))
def test_prefixes_survive_the_wire(routes: list[tuple[int, bytes]], path_id: int) -> None:
    for afi in (1, 2):
        prefixes = [octets for family, octets in routes if family == afi]
        assert split_nlri(b"".join(prefixes), afi, 1, False) == prefixes
        with_ids = b"".join(path_id.to_bytes(4) + octets for octets in prefixes)
        assert split_nlri(with_ids, afi, 2, True) == [
            Nlri(afi, 2, octets, path_id) for octets in prefixes
        ]


@given(
    st.lists(st.tuples(plain_routes(), st.lists(st.integers(1, 0xFFFFF), min_size=1, max_size=3)))
)
def test_labelled_prefixes_survive_the_wire(
    routes: list[tuple[tuple[int, bytes], list[int]]],
) -> None:
    for (afi, octets), labels in routes:
        labels = [value if value != 0x80000 else 1 for value in labels]
        stack = b"".join(label(value, bottom=False) for value in labels[:-1]) + label(labels[-1])
        bits = octets[0] + 8 * len(stack)
        wire = bytes((bits,)) + stack + octets[1:]
        expected = Nlri(afi, 4, octets, None, None, tuple(labels))
        assert split_nlri(wire, afi, 4, False) == [expected]
        if bits + 64 < 256:
            wire = bytes((bits + 64,)) + stack + RD + octets[1:]
            expected = expected._replace(safi=128, rd=RD)
            assert split_nlri(wire, afi, 128, False) == [expected]


@given(st.binary(max_size=120), st.sampled_from(FAMILIES), st.booleans())
def test_any_octets_give_routes_or_a_decode_error(
    octets: bytes, family: tuple[int, int], add_path: bool
) -> None:
    try:
        routes = split_nlri(octets, *family, add_path)
    except DecodeError as error:
        assert 0 <= error.offset <= len(octets)
        return
    assert len(routes) <= len(octets)
    for route in routes:
        if isinstance(route, Nlri) and route.octets:
            continue
        canonical = route.prefix if isinstance(route, Nlri) else route
        assert len(canonical) == 1 + (canonical[0] + 7) // 8
