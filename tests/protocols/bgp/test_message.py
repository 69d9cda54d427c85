import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.bgp.message import BgpMessage, read_message
from collector.protocols.bgp.notification import Notification, read_notification
from tests.protocols.bgp.wire import MARKER, bgp


def test_a_message_ends_where_its_length_says() -> None:
    assert read_message(bgp(4, b"") + b"more") == BgpMessage(4, b"", 19)
    assert read_message(bgp(2, b"abc")) == BgpMessage(2, b"abc", 22)


@pytest.mark.parametrize(
    ("wire", "error", "offset"),
    [
        pytest.param(MARKER + b"\0\x13", TruncatedError, 0, id="header"),
        pytest.param(b"\0" + bgp(4, b"")[1:], MalformedError, 0, id="marker"),
        pytest.param(MARKER + b"\0\x12\4", MalformedError, 16, id="length-below-19"),
        pytest.param(MARKER + b"\0\x14\4", TruncatedError, 16, id="length-past-the-end"),
    ],
)
def test_a_bad_header_is_told_with_its_offset(
    wire: bytes, error: type[DecodeError], offset: int
) -> None:
    with pytest.raises(error) as told:
        read_message(wire, offset=48)
    assert told.value.offset == 48 + offset


def test_notification_has_codes_and_data() -> None:
    assert read_notification(b"\6\2bye") == Notification(6, 2, b"bye")


@pytest.mark.parametrize("wire", [b"", b"\6"])
def test_a_notification_needs_both_codes(wire: bytes) -> None:
    with pytest.raises(TruncatedError):
        read_notification(wire)


@given(st.binary(max_size=40), st.booleans())
def test_any_octets_are_a_message_or_a_decode_error(octets: bytes, with_marker: bool) -> None:
    try:
        found = read_message(MARKER + octets if with_marker else octets)
    except DecodeError:
        return
    assert len(found.body) == found.octets - 19
