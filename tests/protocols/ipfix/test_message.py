import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, MalformedError, TruncatedError
from collector.protocols.flow_values import Message
from collector.protocols.ipfix.message import parse_message

_HEADER = "000a 0014 6553f100 00000009 0000002a"  # Length 20, domain 42, sequence 9


def test_header_as_on_the_wire() -> None:
    message, body = parse_message("192.0.2.1", memoryview(bytes.fromhex(_HEADER + "0100 0004")))
    assert message == Message(10, "192.0.2.1", 42, 1_700_000_000, 9)
    assert message.system_uptime_ms is None
    assert bytes(body) == bytes.fromhex("0100 0004")


def test_octets_after_the_message_are_ignored() -> None:
    datagram = memoryview(bytes.fromhex(_HEADER + "0100 0004" + "dead beef"))
    assert bytes(parse_message("192.0.2.1", datagram)[1]) == bytes.fromhex("0100 0004")


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        pytest.param("000a 0010 6553f100 00000009 0000", TruncatedError, id="half-a-header"),
        pytest.param(_HEADER, TruncatedError, id="length-past-the-datagram"),
        pytest.param("000a 000f 6553f100 00000009 0000002a", MalformedError, id="length-below"),
        pytest.param("000a 0000 6553f100 00000009 0000002a", MalformedError, id="length-zero"),
    ],
)
def test_bad_header_drops_the_datagram(wire: str, error: type[DecodeError]) -> None:
    with pytest.raises(error) as told:
        parse_message("192.0.2.1", memoryview(bytes.fromhex(wire)))
    assert (type(told.value), told.value.offset) == (error, 0)


@given(st.binary(max_size=64))
def test_the_body_is_what_length_says_or_an_error(octets: bytes) -> None:
    try:
        _, body = parse_message("192.0.2.1", memoryview(octets))
    except DecodeError:
        return
    assert 16 + len(body) == int.from_bytes(octets[2:4]) <= len(octets)
