"""NLRI as nfacctd cuts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.bmp.nlri import Route, cut
from collector.protocols.bgp.nlri import split_nlri

RD = bytes.fromhex("0000fde800000001")
_LABELLED, _VPN = (1, 4), (1, 128)


def _cut(octets: bytes, family: tuple[int, int] = _LABELLED, **how: bool) -> list:
    routes, fault = cut(octets, family, **{"add_path": False, "announced": True} | how, offset=100)
    assert fault is None
    return routes


def _label(value: int) -> bytes:
    return value.to_bytes(3)


def test_plain_prefixes_are_octets() -> None:
    assert _cut(b"\x08\x14\x18\x14\0\1", (1, 1)) == [b"\x08\x14", b"\x18\x14\0\1"]


def test_host_bits_are_told_and_make_no_other_route() -> None:
    (first, second) = _cut(b"\x0c\x14\xff\x0c\x14\xf1", (1, 1))
    assert (first.prefix, first.told) == (b"\x0c\x14\xf0", b"\x0c\x14\xff")
    assert (second.prefix, second.told) == (b"\x0c\x14\xf0", b"\x0c\x14\xf1")


def test_the_bottom_of_the_stack_is_the_label() -> None:
    (route,) = _cut(b"\x38" + _label(0x640) + _label(0x651) + b"\x14")
    assert (route.label, route.prefix) == (0x65, b"\x08\x14")


def test_without_a_bottom_the_prefix_is_read_as_labels() -> None:
    (route,) = _cut(b"\x38" + _label(0x640) + b"\x14\0\3\x07")
    assert (route.label, route.prefix) == (0x14000, b"\x08\7")


def test_withdrawals_have_one_label_whatever_it_is() -> None:
    for label in (0x800000, 0, 0x641):
        (route,) = _cut(b"\x20" + _label(label) + b"\x14", announced=False)
        assert route.prefix == b"\x08\x14"


@pytest.mark.parametrize(
    ("octets", "family"),
    [
        pytest.param(b"\x39" + _label(0x640) + _label(0x651) + b"\x14\0", _LABELLED, id="labels"),
        pytest.param(b"\x79" + _label(0x641) + RD + bytes(5), _VPN, id="vpn"),
        pytest.param(b"\x60" + _label(0x641) + b"\0\5" + RD[2:] + b"\x14", _VPN, id="rd"),
        pytest.param(b"\x10\0\0", _LABELLED, id="no-label"),
        pytest.param(b"\x18" + _label(0x640), _LABELLED, id="no-bottom"),
        pytest.param(b"\x14" + _label(0x641), _LABELLED, id="half-a-label"),
        pytest.param(b"\x21\0\0\0\0\0", (1, 1), id="length"),
        pytest.param(b"\x18\x14\0", (1, 1), id="cut"),
    ],
)
def test_a_fault_ends_the_field(octets: bytes, family: tuple[int, int]) -> None:
    good = {
        (1, 1): b"\x08\x15",
        _LABELLED: b"\x20" + _label(0x641) + b"\x15",
        _VPN: b"\x60" + _label(0x641) + RD + b"\x15",
    }[family]
    routes, fault = cut(good + octets, family, add_path=False, announced=True, offset=100)
    assert [r if type(r) is bytes else r.prefix for r in routes] == [b"\x08\x15"]
    assert fault is not None
    assert fault.offset == 100 + len(good)


def test_path_identifiers() -> None:
    (route,) = _cut(b"\0\0\0\7\x08\x14", (1, 1), add_path=True)
    assert route == Route(b"\x08\x14", b"\x08\x14", path_id=7)
    routes, fault = cut(b"\0\0\0\7", (1, 1), add_path=True, announced=True, offset=0)
    assert routes == []
    assert fault is not None


@given(st.lists(st.tuples(st.integers(0, 32), st.binary(min_size=4, max_size=4))))
def test_plain_prefixes_are_those_of_the_protocol(prefixes: list[tuple[int, bytes]]) -> None:
    octets = b"".join(bytes((bits,)) + address[: (bits + 7) // 8] for bits, address in prefixes)
    routes = _cut(octets, (1, 1))
    keys = [route if type(route) is bytes else route.prefix for route in routes]
    assert keys == split_nlri(octets, 1, 1, add_path=False)
    assert b"".join(r if type(r) is bytes else r.told for r in routes) == octets


@given(st.binary(max_size=60), st.sampled_from([(1, 1), (2, 1), (1, 4), (2, 128)]), st.booleans())
def test_any_octets_are_survived(octets: bytes, family: tuple[int, int], add_path: bool) -> None:
    routes, _ = cut(octets, family, add_path=add_path, announced=True, offset=0)
    assert len(routes) <= len(octets)
