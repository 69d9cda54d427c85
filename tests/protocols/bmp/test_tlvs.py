import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import TruncatedError
from collector.protocols.bmp.information import Information, read_information, read_termination
from collector.protocols.bmp.statistics import Statistic, read_statistics
from tests.protocols.bmp.wire import tlv


def test_information_is_text_where_we_know_its_type() -> None:
    wire = tlv(1, "Réseau\0\0".encode()) + tlv(2, b"\xff") + tlv(0, b"") + tlv(9, b"\xab")
    assert read_information(wire) == (
        Information(1, "Réseau"),
        Information(2, "\ufffd"),
        Information(0, ""),
        Information(9, b"\xab"),
    )


def test_a_termination_has_a_reason() -> None:
    wire = tlv(1, b"\0\1") + tlv(0, b"bye") + tlv(2, b"\xab") + tlv(1, b"\1")
    assert read_termination(wire) == (
        Information(1, 1),
        Information(0, "bye"),
        Information(2, b"\xab"),
        Information(1, b"\1"),
    )


@pytest.mark.parametrize(
    ("wire", "offset"),
    [
        pytest.param("0000 00", 0, id="half-a-header"),
        pytest.param("0000 0000 0001 0002 aa", 4, id="past-the-end"),
    ],
)
def test_bad_information_is_told_with_its_offset(wire: str, offset: int) -> None:
    for read in (read_information, read_termination):
        with pytest.raises(TruncatedError) as told:
            read(bytes.fromhex(wire), offset=6)
        assert told.value.offset == 6 + offset


def test_statistics_of_all_lengths() -> None:
    wire = b"".join(
        (
            struct.pack("!I", 5),
            tlv(0, struct.pack("!I", 7)),
            tlv(7, struct.pack("!Q", 2**40)),
            tlv(9, struct.pack("!HBQ", 2, 128, 8)),
            tlv(35, struct.pack("!HBQ", 1, 1, 9)),
            tlv(65531, b"\1\2\3"),
        )
    )
    assert read_statistics(wire) == (
        Statistic(0, 7),
        Statistic(7, 2**40),
        Statistic(9, 8, 2, 128),
        Statistic(35, 9, 1, 1),
        Statistic(65531, b"\1\2\3"),
    )


@pytest.mark.parametrize(
    ("wire", "offset"),
    [
        pytest.param("000000", 0, id="no-count"),
        pytest.param("00000001", 4, id="fewer-than-counted"),
        pytest.param("ffffffff 0000 0004 00000001", 12, id="far-fewer-than-counted"),
        pytest.param("00000001 0000 0004 000000", 8, id="past-the-end"),
    ],
)
def test_bad_statistics_are_told_with_their_offset(wire: str, offset: int) -> None:
    with pytest.raises(TruncatedError) as told:
        read_statistics(bytes.fromhex(wire), offset=48)
    assert told.value.offset == 48 + offset


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 2**64 - 1))))
def test_gauges_survive_the_wire(gauges: list[tuple[int, int]]) -> None:
    wire = struct.pack("!I", len(gauges)) + b"".join(
        tlv(kind, value.to_bytes(8)) for kind, value in gauges
    )
    assert read_statistics(wire) == tuple(Statistic(*gauge) for gauge in gauges)


@given(st.binary(max_size=60))
def test_any_octets_are_tlvs_or_truncated(octets: bytes) -> None:
    for read in (read_information, read_termination, read_statistics):
        try:
            read(octets)
        except TruncatedError as error:
            assert 0 <= error.offset <= len(octets)
