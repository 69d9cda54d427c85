"""A dozen routers of one network: the same small internet, seen over paths of their own.

Every router's peers have ASes of their own (650RRP: router RR, peer P), so that an AS path tells
which router announced it. Prefixes and ASes are those of documentation, benchmarks and private use.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from collector.simulation.announced import AsPath
from collector.simulation.bgp import Network
from collector.simulation.bmp import LOC_RIB, Peer

OWN_AS = 64512
MAX_ROUTERS = 50  # so that the peers' ASes stay apart from each other and below 65536

_ORIGIN_ASES = (*range(64496, 64512), *range(65536, 65552))  # RFC 5398
_CITIES = ("ams", "fra", "lon", "par", "mad", "mil", "vie", "waw", "sto", "osl", "hel", "dub")
_VIEWS = ("adj-rib-in-pre", "adj-rib-in-post", "loc-rib")
_MORE_SPECIFICS = {4: 6, 6: 2}  # of each origin's aggregate


@dataclass(frozen=True, slots=True)
class Destination:
    """A prefix of the internet and the ASes that every path to it ends with."""

    prefix: Network
    tail: AsPath
    is_aggregate: bool  # announced for good; what is more specific comes and goes


@dataclass(frozen=True, slots=True)
class PeerTable:
    """One table that a router reports: whose it is, and what it holds at the start."""

    peer: Peer
    local_pref: int
    next_hop_v4: str
    next_hop_v6: str
    routes: dict[Network, AsPath]

    def next_hop(self, prefix: Network) -> str:
        """The next hop of a route of the prefix's family."""
        return self.next_hop_v4 if prefix.version == 4 else self.next_hop_v6


@dataclass(frozen=True, slots=True)
class RouterPlan:
    """Everything about one simulated router that does not change.

    ``tables`` are in the order in which the router prefers them. ``customers`` are the prefixes
    behind it, where its flows begin or end, ``unstable`` those that may come and go.
    """

    name: str
    address: str
    bgp_id: str
    view: str
    tables: tuple[PeerTable, ...]
    customers: tuple[Network, ...]
    destinations: tuple[Network, ...]
    unstable: tuple[Network, ...]
    seed: int


def simulated_network(
    routers: int = 12, *, seed: int = 1, addresses: Sequence[str] = ()
) -> list[RouterPlan]:
    """Plan a network; the same arguments give the same one.

    Args:
        routers: how many, at most `MAX_ROUTERS`.
        addresses: source addresses of the first routers; the others get one in 127.77.0.0/16.
    """
    if not 0 < routers <= MAX_ROUTERS:
        raise ValueError(f"{routers} routers: 1 to {MAX_ROUTERS} are possible")
    internet = _internet(random.Random(seed))
    plans = []
    for number in range(1, routers + 1):
        address = addresses[number - 1] if number <= len(addresses) else f"127.77.0.{number}"
        plans.append(_router(number, address, internet, seed))
    return plans


def _internet(rng: random.Random) -> list[Destination]:
    destinations = []
    spaces = (
        (list(IPv4Network("198.18.0.0/15").subnets(new_prefix=20)), 24),
        (list(IPv6Network("2001:db8:8000::/35").subnets(new_prefix=40)), 48),
    )
    for aggregates, length in spaces:
        for origin, aggregate in zip(_ORIGIN_ASES, aggregates, strict=True):
            destinations.append(Destination(aggregate, (origin,), True))
            inside = list(aggregate.subnets(new_prefix=length))
            for prefix in rng.sample(inside, _MORE_SPECIFICS[aggregate.version]):
                customer = rng.choice([other for other in _ORIGIN_ASES if other != origin])
                destinations.append(Destination(prefix, (origin, customer), False))
    return destinations


def _router(number: int, address: str, internet: list[Destination], seed: int) -> RouterPlan:
    rng = random.Random(f"{seed}/{number}")
    customers = (
        IPv4Network((10 << 24 | number << 16, 16)),
        IPv6Network((0x20010DB8_00000000 + (number << 16) << 64, 48)),
    )
    view = _VIEWS[number % len(_VIEWS)]
    ranks = (1,) if view == "loc-rib" else (1, 2)
    return RouterPlan(
        name=_name(number),
        address=address,
        bgp_id=_bgp_id(number),
        view=view,
        tables=tuple(
            _table(number, rank, view, ":" in address, internet, customers, rng) for rank in ranks
        ),
        customers=customers,
        destinations=tuple(destination.prefix for destination in internet),
        unstable=tuple(
            destination.prefix for destination in internet if not destination.is_aggregate
        ),
        seed=rng.getrandbits(32),
    )


def _table(
    number: int,
    rank: int,
    view: str,
    ipv6: bool,
    internet: list[Destination],
    customers: tuple[Network, ...],
    rng: random.Random,
) -> PeerTable:
    next_hop_v4, next_hop_v6 = f"172.16.{number}.{rank}", f"2001:db8:ff00:{number:x}::{rank:x}"
    peer_as = 65000 + 10 * number + rank
    if view == "loc-rib":
        peer = Peer(type=LOC_RIB, as_number=OWN_AS, bgp_id=_bgp_id(number))
    else:
        peer = Peer(
            address=next_hop_v6 if ipv6 else next_hop_v4,
            as_number=peer_as,
            bgp_id=next_hop_v4,
            post_policy=view == "adj-rib-in-post",
        )
    routes: dict[Network, AsPath] = {}
    for destination in internet:
        transits = rng.sample(_ORIGIN_ASES, rng.randrange(3))
        between = [transit for transit in transits if transit not in destination.tail]
        routes[destination.prefix] = (peer_as, *between, *destination.tail)
    if rank == 1:
        routes.update((prefix, (64600 + number,)) for prefix in customers)
    return PeerTable(peer, 300 - 100 * rank, next_hop_v4, next_hop_v6, routes)


def _bgp_id(number: int) -> str:
    return f"10.255.0.{number}"


def _name(number: int) -> str:
    generation, city = divmod(number - 1, len(_CITIES))
    return f"{_CITIES[city]}-edge-{generation + 1}"
