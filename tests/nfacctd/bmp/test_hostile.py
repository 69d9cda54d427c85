"""Octets that no router should send: they are counted, and nothing else happens."""

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.simulation import bgp, bmp
from tests.nfacctd.bmp.lab import LOC_RIB, PEER, RD_1, ROUTE, Lab, announce, monitoring, up

_VPN = bgp.nlri("20.0.0.0/8", labels=[100], rd=RD_1)
_MESSAGES = (
    bmp.initiation("name"),
    bmp.termination(),
    up(),
    up(LOC_RIB, capabilities=bgp.add_path(1, 1)),
    announce("20.0.0.0/8", "30.0.0.0/24"),
    announce("2001:db8::/32", route=bgp.Route([65001], "2001:db8::1", med=1)),
    monitoring(bgp.mp_announcement(1, 128, _VPN, ROUTE)),
    monitoring(bgp.mp_withdrawal(1, 128, _VPN)),
    bmp.statistics(PEER, [(0, bytes(4)), (9, bytes(11)), (99, b"abc")]),
    bmp.peer_down(PEER, 1, data=bgp.notification(6, 2)),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(_MESSAGES),
            st.lists(st.tuples(st.integers(6, 250), st.integers(0, 255)), max_size=4),
            st.integers(0, 40),
        ),
        max_size=8,
    ),
    st.sampled_from(("json", "avro")),
)
def test_damaged_messages_are_survived(
    messages: list[tuple[bytes, list[tuple[int, int]], int]], output: str
) -> None:
    lab = Lab(output)
    connection = lab.open()
    lab.send(connection, up())
    for message, changes, cut in messages:
        octets = bytearray(message[: max(6, len(message) - cut)])
        for at, value in changes:
            if at < len(octets):
                octets[at] = value
        octets[1:5] = len(octets).to_bytes(4)  # framing is the receiver's
        lab.send(connection, bytes(octets))
    lab.close(connection)


@given(st.binary(max_size=300))
def test_any_octets_are_survived(octets: bytes) -> None:
    lab = Lab()
    connection = lab.open()
    lab.send(connection, octets)
    lab.close(connection)
