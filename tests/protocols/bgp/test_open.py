import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import DecodeError, TruncatedError
from collector.protocols.bgp.negotiation import Negotiated, negotiate
from collector.protocols.bgp.open import Capability, Open, read_open
from tests.protocols.bgp.wire import AS4, add_path, capabilities, open_body


def _extended(parameters: bytes, old_length: int = 255) -> bytes:
    head = open_body(23456)[:-1] + bytes((old_length, 255)) + len(parameters).to_bytes(2)
    return head + parameters


def test_capabilities_of_several_parameters() -> None:
    body = open_body(23456, capabilities((1, bytes(4)), (2, b"")) + capabilities(AS4))
    assert read_open(body) == Open(
        version=4,
        as_number=65001,
        hold_time_s=180,
        bgp_id="192.0.2.1",
        capabilities=(Capability(1, bytes(4)), Capability(2, b""), Capability(*AS4)),
        as_field=23456,
    )


def test_as_without_capability_is_that_of_two_octets() -> None:
    assert read_open(open_body(64512)).as_number == 64512


def test_other_parameters_are_no_capabilities() -> None:
    assert read_open(open_body(1, b"\1\2\xaa\xbb")).capabilities == ()


@pytest.mark.parametrize("old_length", [255, 1])
def test_extended_length_of_parameters(old_length: int) -> None:
    inner = b"".join(bytes((code, 4)) + bytes(4) for code in range(60))
    parameters = b"\2" + len(inner).to_bytes(2) + inner
    opened = read_open(_extended(parameters, old_length))
    assert opened.capabilities == tuple(Capability(code, bytes(4)) for code in range(60))


def test_length_255_of_classic_parameters_is_no_extension() -> None:
    parameters = capabilities((99, bytes(251)))
    assert len(parameters) == 255
    assert read_open(open_body(1, parameters)).capabilities == (Capability(99, bytes(251)),)


@pytest.mark.parametrize(
    ("wire", "offset"),
    [
        pytest.param(open_body(1)[:9], 0, id="fixed-part"),
        pytest.param(open_body(1)[:9] + b"\5", 10, id="parameters-past-the-end"),
        pytest.param(open_body(1, b"\2"), 10, id="half-a-parameter"),
        pytest.param(open_body(1, b"\2\5\1\0"), 10, id="parameter-past-the-end"),
        pytest.param(open_body(1, b"\2\2\1\4"), 12, id="capability-past-its-parameter"),
        pytest.param(open_body(1, b"\2\1\1"), 12, id="half-a-capability"),
        pytest.param(open_body(1, b"\xff\0"), 10, id="half-an-extended-length"),
        pytest.param(_extended(b"\2\0"), 13, id="half-an-extended-parameter"),
    ],
)
def test_a_bad_open_is_told_with_its_offset(wire: bytes, offset: int) -> None:
    with pytest.raises(TruncatedError) as told:
        read_open(wire, offset=100)
    assert told.value.offset == 100 + offset


@given(st.binary(max_size=80))
def test_any_octets_are_an_open_or_a_decode_error(octets: bytes) -> None:
    try:
        read_open(octets)
    except DecodeError as error:
        assert 0 <= error.offset <= len(octets)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=8)), max_size=20))
def test_capabilities_survive_the_wire(pairs: list[tuple[int, bytes]]) -> None:
    inner = b"".join(bytes((code, len(value))) + value for code, value in pairs)
    opened = read_open(_extended(b"\2" + len(inner).to_bytes(2) + inner))
    assert opened.capabilities == tuple(Capability(*pair) for pair in pairs)


def _open(*pairs: tuple[int, bytes]) -> Open:
    return read_open(open_body(1, capabilities(*pairs)))


@pytest.mark.parametrize(
    ("ours", "theirs", "received", "sent"),
    [
        pytest.param(1, 2, True, False, id="we-receive"),
        pytest.param(2, 1, False, True, id="we-send"),
        pytest.param(3, 3, True, True, id="both"),
        pytest.param(3, 1, False, True, id="they-only-receive"),
        pytest.param(1, 1, False, False, id="nobody-sends"),
        pytest.param(0, 3, False, False, id="no-such-mode"),
    ],
)
def test_add_path_needs_both_and_has_a_direction(
    ours: int, theirs: int, received: bool, sent: bool
) -> None:
    agreed = negotiate(_open(add_path((1, 1, ours))), _open(add_path((1, 1, theirs))))
    family = frozenset({(1, 1)})
    assert agreed.received_add_path == (family if received else frozenset())
    assert agreed.sent_add_path == (family if sent else frozenset())


def test_add_path_is_by_family() -> None:
    agreed = negotiate(_open(add_path((1, 1, 3), (2, 128, 3))), _open(add_path((2, 128, 3))))
    assert agreed == Negotiated(frozenset({(2, 128)}), frozenset({(2, 128)}), 2)


@pytest.mark.parametrize(
    ("ours", "theirs", "as_size"), [((AS4,), (AS4,), 4), ((AS4,), (), 2), ((), (AS4,), 2)]
)
def test_wide_ases_need_both(ours: tuple, theirs: tuple, as_size: int) -> None:
    assert negotiate(_open(*ours), _open(*theirs)).as_size == as_size


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_add_path_capability_is_negotiated(ours: bytes, theirs: bytes) -> None:
    agreed = negotiate(_open((69, ours)), _open((69, theirs)))
    assert len(agreed.received_add_path | agreed.sent_add_path) <= 64
