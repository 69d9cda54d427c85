"""UPDATEs read together say what each says by itself, or are left alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError
from collector.protocols.bgp.as_path import path_length
from collector.protocols.bgp.attributes import ORIGINS, Attributes, parse_attributes
from collector.protocols.bgp.nlri import split_nlri
from collector.protocols.bgp.plain_attributes import (
    REACH,
    UNREACH,
    PlainFacts,
    find_values,
    read_facts,
)
from collector.protocols.bgp.plain_attributes import SPARE_OCTETS as AFTER_SETS
from collector.protocols.bgp.plain_nlri import find_prefixes
from collector.protocols.bgp.plain_updates import SPARE_OCTETS, PlainRun, find_updates
from collector.protocols.bgp.update import split_update
from tests.protocols.bgp.updates import attribute_sets, bodies, fields
from tests.protocols.bgp.wire import attribute, mp_reach, mp_unreach, prefix, segment, update

ORIGIN = attribute(1, b"\0")
PATH = attribute(2, segment(2, (64500, 64501)))
HOP = attribute(3, bytes((192, 0, 2, 1)))
MED = attribute(4, bytes(4), 0x80)
USUAL = ORIGIN + PATH + HOP
NLRI = prefix("10.0.0.0/8") + prefix("10.1.2.0/23")
NLRI_6 = prefix("2001:db8::/32") + prefix("::/0")
HOP_6 = bytes(range(16))


def _joined(parts: list[bytes], spare: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    sizes = np.array([len(part) for part in parts], np.int64)
    ends = sizes.cumsum()
    starts = ends - sizes
    # What comes after the last one is not to be read as a part of it.
    return b"".join(parts) + b"\xff" * spare, starts, ends


def _facts(attributes: Attributes) -> tuple[int, ...]:
    path = attributes.as_path or ()
    return (
        path[-1][1][-1] if path else 0,
        path[0][1][0] if path else 0,
        path_length(path),
        len(ORIGINS) if attributes.origin is None else attributes.origin,
        -1 if attributes.local_pref is None else attributes.local_pref,
        -1 if attributes.med is None else attributes.med,
    )


def _rows(facts: PlainFacts) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in facts), strict=True))


@given(st.lists(attribute_sets, max_size=6))
def test_plain_sets_are_well_formed_and_say_what_each_says(sets: list[bytes]) -> None:
    octets, starts, ends = _joined(sets, AFTER_SETS)
    values = find_values(octets, starts, ends)
    facts = _rows(read_facts(octets, values))
    for row, one in enumerate(sets):
        if values.plain[row] and not values.starts[[REACH, UNREACH], row].any():
            attributes = parse_attributes(one, 4)
            assert isinstance(attributes, Attributes)
            assert facts[row] == _facts(attributes)


@pytest.mark.parametrize(
    ("octets", "plain"),
    [
        pytest.param(b"", True, id="nothing"),
        pytest.param(USUAL + MED, True, id="usual"),
        pytest.param(attribute(8, bytes(4 * 70), 0xC0), True, id="long-communities"),
        pytest.param(attribute(8, bytes(4 * 70 + 1), 0xC0), False, id="long-and-no-multiple"),
        pytest.param(attribute(32, bytes(12 * 22), 0xC0), True, id="large-communities"),
        pytest.param(attribute(16, bytes(8 * 32 + 4), 0xC0), False, id="half-a-community"),
        pytest.param(attribute(4, bytes(256), 0x80), False, id="long-med"),
        pytest.param(attribute(1, b"\3"), False, id="undefined-origin"),
        pytest.param(attribute(1, b"\0", 0x80), False, id="flags"),
        pytest.param(attribute(1, b"\0", 0x60), True, id="flags-nobody-judges"),
        pytest.param(attribute(2, b"\2\0"), False, id="segment-without-an-as"),
        pytest.param(attribute(2, b"\2\2" + bytes(4)), False, id="segment-cut-short"),
        pytest.param(attribute(2, segment(1, (1,))), False, id="set"),
        pytest.param(attribute(2, segment(2, range(255))), True, id="long-path"),
        pytest.param(MED + MED, False, id="twice"),
        pytest.param(attribute(99, b"") * 2, True, id="unknown-one-twice"),
        pytest.param(attribute(17, segment(2, (1,)), 0xC0), False, id="as4-path"),
        pytest.param(USUAL + b"\x40", False, id="head-cut-short"),
        pytest.param(USUAL + b"\x50\x08\x01", False, id="long-head-cut-short"),
        pytest.param(USUAL + b"\x40\x05\x04\0\0\0", False, id="past-the-end"),
    ],
)
def test_what_is_plain(octets: bytes, plain: bool) -> None:
    joined, starts, ends = _joined([USUAL, octets, MED], AFTER_SETS)
    assert find_values(joined, starts, ends).plain.tolist() == [True, plain, True]


@given(st.lists(st.tuples(st.booleans(), fields(32), fields(128)), max_size=6))
def test_fields_are_cut_as_each_is_by_itself(chosen: list[tuple[bool, bytes, bytes]]) -> None:
    families = [2 if six else 1 for six, _, _ in chosen]
    parts = [v6 if six else v4 for six, v4, v6 in chosen]
    octets, starts, ends = _joined(parts, 1)
    single = np.frombuffer(octets, np.uint8)
    whole, owners, at = find_prefixes(single, starts, ends, np.array(families, np.int64))
    for row, (afi, part) in enumerate(zip(families, parts, strict=True)):
        try:
            routes = split_nlri(part, afi, 1, False)
        except DecodeError:
            assert not whole[row]
            continue
        assert whole[row]
        lengths = [octets[place] for place in at[owners == row].tolist()]
        assert lengths == [route[0] for route in routes]


def test_very_many_prefixes_in_a_field() -> None:
    octets, starts, ends = _joined([b"\0" * 65_000, b"\x08\x0a", b"\x18" * 4001], 1)
    single = np.frombuffer(octets, np.uint8)
    whole, owners, at = find_prefixes(single, starts, ends, np.ones(3, np.int64))
    assert whole.tolist() == [True, True, False]
    assert np.bincount(owners).tolist()[:2] == [65_000, 1]
    assert at[:65_001].tolist() == list(range(65_001))


def _runs(plain: np.ndarray, afi: np.ndarray) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for row in np.flatnonzero(plain).tolist():
        if runs and runs[-1][1] == row and afi[row] == afi[row - 1]:
            runs[-1] = runs[-1][0], row + 1
        else:
            runs.append((row, row + 1))
    return runs


def _prefixes(run: PlainRun) -> list[bytes]:
    """The routes of a run as `split_nlri` has them."""
    width = 4 if len(run.addresses) == 1 else 8
    words = zip(*(words.tolist() for words in run.addresses), strict=True)
    found = []
    for length, each in zip(run.lengths.tolist(), words, strict=True):
        address = b"".join(word.to_bytes(width) for word in each)
        number = int.from_bytes(address) >> 8 * len(address) - length << 8 * len(address) - length
        found.append(bytes((length,)) + number.to_bytes(len(address))[: (length + 7) // 8])
    return found


def _check(run: PlainRun, row: int, body: bytes, routes: list[bytes]) -> None:
    """One UPDATE of a run against what it says by itself."""
    parts = split_update(body)
    mp, unreach = parts.mp_reach, parts.mp_unreach
    told = [
        (nlri, family, hop)
        for nlri, family, hop in (
            (parts.withdrawn, (1, 1), b""),
            (unreach.nlri if unreach else b"", unreach[:2] if unreach else None, b""),
            (parts.announced, (1, 1), parts.next_hop),
            (mp.nlri if mp else b"", mp[:2] if mp else None, mp.next_hop if mp else b""),
        )
        if nlri or (family and family != (1, 1))
    ]
    ((nlri, family, hop),) = told
    assert (run.family, run.next_hops[row]) == (family, hop)
    assert routes == split_nlri(nlri, *family, False)
    if not hop:
        return
    attributes = parse_attributes(parts.attributes_key, 4)
    assert isinstance(attributes, Attributes)
    assert run.contents[row] == parts.content
    assert _rows(run.facts)[row] == _facts(attributes)


def _check_all(together: list[bytes]) -> list[bool]:
    octets, starts, ends = _joined(together, SPARE_OCTETS)
    found = find_updates(octets, starts, ends)
    for start, stop in _runs(found.plain, found.afi):
        run = found.run(np.arange(start, stop))
        routes = iter(_prefixes(run))
        for row, count in enumerate(run.counts.tolist()):
            assert count
            of_row = [next(routes) for _ in range(count)]
            _check(run, row, together[start + row], of_row)
        assert next(routes, None) is None
    return found.plain.tolist()


@given(st.lists(bodies, max_size=8))
def test_updates_say_together_what_each_says_by_itself(together: list[bytes]) -> None:
    _check_all(together)


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        pytest.param(update(USUAL, NLRI), True, id="announces"),
        pytest.param(update(HOP + USUAL[:-7], NLRI), True, id="next-hop-first"),
        pytest.param(update(withdrawn=NLRI), True, id="withdraws"),
        pytest.param(update(ORIGIN + mp_reach(2, 1, HOP_6, NLRI_6) + PATH), True, id="mp-reach"),
        pytest.param(update(mp_reach(2, 1, HOP_6, NLRI_6 * 60)), True, id="long-mp-reach"),
        pytest.param(update(mp_reach(1, 1, HOP_6, NLRI)), True, id="ipv4-by-ipv6"),
        pytest.param(update(mp_unreach(2, 1, NLRI_6)), True, id="mp-unreach"),
        pytest.param(update(mp_unreach(2, 1, NLRI_6 * 60)), True, id="long-mp-unreach"),
        pytest.param(update(), False, id="end-of-rib"),
        pytest.param(update(mp_unreach(2, 1, b"")), False, id="end-of-rib-ipv6"),
        pytest.param(update(USUAL), False, id="no-routes"),
        pytest.param(update(USUAL, NLRI, NLRI), False, id="both"),
        pytest.param(update(ORIGIN + PATH, NLRI), False, id="no-next-hop"),
        pytest.param(update(USUAL + HOP, NLRI), False, id="two-next-hops"),
        pytest.param(
            update(ORIGIN + attribute(3, bytes(4), 0x50), NLRI), False, id="long-next-hop"
        ),
        pytest.param(update(USUAL + mp_reach(2, 1, HOP_6, NLRI_6)), False, id="hop-with-mp-reach"),
        pytest.param(
            update(mp_unreach(2, 1, NLRI_6 * 60) + mp_reach(2, 1, HOP_6, NLRI_6)),
            False,
            id="both-mp",
        ),
        pytest.param(update(mp_reach(2, 1, b"", NLRI_6)), False, id="mp-reach-without-next-hop"),
        pytest.param(update(mp_reach(2, 1, HOP_6, b"")), False, id="mp-reach-without-routes"),
        pytest.param(update(mp_reach(2, 2, HOP_6, NLRI_6)), False, id="multicast"),
        pytest.param(update(mp_reach(25, 1, HOP_6, NLRI_6)), False, id="other-family"),
        pytest.param(update(mp_reach(2, 1, HOP_6, b"\x81" + bytes(17))), False, id="bad-length"),
        pytest.param(update(attribute(14, b"\0\2\1\xff" + bytes(20), 0x80)), False, id="bad-hop"),
        pytest.param(update(attribute(14, b"\0\2", 0x80)), False, id="mp-reach-cut-short"),
        pytest.param(update(USUAL, NLRI[:-1]), False, id="route-cut-short"),
        pytest.param(update(USUAL, b"\x21" + bytes(5)), False, id="route-too-long"),
        pytest.param(update(USUAL + MED[:-1], NLRI), False, id="attributes-cut-short"),
        pytest.param(b"\0\0\xff\xff" + USUAL, False, id="attributes-past-the-end"),
        pytest.param(b"\xff\xff\0\0" + USUAL, False, id="withdrawn-past-the-end"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_which_updates_are_plain(body: bytes, plain: bool) -> None:
    usual = update(USUAL, NLRI)
    assert _check_all([body]) == [plain]
    assert _check_all([usual, body, usual]) == [True, plain, True]
