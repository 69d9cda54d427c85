"""Messages read together: runs of what is plain, and nothing in them that is something else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.bgp.update import split_update
from collector.protocols.bmp.decoder import BmpDecoder
from collector.protocols.bmp.json_form import message_json, monitoring_json
from collector.protocols.bmp.messages import RouteMonitoring
from collector.protocols.bmp.plain_messages import find_plain
from tests.protocols.bgp.updates import bodies
from tests.protocols.bgp.wire import attribute, bgp, mp_unreach, prefix, segment, update
from tests.protocols.bmp.wire import message, monitoring, peer_up, per_peer

USUAL = update(
    attribute(1, b"\0") + attribute(2, segment(2, (64500,))) + attribute(3, bytes(4)),
    prefix("10.0.0.0/8"),
)
SIX = update(mp_unreach(2, 1, prefix("2001:db8::/32")))
OTHER = per_peer(address="192.0.2.3", time=(1, 2))
GOOD = monitoring(USUAL)

_messages = st.one_of(
    st.tuples(bodies, st.sampled_from((None, None, None, OTHER))).map(
        lambda pair: monitoring(*pair)
    ),
    st.binary(max_size=90).map(lambda body: message(0, body)),
    st.just(peer_up(b"", b"")),
    st.tuples(bodies, st.integers(48, 68), st.integers(0, 255)).map(
        lambda each: _spoilt(monitoring(each[0]), *each[1:])
    ),
)


def _spoilt(octets: bytes, at: int, value: int) -> bytes:
    return octets[:at] + bytes((value,)) + octets[at + 1 :]


def _runs(messages: list[bytes]) -> list[list[int]]:
    found = find_plain(messages)
    return [rows.tolist() for stretch in found.stretches for rows in found.runs(messages, *stretch)]


@given(st.lists(_messages, max_size=10))
def test_a_run_is_of_route_monitoring_of_one_peer(messages: list[bytes]) -> None:
    decoder = BmpDecoder()
    found = find_plain(messages)
    last = 0
    for start, stop in found.stretches:
        assert last <= start < stop <= len(messages)
        last = stop
        runs = found.runs(messages, start, stop)
        assert sorted(row for rows in runs for row in rows.tolist()) == list(range(start, stop))
        for rows in runs:
            run, lists = found.run(rows), found.lists(rows)
            decoded = [decoder.decode(messages[row]) for row in rows.tolist()]
            assert {type(each) for each in decoded} == {RouteMonitoring}
            assert len({id(each.peer) for each in decoded}) == 1
            events = monitoring_json(decoded[0].peer, found.times_us(rows), run, lists)
            if decoded[0].peer.as_size == 4:
                assert list(events) == list(map(message_json, decoded))


@pytest.mark.parametrize(
    ("messages", "runs"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([GOOD] * 3, [[0, 1, 2]], id="usual"),
        pytest.param([GOOD, monitoring(USUAL, OTHER)], [[0], [1]], id="two-peers"),
        pytest.param(
            [GOOD, monitoring(USUAL, per_peer(time=(7, 7)))], [[0, 1]], id="at-another-time"
        ),
        pytest.param([GOOD, monitoring(SIX), GOOD], [[0, 2], [1]], id="families"),
        pytest.param([GOOD, peer_up(b"", b""), GOOD], [[0], [2]], id="peer-up-between"),
        pytest.param([message(4, b""), GOOD], [[1]], id="short-message"),
        pytest.param([message(0, per_peer() + bgp(2, USUAL), version=4)], [], id="version-4"),
        pytest.param([message(6, per_peer() + bgp(2, USUAL))], [], id="mirroring"),
        pytest.param([message(0, per_peer() + bgp(1, USUAL))], [], id="not-an-update"),
        pytest.param([message(0, per_peer() + bgp(2, USUAL) + b"\0")], [], id="octets-after-it"),
        pytest.param([message(0, per_peer() + bgp(2, USUAL)[:-1])], [], id="cut-short"),
        pytest.param([message(0, per_peer() + b"\0" + bgp(2, USUAL)[1:])], [], id="marker"),
        pytest.param([message(0, per_peer())], [], id="no-update"),
    ],
)
def test_which_messages_are_plain(messages: list[bytes], runs: list[list[int]]) -> None:
    assert _runs(messages) == runs


def test_the_last_update_is_read_to_its_end() -> None:
    found = find_plain([GOOD, monitoring(SIX)])
    first, last = (found.run(np.array([row])) for row in (0, 1))
    assert last.lengths.tolist() == [32]
    assert int(last.addresses[0][0]) >> 32 == 0x20010DB8
    assert first.contents == [split_update(USUAL).content]
