import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import MalformedError
from collector.protocols.bmp.framing import BmpFramer
from tests.protocols.bmp.wire import message

MESSAGES = [message(4, b""), message(0, bytes(100)), message(200, b"x", version=4)]


def test_messages_are_cut_from_one_read() -> None:
    assert BmpFramer().feed(b"".join(MESSAGES)) == MESSAGES


@given(
    st.lists(st.builds(message, st.integers(0, 255), st.binary(max_size=40))),
    st.lists(st.integers(1, 50), min_size=1),
)
def test_a_stream_gives_the_same_however_it_comes(messages: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(messages)
    framer, cut, start, turn = BmpFramer(), [], 0, 0
    while start < len(stream):
        size = sizes[turn % len(sizes)]
        cut += framer.feed(stream[start : start + size])
        start, turn = start + size, turn + 1
    assert cut == messages


def test_octet_by_octet() -> None:
    framer = BmpFramer()
    cut = [framer.feed(bytes((octet,))) for octet in b"".join(MESSAGES)]
    assert [found for some in cut for found in some] == MESSAGES


@pytest.mark.parametrize(
    ("header", "offset"),
    [
        pytest.param("02 00000006 04", 0, id="version-2"),
        pytest.param("03 00000005 04", 1, id="length-below-the-header"),
        pytest.param("03 00001001 04", 1, id="length-above-the-limit"),
    ],
)
def test_lost_framing_is_told_after_the_messages_before_it(header: str, offset: int) -> None:
    framer = BmpFramer(max_message_octets=0x1000)
    bad = bytes.fromhex(header)
    assert framer.feed(MESSAGES[0] + bad) == MESSAGES[:1]
    for octets in (b"", MESSAGES[0]):
        with pytest.raises(MalformedError) as told:
            framer.feed(octets)
        assert told.value.offset == offset
    with pytest.raises(MalformedError):
        BmpFramer(max_message_octets=0x1000).feed(bad)


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_any_octets_are_cut_or_refused(pieces: list[bytes]) -> None:
    framer = BmpFramer(max_message_octets=64)
    stream, cut = b"".join(pieces), b""
    try:
        for piece in pieces:
            cut += b"".join(framer.feed(piece))
    except MalformedError:
        pass
    assert stream.startswith(cut)
