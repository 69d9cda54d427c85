"""BMP octets that announce a table, with a placeholder for the peer's address and next hop.

The sender writes an address in the placeholder's stead, so that one stream made once serves any
number of peers and routers. Four octets in a row that are all above 250 stand nowhere else in it.
"""

import random
from collections.abc import Iterator
from ipaddress import IPv4Address

import numpy as np
from numpy.typing import NDArray

from collector.simulation.bgp import Route, announcement, end_of_rib, open_message
from collector.simulation.bmp import Peer, initiation, peer_up, route_monitoring
from tests.bench.table import FIRST_ORIGIN_AS, BenchTable

PLACEHOLDER = IPv4Address("251.252.253.254")
MARKER_AS, MARKER_PREFIX = 99_999, "101.0.0.0/24"  # no other route is near it
_OWN_AS, _NEIGHBOUR_AS = 65_000, 64_900
_LENGTH_OFFSET = 16  # of a BGP message's Length field, after the marker
_NLRI_A_MESSAGE = 400
_TABLE_MEDS = 100  # churn has others


def session_start() -> bytes:
    """The first message of a router."""
    return initiation("bench")


def peer_start() -> bytes:
    """A peer comes up."""
    received = open_message(_NEIGHBOUR_AS, str(PLACEHOLDER))
    return peer_up(_peer(), "192.0.2.250", open_message(_OWN_AS, "192.0.2.250"), received, 1.0)


def table_stream(
    table: BenchTable, share: tuple[int, int] = (0, 1), *, post_policy: bool = False
) -> bytes:
    """All routes of a table of one peer, up to the End-of-RIB.

    Args:
        share: (k, n): only the attribute sets whose number modulo n is k.
    """
    chosen = np.flatnonzero(table.sets % share[1] == share[0])
    peer = _peer(post_policy)
    messages = [
        route_monitoring(peer, update, 1.0)
        for update in _updates(nlri_octets(table, chosen), table.sets[chosen])
    ]
    messages.append(route_monitoring(peer, end_of_rib(), 1.0))
    return b"".join(messages)


def churn_stream(table: BenchTable, routes: NDArray[np.int64], med: int) -> list[bytes]:
    """One message for each route: the same path, with another MED."""
    peer, messages = _peer(), []
    for octets, number in zip(nlri_octets(table, routes), table.sets[routes].tolist(), strict=True):
        update = _with_nlri(announcement([], _route(number, _TABLE_MEDS + med)), [octets])
        messages.append(route_monitoring(peer, update, 1.0))
    return messages


def marker(med: int) -> bytes:
    """Announce the marker route."""
    route = Route((_NEIGHBOUR_AS, MARKER_AS), str(PLACEHOLDER), local_pref=100, med=med)
    return route_monitoring(_peer(), announcement([MARKER_PREFIX], route), 1.0)


def nlri_octets(table: BenchTable, routes: NDArray[np.int64]) -> list[bytes]:
    """Each route as it stands in an UPDATE (RFC 4271 section 4.3)."""
    told = zip(table.networks[routes].tolist(), table.lengths[routes].tolist(), strict=True)
    return [bytes((length,)) + network.to_bytes(4)[: (length + 7) // 8] for network, length in told]


def _peer(post_policy: bool = False) -> Peer:
    return Peer(str(PLACEHOLDER), _NEIGHBOUR_AS, str(PLACEHOLDER), post_policy=post_policy)


def _updates(nlri: list[bytes], sets: NDArray[np.int64]) -> Iterator[bytes]:
    bounds = np.flatnonzero(np.diff(sets, prepend=-1)).tolist()
    for start, stop in zip(bounds, [*bounds[1:], len(nlri)], strict=True):
        empty = announcement([], _route(int(sets[start])))
        for first in range(start, stop, _NLRI_A_MESSAGE):
            yield _with_nlri(empty, nlri[first : min(first + _NLRI_A_MESSAGE, stop)])


def _route(number: int, med: int | None = None) -> Route:
    """One attribute set, always the same for its number. All paths are equally good."""
    numbers = random.Random(number)
    transit = [numbers.randrange(1_000, 60_000) for _ in range(numbers.randrange(1, 4))]
    communities = tuple(
        (_NEIGHBOUR_AS, numbers.randrange(1_000)) for _ in range(numbers.randrange(1, 6))
    )
    return Route(
        (_NEIGHBOUR_AS, *transit, FIRST_ORIGIN_AS + number),
        str(PLACEHOLDER),
        local_pref=100,
        med=numbers.randrange(_TABLE_MEDS) if med is None else med,
        communities=communities,
    )


def _with_nlri(update: bytes, nlri: list[bytes]) -> bytes:
    """Append NLRI to an UPDATE without any; `announcement` itself is too slow for a million."""
    octets = b"".join(nlri)
    length = (len(update) + len(octets)).to_bytes(2, "big")
    return update[:_LENGTH_OFFSET] + length + update[_LENGTH_OFFSET + 2 :] + octets
