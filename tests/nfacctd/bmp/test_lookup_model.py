"""Routes that come and go at random: each lookup agrees with a look at every route."""

from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.simulation import bgp, bmp
from tests.nfacctd.bmp.lab import PEER, RD_1, RD_2, ROUTER, Lab, announce, up, withdraw

_PEERS = (
    PEER,
    bmp.Peer("192.0.2.1", 65001, "192.0.2.1", post_policy=True),
    bmp.Peer(as_number=65000, type=bmp.LOC_RIB, distinguisher=RD_1),
    bmp.Peer(as_number=65000, type=bmp.LOC_RIB, distinguisher=RD_2),
)
_RDS = (None, None, "0:65000:1", "0:65000:2")  # of those peers
_NETWORKS = tuple(
    IPv4Network(text)
    for text in ("0.0.0.0/0", "20.0.0.0/8", "20.0.0.0/31", "20.0.0.0/32", "20.0.0.1/32")
)
_ADDRESSES = tuple(map(IPv4Address, ("9.9.9.9", "20.0.0.0", "20.0.0.1", "20.9.9.9")))


class _Step(NamedTuple):
    peer: int
    network: int
    as_number: int  # 0: withdraw


_STEPS = st.lists(
    st.builds(
        _Step,
        st.integers(0, len(_PEERS) - 1),
        st.integers(0, len(_NETWORKS) - 1),
        st.integers(0, 3),
    ),
    max_size=30,
)


def _expected(
    routes: dict[tuple[int, int], int], address: IPv4Address, rd: str | None
) -> str | None:
    """The AS of the route that a linear scan finds; ``routes`` are in order of installation."""
    best: tuple[int, int] | None = None
    for peer, network in routes:
        prefix = _NETWORKS[network]
        if address not in prefix or (rd is not None and _RDS[peer] != rd):
            continue
        longest = -1 if best is None else _NETWORKS[best[1]].prefixlen
        newest_wins = prefix.prefixlen == 32
        if prefix.prefixlen > longest or (prefix.prefixlen == longest and newest_wins):
            best = peer, network
    return None if best is None else str(routes[best])


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_lookups_agree_with_a_linear_scan(steps: list[_Step]) -> None:
    lab = Lab(log=False)
    connection = lab.open()
    lab.send(connection, *(up(peer) for peer in _PEERS))
    routes: dict[tuple[int, int], int] = {}
    for step in steps:
        peer, prefix = _PEERS[step.peer], str(_NETWORKS[step.network])
        if step.as_number:
            route = bgp.Route([step.as_number], "192.0.2.1")
            lab.send(connection, announce(prefix, peer=peer, route=route))
            routes[step.peer, step.network] = step.as_number
        else:
            lab.send(connection, withdraw(prefix, peer=peer))
            routes.pop((step.peer, step.network), None)
        for address in _ADDRESSES:
            for rd in (None, "0:65000:1"):
                entry = lab.daemon.match(
                    ROUTER, 1, int(address), rd or "", "flow" if rd else "unknown"
                )
                told = None if entry is None else entry.attributes.as_path
                assert told == _expected(routes, address, rd)
