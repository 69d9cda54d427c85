import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.bgp.attributes import TreatAsWithdraw, parse_attributes
from collector.protocols.bgp.families import Family
from collector.protocols.bgp.update import MpReach, MpUnreach, UpdateParts, split_update
from tests.protocols.bgp.wire import attribute, mp_reach, mp_unreach, prefix, update

ORIGIN = attribute(1, b"\0")
MED = attribute(4, bytes(4), 0x80)


def test_parts_of_an_update_with_everything() -> None:
    reach = mp_reach(2, 1, bytes(16), prefix("2001:db8::/32"))
    unreach = mp_unreach(1, 128, b"\x08\x0a")
    body = update(ORIGIN + reach + MED + unreach, prefix("10.0.0.0/8"), prefix("192.0.2.0/24"))
    parts = split_update(body, offset=67)
    reach_at = body.index(prefix("2001:db8::/32"))
    assert parts == UpdateParts(
        withdrawn=prefix("192.0.2.0/24"),
        attributes_key=ORIGIN + MED,
        announced=prefix("10.0.0.0/8"),
        mp_reach=MpReach(2, 1, bytes(16), prefix("2001:db8::/32"), 67 + reach_at),
        mp_unreach=MpUnreach(1, 128, b"\x08\x0a", 67 + body.index(b"\x08\x0a")),
        octets=len(body),
        offset=67,
    )
    assert parts.withdrawn_offset == 67 + body.index(prefix("192.0.2.0/24"))
    assert parts.announced_offset == 67 + len(body) - 2
    assert parts.end_of_rib is None


@pytest.mark.parametrize(
    ("body", "family"),
    [
        pytest.param(update(), (1, 1), id="empty-update"),
        pytest.param(update(mp_unreach(2, 128, b"")), (2, 128), id="empty-mp-unreach"),
        pytest.param(update(mp_unreach(2, 1, b"\0")), None, id="a-withdrawn-route"),
        pytest.param(update(ORIGIN + mp_unreach(2, 1, b"")), None, id="other-attributes"),
        pytest.param(update(withdrawn=b"\0"), None, id="classic-withdrawal"),
        pytest.param(update(mp_reach(2, 1, bytes(16), b"")), None, id="empty-mp-reach"),
    ],
)
def test_end_of_rib_of_both_kinds(body: bytes, family: Family | None) -> None:
    assert split_update(body).end_of_rib == family


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param("40", id="one-octet"),
        pytest.param("40 02", id="two-octets"),
        pytest.param("50 02 00", id="half-a-length"),
        pytest.param("40 02 20 00", id="past-the-end"),
        pytest.param("50 02 ffff", id="far-past-the-end"),
        pytest.param("c0 0e 05 000101 00 00", id="mp-reach-flags"),
    ],
)
def test_a_broken_attribute_stays_for_the_parser(tail: str) -> None:
    good = ORIGIN + mp_unreach(2, 1, prefix("2001:db8::/32"))
    parts = split_update(update(good + bytes.fromhex(tail), prefix("10.0.0.0/8")))
    assert parts.attributes_key == ORIGIN + bytes.fromhex(tail)
    assert parts.announced == prefix("10.0.0.0/8")
    assert parts.mp_unreach is not None
    assert isinstance(parse_attributes(parts.attributes_key, 4), TreatAsWithdraw)


@pytest.mark.parametrize(
    ("wire", "error", "offset"),
    [
        pytest.param("000000", TruncatedError, 0, id="no-attribute-length"),
        pytest.param("0001 0000", TruncatedError, 0, id="withdrawn-past-the-end"),
        pytest.param("0000 0001", TruncatedError, 2, id="attributes-past-the-end"),
        pytest.param("0000 0003 800e00", TruncatedError, 7, id="empty-mp-reach"),
        pytest.param("0000 0003 800f00", TruncatedError, 7, id="empty-mp-unreach"),
        pytest.param("0000 0003 900e00", TruncatedError, 4, id="half-a-length"),
        pytest.param("0000 0004 800e05 00", TruncatedError, 4, id="mp-reach-past-the-end"),
        pytest.param("0000 0008 800e05 0001010400", TruncatedError, 10, id="next-hop-too-long"),
        pytest.param("0000 000c 800f03 000201 800f03 000201", MalformedError, 10, id="two"),
    ],
)
def test_an_update_whose_routes_are_lost_is_told_with_its_offset(
    wire: str, error: type[DecodeError], offset: int
) -> None:
    with pytest.raises(error) as told:
        split_update(bytes.fromhex(wire), offset=100)
    assert told.value.offset == 100 + offset


@given(st.binary(max_size=120))
def test_any_octets_are_split_or_a_decode_error(octets: bytes) -> None:
    try:
        parts = split_update(octets)
    except DecodeError as error:
        assert 0 <= error.offset <= len(octets)
        return
    assert octets[2 : 2 + len(parts.withdrawn)] == parts.withdrawn
    assert octets.endswith(parts.announced)


NEXT_HOP = attribute(3, bytes((192, 0, 2, 1)))


@pytest.mark.parametrize(
    ("attributes", "content", "next_hop"),
    [
        pytest.param(ORIGIN + NEXT_HOP + MED, ORIGIN + MED, "c0000201", id="usual"),
        pytest.param(NEXT_HOP, b"", "c0000201", id="alone"),
        pytest.param(
            mp_unreach(2, 1, b"") + ORIGIN + NEXT_HOP, ORIGIN, "c0000201", id="after-mp-unreach"
        ),
        pytest.param(ORIGIN + MED, ORIGIN + MED, "", id="none"),
        pytest.param(NEXT_HOP + NEXT_HOP, NEXT_HOP + NEXT_HOP, "", id="twice"),
        pytest.param(attribute(3, bytes(3)), attribute(3, bytes(3)), "", id="short"),
        pytest.param(attribute(3, bytes(5)), attribute(3, bytes(5)), "", id="long"),
        pytest.param(attribute(3, bytes(4), 0x80), attribute(3, bytes(4), 0x80), "", id="flags"),
        pytest.param(NEXT_HOP[:5], NEXT_HOP[:5], "", id="past-the-end"),
    ],
)
def test_a_next_hop_stands_apart_where_it_is_one_and_well_formed(
    attributes: bytes, content: bytes, next_hop: str
) -> None:
    parts = split_update(update(attributes))
    assert (parts.content, parts.next_hop.hex()) == (content, next_hop)


codes = st.sampled_from([1, 2, 8, 14, 15, 99])
values = st.binary(max_size=20)


@given(st.lists(st.tuples(codes, st.sampled_from([0x40, 0x80, 0x90]), values)), values, values)
def test_no_octet_is_lost(
    attributes: list[tuple[int, int, bytes]], withdrawn: bytes, announced: bytes
) -> None:
    wire = [(code, attribute(code, value, flags)) for code, flags, value in attributes]
    body = update(b"".join(octets for _, octets in wire), announced, withdrawn)
    try:
        parts = split_update(body)
    except DecodeError:
        assert any(code in (14, 15) for code, _ in wire)
        return
    assert (parts.withdrawn, parts.announced) == (withdrawn, announced)
    assert parts.attributes_key == b"".join(
        octets for code, octets in wire if code not in (14, 15) or octets[0] & 0x40
    )
