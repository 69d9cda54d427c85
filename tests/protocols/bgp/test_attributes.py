import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.bgp.attributes import Attributes, TreatAsWithdraw, parse_attributes
from tests.protocols.bgp.wire import attribute, segment

OPTIONAL, TRANSITIVE = 0x80, 0x40
BOTH = OPTIONAL | TRANSITIVE


def test_every_attribute() -> None:
    wire = b"".join(
        (
            attribute(1, b"\2"),
            attribute(2, segment(2, (65001, 4_200_000_001))),
            attribute(3, b"\xc0\0\2\1"),
            attribute(4, struct.pack("!I", 50), OPTIONAL),
            attribute(5, struct.pack("!I", 200)),
            attribute(6, b""),
            attribute(7, struct.pack("!I4s", 70000, b"\xc0\0\2\2"), BOTH),
            attribute(8, struct.pack("!HHHH", 64512, 1, 65535, 65281), BOTH),
            attribute(9, b"\xc0\0\2\3", OPTIONAL),
            attribute(10, b"\xc0\0\2\4\xc0\0\2\5", OPTIONAL),
            attribute(16, bytes.fromhex("0002fc0000000001"), BOTH),
            attribute(26, bytes.fromhex("01000b 0000000000000064"), OPTIONAL),
            attribute(32, struct.pack("!III", 64512, 1, 2), BOTH),
            attribute(35, struct.pack("!I", 65001), BOTH),
            attribute(40, bytes.fromhex("01000700000000000064"), BOTH),
            attribute(99, b"\xab", 0xE0),
        )
    )
    assert parse_attributes(wire, 4) == Attributes(
        origin=2,
        as_path=((2, (65001, 4_200_000_001)),),
        next_hop=b"\xc0\0\2\1",
        med=50,
        local_pref=200,
        atomic_aggregate=True,
        aggregator=(70000, "192.0.2.2"),
        communities=(64512 << 16 | 1, 0xFFFFFF01),
        originator_id="192.0.2.3",
        cluster_list=("192.0.2.4", "192.0.2.5"),
        extended_communities=(bytes.fromhex("0002fc0000000001"),),
        aigp=100,
        large_communities=((64512, 1, 2),),
        otc=65001,
        prefix_sid=bytes.fromhex("01000700000000000064"),
        unknown=((0xE0, 99, b"\xab"),),
    )


def test_nothing_is_missed() -> None:
    assert parse_attributes(b"", 4) == Attributes()


def test_long_attribute_has_a_length_of_two_octets() -> None:
    communities = attribute(8, bytes(400), BOTH)
    assert parse_attributes(communities, 4) == Attributes(communities=(0,) * 100)


def test_only_the_first_of_two_counts() -> None:
    wire = attribute(4, bytes(4), OPTIONAL) + attribute(4, b"\xff", OPTIONAL)
    assert parse_attributes(wire + attribute(99, b"\1") + attribute(99, b"\2"), 4) == Attributes(
        med=0, unknown=((0x40, 99, b"\1"),)
    )


def _shortened(aggregator_as: int, *more: bytes) -> Attributes | TreatAsWithdraw:
    path = attribute(2, segment(2, (1, 23456), 2))
    aggregator = attribute(7, struct.pack("!H4s", aggregator_as, b"\xc0\0\2\2"), BOTH)
    return parse_attributes(b"".join((path, aggregator, *more)), 2)


AS4_PATH = attribute(17, segment(2, (70000,)), BOTH)
AS4_AGGREGATOR = attribute(18, struct.pack("!I4s", 70000, b"\xc0\0\2\x09"), BOTH)


def test_as4_attributes_are_merged_in() -> None:
    assert _shortened(23456, AS4_PATH, AS4_AGGREGATOR) == Attributes(
        as_path=((2, (1, 70000)),), aggregator=(70000, "192.0.2.9")
    )


def test_as4_attributes_are_stale_after_another_aggregator() -> None:
    assert _shortened(64512, AS4_PATH, AS4_AGGREGATOR) == Attributes(
        as_path=((2, (1, 23456)),), aggregator=(64512, "192.0.2.2")
    )


def test_as4_path_alone_is_merged_in() -> None:
    merged = _shortened(64512, AS4_PATH)
    assert isinstance(merged, Attributes)
    assert merged.as_path == ((2, (1, 70000)),)


def test_a_speaker_of_four_octets_has_no_as4_attributes() -> None:
    wire = attribute(2, segment(2, (1, 23456))) + AS4_PATH + AS4_AGGREGATOR
    assert parse_attributes(wire, 4) == Attributes(as_path=((2, (1, 23456)),))


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param("40 01 02 0000", id="origin-length"),
        pytest.param("40 01 01 03", id="origin-value"),
        pytest.param("80 01 01 00", id="origin-flags"),
        pytest.param("40 02 06 0502 00000001", id="as-path-segment-type"),
        pytest.param("40 03 03 c00002", id="next-hop-length"),
        pytest.param("80 04 03 000000", id="med-length"),
        pytest.param("40 05 00", id="local-pref-length"),
        pytest.param("c0 06 00", id="atomic-aggregate-flags"),
        pytest.param("80 07 08 0000000000000000", id="aggregator-flags"),
        pytest.param("c0 08 00", id="no-community"),
        pytest.param("c0 08 05 0000000000", id="half-a-community"),
        pytest.param("80 09 05 0000000000", id="originator-id-length"),
        pytest.param("80 0a 00", id="no-cluster"),
        pytest.param("c0 10 04 00000000", id="half-an-extended-community"),
        pytest.param("c0 20 08 0000000000000000", id="half-a-large-community"),
        pytest.param("c0 23 02 0000", id="otc-length"),
        pytest.param("c0 0e 03 000101", id="mp-reach-flags"),
        pytest.param("40", id="one-octet"),
        pytest.param("40 01", id="two-octets"),
        pytest.param("50 01 00", id="half-a-length"),
        pytest.param("40 01 05 00", id="length-past-the-end"),
    ],
)
def test_a_malformed_attribute_withdraws(wire: str) -> None:
    parsed = parse_attributes(attribute(99, b"") + bytes.fromhex(wire), 4)
    assert isinstance(parsed, TreatAsWithdraw)
    assert parsed.reason


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param("40 06 01 00", id="atomic-aggregate-length"),
        pytest.param("c0 07 06 000000000000", id="aggregator-length"),
        pytest.param("80 1a 03 01000a", id="aigp-length"),
        pytest.param("80 1a 04 01000400", id="aigp-metric-length"),
        pytest.param("c0 1a 0b 01000b 0000000000000064", id="aigp-flags"),
        pytest.param("c0 11 02 0200", id="as4-path"),
        pytest.param("c0 12 01 00", id="as4-aggregator"),
    ],
)
def test_some_malformed_attributes_cost_only_themselves(wire: str) -> None:
    good = attribute(4, struct.pack("!I", 7), OPTIONAL)
    assert parse_attributes(bytes.fromhex(wire) + good, 4) == Attributes(med=7)


def test_first_aigp_metric_counts_and_other_tlvs_do_not() -> None:
    tlvs = bytes.fromhex("020004ff 01000b0000000000000001 01000b0000000000000002")
    assert parse_attributes(attribute(26, tlvs, OPTIONAL), 4) == Attributes(aigp=1)
    assert parse_attributes(attribute(26, tlvs[:4], OPTIONAL), 4) == Attributes()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 16, 17, 18, 26, 32, 35, 40, 77]),
            st.sampled_from([0x40, 0x80, 0xC0, 0x90, 0xD0]),
            st.binary(max_size=30),
        )
    ),
    st.sampled_from([2, 4]),
    st.integers(0, 20),
)
def test_any_attributes_are_parsed_or_withdrawn(
    attributes: list[tuple[int, int, bytes]], as_size: int, cut: int
) -> None:
    wire = b"".join(attribute(code, value, flags) for code, flags, value in attributes)
    parsed = parse_attributes(wire[: len(wire) - cut], as_size)
    assert isinstance(parsed, (Attributes, TreatAsWithdraw))


@given(st.binary(max_size=200), st.sampled_from([2, 4]))
def test_any_octets_are_parsed_or_withdrawn(octets: bytes, as_size: int) -> None:
    assert isinstance(parse_attributes(octets, as_size), (Attributes, TreatAsWithdraw))
